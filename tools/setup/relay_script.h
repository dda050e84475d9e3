/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNATCTL_RELAY_SCRIPT_H
#define CHATDNATCTL_RELAY_SCRIPT_H

#include "plan.h"

/* A POSIX shell script that sets up the relay's end of the tunnel, with its private key. To be freed. */
char *relay_script(const struct plan *plan);

#endif
