// SPDX-License-Identifier: GPL-2.0
#include "nft_load.h"

#include <arpa/inet.h>
#include <string.h>

#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/rtnetlink.h>

#include "nft_xt.h"

static void load_u8(struct regs *regs, uint32_t dreg, uint8_t value)
{
	reg_load(regs, dreg, &value, sizeof(value));
}

static void load_u16(struct regs *regs, uint32_t dreg, uint16_t value)
{
	reg_load(regs, dreg, &value, sizeof(value));
}

static void load_u32(struct regs *regs, uint32_t dreg, uint32_t value)
{
	reg_load(regs, dreg, &value, sizeof(value));
}

static void load_link(struct regs *regs, uint32_t dreg, const struct link *link, bool by_name)
{
	char name[16] = "";

	if (!by_name) {
		load_u32(regs, dreg, link ? link->index : 0);
		return;
	}
	if (link)
		memcpy(name, link->name, sizeof(name));
	reg_load(regs, dreg, name, sizeof(name));
}

void load_meta(struct regs *regs, uint32_t dreg, uint32_t key, const struct packet *packet)
{
	bool v4 = packet->src.family == V4;

	switch (key) {
	case NFT_META_IIF:
	case NFT_META_IIFNAME:
		load_link(regs, dreg, packet->in, key == NFT_META_IIFNAME);
		break;
	case NFT_META_OIF:
	case NFT_META_OIFNAME:
		load_link(regs, dreg, packet->out, key == NFT_META_OIFNAME);
		break;
	case NFT_META_L4PROTO:
		load_u8(regs, dreg, packet->protocol);
		break;
	case NFT_META_NFPROTO:
		load_u8(regs, dreg, v4 ? NFPROTO_IPV4 : NFPROTO_IPV6);
		break;
	case NFT_META_PROTOCOL:
		load_u16(regs, dreg, htons(v4 ? ETH_P_IP : ETH_P_IPV6));
		break;
	case NFT_META_PKTTYPE:
		load_u8(regs, dreg, PACKET_HOST);
		break;
	case NFT_META_MARK:
	case NFT_META_IIFGROUP:
	case NFT_META_OIFGROUP:
		/* Assumed to be unset. */
		load_u32(regs, dreg, 0);
		break;
	default:
		reg_forget(regs, dreg, 16);
		break;
	}
}

void load_ct(struct regs *regs, uint32_t dreg, uint32_t key, const struct packet *packet)
{
	if (packet->untracked) {
		load_u32(regs, dreg, NF_CT_STATE_UNTRACKED_BIT);
		return;
	}
	if (!packet->tracked) {
		reg_forget(regs, dreg, 16);
		return;
	}
	switch (key) {
	case NFT_CT_STATE:
		load_u32(regs, dreg,
			 NF_CT_STATE_BIT(packet->established ? IP_CT_ESTABLISHED_REPLY : IP_CT_NEW));
		break;
	case NFT_CT_STATUS:
		load_u32(regs, dreg, packet_status(packet));
		break;
	case NFT_CT_DIRECTION:
		load_u8(regs, dreg, packet->established);
		break;
	case NFT_CT_PROTOCOL:
		load_u8(regs, dreg, packet->protocol);
		break;
	case NFT_CT_L3PROTOCOL:
		load_u8(regs, dreg, packet->src.family == V4 ? NFPROTO_IPV4 : NFPROTO_IPV6);
		break;
	case NFT_CT_MARK:
		load_u32(regs, dreg, 0);
		break;
	default:
		reg_forget(regs, dreg, 16);
		break;
	}
}

/* The route back to a source is assumed to use the input interface. */
void load_fib(struct regs *regs, uint32_t dreg, uint32_t result, uint32_t flags,
	      const struct packet *packet)
{
	bool destination = flags & NFTA_FIB_F_DADDR;

	if (result == NFT_FIB_RESULT_ADDRTYPE)
		load_u32(regs, dreg, destination && packet->to_host ? RTN_LOCAL : RTN_UNICAST);
	else if (!destination && flags & NFTA_FIB_F_PRESENT)
		load_u8(regs, dreg, 1);
	else if (!destination)
		load_link(regs, dreg, packet->in, result == NFT_FIB_RESULT_OIFNAME);
	else
		reg_forget(regs, dreg, 16);
}

struct header {
	uint8_t v[40];
	bool known[40];
};

static void put(struct header *h, size_t at, const void *value, size_t len)
{
	memcpy(h->v + at, value, len);
	memset(h->known + at, true, len);
}

static void put_u16(struct header *h, size_t at, uint16_t value)
{
	value = htons(value);
	put(h, at, &value, sizeof(value));
}

static void ip_header(struct header *h, const struct packet *packet)
{
	/* The client's address is the source of an opening packet, and the destination of an answer. */
	bool src = !packet->anybody || packet->established,
	     dst = !packet->anybody || !packet->established;

	if (packet->src.family == V4) {
		put(h, 0, "\x45\0", 2);
		put(h, 6, "\x40\0\x3c", 3);
		put(h, 9, &packet->protocol, 1);
		if (src)
			put(h, 12, packet->src.bytes, 4);
		if (dst)
			put(h, 16, packet->dst.bytes, 4);
	} else {
		put(h, 0, "\x60\0\0\0", 4);
		put(h, 6, &packet->protocol, 1);
		put(h, 7, "\x3c", 1);
		if (src)
			put(h, 8, packet->src.bytes, 16);
		if (dst)
			put(h, 24, packet->dst.bytes, 16);
	}
}

static void transport_header(struct header *h, const struct packet *packet)
{
	put_u16(h, 0, packet->sport);
	put_u16(h, 2, packet->dport);
	if (packet->protocol == IPPROTO_TCP)
		put(h, 13, packet->established ? "\x12" : "\x02", 1);
}

void load_payload(struct regs *regs, uint32_t dreg, uint32_t base, uint32_t offset, uint32_t len,
		  const struct packet *packet)
{
	struct header h = { 0 };
	int place;

	if (base == NFT_PAYLOAD_NETWORK_HEADER)
		ip_header(&h, packet);
	else if (base == NFT_PAYLOAD_TRANSPORT_HEADER)
		transport_header(&h, packet);
	if (len > 40 || offset > 40 - len) {
		reg_forget(regs, dreg, len <= 64 ? len : 64);
		return;
	}
	place = reg_place(dreg, len);
	reg_load(regs, dreg, h.v + offset, len);
	if (place >= 0)
		memcpy(regs->known + place, h.known + offset, len);
}
