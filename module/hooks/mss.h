/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNAT_MSS_H
#define CHATDNAT_MSS_H

#include <linux/netfilter.h>

struct chatdnat_settings;

void chatdnat_mss(struct sk_buff *skb, const struct nf_hook_state *state,
		  const struct chatdnat_settings *settings);

#endif /* CHATDNAT_MSS_H */
