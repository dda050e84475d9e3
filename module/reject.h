/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNAT_REJECT_H
#define CHATDNAT_REJECT_H

#include <linux/netfilter.h>

void chatdnat_reject(struct sk_buff *skb, const struct nf_hook_state *state);

#endif /* CHATDNAT_REJECT_H */
