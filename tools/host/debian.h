/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNATCTL_DEBIAN_H
#define CHATDNATCTL_DEBIAN_H

#include <stdbool.h>

/* Whether this is Debian or one of its derivatives, where apt installs packages by Debian's names. */
bool on_debian(void);

#endif
