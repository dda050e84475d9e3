/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNAT_MSS_H
#define CHATDNAT_MSS_H

#include <linux/netfilter.h>

unsigned int chatdnat_mss(void *priv, struct sk_buff *skb,
			  const struct nf_hook_state *state);

#endif /* CHATDNAT_MSS_H */
