/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNAT_VIA_H
#define CHATDNAT_VIA_H

#include <linux/netfilter.h>

struct chatdnat_settings;

bool chatdnat_via_misses(const struct chatdnat_settings *settings,
			 struct sk_buff *skb, const struct nf_hook_state *state);
unsigned int chatdnat_via(void *priv, struct sk_buff *skb,
			  const struct nf_hook_state *state);

#endif /* CHATDNAT_VIA_H */
