/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNAT_LOCAL_H
#define CHATDNAT_LOCAL_H

#include <linux/netfilter.h>

unsigned int
chatdnat_stateless_local_postrouting(struct sk_buff *skb,
				     const struct nf_hook_state *state);
unsigned int chatdnat_stateless_local_out(void *priv, struct sk_buff *skb,
					  const struct nf_hook_state *state);

#endif /* CHATDNAT_LOCAL_H */
