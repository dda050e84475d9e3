/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNAT_DNAT_H
#define CHATDNAT_DNAT_H

#include "../policy/nat_policy.h"

struct net_device;
struct nf_hook_state;
struct sk_buff;

enum chatdnat_dst_decision
chatdnat_dnat_decision(const struct chatdnat_settings *settings,
		       struct chatdnat_dst_packet *packet,
		       const struct net_device *dev,
		       const struct chatdnat_addr **relay);
unsigned int chatdnat_dnat(void *priv, struct sk_buff *skb,
			   const struct nf_hook_state *state);

#endif /* CHATDNAT_DNAT_H */
