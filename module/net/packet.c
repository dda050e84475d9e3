// SPDX-License-Identifier: GPL-2.0
/* Parse packet headers into plain values. */
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
 * chatdnat_packet_transport() - find the transport header of a packet
 * @skb: the packet, its IP header checked and pulled by the stack
 * @family: IPv4 or IPv6
 * @protocol: set to IPPROTO_...
 *
 * Context: Any; on the packet path.
 * Return: Offset from @skb->data, or -1 for a fragment or truncated headers.
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

/**
 * chatdnat_packet_addresses() - read the addresses of a packet
 * @skb: the packet, its IP header checked and pulled by the stack
 * @family: IPv4 or IPv6
 * @flow: zeroed; its family and addresses are set
 *
 * Context: Any; on the packet path.
 */
void chatdnat_packet_addresses(const struct sk_buff *skb,
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
				struct chatdnat_guard_packet *packet)
{
	const struct tcphdr *th;
	struct tcphdr buf;

	th = skb_header_pointer(skb, offset, sizeof(buf), &buf);
	if (!th)
		return false;
	packet->flow.proto = CHATDNAT_TCP;
	packet->flow.sport = ntohs(th->source);
	packet->flow.dport = ntohs(th->dest);
	packet->has_syn = th->syn;
	packet->continues = !th->syn && chatdnat_packet_flags_exist(th);
	return true;
}

static bool chatdnat_packet_udp(const struct sk_buff *skb, int offset,
				struct chatdnat_guard_packet *packet)
{
	const struct udphdr *uh;
	struct udphdr buf;

	uh = skb_header_pointer(skb, offset, sizeof(buf), &buf);
	if (!uh)
		return false;
	packet->flow.proto = CHATDNAT_UDP;
	packet->flow.sport = ntohs(uh->source);
	packet->flow.dport = ntohs(uh->dest);
	return true;
}

/* ICMP and ICMPv6 both begin with the type. */
static bool chatdnat_packet_icmp(const struct sk_buff *skb, int offset,
				 struct chatdnat_guard_packet *packet)
{
	const u8 *type;
	u8 buf;

	type = skb_header_pointer(skb, offset, sizeof(buf), &buf);
	if (!type)
		return false;
	packet->icmp_type = *type;
	return true;
}

/**
 * chatdnat_packet_for_guard() - parse a packet for the guard
 * @skb: the packet, its IP header checked and pulled by the stack
 * @family: IPv4 or IPv6
 * @packet: filled in, except @packet->track
 *
 * Context: Any; on the packet path.
 * Return: False for a fragment or truncated headers.
 */
bool chatdnat_packet_for_guard(const struct sk_buff *skb,
			       enum chatdnat_family family,
			       struct chatdnat_guard_packet *packet)
{
	int offset;

	memset(packet, 0, sizeof(*packet));
	offset = chatdnat_packet_transport(skb, family, &packet->protocol);
	if (offset < 0)
		return false;

	chatdnat_packet_addresses(skb, family, &packet->flow);
	packet->hop_limit = family == CHATDNAT_IPV6 ? ipv6_hdr(skb)->hop_limit :
						      ip_hdr(skb)->ttl;

	switch (packet->protocol) {
	case IPPROTO_TCP:
		return chatdnat_packet_tcp(skb, offset, packet);
	case IPPROTO_UDP:
		return chatdnat_packet_udp(skb, offset, packet);
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return chatdnat_packet_icmp(skb, offset, packet);
	default:
		return true;
	}
}

static bool chatdnat_packet_segment(const struct sk_buff *skb,
				    struct chatdnat_parsed *parsed)
{
	const struct tcphdr *th;
	struct tcphdr buf;

	th = skb_header_pointer(skb, parsed->offset, sizeof(buf), &buf);
	if (!th)
		return false;
	parsed->flow.sport = ntohs(th->source);
	parsed->flow.dport = ntohs(th->dest);
	parsed->is_syn = th->syn && !th->ack;
	/*
	 * RFC 9293, 3.10.7.1: a reset in reply to a SYN has sequence number 0.
	 */
	parsed->is_syn_reply = th->ack && (th->syn || (th->rst && !th->seq));
	return true;
}

/* Offset of the quoted transport header; 0 if there is none. */
static unsigned int chatdnat_packet_quoted_ipv4(const struct sk_buff *skb,
						struct chatdnat_parsed *parsed)
{
	const struct iphdr *iph;
	struct iphdr buf;

