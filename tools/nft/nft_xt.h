/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNATCTL_NFT_XT_H
#define CHATDNATCTL_NFT_XT_H

#include <stdint.h>

#include "nft_packet.h"
#include "nft_regs.h"

/* iptables' own matches, which iptables-nft puts into nftables rules unchanged. */
enum truth xt_match(const char *name, uint32_t revision, const void *info, size_t len,
		    const struct packet *packet);

/* The conntrack status of the packet's connection: IPS_* bits. */
uint32_t packet_status(const struct packet *packet);

#endif
