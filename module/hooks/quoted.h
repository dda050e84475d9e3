/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNAT_QUOTED_H
#define CHATDNAT_QUOTED_H

#include <linux/netfilter.h>

unsigned int chatdnat_quoted(void *priv, struct sk_buff *skb,
			     const struct nf_hook_state *state);

#endif /* CHATDNAT_QUOTED_H */
