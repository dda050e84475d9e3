/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNATCTL_CHECKS_GUARD_H
#define CHATDNATCTL_CHECKS_GUARD_H

#include "checks.h"

/* What a guard of full or strict is known to lock out. */
struct guard {
	struct findings *f;
	const struct state *state;
	const char *value;
	bool strict;	     /* judges what enters by any interface, not by the WAN alone */
	struct ports *allow;
	char *wanted;	     /* what `allow` has to be to mend all that was found so far */
};

/* What guard=strict closes to the networks behind this host. */
void check_guard_inside(struct guard *guard);

#endif
