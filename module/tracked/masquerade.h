/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNAT_MASQUERADE_H
#define CHATDNAT_MASQUERADE_H

struct nf_hook_state;
struct sk_buff;

unsigned int chatdnat_masquerade(void *priv, struct sk_buff *skb,
				 const struct nf_hook_state *state);

#endif /* CHATDNAT_MASQUERADE_H */
