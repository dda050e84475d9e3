// SPDX-License-Identifier: GPL-2.0
/* Packets' headers as the plain values that decisions are made of. */
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <net/ip.h>
#include <net/ipv6.h>

#include "packet.h"

/**
 * chatdnat_packet_transport() - where a packet's transport header begins
 * @skb: the packet, its IP header checked and pulled by the stack
 * @family: IPv4 or IPv6
 * @protocol: set to IPPROTO_...
 *
 * Context: Any; on the packet path.
 * Return: Offset from @skb->data, or -1: a fragment, or headers that end early.
 */
int chatdnat_packet_transport(const struct sk_buff *skb,
			      enum chatdnat_family family, u8 *protocol)
{
	int offset = skb_network_offset(skb);

	if (family == CHATDNAT_IPV4) {
		*protocol = ip_hdr(skb)->protocol;
		if (ip_is_fragment(ip_hdr(skb)))
			return -1;
		return offset + ip_hdrlen(skb);
	}
#if IS_ENABLED(CONFIG_IPV6)
	if (family == CHATDNAT_IPV6) {
		__be16 fragment = 0;

		*protocol = ipv6_hdr(skb)->nexthdr;
		offset = ipv6_skip_exthdr(skb, offset + sizeof(struct ipv6hdr),
					  protocol, &fragment);
		return fragment ? -1 : offset;
	}
#endif
	return -1;
}

static void chatdnat_packet_addresses(const struct sk_buff *skb,
				      enum chatdnat_family family,
				      struct chatdnat_flow *flow)
{
	flow->family = family;
	if (family == CHATDNAT_IPV6) {
		memcpy(flow->saddr.word, &ipv6_hdr(skb)->saddr,
		       sizeof(flow->saddr.word));
		memcpy(flow->daddr.word, &ipv6_hdr(skb)->daddr,
		       sizeof(flow->daddr.word));
	} else {
		flow->saddr.word[0] = ip_hdr(skb)->saddr;
		flow->daddr.word[0] = ip_hdr(skb)->daddr;
	}
}

static bool chatdnat_packet_tcp(const struct sk_buff *skb, int offset,
				struct chatdnat_entrant *entrant)
{
	const struct tcphdr *th;
	struct tcphdr buf;

	th = skb_header_pointer(skb, offset, sizeof(buf), &buf);
	if (!th)
		return false;
	entrant->flow.proto = CHATDNAT_TCP;
	entrant->flow.sport = ntohs(th->source);
	entrant->flow.dport = ntohs(th->dest);
	entrant->opens = th->syn;
	return true;
}

static bool chatdnat_packet_udp(const struct sk_buff *skb, int offset,
				struct chatdnat_entrant *entrant)
{
	const struct udphdr *uh;
	struct udphdr buf;

	uh = skb_header_pointer(skb, offset, sizeof(buf), &buf);
	if (!uh)
		return false;
	entrant->flow.proto = CHATDNAT_UDP;
	entrant->flow.sport = ntohs(uh->source);
	entrant->flow.dport = ntohs(uh->dest);
	return true;
}

/* ICMP and ICMPv6 begin alike. */
static bool chatdnat_packet_icmp(const struct sk_buff *skb, int offset,
				 struct chatdnat_entrant *entrant)
{
	const u8 *type;
	u8 buf;

	type = skb_header_pointer(skb, offset, sizeof(buf), &buf);
	if (!type)
		return false;
	entrant->icmp_type = *type;
	return true;
}

/**
 * chatdnat_packet_entrant() - what there is to know of a packet from outside
 * @skb: the packet, its IP header checked and pulled by the stack
 * @family: IPv4 or IPv6
 * @entrant: filled in, but for @entrant->track
 *
 * Context: Any; on the packet path.
 * Return: False for a fragment and for headers that end early.
 */
bool chatdnat_packet_entrant(const struct sk_buff *skb,
			     enum chatdnat_family family,
			     struct chatdnat_entrant *entrant)
{
	int offset;

	memset(entrant, 0, sizeof(*entrant));
	offset = chatdnat_packet_transport(skb, family, &entrant->protocol);
	if (offset < 0)
		return false;

	chatdnat_packet_addresses(skb, family, &entrant->flow);
	entrant->hop_limit = family == CHATDNAT_IPV6 ? ipv6_hdr(skb)->hop_limit
						     : ip_hdr(skb)->ttl;

	switch (entrant->protocol) {
	case IPPROTO_TCP:
		return chatdnat_packet_tcp(skb, offset, entrant);
	case IPPROTO_UDP:
		return chatdnat_packet_udp(skb, offset, entrant);
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return chatdnat_packet_icmp(skb, offset, entrant);
	default:
		return true;
	}
}
