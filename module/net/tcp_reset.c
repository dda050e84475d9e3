// SPDX-License-Identifier: GPL-2.0
/*
 * Reset both endpoints of a TCP connection, each with the address of the other
 * as source and with sequence numbers from conntrack. Otherwise an idle client,
 * as a mail client in IMAP IDLE, would not notice that its relay has changed.
 */
#include <linux/ipv6.h>
#include <linux/netfilter.h>
#include <linux/skbuff.h>
#include <linux/tcp.h>
#include <net/ip.h>
#include <net/ip6_checksum.h>
#include <net/ipv6.h>
#include <net/netfilter/nf_conntrack.h>
#include <net/route.h>
#include <net/tcp.h>

#include "../policy/ifset.h"
#include "lookup.h"
#include "nfct.h"
#include "tcp_reset.h"

/* Distance from the last sequence number, surely outside the window. */
#define CHATDNAT_RESET_DISTANCE BIT(30)

/*
 * Whether conntrack has the sequence numbers of a connection. They are missing
 * for one synchronised from another host until it sees a segment, and stale for
 * one offloaded to a flow table.
 */
static bool chatdnat_tcp_reset_has_seq(const struct nf_conn *ct)
{
	const struct ip_ct_tcp_state *seen = ct->proto.tcp.seen;

	return !test_bit(IPS_OFFLOAD_BIT, &ct->status) &&
	       (READ_ONCE(seen[IP_CT_DIR_ORIGINAL].td_maxwin) ||
		READ_ONCE(seen[IP_CT_DIR_REPLY].td_maxwin));
}

/**
 * chatdnat_tcp_reset_prepare() - save the data needed to reset a connection
 * @reset: filled in
 * @ct: the connection
 *
 * Context: Under @ct's conntrack bucket lock or with a reference to it.
 * Return: False if there is nothing to reset: not TCP, no reply yet (the client
 * retransmits its SYN), or closed.
 */
bool chatdnat_tcp_reset_prepare(struct chatdnat_tcp_reset *reset,
				const struct nf_conn *ct)
{
	int dir;

	if (nf_ct_protonum(ct) != IPPROTO_TCP)
		return false;
	/*
	 * Not translated and no reply seen: the endpoints may not use these
	 * addresses.
	 */
	if (!(READ_ONCE(ct->status) & (IPS_NAT_MASK | IPS_SEEN_REPLY)))
		return false;

	switch (READ_ONCE(ct->proto.tcp.state)) {
	case TCP_CONNTRACK_SYN_RECV:
	case TCP_CONNTRACK_ESTABLISHED:
	case TCP_CONNTRACK_FIN_WAIT:
	case TCP_CONNTRACK_CLOSE_WAIT:
	case TCP_CONNTRACK_LAST_ACK:
		break;
	default:
		return false;
	}

	reset->client = chatdnat_nfct_only_masqueraded(ct) ? IP_CT_DIR_REPLY :
							     IP_CT_DIR_ORIGINAL;
	reset->known = chatdnat_tcp_reset_has_seq(ct);
	for (dir = 0; dir < IP_CT_DIR_MAX; dir++) {
		reset->tuple[dir] = *nf_ct_tuple(ct, dir);
		reset->end[dir] = READ_ONCE(ct->proto.tcp.seen[dir].td_end);
	}
	return true;
}

static void chatdnat_tcp_reset_put_tcp(struct sk_buff *skb,
				       const struct chatdnat_segment *segment)
{
	struct tcphdr *th;

	skb_set_transport_header(skb, skb->len);
	th = skb_put_zero(skb, sizeof(*th));
	th->source = htons(segment->flow.sport);
	th->dest = htons(segment->flow.dport);
	th->seq = htonl(segment->seq);
	th->ack_seq = htonl(segment->ack);
	th->doff = sizeof(*th) / 4;
	th->rst = segment->rst;
	th->ack = 1;
}

static void chatdnat_tcp_reset_put_ipv4(struct sk_buff *skb,
					const struct chatdnat_segment *segment)
{
	const struct dst_entry *dst = skb_dst(skb);
	struct tcphdr *th;
	struct iphdr *iph;

	skb->protocol = htons(ETH_P_IP);
	skb_reset_network_header(skb);
	iph = skb_put_zero(skb, sizeof(*iph));
	iph->version = 4;
	iph->ihl = sizeof(*iph) / 4;
	iph->frag_off = htons(IP_DF);
	iph->ttl = ip4_dst_hoplimit(dst);
	iph->protocol = IPPROTO_TCP;
	iph->saddr = segment->flow.saddr.word[0];
	iph->daddr = segment->flow.daddr.word[0];

	chatdnat_tcp_reset_put_tcp(skb, segment);
	th = tcp_hdr(skb);
	th->check = tcp_v4_check(sizeof(*th), iph->saddr, iph->daddr,
				 csum_partial(th, sizeof(*th), 0));
}

