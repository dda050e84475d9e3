// SPDX-License-Identifier: GPL-2.0
#include <linux/inetdevice.h>
#include <linux/ip.h>
#include <net/inet_ecn.h>

#include "fastpath.h"
#include "ipv4.h"

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
	if (unlikely(skb_headlen(skb) < CHATDNAT_IPV4_TCP) &&
	    (skb_shared(skb) || (!pskb_may_pull(skb, CHATDNAT_IPV4_TCP) &&
				 !pskb_may_pull(skb, CHATDNAT_IPV4_UDP))))
		return false;
	iph = (const struct iphdr *)skb->data;
	switch (iph->protocol) {
	case IPPROTO_TCP:
		/* A SYN is the first to go: each connection has one. */
		th = (const struct tcphdr *)(iph + 1);
		if (unlikely(skb_headlen(skb) < CHATDNAT_IPV4_TCP) || th->syn)
			return false;
		break;
	case IPPROTO_UDP:
		break;
	default:
		return false;
	}
	return chatdnat_ipv4_plain(iph) && chatdnat_fastpath_free(skb);
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
	if (unlikely(!chatdnat_offload_is_current(offload) ||
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
		     skb_cow(skb, offload->translation.nexthop.headroom)))
		return NF_ACCEPT;

	iph = (struct iphdr *)skb->data;
	chatdnat_fastpath_offload_translate(skb, offload, iph + 1);
	iph->saddr = offload->addr[2];
	iph->daddr = offload->addr[3];
	chatdnat_ipv4_forward(skb, iph, &offload->translation);
	if (likely(offload->priority >= 0))
		skb->priority = offload->priority;
	return chatdnat_fastpath_send(skb, &offload->translation.nexthop, dst);
}
