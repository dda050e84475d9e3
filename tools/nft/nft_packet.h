/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNATCTL_NFT_PACKET_H
#define CHATDNATCTL_NFT_PACKET_H

#include "../host/link.h"
#include "../lib/family.h"

/* The first packet of a connection, or its answer, as a chain would see it. */
struct packet {
	const struct link *in, *out; /* out: NULL at prerouting */
	struct address src, dst;
	uint8_t protocol;
	uint16_t sport, dport;
	bool tracked;	  /* conntrack has seen it */
	bool untracked;	  /* it is untracked */
	bool established; /* it answers one; otherwise it opens one */
	bool translated;  /* its connection's destination was */
	bool to_host;	  /* dst is an address of this host */
	bool anybody; /* for any client, at any rate: such conditions are unknown, and may match */
};

#endif
