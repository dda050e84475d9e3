/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The fast path: a plain packet is translated at the ingress hook and sent to
 * the next hop. All other packets are returned to the stack unchanged. The
 * translation comes from the stateless engine or from an offloaded connection.
 */
#ifndef CHATDNAT_FASTPATH_H
#define CHATDNAT_FASTPATH_H

#include <linux/netdevice.h>
#include <linux/skbuff.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <net/checksum.h>
#include <net/dst.h>
#include <net/neighbour.h>
#include <net/netfilter/nf_conntrack_acct.h>
#include <net/xfrm.h>

#include "../core/bindings.h"
#include "../core/stats.h"
#include "../net/compat.h"
#include "../net/tcp_mss.h"
#include "../stateless/flow_cache.h"
#include "../tracked/offload.h"
#include "../tracked/offload_renew.h"
#include "../tracked/offload_window.h"

unsigned int chatdnat_fastpath_ipv4_offload(struct sk_buff *skb);
unsigned int chatdnat_fastpath_ipv4(struct sk_buff *skb,
				    const struct chatdnat_settings *settings,
				    const struct chatdnat_bindings *bindings,
				    bool entering);
unsigned int chatdnat_fastpath_ipv6_offload(struct sk_buff *skb);
unsigned int chatdnat_fastpath_ipv6(struct sk_buff *skb,
				    const struct chatdnat_settings *settings,
				    const struct chatdnat_bindings *bindings,
				    bool entering);

/**
 * chatdnat_fastpath_free() - whether an skb is eligible for the fast path
 * @skb: a received packet
 *
 * Context: Softirq; on the packet path.
 * Return: False if it is owned or was handled by another path, or is not
 * transmittable.
 */
static inline bool chatdnat_fastpath_free(struct sk_buff *skb)
{
#ifdef CONFIG_NET_SWITCHDEV
	/* A copy of a packet that the switch has forwarded already. */
	if (skb->offload_l3_fwd_mark)
		return false;
#endif
	return !skb_shared(skb) && !skb_nfct(skb) &&
	       !skb_sk_is_prefetched(skb) &&
	       (!skb_is_nonlinear(skb) || !skb_is_gso(skb) ||
		skb_shinfo(skb)->gso_type);
}

/**
 * chatdnat_fastpath_policies() - whether an IPsec policy may apply
 * @skb: the packet
 *
 * Context: On the packet path.
 * Return: True if a policy may apply to the packet.
 */
static inline bool chatdnat_fastpath_policies(const struct sk_buff *skb)
{
#ifdef CONFIG_XFRM
	return secpath_exists(skb) || chatdnat_xfrm_default_blocks() ||
	       init_net.xfrm.policy_count[XFRM_POLICY_FWD] ||
	       init_net.xfrm.policy_count[XFRM_POLICY_OUT];
#else
	return false;
#endif
}

/**
 * chatdnat_fastpath_is_syn() - whether a segment opens a connection
 * @th: its TCP header
 *
 * Context: On the packet path.
 * Return: True for a SYN without ACK.
 */
static inline bool chatdnat_fastpath_is_syn(const struct tcphdr *th)
{
	return th->syn && !th->ack;
}

/**
 * chatdnat_fastpath_pull_options() - prepare a SYN for the fast path
 * @skb: the packet
 * @offset: offset of its TCP header, which is linear
 * @accept_syn: accept a SYN without ACK too
 *
 * Context: Softirq; on the packet path.
 * Return: True if the segment may take the fast path; its options are linear
 * then.
 */
static inline bool chatdnat_fastpath_pull_options(struct sk_buff *skb,
						  unsigned int offset,
						  bool accept_syn)
{
	const struct tcphdr *th = (void *)(skb->data + offset);

	return (accept_syn || th->ack) && th->doff >= sizeof(*th) / 4 &&
	       pskb_may_pull(skb, offset + th->doff * 4);
}

/**
 * chatdnat_fastpath_count() - count a handshake, and clamp its MSS
 * @skb: the packet, writable
 * @th: its TCP header, with options for a SYN
 * @entry: its flow cache entry
 * @family: IPv4 or IPv6
 * @entering: direction to the relay
 *
 * Context: Softirq; on the packet path.
 */
static inline void
chatdnat_fastpath_count(struct sk_buff *skb, struct tcphdr *th,
			const struct chatdnat_flow_entry *entry,
			enum chatdnat_family family, bool entering)
{
	if (entering && chatdnat_fastpath_is_syn(th)) {
		chatdnat_count(family, CHATDNAT_SEEN);
		chatdnat_count(family, CHATDNAT_TRANSLATED);
		chatdnat_count(family, CHATDNAT_SENT);
	}
	/*
	 * RFC 9293, 3.10.7.1: a reset in reply to a SYN has sequence number 0.
	 */
	if (!entering && th->ack && (th->syn || (th->rst && !th->seq)))
		chatdnat_count(family, CHATDNAT_ANSWERED);
	if (th->syn && entry->mss && chatdnat_tcp_mss_clamp(skb, th, entry->mss))
		chatdnat_count(family, CHATDNAT_CLAMPED);
}

/**
 * chatdnat_fastpath_fits() - whether a segment can be sent to its next hop
 * @skb: the packet
 * @offset: offset of its TCP or UDP header
 * @translation: its translation
 *
 * Context: Softirq, RCU read lock held; on the packet path.
 * Return: True if it fits the MTU and the neighbour is valid.
 */
static inline bool
chatdnat_fastpath_fits(struct sk_buff *skb, int offset,
		       struct chatdnat_translation *translation)
{
	unsigned int mtu = translation->nexthop.mtu;

