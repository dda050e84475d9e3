/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNAT_INVALID_H
#define CHATDNAT_INVALID_H

#include <linux/netfilter.h>

unsigned int chatdnat_invalid(struct sk_buff *skb,
			      const struct nf_hook_state *state);

#endif /* CHATDNAT_INVALID_H */
