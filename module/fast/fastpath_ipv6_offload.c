// SPDX-License-Identifier: GPL-2.0
#include <linux/ipv6.h>
#include <net/ipv6.h>

#include "fastpath.h"
#include "ipv6.h"

/*
 * Whether a packet may be one of an offloaded connection; its headers are linear
 * then.
 */
static __always_inline bool chatdnat_ipv6_offload_plain(struct sk_buff *skb)
{
	const struct ipv6hdr *ip6h;
	const struct tcphdr *th;
	const struct udphdr *uh;

	/* A datagram may be shorter than a segment. */
	if (unlikely(skb_headlen(skb) < CHATDNAT_IPV6_TCP) &&
	    (skb_shared(skb) || (!pskb_may_pull(skb, CHATDNAT_IPV6_TCP) &&
				 !pskb_may_pull(skb, CHATDNAT_IPV6_UDP))))
		return false;
	ip6h = (const struct ipv6hdr *)skb->data;
	switch (ip6h->nexthdr) {
	case IPPROTO_TCP:
		/* A SYN is the first to go: each connection has one. */
		th = (const struct tcphdr *)(ip6h + 1);
		if (unlikely(skb_headlen(skb) < CHATDNAT_IPV6_TCP) || th->syn)
			return false;
		break;
	case IPPROTO_UDP:
		/* Over IPv6 it has to have a checksum. */
		uh = (const struct udphdr *)(ip6h + 1);
		if (!uh->check)
			return false;
		break;
	default:
		return false;
	}
	return chatdnat_ipv6_plain(ip6h) && chatdnat_fastpath_free(skb);
}

/**
 * chatdnat_fastpath_ipv6_offload() - translate and forward a plain packet of an
 *				    offloaded connection
 * @skb: a received packet
 *
 * Context: Softirq, RCU read lock held.
 * Return: NF_STOLEN, or NF_ACCEPT with the packet unchanged.
 */
unsigned int chatdnat_fastpath_ipv6_offload(struct sk_buff *skb)
{
	struct chatdnat_offload *offload;
	struct dst_entry *dst;
	struct ipv6hdr *ip6h;

	if (!chatdnat_ipv6_offload_plain(skb) ||
	    !chatdnat_offload_is_open(CHATDNAT_IPV6))
		return NF_ACCEPT;
	ip6h = (struct ipv6hdr *)skb->data;
	offload = chatdnat_offload_find(CHATDNAT_IPV6, ip6h->saddr.s6_addr32,
					*(__be32 *)(ip6h + 1), ip6h->nexthdr,
					skb->dev->ifindex);
	if (!offload)
		return NF_ACCEPT;
	if (unlikely(!chatdnat_offload_is_current(offload) ||
		     !chatdnat_ipv6_is_forwarding(skb->dev) ||
		     chatdnat_fastpath_policies(skb) ||
		     !chatdnat_fastpath_fits(skb, sizeof(*ip6h),
					     &offload->translation) ||
		     !chatdnat_ipv6_sound(skb)))
		return NF_ACCEPT;

	/* Trimming may have moved it. */
	ip6h = (struct ipv6hdr *)skb->data;
	if (unlikely(!chatdnat_fastpath_offload_dst(offload, &dst) ||
		     !chatdnat_fastpath_offload_expects(offload, ip6h + 1,
							skb->len -
								sizeof(*ip6h)) ||
		     skb_cow(skb, offload->translation.nexthop.headroom)))
		return NF_ACCEPT;

	ip6h = (struct ipv6hdr *)skb->data;
	chatdnat_fastpath_offload_translate(skb, offload, ip6h + 1);
	ip6h->saddr = *(const struct in6_addr *)&offload->addr[8];
	ip6h->daddr = *(const struct in6_addr *)&offload->addr[12];
	chatdnat_ipv6_forward(skb, ip6h);
	return chatdnat_fastpath_send(skb, &offload->translation.nexthop, dst);
}
