/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNATCTL_NFT_PACKET_H
#define CHATDNATCTL_NFT_PACKET_H

#include "../host/link.h"
#include "../lib/family.h"

/* The first packet of a connection, or its answer, as a chain would meet it. */
struct packet {
	const struct link *in, *out; /* out: NULL before routing */
	struct address src, dst;
	uint8_t protocol;
	uint16_t sport, dport;
	bool tracked;	  /* conntrack has seen it */
	bool untracked;	  /* it is exempt from conntrack */
	bool established; /* it answers one; otherwise it opens one */
	bool translated;  /* its connection's destination was */
	bool to_host;	  /* dst is an address of this host */
	bool anybody;	  /* of whichever client, at whatever rate: what depends on it is not known, and may match */
};

#endif
