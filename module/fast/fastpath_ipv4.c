// SPDX-License-Identifier: GPL-2.0
#include <linux/inetdevice.h>
#include <linux/ip.h>
#include <net/inet_ecn.h>
#include <net/ip.h>

#include "fastpath.h"

#define CHATDNAT_PLAIN (sizeof(struct iphdr) + sizeof(struct tcphdr))
#define CHATDNAT_SHORT (sizeof(struct iphdr) + sizeof(struct udphdr))

/* Whether the IP header is eligible for the fast path. */
static bool chatdnat_ipv4_plain(const struct iphdr *iph)
{
	return iph->version == 4 && iph->ihl == sizeof(*iph) / 4 &&
	       iph->ttl > 1 && !(iph->frag_off & htons(IP_MF | IP_OFFSET));
}

/* Trim link-layer padding; false if the packet is too short. */
static noinline bool chatdnat_ipv4_trim(struct sk_buff *skb, unsigned int len)
{
	const struct iphdr *iph = (const struct iphdr *)skb->data;
	const struct tcphdr *th = (const struct tcphdr *)(iph + 1);
	unsigned int headers = sizeof(*iph) + sizeof(struct udphdr);

	if (iph->protocol == IPPROTO_TCP)
		headers = sizeof(*iph) + (th->syn ? th->doff * 4 : sizeof(*th));
	return skb->len > len && len >= headers && !pskb_trim_rcsum(skb, len);
}

/* Verify the header checksum and trim link-layer padding. */
static __always_inline bool chatdnat_ipv4_sound(struct sk_buff *skb)
{
	const struct iphdr *iph = (const struct iphdr *)skb->data;
	unsigned int len = ntohs(iph->tot_len);

	if (ip_fast_csum(iph, sizeof(*iph) / 4))
		return false;
	/* Then the linear headers are within the packet. */
	return likely(skb->len == len) || chatdnat_ipv4_trim(skb, len);
}

/* The set of the flow cache for the addresses of a segment. */
static struct chatdnat_flow_entry *
chatdnat_ipv4_set(const struct chatdnat_bindings *bindings,
		  const struct iphdr *iph)
{
	return chatdnat_flow_cache_at(bindings, CHATDNAT_IPV4,
				      chatdnat_flow_cache_key_ipv4(iph->saddr,
								   iph->daddr));
}

