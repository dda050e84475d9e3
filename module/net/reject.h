/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNAT_REJECT_H
#define CHATDNAT_REJECT_H

#include <linux/netfilter.h>

#include "../policy/addr.h"

void chatdnat_reject(struct sk_buff *skb, const struct nf_hook_state *state);
bool chatdnat_reject_too_big(struct sk_buff *skb, enum chatdnat_family family,
			     unsigned int mtu);

#endif /* CHATDNAT_REJECT_H */
