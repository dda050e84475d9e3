/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNAT_LEAK_H
#define CHATDNAT_LEAK_H

#include <linux/netfilter.h>
#include <net/netfilter/nf_conntrack.h>

#include "../policy/settings.h"

bool chatdnat_leak_is_bridged(const struct sk_buff *skb);
bool chatdnat_leak(const struct chatdnat_settings *settings,
		   struct sk_buff *skb, const struct nf_hook_state *state);
unsigned int chatdnat_leak_untracked(struct sk_buff *skb,
				     const struct nf_hook_state *state);
unsigned int chatdnat_leak_error(struct sk_buff *skb,
				 const struct nf_hook_state *state,
				 const struct nf_conn *ct,
				 enum ip_conntrack_info ctinfo);

#endif /* CHATDNAT_LEAK_H */
