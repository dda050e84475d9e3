/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNATCTL_SYSCTL_H
#define CHATDNATCTL_SYSCTL_H

#include "../lib/family.h"

/* An interface's sysctl as sysctl(8) wants it named. To be freed. */
char *sysctl_name(enum family family, const char *interface, const char *what);

/* Its value, -1 if it cannot be read. */
long long sysctl_read(enum family family, const char *interface, const char *what);

/* The range of ports of this host's own connections; false if it cannot be read. */
bool sysctl_local_ports(unsigned int *first, unsigned int *last);

#endif
