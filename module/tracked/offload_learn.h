/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNAT_OFFLOAD_LEARN_H
#define CHATDNAT_OFFLOAD_LEARN_H

#include <linux/types.h>

struct nf_hook_state;
struct sk_buff;

unsigned int chatdnat_offload_learn(void *priv, struct sk_buff *skb,
				    const struct nf_hook_state *state);
void chatdnat_offload_learn_from(int ifindex);

#endif /* CHATDNAT_OFFLOAD_LEARN_H */
