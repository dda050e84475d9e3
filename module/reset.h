/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNAT_RESET_H
#define CHATDNAT_RESET_H

#include <net/netfilter/nf_conntrack_tuple.h>

struct chatdnat_ifset;
struct nf_conn;

/* What is needed of a TCP connection to reset it once it is gone. */
struct chatdnat_reset {
	struct nf_conntrack_tuple tuple[IP_CT_DIR_MAX];
	u32 end[IP_CT_DIR_MAX];		/* sequence number after the last byte */
	enum ip_conntrack_dir client;	/* whose packets are the client's */
};

bool chatdnat_reset_prepare(struct chatdnat_reset *reset,
			    const struct nf_conn *ct);
void chatdnat_reset_send(const struct chatdnat_reset *reset,
			 const struct chatdnat_ifset *wan);

#endif /* CHATDNAT_RESET_H */
