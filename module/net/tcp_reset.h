/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNAT_TCP_RESET_H
#define CHATDNAT_TCP_RESET_H

#include <linux/types.h>
#include <net/netfilter/nf_conntrack_tuple.h>

#include "../policy/settings.h"

struct nf_conn;

/* What is needed of a TCP connection to reset it once it is gone. */
struct chatdnat_tcp_reset {
	struct nf_conntrack_tuple tuple[IP_CT_DIR_MAX];
	u32 end[IP_CT_DIR_MAX];		/* sequence number after the last byte */
	enum ip_conntrack_dir client;	/* whose packets are the client's */
	bool known;			/* the numbers are right */
};

/**
 * struct chatdnat_segment - a TCP segment without data that one end gets in the
 *			     other's name
 * @flow: from whom to whom
 * @seq: its sequence number
 * @ack: the number that it acknowledges
 * @rst: a reset; else a bare ACK
 * @wan: the interfaces by which clients come in; NULL: it is for the relay
 */
struct chatdnat_segment {
	struct chatdnat_flow flow;
	u32 seq;
	u32 ack;
	bool rst;
	const struct chatdnat_ifset *wan;
};

bool chatdnat_tcp_reset_prepare(struct chatdnat_tcp_reset *reset,
				const struct nf_conn *ct);
void chatdnat_tcp_reset_send(const struct chatdnat_tcp_reset *reset,
			     const struct chatdnat_ifset *wan);
bool chatdnat_tcp_reset_emit(const struct chatdnat_segment *segment, gfp_t gfp);

#endif /* CHATDNAT_TCP_RESET_H */
