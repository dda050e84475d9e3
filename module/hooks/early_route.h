/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNAT_EARLY_ROUTE_H
#define CHATDNAT_EARLY_ROUTE_H

#include <linux/netfilter.h>

unsigned int chatdnat_early_route(void *priv, struct sk_buff *skb,
				  const struct nf_hook_state *state);

#endif /* CHATDNAT_EARLY_ROUTE_H */
