/* SPDX-License-Identifier: GPL-2.0 */
/* IPv4 headers on the fast path. */
#ifndef CHATDNAT_IPV4_H
#define CHATDNAT_IPV4_H

#include <linux/ip.h>
#include <linux/skbuff.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <net/checksum.h>
#include <net/ip.h>

#include "../net/translation.h"

/* Headers of a segment, without options, and of a datagram. */
#define CHATDNAT_IPV4_TCP (sizeof(struct iphdr) + sizeof(struct tcphdr))
#define CHATDNAT_IPV4_UDP (sizeof(struct iphdr) + sizeof(struct udphdr))

/**
 * chatdnat_ipv4_plain() - whether the IP header is eligible for the fast path
 * @iph: the header, linear
 *
 * Context: On the packet path.
 * Return: True for a header without options, of no fragment, and with a TTL to
 * decrement.
 */
static inline bool chatdnat_ipv4_plain(const struct iphdr *iph)
{
	return iph->version == 4 && iph->ihl == sizeof(*iph) / 4 &&
	       iph->ttl > 1 && !(iph->frag_off & htons(IP_MF | IP_OFFSET));
}

/* Verify the header checksum; ip_fast_csum() is made for options too. */
static inline bool chatdnat_ipv4_is_undamaged(const struct iphdr *iph)
{
	const __wsum *word = (const __wsum *)iph;
	__wsum sum;

	sum = csum_add(csum_add(word[0], word[1]), csum_add(word[2], word[3]));
	sum = csum_add(sum, word[4]);
	/* Both zeros of ones' complement; the version is not 0. */
	return !((__force u32)sum % 0xffff);
}

/* Trim link-layer padding; false if the packet is too short. */
static inline bool chatdnat_ipv4_trim(struct sk_buff *skb, unsigned int len)
{
	const struct iphdr *iph = (const struct iphdr *)skb->data;
	const struct tcphdr *th = (const struct tcphdr *)(iph + 1);
	unsigned int headers = CHATDNAT_IPV4_UDP;

	if (iph->protocol == IPPROTO_TCP)
		headers = th->syn ? sizeof(*iph) + th->doff * 4 :
				    CHATDNAT_IPV4_TCP;
	return skb->len > len && len >= headers && !pskb_trim_rcsum(skb, len);
}

/**
 * chatdnat_ipv4_sound() - verify the header checksum and trim link-layer padding
 * @skb: the packet, with a plain header
 *
 * Context: Softirq; on the packet path.
 * Return: False for a damaged packet; its linear headers are within the packet
 * otherwise.
 */
static inline bool chatdnat_ipv4_sound(struct sk_buff *skb)
{
	const struct iphdr *iph = (const struct iphdr *)skb->data;
	unsigned int len = ntohs(iph->tot_len);

	if (!chatdnat_ipv4_is_undamaged(iph))
		return false;
	return likely(skb->len == len) || chatdnat_ipv4_trim(skb, len);
}

/**
 * chatdnat_ipv4_forward() - update the IP header, except for the addresses, and
 *			     mark the packet as forwarded
 * @skb: the packet, writable
 * @iph: its header
 * @translation: its translation
 *
 * Context: Softirq; on the packet path.
 */
static __always_inline void
chatdnat_ipv4_forward(struct sk_buff *skb, struct iphdr *iph,
		      const struct chatdnat_translation *translation)
{
	iph->check = ~csum16_add(~iph->check, translation->diff_ipv4);
	iph->ttl--;
	memset(IPCB(skb), 0, sizeof(*IPCB(skb)));
	IPCB(skb)->iif = skb->skb_iif;
	IPCB(skb)->flags = IPSKB_FORWARDED;
	skb_set_transport_header(skb, sizeof(*iph));
}

#endif /* CHATDNAT_IPV4_H */
