// SPDX-License-Identifier: GPL-2.0
/* Puts one address in the place of another: in a segment, or in an error. */
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

/* @check: the transport's, which covers the addresses; may be NULL. */
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
		icmp6h->icmp6_cksum = csum_ipv6_magic(&ip6h->saddr,
						      &ip6h->daddr, len,
						      IPPROTO_ICMPV6, sum);
	} else {
		struct icmphdr *icmph = header;

		icmph->checksum = 0;
		icmph->checksum = csum_fold(skb_checksum(skb, parsed->offset,
							 len, 0));
	}
}

/*
 * An error gets the address for the packet that it quotes, which went the other
 * way. A damaged one must not be mended by a new checksum.
 */
static bool chatdnat_rewrite_error(struct sk_buff *skb, unsigned int hook,
				   const struct chatdnat_parsed *parsed,
				   enum chatdnat_side side,
				   const struct chatdnat_addr *to, bool outer)
{
	enum chatdnat_side quoted = side == CHATDNAT_SRC ? CHATDNAT_DST
							 : CHATDNAT_SRC;
	enum chatdnat_family family = parsed->flow.family;
	unsigned int end = parsed->quoted_offset + sizeof(struct tcphdr);
	struct tcphdr *th;
	bool whole;

	/* A quotation need not reach as far as the checksum. */
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
 * chatdnat_rewrite() - give a segment, or an error about one, another address
 * @skb: the packet
 * @hook: where it is, NF_INET_...
 * @parsed: what is known of it
 * @side: which address
 * @to: the address that it gets, network byte order
 * @outer: whether an error itself gets it too, not only what it quotes
 *
 * Context: Softirq or process context; on the packet path.
 * Return: False without memory, and for an error that is damaged; it is to be
 * dropped then.
 */
bool chatdnat_rewrite(struct sk_buff *skb, unsigned int hook,
		      const struct chatdnat_parsed *parsed,
		      enum chatdnat_side side, const struct chatdnat_addr *to,
		      bool outer)
{
	return parsed->quoted ?
		chatdnat_rewrite_error(skb, hook, parsed, side, to, outer) :
		chatdnat_rewrite_tcp(skb, parsed, side, to);
}
