// SPDX-License-Identifier: GPL-2.0
/* Route a received packet before the stack does. */
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
/* Like ip6_route_input(), which is not exported. */
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
	/* For rules that match ports, or a protocol after extension headers. */
	fib6_rules_early_flow_dissect(&init_net, skb, &fl6, &keys);

	dst = ip6_route_input_lookup(&init_net, skb->dev, &fl6, skb,
				     RT6_LOOKUP_F_HAS_SADDR |
					     RT6_LOOKUP_F_DST_NOREF);
	skb_dst_drop(skb);
	skb_dst_set_noref(skb, dst);
}
#endif

/**
 * chatdnat_route_input_forwards() - whether a packet will be forwarded
 * @skb: a received packet with a valid route
 * @family: IPv4 or IPv6
 *
 * Context: RCU read lock held; on the packet path.
 * Return: False for packets to this host and for multicast, whose forwarding is
 * up to the multicast routing daemon.
 */
bool chatdnat_route_input_forwards(const struct sk_buff *skb,
				   enum chatdnat_family family)
{
	const struct dst_entry *dst = skb_dst(skb);

	/* Tunnel metadata, or a dst of the other family. */
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
 * @skb: the packet; may have a route
 * @family: IPv4 or IPv6
 *
 * The stack uses the route as it is, unless the caller drops it again.
 *
 * Context: Softirq or process context, RCU read lock held; on the packet path.
 * Return: The route, owned by @skb; may be a blackhole or prohibit route. NULL
 * if there is none, as for an invalid source address.
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
