/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNAT_LOOKUP_H
#define CHATDNAT_LOOKUP_H

#include "../policy/nat_policy.h"
#include "../policy/settings.h"

struct dst_entry;
struct flowi;
struct net_device;
struct nf_hook_state;
struct sk_buff;

enum chatdnat_addr_type
chatdnat_lookup_addr_type(enum chatdnat_family family,
			  const struct chatdnat_addr *addr,
			  const struct net_device *dev);
const struct net_device *chatdnat_lookup_indev(const struct sk_buff *skb,
					       const struct nf_hook_state *state);
bool chatdnat_lookup_from_wan(const struct chatdnat_settings *settings,
			      const struct sk_buff *skb,
			      const struct nf_hook_state *state,
			      const struct net_device *in);
struct net_device *chatdnat_lookup_addr_dev(enum chatdnat_family family,
					    const struct chatdnat_addr *addr);
struct dst_entry *chatdnat_lookup_flow_route(enum chatdnat_family family,
					     struct flowi *fl);
struct dst_entry *chatdnat_lookup_route(enum chatdnat_family family,
					const struct chatdnat_addr *saddr,
					const struct chatdnat_addr *daddr,
					int oif, u32 mark);
struct dst_entry *chatdnat_lookup_route_as(const struct chatdnat_flow *flow,
					   u8 protocol, int oif);

#endif /* CHATDNAT_LOOKUP_H */
