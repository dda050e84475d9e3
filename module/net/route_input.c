// SPDX-License-Identifier: GPL-2.0
/* Routes what has arrived as the stack would, before the stack does. */
#include <linux/ipv6.h>
#include <linux/skbuff.h>
#include <net/dst_metadata.h>
#include <net/flow_dissector.h>
#include <net/ip6_fib.h>
#include <net/ip6_route.h>
#include <net/ip_tunnels.h>
#include <net/route.h>

#include "compat.h"
#include "route_input.h"

#if IS_ENABLED(CONFIG_IPV6)
/* As ip6_route_input() has it, which is not for modules. */
static void chatdnat_ipv6_route_packet(struct sk_buff *skb)
{
	const struct ipv6hdr *ip6h = ipv6_hdr(skb);
	const struct ip_tunnel_info *tunnel = skb_tunnel_info(skb);
	struct flow_keys keys;
	struct dst_entry *dst;
	struct flowi6 fl6 = {
		.flowi6_iif = skb->dev->ifindex,
		.daddr = ip6h->daddr,
		.saddr = ip6h->saddr,
		.flowlabel = ip6_flowinfo(ip6h),
		.flowi6_mark = skb->mark,
		.flowi6_proto = ip6h->nexthdr,
	};

	if (tunnel && !(tunnel->mode & IP_TUNNEL_INFO_TX))
		fl6.flowi6_tun_key.tun_id = tunnel->key.tun_id;
	/* For rules that ask for ports, or for what extensions hide. */
	fib6_rules_early_flow_dissect(&init_net, skb, &fl6, &keys);

	dst = ip6_route_input_lookup(&init_net, skb->dev, &fl6, skb,
				     RT6_LOOKUP_F_HAS_SADDR |
				     RT6_LOOKUP_F_DST_NOREF);
	skb_dst_drop(skb);
	skb_dst_set_noref(skb, dst);
}
#endif

/**
 * chatdnat_route_input_forwards() - whether a packet's route is one to another host
 * @skb: a packet that has arrived and is routed, without an error
 * @family: IPv4 or IPv6
 *
 * Context: RCU read lock held; on the packet path.
 * Return: False for what is for this host, or for a group: where a multicast
 * router forwards, it is that one's to say what.
 */
bool chatdnat_route_input_forwards(const struct sk_buff *skb,
				   enum chatdnat_family family)
{
	const struct dst_entry *dst = skb_dst(skb);

	/* A tunnel's, of the other family. */
	if (dst->ops->family != (family == CHATDNAT_IPV6 ? AF_INET6 : AF_INET))
		return false;
	if (family == CHATDNAT_IPV4)
		return !(container_of(dst, struct rtable, dst)->rt_flags &
			 (RTCF_LOCAL | RTCF_BROADCAST | RTCF_MULTICAST));
	return !(container_of(dst, struct rt6_info, dst)->rt6i_flags &
		 (RTF_LOCAL | RTF_ANYCAST)) &&
	       !ipv6_addr_is_multicast(&ipv6_hdr(skb)->daddr);
}

/**
 * chatdnat_route_input() - route a packet before the stack does
 * @skb: the packet, perhaps routed already
 * @family: IPv4 or IPv6
 *
 * Unless it is dropped again, the stack finds it done: it is the very route
 * that the packet takes.
 *
 * Context: Softirq or process context, RCU read lock held; on the packet path.
 * Return: The route, the packet's to release, perhaps one that forbids; NULL:
 * not even such, as for a source that cannot be.
 */
const struct dst_entry *chatdnat_route_input(struct sk_buff *skb,
					     enum chatdnat_family family)
{
	if (!skb_valid_dst(skb)) {
#if IS_ENABLED(CONFIG_IPV6)
		if (family == CHATDNAT_IPV6)
			chatdnat_ipv6_route_packet(skb);
		else
#endif
			chatdnat_route_input_ipv4(skb);
	}
	return skb_valid_dst(skb) ? skb_dst(skb) : NULL;
}
