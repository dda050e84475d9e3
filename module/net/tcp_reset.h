/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNAT_TCP_RESET_H
#define CHATDNAT_TCP_RESET_H

#include <linux/types.h>
#include <net/netfilter/nf_conntrack_tuple.h>

#include "../policy/settings.h"

struct nf_conn;

/* Data to reset a TCP connection whose conntrack entry is deleted. */
struct chatdnat_tcp_reset {
	struct nf_conntrack_tuple tuple[IP_CT_DIR_MAX];
	u32 end[IP_CT_DIR_MAX];	      /* sequence number after the last byte */
	enum ip_conntrack_dir client; /* direction of packets from the WAN side */
	bool known;		      /* sequence numbers are known */
};

/**
 * struct chatdnat_segment - a TCP segment without data, sent for an endpoint
 * @flow: addresses and ports
 * @seq: sequence number
 * @ack: acknowledgment number
 * @rst: RST and ACK; otherwise ACK only
 * @wan: the WAN interfaces, if it is sent to the WAN side; otherwise NULL
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
