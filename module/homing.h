/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNAT_HOMING_H
#define CHATDNAT_HOMING_H

#include <linux/netfilter.h>

unsigned int chatdnat_homing(void *priv, struct sk_buff *skb,
			     const struct nf_hook_state *state);

#endif /* CHATDNAT_HOMING_H */
