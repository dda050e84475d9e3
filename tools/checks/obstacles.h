/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNATCTL_OBSTACLES_H
#define CHATDNATCTL_OBSTACLES_H

#include "../nft/nft_eval.h"
#include "../state/state.h"

/* The directions through this host in which a relay needs packets forwarded. */
enum direction { INWARD, ANSWER, OUTWARD, DIRECTIONS };

/*
 * What of a connection a chain stops. Served without state, most of its packets take a shortcut past the chain, which
 * sees the REST, untracked; or it has rules against some clients, which those PASS_BY.
 */
enum stopped { ALL, REST, PASS_BY };

/* A chain of others that stops connections in one of the directions. */
struct obstacle {
	const struct nft_chain *base, *chain; /* where it begins, and where it ends */
	enum fate fate;
	enum stopped stopped;
	bool unsure;
	const struct link *in, *out;
	char *port; /* the first one concerned, such as "25/tcp" */
	size_t ports;
};

/* How many chains of others the packets of a direction meet. */
size_t obstacles_find(const struct state *state, enum family family, enum direction direction, struct obstacle **found, size_t *n);
void obstacles_free(struct obstacle *obstacles, size_t n);

#endif
