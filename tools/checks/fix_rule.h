/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNATCTL_FIX_RULE_H
#define CHATDNATCTL_FIX_RULE_H

#include "../nft/nftables.h"
#include "findings.h"

/*
 * The command that accepts, as the first rule of a chain, what some matches select: in nft's words, and as the members of
 * its JSON, which takes a chain of any name.
 */
void fix_rule(struct findings *findings, const struct nft_chain *chain, const char *words,
	      const char *json);

/* The command that lists a chain, of which a rule is to be deleted. */
void fix_list(struct findings *findings, const struct nft_chain *chain);

/* A name as a string of JSON. To be freed. */
char *fix_string(const char *name);

#endif
