/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNAT_MSS_H
#define CHATDNAT_MSS_H

#include <linux/netfilter.h>

struct tcphdr;

unsigned int chatdnat_mss(void *priv, struct sk_buff *skb,
			  const struct nf_hook_state *state);

bool chatdnat_mss_clamp(struct sk_buff *skb, struct tcphdr *th, u16 max);

#endif /* CHATDNAT_MSS_H */
