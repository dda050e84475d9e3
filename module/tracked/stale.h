/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNAT_STALE_H
#define CHATDNAT_STALE_H

#include <linux/netfilter.h>

struct chatdnat_snapshot;

void chatdnat_stale_reset(const struct chatdnat_snapshot *snapshot,
			  const struct sk_buff *skb,
			  const struct nf_hook_state *state);

#endif /* CHATDNAT_STALE_H */
