// SPDX-License-Identifier: GPL-2.0
#include <linux/ipv6.h>
#include <net/ipv6.h>

#include "fastpath.h"
#include "ipv6.h"

/* The set of the flow cache for the addresses of a segment. */
static struct chatdnat_flow_entry *chatdnat_ipv6_set(const struct ipv6hdr *ip6h)
{
	const __be32 *from = ip6h->saddr.s6_addr32;
	const __be32 *to = ip6h->daddr.s6_addr32;

	return chatdnat_flow_cache_at(chatdnat_flow_cache_key_ipv6(from, to));
}

/* Whether the entry is of these addresses; it may be invalid. */
static bool chatdnat_ipv6_entry_is_of(const struct chatdnat_flow_entry *entry,
				      const struct ipv6hdr *ip6h, u32 kind)
{
	const struct in6_addr *addr = (const struct in6_addr *)entry->addr;

	return ipv6_addr_equal(&addr[0], &ip6h->saddr) &&
	       ipv6_addr_equal(&addr[1], &ip6h->daddr) && entry->kind == kind;
}

/* Another entry of the set, or a new one; NULL without a binding. */
static noinline struct chatdnat_flow_entry *
chatdnat_ipv6_entry(struct chatdnat_flow_entry *set,
		    const struct chatdnat_settings *settings,
		    const struct chatdnat_bindings *bindings,
		    const struct ipv6hdr *ip6h, u32 kind)
{
	struct chatdnat_flow_entry *end = set + CHATDNAT_FLOW_CACHE_WAYS;
	struct chatdnat_flow_entry *entry;

	for (entry = set; entry < end; entry++)
		if (chatdnat_ipv6_entry_is_of(entry, ip6h, kind))
			break;
	if (entry == end)
		entry = chatdnat_flow_cache_replaced(set);
	else if (chatdnat_validity_check(&entry->translation.validity))
		return entry;
	return chatdnat_flow_cache_learn(entry, settings, bindings,
					 &ip6h->saddr, kind);
}

/* Whether the device forwards segments of an entry. */
static bool chatdnat_ipv6_forwards(const struct net_device *dev,
				   const struct chatdnat_flow_entry *entry,
				   bool entering)
{
	/*
	 * Packets with the relay's source must come from its device (no
	 * spoofing).
	 */
	return chatdnat_ipv6_is_forwarding(dev) &&
	       (entering || entry->reverse_dev == dev);
}

/* Translate a segment by an entry of the flow cache. */
static void chatdnat_ipv6_rewrite(struct sk_buff *skb,
				  const struct chatdnat_flow_entry *entry,
				  bool entering)
{
	struct ipv6hdr *ip6h = (struct ipv6hdr *)skb->data;
	struct tcphdr *th = (struct tcphdr *)(ip6h + 1);

	if (unlikely(th->syn || th->rst))
		chatdnat_fastpath_count(skb, th, entry, CHATDNAT_IPV6, entering);
	chatdnat_fastpath_check(skb, &th->check, &entry->translation);
	memcpy(entering ? &ip6h->daddr : &ip6h->saddr, entry->to->word,
	       sizeof(struct in6_addr));
	chatdnat_ipv6_forward(skb, ip6h);
}

/**
 * chatdnat_fastpath_ipv6() - translate and forward a plain segment without
 *			    state, or a packet of an offloaded connection
 * @skb: a received packet
 * @settings: the settings
 * @bindings: the bindings
 * @entering: received on a WAN interface: direction to the relay; otherwise
 *	      from it
 *
 * Context: Softirq, RCU read lock held.
 * Return: NF_STOLEN, or NF_ACCEPT with the packet unchanged.
 */
unsigned int chatdnat_fastpath_ipv6(struct sk_buff *skb,
				    const struct chatdnat_settings *settings,
				    const struct chatdnat_bindings *bindings,
				    bool entering)
{
	struct dst_entry *dst = NULL;
	struct chatdnat_flow_entry *entry;
	const struct tcphdr *th;
	const struct ipv6hdr *ip6h;
	__be16 port;
	u32 kind;

	if (!chatdnat_fastpath_free(skb))
		return NF_ACCEPT;
	if (!pskb_may_pull(skb, CHATDNAT_IPV6_TCP))
		return chatdnat_fastpath_ipv6_offload(skb);
	ip6h = (const struct ipv6hdr *)skb->data;
	th = (const struct tcphdr *)(ip6h + 1);
	port = entering ? th->dest : th->source;
	if (!chatdnat_ipv6_plain(ip6h))
		return NF_ACCEPT;
	if (ip6h->nexthdr != IPPROTO_TCP ||
	    !chatdnat_bindings_has_port(bindings, ntohs(port)))
		return chatdnat_fastpath_ipv6_offload(skb);
	/* Connections opened by the relay are tracked. */
	if (unlikely(th->syn) &&
	    !chatdnat_fastpath_pull_options(skb, sizeof(*ip6h),
					    entering && settings->enabled))
		return NF_ACCEPT;

	ip6h = (const struct ipv6hdr *)skb->data;
	kind = bindings->serial | CHATDNAT_FLOW_IPV6 |
	       (entering ? CHATDNAT_FLOW_FROM_WAN : 0);
	entry = chatdnat_ipv6_set(ip6h);
	if (unlikely(!chatdnat_ipv6_entry_is_of(entry, ip6h, kind) ||
		     !chatdnat_validity_check(&entry->translation.validity))) {
		entry = chatdnat_ipv6_entry(entry, settings, bindings, ip6h,
					    kind);
		if (!entry)
			return chatdnat_fastpath_ipv6_offload(skb);
	}
	if (!chatdnat_ipv6_forwards(skb->dev, entry, entering) ||
	    chatdnat_fastpath_policies(skb) ||
	    !chatdnat_fastpath_fits(skb, sizeof(*ip6h), &entry->translation) ||
	    !chatdnat_ipv6_sound(skb) ||
	    skb_cow(skb, entry->translation.nexthop.headroom))
		return NF_ACCEPT;

	if (unlikely(chatdnat_fastpath_keeps_dst(entry->translation.nexthop.dev))) {
		if (!entering)
			return NF_ACCEPT;
		dst = chatdnat_flow_cache_route(entry, CHATDNAT_IPV6);
		if (!dst || dst->dev != entry->translation.nexthop.dev)
			return NF_ACCEPT;
	}

	chatdnat_ipv6_rewrite(skb, entry, entering);
	return chatdnat_fastpath_send(skb, &entry->translation.nexthop, dst);
}
