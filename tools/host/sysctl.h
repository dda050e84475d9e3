/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNATCTL_SYSCTL_H
#define CHATDNATCTL_SYSCTL_H

#include "../lib/family.h"

/* The name of an interface's sysctl, as for sysctl(8). To be freed. */
char *sysctl_name(enum family family, const char *interface, const char *what);

/* Its value, -1 if it cannot be read. */
long long sysctl_read(enum family family, const char *interface, const char *what);

/* The range of ephemeral ports; false if it cannot be read. */
bool sysctl_local_ports(unsigned int *first, unsigned int *last);

#endif
