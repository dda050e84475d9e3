/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNATCTL_PROPOSE_H
#define CHATDNATCTL_PROPOSE_H

#include "../state/state.h"
#include "plan.h"

/*
 * Makes a plan of what the operator wishes and of what this host is; `ours` is the name of the tunnel that an earlier setup
 * has made, or NULL. False after a message. To be freed in either case.
 */
bool plan_propose(struct plan *plan, const struct state *state, const char *const *wishes,
		  const char *ours);

#endif