#if IS_ENABLED(CONFIG_IPV6)
static void chatdnat_tcp_reset_put_ipv6(struct sk_buff *skb,
					const struct chatdnat_segment *segment)
{
	struct ipv6hdr *ip6h;
	struct tcphdr *th;

	skb->protocol = htons(ETH_P_IPV6);
	skb_reset_network_header(skb);
	ip6h = skb_put_zero(skb, sizeof(*ip6h));
	ip6h->version = 6;
	ip6h->nexthdr = IPPROTO_TCP;
	ip6h->hop_limit = READ_ONCE(init_net.ipv6.devconf_all->hop_limit);
	memcpy(&ip6h->saddr, segment->flow.saddr.word, sizeof(ip6h->saddr));
	memcpy(&ip6h->daddr, segment->flow.daddr.word, sizeof(ip6h->daddr));

	chatdnat_tcp_reset_put_tcp(skb, segment);
	th = tcp_hdr(skb);
	th->check = csum_ipv6_magic(&ip6h->saddr, &ip6h->daddr, sizeof(*th),
				    IPPROTO_TCP,
				    csum_partial(th, sizeof(*th), 0));
}
#endif

/*
 * The WAN interface that has the local address of a connection,
 * assumed to be its input interface; 0 if there is none, or if the route uses
 * it already.
 */
static int chatdnat_tcp_reset_oif(const struct chatdnat_segment *segment,
				  const struct dst_entry *dst)
{
	const struct net_device *dev;
	int oif = 0;

	if (!segment->wan)
		return 0;

	/* A route does not keep its device registered. */
	rcu_read_lock();
	if (dst && !chatdnat_ifset_has(segment->wan, dst->dev->name))
		goto unlock;
	dev = chatdnat_lookup_addr_dev(segment->flow.family,
				       &segment->flow.saddr);
	if (dev && !(dst && dev == dst->dev) &&
	    chatdnat_ifset_has(segment->wan, dev->name))
		oif = dev->ifindex;
unlock:
	rcu_read_unlock();
	return oif;
}

/* Route the reset as chatdnat_return_path() routes replies. */
static struct dst_entry *
chatdnat_tcp_reset_route(const struct chatdnat_segment *segment)
{
	struct dst_entry *dst, *alt;
	int oif;

	dst = chatdnat_lookup_route_as(&segment->flow, IPPROTO_TCP, 0);
	oif = chatdnat_tcp_reset_oif(segment, dst);
	alt = oif ? chatdnat_lookup_route_as(&segment->flow, IPPROTO_TCP, oif) :
		    NULL;
	if (!alt)
		return dst;
	dst_release(dst);
	return alt;
}

/**
 * chatdnat_tcp_reset_emit() - send a segment with a foreign source address
 * @segment: the segment
 * @gfp: allocation flags
 *
 * It is untracked, so that conntrack does not create an entry for it.
 *
 * Context: Process context or softirq.
 * Return: False if out of memory; true also if there is no route.
 */
bool chatdnat_tcp_reset_emit(const struct chatdnat_segment *segment, gfp_t gfp)
{
	struct dst_entry *dst = chatdnat_tcp_reset_route(segment);
	struct sk_buff *skb;

	if (!dst)
		return true;

	skb = alloc_skb(LL_MAX_HEADER + sizeof(struct ipv6hdr) +
				sizeof(struct tcphdr),
			gfp);
	if (!skb) {
		dst_release(dst);
		return false;
	}
	skb_reserve(skb, LL_MAX_HEADER);
	skb_dst_set(skb, dst);
	nf_ct_set(skb, NULL, IP_CT_UNTRACKED);

	if (segment->flow.family == CHATDNAT_IPV4) {
		chatdnat_tcp_reset_put_ipv4(skb, segment);
		ip_local_out(&init_net, NULL, skb);
		return true;
	}
#if IS_ENABLED(CONFIG_IPV6)
	chatdnat_tcp_reset_put_ipv6(skb, segment);
	ip6_local_out(&init_net, NULL, skb);
#endif
	return true;
}

/**
 * chatdnat_tcp_reset_send() - reset both ends of a connection
 * @reset: the connection, no longer in conntrack's table
 * @wan: the WAN interfaces
 *
 * An endpoint that has not received all data replies with a challenge ACK (RFC
 * 5961), which has no conntrack entry any more and is answered by a reset. If
 * the sequence numbers are not known, each endpoint gets an ACK from far
 * outside its window, to which it has to reply with an ACK too (RFC 9293,
 * 3.10.7.4).
 *
 * Context: Process context, may sleep.
 */
void chatdnat_tcp_reset_send(const struct chatdnat_tcp_reset *reset,
			     const struct chatdnat_ifset *wan)
{
	u32 distance = reset->known ? 0 : CHATDNAT_RESET_DISTANCE;
	enum ip_conntrack_dir dir;

	for (dir = 0; dir < IP_CT_DIR_MAX; dir++) {
		struct chatdnat_segment segment = {
			.seq = reset->end[!dir] - distance,
			.ack = reset->end[dir],
			.rst = reset->known,
			.wan = dir == reset->client ? wan : NULL,
		};
		struct chatdnat_flow *flow = &segment.flow;

		if (!chatdnat_flow_of(&reset->tuple[dir], flow))
			continue;
		/* From the address of the other endpoint. */
		swap(flow->saddr, flow->daddr);
		swap(flow->sport, flow->dport);
		chatdnat_tcp_reset_emit(&segment, GFP_KERNEL);
	}
}
