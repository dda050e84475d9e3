/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNATCTL_OBSTACLES_H
#define CHATDNATCTL_OBSTACLES_H

#include "../nft/nft_eval.h"
#include "../state/state.h"

/* The directions through this host that a relay needs. */
enum direction { INWARD, ANSWER, OUTWARD, DIRECTIONS };

/*
 * Which packets of a connection a chain stops. Most packets of a stateless connection bypass the chain, which
 * sees the REST, untracked; or it has rules against some clients, whose packets PASS_BY.
 */
enum stopped { ALL, REST, PASS_BY };

/* A foreign chain that stops connections in one direction. */
struct obstacle {
	const struct nft_chain *base, *chain; /* where it begins, and where it ends */
	enum fate fate;
	enum stopped stopped;
	bool unsure;
	const struct link *in, *out;
	char *port; /* the first one concerned, such as "25/tcp" */
	size_t ports;
};

/* How many foreign chains the packets of a direction pass. */
size_t obstacles_find(const struct state *state, enum family family, enum direction direction,
		      struct obstacle **found, size_t *n);
void obstacles_free(struct obstacle *obstacles, size_t n);

#endif
