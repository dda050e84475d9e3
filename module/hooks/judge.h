/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNAT_JUDGE_H
#define CHATDNAT_JUDGE_H

#include <linux/netfilter.h>

#include "../policy/guard_policy.h"

unsigned int chatdnat_judge(const struct sk_buff *skb,
			    const struct nf_hook_state *state,
			    enum chatdnat_track track);

#endif /* CHATDNAT_JUDGE_H */
