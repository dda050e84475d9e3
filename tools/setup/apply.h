/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNATCTL_APPLY_H
#define CHATDNATCTL_APPLY_H

#include "plan.h"

/* False, after a message, if settings in another file of modprobe's would count instead of those that setup writes. */
bool apply_counts(void);

/* Sets what a file for sysctl(8) has. False after a message. */
bool apply_sysctls(const char *text);

/* Brings the tunnel up as wg-quick(8) does; one that is up stays as it is, unless its file has changed. */
bool apply_tunnel(const struct plan *plan, bool changed);

#endif
