/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNAT_DNAT_H
#define CHATDNAT_DNAT_H

struct nf_hook_state;
struct sk_buff;

unsigned int chatdnat_dnat(void *priv, struct sk_buff *skb,
			   const struct nf_hook_state *state);

#endif /* CHATDNAT_DNAT_H */