	if (unlikely(skb->len > mtu)) {
		if (!mtu || !skb_is_gso(skb))
			return false;
		/* Not every driver sets it. */
		skb_set_transport_header(skb, offset);
		if (!skb_gso_validate_network_len(skb, mtu))
			return false;
	}
	if (likely(chatdnat_nexthop_ready(&translation->nexthop)))
		return true;
	/* The stack will resolve the neighbour; look it up again then. */
	chatdnat_validity_end(&translation->validity);
	return false;
}

/**
 * chatdnat_fastpath_check() - update a TCP checksum, or that of a datagram that
 *			       has one
 * @skb: the packet
 * @check: the checksum
 * @translation: its translation
 *
 * Context: On the packet path.
 */
static inline void
chatdnat_fastpath_check(struct sk_buff *skb, __sum16 *check,
			const struct chatdnat_translation *translation)
{
	/*
	 * Partial: it covers the pseudo header only; the device adds the rest.
	 */
	if (unlikely(skb->ip_summed == CHECKSUM_PARTIAL)) {
		*check = csum16_add(*check, translation->diff_pseudo);
		return;
	}
	skb_forward_csum(skb);
	*check = ~csum16_add(~*check, translation->diff);
}

/**
 * chatdnat_fastpath_check_udp() - update the checksum of a datagram
 * @skb: the packet
 * @check: the checksum; 0: there is none
 * @translation: its translation
 *
 * Context: On the packet path.
 */
static inline void
chatdnat_fastpath_check_udp(struct sk_buff *skb, __sum16 *check,
			    const struct chatdnat_translation *translation)
{
	if (!*check && skb->ip_summed != CHECKSUM_PARTIAL) {
		skb_forward_csum(skb);
		return;
	}
	chatdnat_fastpath_check(skb, check, translation);
	if (!*check)
		*check = CSUM_MANGLED_0;
}

/**
 * chatdnat_fastpath_keeps_dst() - whether a device needs the dst of a packet
 * @dev: the device
 *
 * Tunnels do, to report ICMP errors.
 *
 * Context: Any.
 * Return: True if the packet has to keep its dst.
 */
static inline bool chatdnat_fastpath_keeps_dst(const struct net_device *dev)
{
	return !(dev->priv_flags & IFF_XMIT_DST_RELEASE);
}

/**
 * chatdnat_fastpath_send() - send a translated packet
 * @skb: the packet
 * @nexthop: the next hop
 * @dst: its route, if the device needs it; otherwise NULL
 *
 * Context: Softirq, RCU read lock held; on the packet path.
 * Return: NF_STOLEN.
 */
static inline unsigned int
chatdnat_fastpath_send(struct sk_buff *skb,
		       const struct chatdnat_nexthop *nexthop,
		       struct dst_entry *dst)
{
	/* As ip_rcv() does: no longer charged to the sender's socket. */
	if (unlikely(skb->destructor))
		skb_orphan(skb);
	skb_dst_drop(skb);
	if (unlikely(dst))
		skb_dst_set_noref(skb, dst);
	chatdnat_clear_tstamp(skb);
	skb->dev = nexthop->dev;
	if (nexthop->neigh)
		neigh_output(nexthop->neigh, skb, false);
	else
		dev_queue_xmit(skb);
	return NF_STOLEN;
}

/**
 * chatdnat_fastpath_offload_dst() - the route of an offloaded packet
 * @offload: its direction
 * @dst: set to the route if the device needs it, otherwise to NULL
 *
 * Context: Softirq, RCU read lock held; on the packet path.
 * Return: False if the route has changed.
 */
static inline bool
chatdnat_fastpath_offload_dst(const struct chatdnat_offload *offload,
			      struct dst_entry **dst)
{
	*dst = NULL;
	if (!chatdnat_fastpath_keeps_dst(offload->translation.nexthop.dev))
		return true;
	*dst = dst_check(offload->dst, offload->cookie);
	return *dst;
}

/**
 * chatdnat_fastpath_offload_expects() - whether a packet may take the fast path
 *					 of its connection, and extend it
 * @offload: its direction
 * @header: its TCP or UDP header, linear
 * @len: length of header and data
 *
 * Context: Softirq, RCU read lock held; on the packet path.
 * Return: False if connection tracking has to see it.
 */
static __always_inline bool
chatdnat_fastpath_offload_expects(struct chatdnat_offload *offload,
				  const void *header, unsigned int len)
{
	const struct udphdr *uh = header;

	return (chatdnat_offload_protonum(offload) == IPPROTO_TCP ?
			chatdnat_offload_advance(offload, header, len) :
			ntohs(uh->len) == len) &&
	       (likely(!chatdnat_offload_is_due(offload)) ||
		chatdnat_offload_renew(offload));
}

/**
 * chatdnat_fastpath_offload_translate() - translate ports and checksum of an
 *					   offloaded packet
 * @skb: the packet, writable
 * @offload: its direction
 * @header: its TCP or UDP header
 *
 * Context: Softirq, RCU read lock held; on the packet path.
 */
static __always_inline void
chatdnat_fastpath_offload_translate(struct sk_buff *skb,
				    const struct chatdnat_offload *offload,
				    void *header)
{
	const struct chatdnat_translation *translation = &offload->translation;
	struct tcphdr *th = header;
	struct udphdr *uh = header;

	if (chatdnat_offload_protonum(offload) == IPPROTO_TCP)
		chatdnat_fastpath_check(skb, &th->check, translation);
	else
		chatdnat_fastpath_check_udp(skb, &uh->check, translation);
	*(__be32 *)header ^= translation->ports;
	if (unlikely(offload->counts))
		nf_ct_acct_update(offload->ct, offload->dir, skb->len);
}

#endif /* CHATDNAT_FASTPATH_H */
