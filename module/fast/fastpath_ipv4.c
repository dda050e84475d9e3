// SPDX-License-Identifier: GPL-2.0
#include <linux/inetdevice.h>
#include <linux/ip.h>
#include <net/inet_ecn.h>

#include "fastpath.h"
#include "ipv4.h"

/* The set of the flow cache for the addresses of a segment. */
static struct chatdnat_flow_entry *chatdnat_ipv4_set(const struct iphdr *iph)
{
	return chatdnat_flow_cache_at(chatdnat_flow_cache_key_ipv4(iph->saddr,
								   iph->daddr));
}

/* Whether the entry is of these addresses; it may be invalid. */
static bool chatdnat_ipv4_entry_is_of(const struct chatdnat_flow_entry *entry,
				      const struct iphdr *iph, u32 kind)
{
	return chatdnat_flow_cache_pair(entry->addr[0], entry->addr[1]) ==
		       chatdnat_flow_cache_pair(iph->saddr, iph->daddr) &&
	       entry->kind == kind;
}

/* Another entry of the set, or a new one; NULL without a binding. */
static noinline struct chatdnat_flow_entry *
chatdnat_ipv4_entry(struct chatdnat_flow_entry *set,
		    const struct chatdnat_settings *settings,
		    const struct chatdnat_bindings *bindings,
		    const struct iphdr *iph, u32 kind)
{
	struct chatdnat_flow_entry *end = set + CHATDNAT_FLOW_CACHE_WAYS;
	struct chatdnat_flow_entry *entry;

	for (entry = set; entry < end; entry++)
		if (chatdnat_ipv4_entry_is_of(entry, iph, kind))
			break;
	if (entry == end)
		entry = chatdnat_flow_cache_replaced(set);
	else if (chatdnat_validity_check(&entry->translation.validity))
		return entry;
	return chatdnat_flow_cache_learn(entry, settings, bindings, &iph->saddr,
					 kind);
}

/* Whether the input device forwards, and rp_filter accepts the source. */
static bool chatdnat_ipv4_forwards(const struct net_device *dev,
				   const struct chatdnat_flow_entry *entry,
				   bool entering)
{
	struct in_device *in_dev = __in_dev_get_rcu(dev);

	if (!in_dev || !IN_DEV_FORWARD(in_dev))
		return false;
	/*
	 * Packets with the relay's source must come from its device (no
	 * spoofing).
	 */
	return likely(entry->reverse_dev == dev) ||
	       (entering && IN_DEV_RPFILTER(in_dev) != 1);
}

/* Translate a segment by an entry of the flow cache. */
static void chatdnat_ipv4_rewrite(struct sk_buff *skb,
				  const struct chatdnat_flow_entry *entry,
				  bool entering)
{
	struct iphdr *iph = (struct iphdr *)skb->data;
	struct tcphdr *th = (struct tcphdr *)(iph + 1);

	if (unlikely(th->syn || th->rst))
		chatdnat_fastpath_count(skb, th, entry, CHATDNAT_IPV4, entering);
	chatdnat_fastpath_check(skb, &th->check, &entry->translation);
	*(entering ? &iph->daddr : &iph->saddr) = entry->addr[2];
	chatdnat_ipv4_forward(skb, iph, &entry->translation);
	if (READ_ONCE(init_net.ipv4.sysctl_ip_fwd_update_priority))
		skb->priority = entry->priority;
}

/**
 * chatdnat_fastpath_ipv4() - translate and forward a plain segment without
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
unsigned int chatdnat_fastpath_ipv4(struct sk_buff *skb,
				    const struct chatdnat_settings *settings,
				    const struct chatdnat_bindings *bindings,
				    bool entering)
{
	struct dst_entry *dst = NULL;
	struct chatdnat_flow_entry *entry;
	const struct tcphdr *th;
	const struct iphdr *iph;
	__be16 port;
	u32 kind;

	if (!chatdnat_fastpath_free(skb))
		return NF_ACCEPT;
	if (!pskb_may_pull(skb, CHATDNAT_IPV4_TCP))
		return chatdnat_fastpath_ipv4_offload(skb);
	iph = (const struct iphdr *)skb->data;
	th = (const struct tcphdr *)(iph + 1);
	port = entering ? th->dest : th->source;
	if (!chatdnat_ipv4_plain(iph))
		return NF_ACCEPT;
	if (iph->protocol != IPPROTO_TCP ||
	    !chatdnat_bindings_has_port(bindings, ntohs(port)))
		return chatdnat_fastpath_ipv4_offload(skb);
	/* Connections opened by the relay are tracked. */
	if (unlikely(th->syn) &&
	    !chatdnat_fastpath_pull_options(skb, sizeof(*iph),
					    entering && settings->enabled))
		return NF_ACCEPT;

	iph = (const struct iphdr *)skb->data;
	kind = bindings->serial | (iph->tos & CHATDNAT_FLOW_TOS) |
	       (entering ? CHATDNAT_FLOW_FROM_WAN : 0);
	entry = chatdnat_ipv4_set(iph);
	if (unlikely(!chatdnat_ipv4_entry_is_of(entry, iph, kind) ||
		     !chatdnat_validity_check(&entry->translation.validity))) {
		entry = chatdnat_ipv4_entry(entry, settings, bindings, iph,
					    kind);
		if (!entry)
			return chatdnat_fastpath_ipv4_offload(skb);
	}
	if (!chatdnat_ipv4_forwards(skb->dev, entry, entering) ||
	    chatdnat_fastpath_policies(skb) ||
	    !chatdnat_fastpath_fits(skb, sizeof(*iph), &entry->translation) ||
	    !chatdnat_ipv4_sound(skb) ||
	    skb_cow(skb, entry->translation.nexthop.headroom))
		return NF_ACCEPT;

	if (unlikely(chatdnat_fastpath_keeps_dst(entry->translation.nexthop.dev))) {
		if (!entering)
			return NF_ACCEPT;
		dst = chatdnat_flow_cache_route(entry, CHATDNAT_IPV4);
		if (!dst || dst->dev != entry->translation.nexthop.dev)
			return NF_ACCEPT;
	}

	chatdnat_ipv4_rewrite(skb, entry, entering);
	return chatdnat_fastpath_send(skb, &entry->translation.nexthop, dst);
}
