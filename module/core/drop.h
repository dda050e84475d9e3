/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNAT_DROP_H
#define CHATDNAT_DROP_H

#include <linux/netfilter.h>

#include "../policy/settings.h"
#include "stats.h"

void chatdnat_drop_log(const struct chatdnat_settings *settings);
unsigned int chatdnat_drop(const struct chatdnat_settings *settings,
			   const struct sk_buff *skb,
			   const struct nf_hook_state *state,
			   enum chatdnat_counter reason);

#endif /* CHATDNAT_DROP_H */
