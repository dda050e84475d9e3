// SPDX-License-Identifier: GPL-2.0
/* Translate an address of a TCP segment, or of an ICMP error about one. */
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/netfilter.h>
#include <linux/tcp.h>
#include <net/checksum.h>
#include <net/ip6_checksum.h>

#include "rewrite.h"

static __be32 *chatdnat_ipv4_addr(struct iphdr *iph, enum chatdnat_side side)
{
	return side == CHATDNAT_SRC ? &iph->saddr : &iph->daddr;
}

static struct in6_addr *chatdnat_ipv6_addr(struct ipv6hdr *ip6h,
					   enum chatdnat_side side)
{
	return side == CHATDNAT_SRC ? &ip6h->saddr : &ip6h->daddr;
}

/* @check: transport checksum that covers the addresses; may be NULL. */
static void chatdnat_rewrite_header(struct sk_buff *skb, void *header,
				    enum chatdnat_family family,
				    enum chatdnat_side side,
				    const struct chatdnat_addr *to,
				    __sum16 *check)
{
	if (family == CHATDNAT_IPV6) {
		struct in6_addr *addr = chatdnat_ipv6_addr(header, side);

		if (check)
			inet_proto_csum_replace16(check, skb, addr->s6_addr32,
						  to->word, true);
		memcpy(addr, to->word, sizeof(*addr));
	} else {
		struct iphdr *iph = header;
		__be32 *addr = chatdnat_ipv4_addr(iph, side);

		if (check)
			inet_proto_csum_replace4(check, skb, *addr, to->word[0],
						 true);
		csum_replace4(&iph->check, *addr, to->word[0]);
		*addr = to->word[0];
	}
}

static bool chatdnat_rewrite_tcp(struct sk_buff *skb,
				 const struct chatdnat_parsed *parsed,
				 enum chatdnat_side side,
				 const struct chatdnat_addr *to)
{
	struct tcphdr *th;

	if (skb_ensure_writable(skb, parsed->offset + sizeof(*th)))
		return false;

	th = (struct tcphdr *)(skb->data + parsed->offset);
	chatdnat_rewrite_header(skb, skb_network_header(skb),
				parsed->flow.family, side, to, &th->check);
	return true;
}

static void chatdnat_rewrite_icmp_check(struct sk_buff *skb,
					const struct chatdnat_parsed *parsed)
{
	unsigned int len = skb->len - parsed->offset;
	void *header = skb->data + parsed->offset;

	if (parsed->flow.family == CHATDNAT_IPV6) {
		struct icmp6hdr *icmp6h = header;
		const struct ipv6hdr *ip6h = ipv6_hdr(skb);
		__wsum sum;

		icmp6h->icmp6_cksum = 0;
		sum = skb_checksum(skb, parsed->offset, len, 0);
		icmp6h->icmp6_cksum = csum_ipv6_magic(&ip6h->saddr, &ip6h->daddr,
						      len, IPPROTO_ICMPV6, sum);
	} else {
		struct icmphdr *icmph = header;

		icmph->checksum = 0;
		icmph->checksum = csum_fold(skb_checksum(skb, parsed->offset,
							 len, 0));
	}
}

/*
 * The quoted packet of an ICMP error went in the opposite direction, so that
 * its other address is translated. The old checksum is verified first: a new
 * one would hide a damaged packet.
 */
static bool chatdnat_rewrite_error(struct sk_buff *skb, unsigned int hook,
				   const struct chatdnat_parsed *parsed,
				   enum chatdnat_side side,
				   const struct chatdnat_addr *to, bool outer)
{
	enum chatdnat_side quoted = side == CHATDNAT_SRC ? CHATDNAT_DST :
							   CHATDNAT_SRC;
	enum chatdnat_family family = parsed->flow.family;
	unsigned int end = parsed->quoted_offset + sizeof(struct tcphdr);
	struct tcphdr *th;
	bool whole;

	/* The quoted part may end before the TCP checksum. */
	whole = end <= skb->len;
	if (!whole)
		end = parsed->quoted_offset + CHATDNAT_QUOTED_MIN;

	if (skb->ip_summed == CHECKSUM_PARTIAL ||
	    nf_checksum(skb, hook, parsed->offset,
			family == CHATDNAT_IPV6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP,
			family == CHATDNAT_IPV6 ? AF_INET6 : AF_INET) ||
	    skb_ensure_writable(skb, end))
		return false;
	skb->ip_summed = CHECKSUM_NONE;

	th = (struct tcphdr *)(skb->data + parsed->quoted_offset);
	chatdnat_rewrite_header(skb, skb->data + parsed->quoted, family, quoted,
				to, whole ? &th->check : NULL);
	if (outer)
		chatdnat_rewrite_header(skb, skb_network_header(skb), family,
					side, to, NULL);
	chatdnat_rewrite_icmp_check(skb, parsed);
	return true;
}

/**
 * chatdnat_rewrite() - translate an address of a segment, or of an ICMP error
 *			about one
 * @skb: the packet
 * @hook: the current hook, NF_INET_...
 * @parsed: the parsed packet
 * @side: source or destination address
 * @to: the new address, network byte order
 * @outer: for an ICMP error: translate its outer header too, not only the
 *	   quoted one
 *
 * Context: Softirq or process context; on the packet path.
 * Return: False if out of memory, or if the checksum of an ICMP error is wrong
 * or not complete; the caller drops the packet.
 */
bool chatdnat_rewrite(struct sk_buff *skb, unsigned int hook,
		      const struct chatdnat_parsed *parsed,
		      enum chatdnat_side side, const struct chatdnat_addr *to,
		      bool outer)
{
	return parsed->quoted ? chatdnat_rewrite_error(skb, hook, parsed, side,
						       to, outer) :
				chatdnat_rewrite_tcp(skb, parsed, side, to);
}
