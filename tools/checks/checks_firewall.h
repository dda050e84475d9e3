/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNATCTL_CHECKS_FIREWALL_H
#define CHATDNATCTL_CHECKS_FIREWALL_H

#include "checks.h"
#include "obstacles.h"

/* The commands that open a chain, in the syntax of the tool that made it. */
void fix_obstacle(struct findings *findings, const struct state *state, enum family family,
		  enum direction direction, const struct obstacle *obstacle);

#endif
