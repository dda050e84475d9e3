/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNATCTL_TUNNEL_H
#define CHATDNATCTL_TUNNEL_H

#include "../state/state.h"
#include "plan.h"

/*
 * The tunnel and both ends' addresses: of a new one, or of one that is there, which is somebody else's unless its name is
 * `ours`. False after a message.
 */
bool tunnel_propose(struct plan *plan, const struct state *state, const char *const *wishes,
		    const char *ours);

#endif
