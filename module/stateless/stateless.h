/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNAT_STATELESS_H
#define CHATDNAT_STATELESS_H

#include <linux/netfilter.h>

#include "../core/bindings.h"
#include "../net/packet.h"

/* Direction of a packet translated without state. */
enum chatdnat_direction {
	CHATDNAT_DIR_NONE, /* not translated without state */
	CHATDNAT_DIR_TO_RELAY,
	CHATDNAT_DIR_TO_CLIENT,
};

enum chatdnat_direction
chatdnat_stateless_direction(const struct sk_buff *skb,
			     const struct nf_hook_state *state,
			     struct chatdnat_parsed *parsed,
			     const struct chatdnat_settings **settings,
			     const struct chatdnat_binding **binding);

unsigned int chatdnat_stateless_prerouting(void *priv, struct sk_buff *skb,
					   const struct nf_hook_state *state);
unsigned int chatdnat_stateless_postrouting(void *priv, struct sk_buff *skb,
					    const struct nf_hook_state *state);

#endif /* CHATDNAT_STATELESS_H */