/* Whether the entry is of these addresses; it may be invalid. */
static bool chatdnat_ipv4_entry_is_of(const struct chatdnat_flow_entry *entry,
				      const struct iphdr *iph, u8 tos_dir)
{
	return chatdnat_flow_cache_pair(entry->addr[0], entry->addr[1]) ==
		       chatdnat_flow_cache_pair(iph->saddr, iph->daddr) &&
	       entry->tos_dir == tos_dir &&
	       chatdnat_validity_check(&entry->translation.validity);
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

/* Update the IP header, except for the addresses; mark it as forwarded. */
static __always_inline void
chatdnat_ipv4_forward(struct sk_buff *skb,
		      const struct chatdnat_translation *translation,
		      u8 priority)
{
	struct iphdr *iph = (struct iphdr *)skb->data;

	iph->check = ~csum16_add(~iph->check, translation->diff_ipv4);
	iph->ttl--;
	if (READ_ONCE(init_net.ipv4.sysctl_ip_fwd_update_priority))
		skb->priority = priority;
	memset(IPCB(skb), 0, sizeof(*IPCB(skb)));
	IPCB(skb)->iif = skb->skb_iif;
	IPCB(skb)->flags = IPSKB_FORWARDED;
	skb_set_transport_header(skb, sizeof(*iph));
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
	*(entering ? &iph->daddr : &iph->saddr) = entry->to->word[0];
	chatdnat_ipv4_forward(skb, &entry->translation, entry->priority);
}

/*
 * Whether the input device forwards, and validates sources as it did when the
 * stack accepted the source.
 */
static bool chatdnat_ipv4_still_forwards(const struct net_device *dev,
					 const struct chatdnat_offload *offload)
{
	struct in_device *in_dev = __in_dev_get_rcu(dev);

	return in_dev && IN_DEV_FORWARD(in_dev) &&
	       (likely(READ_ONCE(offload->sourced)) ||
		IN_DEV_RPFILTER(in_dev) == offload->rp_filter);
}

/*
 * Whether a packet may be one of an offloaded connection; its headers are linear
 * then.
 */
static __always_inline bool chatdnat_ipv4_offload_plain(struct sk_buff *skb)
{
	const struct iphdr *iph;
	const struct tcphdr *th;

	/* A datagram may be shorter than a segment. */
	if (unlikely(skb_headlen(skb) < CHATDNAT_PLAIN) &&
	    !pskb_may_pull(skb, CHATDNAT_PLAIN) &&
	    !pskb_may_pull(skb, CHATDNAT_SHORT))
		return false;
	iph = (const struct iphdr *)skb->data;
	if (!chatdnat_ipv4_plain(iph))
		return false;

	switch (iph->protocol) {
	case IPPROTO_TCP:
		th = (const struct tcphdr *)(iph + 1);
		return likely(skb_headlen(skb) >= CHATDNAT_PLAIN) && !th->syn;
	case IPPROTO_UDP:
		return true;
	default:
		return false;
	}
}

/**
 * chatdnat_fastpath_ipv4_offload() - translate and forward a plain packet of an
 *				    offloaded connection
 * @skb: a received packet
 *
 * Context: Softirq, RCU read lock held.
 * Return: NF_STOLEN, or NF_ACCEPT with the packet unchanged.
 */
unsigned int chatdnat_fastpath_ipv4_offload(struct sk_buff *skb)
{
	struct chatdnat_offload *offload;
	struct dst_entry *dst;
	struct iphdr *iph;

	if (!chatdnat_ipv4_offload_plain(skb) ||
	    !chatdnat_offload_is_open(CHATDNAT_IPV4))
		return NF_ACCEPT;
	iph = (struct iphdr *)skb->data;
	offload = chatdnat_offload_find(CHATDNAT_IPV4, &iph->saddr,
					*(__be32 *)(iph + 1), iph->protocol,
					skb->dev->ifindex);
	if (!offload)
		return NF_ACCEPT;
	if (unlikely(!chatdnat_offload_is_valid(offload) ||
		     offload->tos != (iph->tos & ~INET_ECN_MASK) ||
		     !chatdnat_ipv4_still_forwards(skb->dev, offload) ||
		     chatdnat_fastpath_policies(skb) ||
		     !chatdnat_fastpath_fits(skb, sizeof(*iph),
					     &offload->translation) ||
		     !chatdnat_ipv4_sound(skb)))
		return NF_ACCEPT;

	/* Trimming may have moved it. */
	iph = (struct iphdr *)skb->data;
	if (unlikely(!chatdnat_fastpath_offload_dst(offload, &dst) ||
		     !chatdnat_fastpath_offload_expects(offload, iph + 1,
							skb->len - sizeof(*iph)) ||
		     skb_cow(skb, LL_RESERVED_SPACE(offload->translation.nexthop
							    .dev))))
		return NF_ACCEPT;

	iph = (struct iphdr *)skb->data;
	chatdnat_fastpath_offload_translate(skb, offload, iph + 1);
	iph->saddr = offload->addr[2];
	iph->daddr = offload->addr[3];
	chatdnat_ipv4_forward(skb, &offload->translation, offload->priority);
	return chatdnat_fastpath_send(skb, &offload->translation.nexthop, dst);
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
	u8 tos_dir;

	if (!pskb_may_pull(skb, CHATDNAT_PLAIN))
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
	tos_dir = (entering ? CHATDNAT_FLOW_FROM_WAN : 0) |
		  (iph->tos & ~INET_ECN_MASK);
	entry = chatdnat_ipv4_entry(bindings, iph);
	if (unlikely(!chatdnat_ipv4_entry_is_valid(entry, iph, tos_dir)) &&
	    !chatdnat_flow_cache_learn(entry, settings, bindings, CHATDNAT_IPV4,
				       &iph->saddr, tos_dir))
		return chatdnat_fastpath_ipv4_offload(skb);
	if (!chatdnat_ipv4_forwards(skb->dev, entry, entering) ||
	    chatdnat_fastpath_policies(skb) ||
	    !chatdnat_fastpath_fits(skb, sizeof(*iph), &entry->translation) ||
	    !chatdnat_ipv4_sound(skb) ||
	    skb_cow(skb, LL_RESERVED_SPACE(entry->translation.nexthop.dev)))
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
