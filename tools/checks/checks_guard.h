/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNATCTL_CHECKS_GUARD_H
#define CHATDNATCTL_CHECKS_GUARD_H

#include "checks.h"

/* What guard=full or strict is known to block. */
struct guard {
	struct findings *f;
	const struct state *state;
	const char *value;
	bool strict; /* judges all interfaces, not only the WAN */
	struct ports *allow;
	char *wanted; /* the value of `allow` that fixes all findings so far */
};

/* What guard=strict blocks for the networks behind this host. */
void check_guard_inside(struct guard *guard);

#endif
