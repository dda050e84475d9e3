/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNATCTL_NFT_LOAD_H
#define CHATDNATCTL_NFT_LOAD_H

#include "nft_packet.h"
#include "nft_regs.h"

/* Each loads a property of the packet into a register, or marks it as unknown. */
void load_meta(struct regs *regs, uint32_t dreg, uint32_t key, const struct packet *packet);
void load_ct(struct regs *regs, uint32_t dreg, uint32_t key, const struct packet *packet);
void load_fib(struct regs *regs, uint32_t dreg, uint32_t result, uint32_t flags,
	      const struct packet *packet);
void load_payload(struct regs *regs, uint32_t dreg, uint32_t base, uint32_t offset, uint32_t len,
		  const struct packet *packet);

#endif
