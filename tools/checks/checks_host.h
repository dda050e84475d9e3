/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNATCTL_CHECKS_HOST_H
#define CHATDNATCTL_CHECKS_HOST_H

#include "checks.h"

/* The WAN interfaces, and `via`'s and theirs that are missing. */
void check_wans(struct findings *findings, const struct state *state);

/* An interface that is probably meant by a name that does not exist, or NULL. */
const struct link *nearest_link(const struct state *state, const char *name);

/* The interface of the default route, or NULL. */
const struct link *default_link(const struct state *state);

/* The WAN interface whose default route, from a router advertisement, will be lost; or NULL. */
const struct link *ra_link(const struct state *state);

/* A sentence about the program that sets the interface up, which overrides the sysctl; or "". */
const char *ra_manager(const struct link *link);

/* Commands that make a forwarding host accept router advertisements there, and after a reboot. */
void fix_ra(struct findings *findings, const struct link *link);

#endif
