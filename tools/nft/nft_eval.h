/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNATCTL_NFT_EVAL_H
#define CHATDNATCTL_NFT_EVAL_H

#include "nft_packet.h"
#include "nftables.h"

enum fate { PASSES, DROPPED, TAKEN /* translated by somebody else */ };

struct outcome {
	enum fate fate;
	bool unsure; /* a rule was met that is not understood, and taken as not matching */
	const struct nft_chain *chain; /* where it ended */
};

/* What a base chain does with the packet. Reads sets' elements from the kernel. */
struct outcome chain_outcome(const struct ruleset *ruleset, const struct nft_chain *chain,
			     const struct packet *packet);

#endif
