/* SPDX-License-Identifier: GPL-2.0 */
/* IPv6 headers on the fast path. */
#ifndef CHATDNAT_IPV6_H
#define CHATDNAT_IPV6_H

#include <linux/ipv6.h>
#include <linux/skbuff.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <net/addrconf.h>

/* Headers of a segment, without options, and of a datagram. */
#define CHATDNAT_IPV6_TCP (sizeof(struct ipv6hdr) + sizeof(struct tcphdr))
#define CHATDNAT_IPV6_UDP (sizeof(struct ipv6hdr) + sizeof(struct udphdr))

/**
 * chatdnat_ipv6_plain() - whether the IP header is eligible for the fast path
 * @ip6h: the header, linear
 *
 * Context: On the packet path.
 * Return: True for a header with a hop limit to decrement. The next header is
 * the caller's.
 */
static inline bool chatdnat_ipv6_plain(const struct ipv6hdr *ip6h)
{
	return ip6h->version == 6 && ip6h->hop_limit > 1;
}

/* Trim link-layer padding; false if the packet is too short. */
static inline bool chatdnat_ipv6_trim(struct sk_buff *skb, unsigned int len)
{
	const struct ipv6hdr *ip6h = (const struct ipv6hdr *)skb->data;
	const struct tcphdr *th = (const struct tcphdr *)(ip6h + 1);
	unsigned int headers = CHATDNAT_IPV6_UDP;

	if (ip6h->nexthdr == IPPROTO_TCP)
		headers = th->syn ? sizeof(*ip6h) + th->doff * 4 :
				    CHATDNAT_IPV6_TCP;
	return skb->len > len && len >= headers && !pskb_trim_rcsum(skb, len);
}

/**
 * chatdnat_ipv6_sound() - check the length of the packet and trim link-layer
 *			   padding
 * @skb: the packet, with a plain header
 *
 * Context: Softirq; on the packet path.
 * Return: False for a damaged packet; its linear headers are within the packet
 * otherwise.
 */
static inline bool chatdnat_ipv6_sound(struct sk_buff *skb)
{
	const struct ipv6hdr *ip6h = (const struct ipv6hdr *)skb->data;
	unsigned int len = ntohs(ip6h->payload_len) + sizeof(*ip6h);

	return likely(skb->len == len) || chatdnat_ipv6_trim(skb, len);
}

/**
 * chatdnat_ipv6_is_forwarding() - whether a device forwards
 * @dev: the input device
 *
 * Context: RCU read lock held; on the packet path.
 * Return: True if it forwards.
 */
static inline bool chatdnat_ipv6_is_forwarding(const struct net_device *dev)
{
	const struct inet6_dev *idev = __in6_dev_get(dev);

	return idev && !READ_ONCE(idev->cnf.disable_ipv6) &&
	       READ_ONCE(init_net.ipv6.devconf_all->forwarding);
}

/**
 * chatdnat_ipv6_forward() - update the IP header, except for the addresses, and
 *			     mark the packet as forwarded
 * @skb: the packet, writable
 * @ip6h: its header
 *
 * Context: Softirq; on the packet path.
 */
static __always_inline void chatdnat_ipv6_forward(struct sk_buff *skb,
						  struct ipv6hdr *ip6h)
{
	ip6h->hop_limit--;
	memset(IP6CB(skb), 0, sizeof(*IP6CB(skb)));
	IP6CB(skb)->iif = skb->skb_iif;
	IP6CB(skb)->flags = IP6SKB_FORWARDED;
	skb_set_transport_header(skb, sizeof(*ip6h));
}

#endif /* CHATDNAT_IPV6_H */
