/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNAT_RETURN_PATH_H
#define CHATDNAT_RETURN_PATH_H

#include <linux/netfilter.h>

#include "../policy/addr.h"

struct dst_entry;
struct net_device;
struct nf_conn;

struct dst_entry *chatdnat_return_path_route(enum chatdnat_family family,
					     const struct nf_conn *ct,
					     const struct net_device *in,
					     u32 mark);
unsigned int chatdnat_return_path(void *priv, struct sk_buff *skb,
				  const struct nf_hook_state *state);

#endif /* CHATDNAT_RETURN_PATH_H */
