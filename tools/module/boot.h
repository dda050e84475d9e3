/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNATCTL_BOOT_H
#define CHATDNATCTL_BOOT_H

#include <stdbool.h>

#define BOOT_UNIT "chatdnat.service"
#define CLOSED_UNIT "chatdnat-closed.service"

/* Whether systemd runs this host and has the unit; whether it starts it at boot; whether the unit has loaded the module. */
bool boot_unit_installed(void);
bool boot_unit_enabled(void);
bool boot_unit_active(void);

/* Whether nothing is forwarded until the unit has loaded the module. */
bool boot_closed(void);

/*
 * Why the running kernel refused the module's parameters, in its own words. NULL if it did not, or if its log cannot be
 * read. To be freed.
 */
char *boot_refusal(void);

#endif
