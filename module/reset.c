// SPDX-License-Identifier: GPL-2.0
/*
 * Resets both ends of a TCP connection in each other's name, from what
 * conntrack knew of it. Without it a client that only listens, as mail clients
 * do for hours, would not learn that its relay has changed.
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

#include "ct.h"
#include "host.h"
#include "ifset.h"
#include "reset.h"

/* From whom to whom a reset goes, network byte order. */
struct chatdnat_segment {
	const union nf_inet_addr *saddr;
	const union nf_inet_addr *daddr;
	__be16 sport;
	__be16 dport;
	u32 seq;
	u32 ack;
	const struct chatdnat_ifset *wan;	/* NULL: it is for the relay */
};

/**
 * chatdnat_reset_prepare() - note what it takes to reset a connection
 * @reset: filled in
 * @ct: the connection
 *
 * Context: Under @ct's conntrack bucket lock or with a reference to it.
 * Return: False where there is nothing to reset: no TCP, not answered yet (the
 * client tries again by itself), over already.
 */
bool chatdnat_reset_prepare(struct chatdnat_reset *reset,
			    const struct nf_conn *ct)
{
	int dir;

	if (nf_ct_protonum(ct) != IPPROTO_TCP)
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

	reset->client = chatdnat_ct_only_masqueraded(ct) ? IP_CT_DIR_REPLY
							 : IP_CT_DIR_ORIGINAL;
	for (dir = 0; dir < IP_CT_DIR_MAX; dir++) {
		reset->tuple[dir] = *nf_ct_tuple(ct, dir);
		reset->end[dir] = READ_ONCE(ct->proto.tcp.seen[dir].td_end);
	}
	return true;
}

static void chatdnat_reset_put_tcp(struct sk_buff *skb,
				   const struct chatdnat_segment *segment)
{
	struct tcphdr *th;

	skb_set_transport_header(skb, skb->len);
	th = skb_put_zero(skb, sizeof(*th));
	th->source = segment->sport;
	th->dest = segment->dport;
	th->seq = htonl(segment->seq);
	th->ack_seq = htonl(segment->ack);
	th->doff = sizeof(*th) / 4;
	th->rst = 1;
	th->ack = 1;
}

static void chatdnat_reset_put_ipv4(struct sk_buff *skb,
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
	iph->saddr = segment->saddr->ip;
	iph->daddr = segment->daddr->ip;

	chatdnat_reset_put_tcp(skb, segment);
	th = tcp_hdr(skb);
	th->check = tcp_v4_check(sizeof(*th), iph->saddr, iph->daddr,
				 csum_partial(th, sizeof(*th), 0));
}

#if IS_ENABLED(CONFIG_IPV6)
static void chatdnat_reset_put_ipv6(struct sk_buff *skb,
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
	ip6h->saddr = segment->saddr->in6;
	ip6h->daddr = segment->daddr->in6;

	chatdnat_reset_put_tcp(skb, segment);
	th = tcp_hdr(skb);
	th->check = csum_ipv6_magic(&ip6h->saddr, &ip6h->daddr, sizeof(*th),
				    IPPROTO_TCP,
				    csum_partial(th, sizeof(*th), 0));
}
#endif

static struct dst_entry *
chatdnat_reset_route_by(u8 pf, const struct chatdnat_segment *segment, int oif)
{
	const struct chatdnat_flow flow = {
		.family = chatdnat_family_of(pf),
		.saddr = *chatdnat_addr_of(segment->saddr),
		.daddr = *chatdnat_addr_of(segment->daddr),
		.sport = ntohs(segment->sport),
		.dport = ntohs(segment->dport),
	};

	return chatdnat_host_route_as(&flow, IPPROTO_TCP, oif);
}

/*
 * The WAN interface that has the address that a client knows, and so is taken
 * for the one that it came in by; 0: none, or the way leads there already.
 */
static int chatdnat_reset_home(u8 pf, const struct chatdnat_segment *segment,
			       const struct dst_entry *dst)
{
	const struct net_device *home;
	int oif = 0;

	if (!segment->wan)
		return 0;

	/* A device goes without its routes' leave. */
	rcu_read_lock();
	if (dst && !chatdnat_ifset_has(segment->wan, dst->dev->name))
		goto unlock;
	home = chatdnat_host_addr_dev(chatdnat_family_of(pf),
				      chatdnat_addr_of(segment->saddr));
	if (home && !(dst && home == dst->dev) &&
	    chatdnat_ifset_has(segment->wan, home->name))
		oif = home->ifindex;
unlock:
	rcu_read_unlock();
	return oif;
}

/* What is alive has its way back from homing; the resets must take it too. */
static struct dst_entry *
chatdnat_reset_route(u8 pf, const struct chatdnat_segment *segment)
{
	struct dst_entry *dst, *home;
	int oif;

	dst = chatdnat_reset_route_by(pf, segment, 0);
	oif = chatdnat_reset_home(pf, segment, dst);
	home = oif ? chatdnat_reset_route_by(pf, segment, oif) : NULL;
	if (!home)
		return dst;
	dst_release(dst);
	return home;
}

static void chatdnat_reset_emit(u8 pf, const struct chatdnat_segment *segment)
{
	struct dst_entry *dst = chatdnat_reset_route(pf, segment);
	struct sk_buff *skb;

	if (!dst)
		return;

	skb = alloc_skb(LL_MAX_HEADER + sizeof(struct ipv6hdr) +
			sizeof(struct tcphdr), GFP_KERNEL);
	if (!skb) {
		dst_release(dst);
		return;
	}
	skb_reserve(skb, LL_MAX_HEADER);
	skb_dst_set(skb, dst);
	/* The connection is gone; this must not begin another. */
	nf_ct_set(skb, NULL, IP_CT_UNTRACKED);

	if (pf == NFPROTO_IPV4) {
		chatdnat_reset_put_ipv4(skb, segment);
		ip_local_out(&init_net, NULL, skb);
		return;
	}
#if IS_ENABLED(CONFIG_IPV6)
	chatdnat_reset_put_ipv6(skb, segment);
	ip6_local_out(&init_net, NULL, skb);
#endif
}

/**
 * chatdnat_reset_send() - reset both ends of a connection
 * @reset: the connection, no longer in conntrack's table
 * @wan: the interfaces by which clients came in
 *
 * An end that has not received all that was sent answers with a challenge ACK
 * (RFC 5961), which then finds no connection either and is reset for that.
 *
 * Context: Process context, may sleep.
 */
void chatdnat_reset_send(const struct chatdnat_reset *reset,
			 const struct chatdnat_ifset *wan)
{
	enum ip_conntrack_dir dir;

	for (dir = 0; dir < IP_CT_DIR_MAX; dir++) {
		const struct nf_conntrack_tuple *tuple = &reset->tuple[dir];
		const struct chatdnat_segment segment = {
			.saddr = &tuple->dst.u3,
			.daddr = &tuple->src.u3,
			.sport = tuple->dst.u.tcp.port,
			.dport = tuple->src.u.tcp.port,
			.seq = reset->end[!dir],
			.ack = reset->end[dir],
			.wan = dir == reset->client ? wan : NULL,
		};

		chatdnat_reset_emit(tuple->src.l3num, &segment);
	}
}