	iph = skb_header_pointer(skb, parsed->quoted, sizeof(buf), &buf);
	if (!iph || iph->version != 4 || iph->ihl < sizeof(*iph) / 4 ||
	    iph->protocol != IPPROTO_TCP || (iph->frag_off & htons(IP_OFFSET)))
		return 0;
	/* An error not sent to the sender of the quoted packet is forged. */
	if (iph->saddr != ip_hdr(skb)->daddr)
		return 0;

	/* Reversed: the quoted packet went in the opposite direction. */
	parsed->flow.saddr.word[0] = iph->daddr;
	parsed->flow.daddr.word[0] = iph->saddr;
	return parsed->quoted + iph->ihl * 4;
}

static unsigned int chatdnat_packet_quoted_ipv6(const struct sk_buff *skb,
						struct chatdnat_parsed *parsed)
{
#if IS_ENABLED(CONFIG_IPV6)
	const struct ipv6hdr *ip6h;
	struct ipv6hdr buf;
	__be16 fragment = 0;
	u8 protocol;
	int offset;

	ip6h = skb_header_pointer(skb, parsed->quoted, sizeof(buf), &buf);
	if (!ip6h || ip6h->version != 6 ||
	    !ipv6_addr_equal(&ip6h->saddr, &ipv6_hdr(skb)->daddr))
		return 0;

	memcpy(parsed->flow.saddr.word, &ip6h->daddr, sizeof(ip6h->daddr));
	memcpy(parsed->flow.daddr.word, &ip6h->saddr, sizeof(ip6h->saddr));
	protocol = ip6h->nexthdr;
	offset = ipv6_skip_exthdr(skb, parsed->quoted + sizeof(*ip6h),
				  &protocol, &fragment);
	if (offset < 0 || protocol != IPPROTO_TCP ||
	    (fragment & htons(IP6_OFFSET)))
		return 0;
	return offset;
#else
	return 0;
#endif
}

static bool chatdnat_packet_is_error(enum chatdnat_family family, u8 type)
{
	if (family == CHATDNAT_IPV6)
		return !(type & ICMPV6_INFOMSG_MASK);
	return type == ICMP_DEST_UNREACH || type == ICMP_TIME_EXCEEDED ||
	       type == ICMP_PARAMETERPROB;
}

static bool chatdnat_packet_error(const struct sk_buff *skb,
				  struct chatdnat_parsed *parsed)
{
	const struct icmphdr *icmph;
	const __be16 *ports;
	struct icmphdr buf;
	__be16 ports_buf[2];

	/*
	 * ICMP and ICMPv6 headers have the same length and begin with the type.
	 */
	static_assert(sizeof(struct icmphdr) == sizeof(struct icmp6hdr));
	static_assert(sizeof(ports_buf) == CHATDNAT_QUOTED_MIN);

	icmph = skb_header_pointer(skb, parsed->offset, sizeof(buf), &buf);
	if (!icmph ||
	    !chatdnat_packet_is_error(parsed->flow.family, icmph->type))
		return false;

	parsed->quoted = parsed->offset + sizeof(*icmph);
	parsed->quoted_offset = parsed->flow.family == CHATDNAT_IPV6 ?
					chatdnat_packet_quoted_ipv6(skb,
								    parsed) :
					chatdnat_packet_quoted_ipv4(skb, parsed);
	if (!parsed->quoted_offset)
		return false;
	ports = skb_header_pointer(skb, parsed->quoted_offset,
				   sizeof(ports_buf), ports_buf);
	if (!ports)
		return false;
	parsed->flow.sport = ntohs(ports[1]);
	parsed->flow.dport = ntohs(ports[0]);
	return true;
}

/**
 * chatdnat_packet_parse() - parse a TCP segment, or an ICMP error about one
 * @skb: the packet, its IP header checked and pulled by the stack
 * @family: IPv4 or IPv6
 * @parsed: filled in
 *
 * Context: Any; on the packet path.
 * Return: False for other packets, fragments and truncated headers.
 */
bool chatdnat_packet_parse(const struct sk_buff *skb,
			   enum chatdnat_family family,
			   struct chatdnat_parsed *parsed)
{
	u8 protocol;
	int offset;

	offset = chatdnat_packet_transport(skb, family, &protocol);
	if (offset < 0)
		return false;

	memset(parsed, 0, sizeof(*parsed));
	parsed->offset = offset;
	parsed->flow.proto = CHATDNAT_TCP;
	chatdnat_packet_addresses(skb, family, &parsed->flow);
	if (protocol == IPPROTO_TCP)
		return chatdnat_packet_segment(skb, parsed);
	if (protocol ==
	    (family == CHATDNAT_IPV6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP))
		return chatdnat_packet_error(skb, parsed);
	return false;
}
