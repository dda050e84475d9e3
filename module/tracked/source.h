/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNAT_SOURCE_H
#define CHATDNAT_SOURCE_H

#include <linux/types.h>

struct chatdnat_settings;
struct nf_conn;
struct nf_hook_state;
struct sk_buff;

bool chatdnat_source_choose(const struct chatdnat_settings *settings,
			    struct sk_buff *skb,
			    const struct nf_hook_state *state,
			    struct nf_conn *ct);

#endif /* CHATDNAT_SOURCE_H */
