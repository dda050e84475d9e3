/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNATCTL_NFT_EXPR_H
#define CHATDNATCTL_NFT_EXPR_H

#include "nft_packet.h"
#include "nft_regs.h"
#include "nft_set.h"

struct nlattr;

/* The effect of an expression on its rule. */
enum step {
	NEXT,
	NO_MATCH,
	NOT_KNOWN,  /* whether it matches */
	VERDICT,    /* in machine.verdict */
	TRANSLATED, /* the destination */
};

struct machine {
	const struct packet *packet;
	const struct nft_chain *where; /* whose table has the sets */
	struct regs regs;
	struct verdict verdict;
};

enum step expression_run(struct machine *machine, const struct nlattr *attr);

#endif
