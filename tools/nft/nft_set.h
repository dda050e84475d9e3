/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNATCTL_NFT_SET_H
#define CHATDNATCTL_NFT_SET_H

#include "nft_regs.h"
#include "nftables.h"

struct verdict {
	bool given;
	int32_t code; /* NF_ACCEPT, NFT_JUMP, ... */
	char chain[256];
};

struct element {
	struct verdict verdict;
	uint8_t data[64];
	size_t len;
};

/* Reads a nest of NFTA_DATA_VALUE or NFTA_DATA_VERDICT. */
struct nlattr;
void data_parse(struct element *element, const struct nlattr *nest);

/* The number of bytes in a set's key, 0: unknown. */
size_t set_key_size(const struct nft_chain *where, const char *set);

/* Whether a set has the key; a map's value is copied to element. */
enum truth set_lookup(const struct nft_chain *where, const char *set, const void *key, size_t len,
		      struct element *element);

#endif
