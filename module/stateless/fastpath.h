/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The stateless engine's shortcut: a plain segment is rewritten as it arrives
 * and sent to the next hop. Whatever is not plain, or needs more of the stack
 * than to be passed on, is left untouched for the stack's own way.
 */
#ifndef CHATDNAT_FASTPATH_H
#define CHATDNAT_FASTPATH_H

#include <linux/netdevice.h>
#include <linux/skbuff.h>
#include <linux/tcp.h>
#include <net/checksum.h>
#include <net/dst.h>
#include <net/neighbour.h>
#include <net/xfrm.h>

#include "../core/bindings.h"
#include "../core/stats.h"
#include "../net/compat.h"
#include "../net/tcp_mss.h"
#include "flow_cache.h"

unsigned int chatdnat_fastpath_ipv4(struct sk_buff *skb,
				    const struct chatdnat_settings *settings,
				    const struct chatdnat_bindings *bindings,
				    bool entering);
unsigned int chatdnat_fastpath_ipv6(struct sk_buff *skb,
				    const struct chatdnat_settings *settings,
				    const struct chatdnat_bindings *bindings,
				    bool entering);

/**
 * chatdnat_fastpath_free() - whether a packet may take the shortcut, whatever is in it
 * @skb: a packet that has just arrived
 *
 * Context: Softirq; on the packet path.
 * Return: False for what another part of the kernel holds or has handled, and
 * for what no device may be given.
 */
static inline bool chatdnat_fastpath_free(struct sk_buff *skb)
{
#ifdef CONFIG_NET_SWITCHDEV
	/* A copy: the switch has forwarded it, so that the stack does not. */
	if (skb->offload_l3_fwd_mark)
		return false;
#endif
	return !skb_shared(skb) && !skb_nfct(skb) &&
	       !skb_sk_is_prefetched(skb) &&
	       (!skb_is_nonlinear(skb) || !skb_is_gso(skb) ||
		skb_shinfo(skb)->gso_type);
}

/**
 * chatdnat_fastpath_policies() - whether IPsec may have a say
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
 * @th: its header
 *
 * Context: On the packet path.
 * Return: True for a SYN without ACK.
 */
static inline bool chatdnat_fastpath_is_syn(const struct tcphdr *th)
{
	return th->syn && !th->ack;
}

/**
 * chatdnat_fastpath_pull_options() - whether a SYN may take the shortcut
 * @skb: the packet
 * @offset: where its TCP header begins, which is at hand
 * @opens: so may one that opens a connection
 *
 * Context: Softirq; on the packet path.
 * Return: True with its options at hand; nothing else is looked at further.
 */
static inline bool chatdnat_fastpath_pull_options(struct sk_buff *skb,
						  unsigned int offset, bool opens)
{
	const struct tcphdr *th = (void *)(skb->data + offset);

	return (opens || th->ack) && th->doff >= sizeof(*th) / 4 &&
	       pskb_may_pull(skb, offset + th->doff * 4);
}

/**
 * chatdnat_fastpath_count() - note what begins a connection, or refuses it
 * @skb: the packet, writable
 * @th: its header, with the options that a SYN has
 * @entry: its way
 * @family: IPv4 or IPv6
 * @entering: it goes to the relay
 *
 * Context: Softirq; on the packet path.
 */
static inline void chatdnat_fastpath_count(struct sk_buff *skb, struct tcphdr *th,
					   const struct chatdnat_flow_entry *entry,
					   enum chatdnat_family family, bool entering)
{
	if (entering && chatdnat_fastpath_is_syn(th)) {
		chatdnat_count(family, CHATDNAT_SEEN);
		chatdnat_count(family, CHATDNAT_TRANSLATED);
		chatdnat_count(family, CHATDNAT_SENT);
	}
	/* RFC 9293, 3.10.7.1: what refuses a SYN has no sequence number. */
	if (!entering && th->ack && (th->syn || (th->rst && !th->seq)))
		chatdnat_count(family, CHATDNAT_ANSWERED);
	if (th->syn && entry->mss && chatdnat_tcp_mss_clamp(skb, th, entry->mss))
		chatdnat_count(family, CHATDNAT_CLAMPED);
}

/**
 * chatdnat_fastpath_fits() - whether a segment can be handed to its next hop
 * @skb: the packet
 * @offset: where its TCP header begins
 * @entry: its way
 *
 * Context: Softirq, RCU read lock held; on the packet path.
 * Return: True if it needs no fragmentation there.
 */
static inline bool chatdnat_fastpath_fits(struct sk_buff *skb, int offset,
					  struct chatdnat_flow_entry *entry)
{
	unsigned int mtu = entry->nexthop.mtu;

	if (unlikely(skb->len > mtu)) {
		if (!mtu || !skb_is_gso(skb))
			return false;
		/* Not every driver says where it is. */
		skb_set_transport_header(skb, offset);
		if (!skb_gso_validate_network_len(skb, mtu))
			return false;
	}
	if (likely(chatdnat_nexthop_ready(&entry->nexthop)))
		return true;
	/* The stack is about to make it known. */
	chatdnat_validity_end(&entry->validity);
	return false;
}

/**
 * chatdnat_fastpath_check() - mend a segment's checksum
 * @skb: the packet
 * @check: the checksum
 * @diff: by what the sum of its addresses changes
 *
 * Context: On the packet path.
 */
static inline void chatdnat_fastpath_check(struct sk_buff *skb, __sum16 *check,
					   __be16 diff)
{
	/* Partial: the device adds the rest. */
	if (unlikely(skb->ip_summed == CHECKSUM_PARTIAL)) {
		*check = csum16_add(*check, diff);
		return;
	}
	skb_forward_csum(skb);
	*check = ~csum16_add(~*check, diff);
}

/**
 * chatdnat_fastpath_keeps_dst() - whether a device looks at a packet's route
 * @dev: the device
 *
 * Tunnels do, when they have an error to tell.
 *
 * Context: Any.
 * Return: True if the packet has to keep its route.
 */
static inline bool chatdnat_fastpath_keeps_dst(const struct net_device *dev)
{
	return !(dev->priv_flags & IFF_XMIT_DST_RELEASE);
}

/**
 * chatdnat_fastpath_send() - send a packet that is all done
 * @skb: the packet
 * @nexthop: where it goes
 * @dst: its route, for a device that looks at it; else NULL
 *
 * Context: Softirq, RCU read lock held; on the packet path.
 * Return: NF_STOLEN.
 */
static inline unsigned int chatdnat_fastpath_send(struct sk_buff *skb,
						  const struct chatdnat_nexthop *nexthop,
						  struct dst_entry *dst)
{
	/* Nobody's any more but this host's. */
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

#endif /* CHATDNAT_FASTPATH_H */
