/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNAT_VIA_H
#define CHATDNAT_VIA_H

#include <linux/netfilter.h>

unsigned int chatdnat_via(void *priv, struct sk_buff *skb,
			  const struct nf_hook_state *state);

#endif /* CHATDNAT_VIA_H */
