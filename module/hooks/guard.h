/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNAT_GUARD_H
#define CHATDNAT_GUARD_H

#include <linux/netfilter.h>

unsigned int chatdnat_guard_forward(void *priv, struct sk_buff *skb,
				    const struct nf_hook_state *state);
unsigned int chatdnat_guard_input(void *priv, struct sk_buff *skb,
				  const struct nf_hook_state *state);

#endif /* CHATDNAT_GUARD_H */
