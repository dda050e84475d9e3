// SPDX-License-Identifier: GPL-2.0
#include <linux/icmpv6.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <net/checksum.h>
#include <net/ip6_checksum.h>

#include "packets.h"

/* The ends of every packet, as far as nothing is translated. */
struct chatdnat_test_flow chatdnat_test_ends(struct kunit *test,
					     enum chatdnat_family family)
{
	bool ipv6 = family == CHATDNAT_IPV6;
	struct chatdnat_test_flow ends;

	ends.client = chatdnat_test_addr(test, ipv6 ? "2001:db8::9" :
						      "203.0.113.9");
	ends.local = chatdnat_test_addr(test, ipv6 ? "2001:db8:1::1" :
						     "192.0.2.1");
	ends.router = chatdnat_test_addr(test, ipv6 ? "2001:db8:2::fe" :
						      "198.51.100.254");
	ends.outer_local = ends.local;
	return ends;
}

static unsigned int tcp(const struct chatdnat_packet *packet, u8 *byte)
{
	unsigned int len = sizeof(struct tcphdr) + packet->n_options, i;
	struct tcphdr *th = (struct tcphdr *)byte;
	u16 client = CHATDNAT_CLIENT_PORT, local = CHATDNAT_LOCAL_PORT;

	th->source = htons(packet->reverse ? local : client);
	th->dest = htons(packet->reverse ? client : local);
	th->seq = htonl(packet->seq);
	th->ack_seq = htonl(0x01020304);
	th->window = htons(4096);
	byte[13] = packet->flags;
	th->doff = packet->doff ?: len / 4;
	if (packet->n_options)
		memcpy(th + 1, packet->options, packet->n_options);
	for (i = 0; i < packet->payload; i++)
		byte[len + i] = 7 * i + 1;
	return len + packet->payload;
}

static unsigned int udp(const struct chatdnat_packet *packet, u8 *byte)
{
	struct udphdr *uh = (struct udphdr *)byte;

	uh->source = htons(CHATDNAT_CLIENT_PORT);
	uh->dest = htons(CHATDNAT_LOCAL_PORT);
	uh->len = htons(sizeof(*uh));
	return sizeof(*uh);
}

static unsigned int icmp(enum chatdnat_family family,
			 const struct chatdnat_packet *packet,
			 const struct chatdnat_test_flow *ends, u8 *byte)
{
	unsigned int len = sizeof(struct icmp6hdr), quote;

	byte[0] = packet->type;
	byte[1] = 1;
	if (!packet->quoted)
		return len;
	quote = chatdnat_test_bytes(family, packet->quoted, ends, byte + len);
	if (packet->quote && packet->quote < quote) {
		memset(byte + len + packet->quote, 0, quote - packet->quote);
		quote = packet->quote;
	}
	return len + quote;
}

static u8 real_protocol(enum chatdnat_family family,
			const struct chatdnat_packet *packet)
{
	return packet->protocol == IPPROTO_ICMP && family == CHATDNAT_IPV6 ?
		IPPROTO_ICMPV6 : packet->protocol;
}

static unsigned int transport(enum chatdnat_family family,
			      const struct chatdnat_packet *packet,
			      const struct chatdnat_test_flow *ends, u8 *byte)
{
	switch (packet->protocol) {
	case IPPROTO_TCP:
		return tcp(packet, byte);
	case IPPROTO_UDP:
		return udp(packet, byte);
	case IPPROTO_ICMP:
		return icmp(family, packet, ends, byte);
	default:
		return 8;
	}
}

static void put_check(const struct chatdnat_packet *packet, u8 *byte,
		      __sum16 check)
{
	switch (packet->protocol) {
	case IPPROTO_TCP:
		((struct tcphdr *)byte)->check = check;
		break;
	case IPPROTO_ICMP:
		((struct icmp6hdr *)byte)->icmp6_cksum = check;
		break;
	}
}

static unsigned int ipv4(const struct chatdnat_packet *packet,
			 const struct chatdnat_test_flow *ends,
			 const struct chatdnat_addr *saddr,
			 const struct chatdnat_addr *daddr, u8 *byte)
{
	unsigned int header = sizeof(struct iphdr) + 4 * packet->ip_options;
	struct iphdr *iph = (struct iphdr *)byte;
	unsigned int len;
	__wsum sum;

	len = transport(CHATDNAT_IPV4, packet, ends, byte + header);
	sum = csum_partial(byte + header, len, 0);
	put_check(packet, byte + header,
		  packet->protocol == IPPROTO_ICMP ? csum_fold(sum) :
		  csum_tcpudp_magic(saddr->word[0], daddr->word[0], len,
				    packet->protocol, sum));

	memset(iph + 1, 1, 4 * packet->ip_options);
	iph->version = packet->version ?: 4;
	iph->ihl = packet->ihl ?: header / 4;
	iph->tot_len = htons(header + len);
	iph->id = htons(0x1234);
	iph->frag_off = htons(packet->fragment);
	iph->ttl = CHATDNAT_HOP_LIMIT;
	iph->protocol = packet->protocol;
	iph->saddr = saddr->word[0];
	iph->daddr = daddr->word[0];
	iph->check = csum_fold(csum_partial(iph, header, 0));
	return header + len;
}

/* One extension header; @next is where the byte is that says what comes. */
static unsigned int extension(char kind, u8 *byte, u8 **next)
{
	static const struct {
		char kind;
		u8 protocol;
		u8 len;
		u8 claim;
	} kinds[] = {
		{ 'h', NEXTHDR_HOP, 8, 0 },
		{ 'd', NEXTHDR_DEST, 16, 1 },
		{ 'r', NEXTHDR_ROUTING, 24, 2 },
		{ 'a', NEXTHDR_AUTH, 24, 4 },	/* in words, without two */
		{ 'n', NEXTHDR_NONE, 0, 0 },
		{ 'w', NEXTHDR_FRAGMENT, 8, 0 },
		{ 'f', NEXTHDR_FRAGMENT, 8, 0 },
		{ 'l', NEXTHDR_FRAGMENT, 8, 0 },
		{ 'x', NEXTHDR_DEST, 8, 255 },
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(kinds) && kinds[i].kind != kind; i++)
		;
	**next = kinds[i].protocol;
	if (!kinds[i].len)
		return 0;
	*next = byte;
	byte[1] = kinds[i].claim;
	if (kind == 'f')
		byte[3] = 1;		/* more fragments */
	if (kind == 'l')
		byte[3] = 8;		/* offset 8 */
	return kinds[i].len;
}

static unsigned int ipv6(const struct chatdnat_packet *packet,
			 const struct chatdnat_test_flow *ends,
			 const struct chatdnat_addr *saddr,
			 const struct chatdnat_addr *daddr, u8 *byte)
{
	u8 protocol = real_protocol(CHATDNAT_IPV6, packet);
	struct ipv6hdr *ip6h = (struct ipv6hdr *)byte;
	unsigned int header = sizeof(*ip6h), len;
	u8 *next = &ip6h->nexthdr;
	const char *kind;

	byte[0] = (packet->version ?: 6) << 4;
	ip6h->hop_limit = CHATDNAT_HOP_LIMIT;
	memcpy(&ip6h->saddr, saddr, sizeof(ip6h->saddr));
	memcpy(&ip6h->daddr, daddr, sizeof(ip6h->daddr));
	*next = protocol;
	for (kind = packet->chain ?: ""; *kind; kind++) {
		header += extension(*kind, byte + header, &next);
		if (*kind != 'n')
			*next = protocol;
	}

	len = transport(CHATDNAT_IPV6, packet, ends, byte + header);
	put_check(packet, byte + header,
		  csum_ipv6_magic(&ip6h->saddr, &ip6h->daddr, len, protocol,
				  csum_partial(byte + header, len, 0)));
	ip6h->payload_len = htons(header - sizeof(*ip6h) + len);
	return header + len;
}

/* Fills in zeroed bytes; returns how many there are. */
unsigned int chatdnat_test_bytes(enum chatdnat_family family,
				 const struct chatdnat_packet *packet,
				 const struct chatdnat_test_flow *ends, u8 *byte)
{
	const struct chatdnat_addr *saddr = &ends->client, *daddr = &ends->local;
	unsigned int len;

	if (packet->protocol == IPPROTO_ICMP) {
		saddr = &ends->router;
		daddr = &ends->outer_local;
	} else if (packet->reverse) {
		swap(saddr, daddr);
	}
	len = family == CHATDNAT_IPV6 ? ipv6(packet, ends, saddr, daddr, byte) :
					ipv4(packet, ends, saddr, daddr, byte);
	return packet->keep ? min_t(unsigned int, packet->keep, len) : len;
}

static void free_skb(void *skb)
{
	kfree_skb(skb);
}

/*
 * A packet of these bytes: so many of them linear, the others in a page; with
 * so many before its IP header.
 */
struct sk_buff *chatdnat_test_skb(struct kunit *test, const u8 *byte,
				  unsigned int len, unsigned int linear,
				  unsigned int before)
{
	struct sk_buff *skb;
	struct page *page;

	linear = min(linear, len);
	skb = alloc_skb(before + linear, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, skb);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, free_skb, skb));
	memset(skb_put(skb, before), 0xee, before);
	skb_set_network_header(skb, before);
	memcpy(skb_put(skb, linear), byte, linear);
	if (linear < len) {
		page = alloc_page(GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, page);
		memcpy(page_address(page), byte + linear, len - linear);
		skb_add_rx_frag(skb, 0, page, 0, len - linear, PAGE_SIZE);
	}
	return skb;
}
