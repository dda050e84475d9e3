// SPDX-License-Identifier: GPL-2.0
/*
 * Routes packets where they have got their destination, just before the stack
 * would. So what connections that are about to be forwarded announce is clamped
 * without a hook at forward, which all their packets would pay for; and what is
 * translated is spared the stack's look for a socket of this host.
 */
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/netdevice.h>
#include <linux/netfilter_bridge.h>
#include <linux/tcp.h>
#include <net/dst.h>
#include <net/dst_metadata.h>
#include <net/ip.h>
#include <net/netfilter/nf_conntrack.h>

#include "../core/snapshot.h"
#include "../net/nfct.h"
#include "../net/route_input.h"
#include "../tracked/dnat_cache.h"
#include "early_route.h"
#include "invalid.h"
#include "leak.h"
#include "mss.h"

/* Whether a packet is no SYN, where that is seen at once. */
static bool chatdnat_early_route_is_plain(const struct sk_buff *skb,
					  const struct nf_conn *ct, u8 pf)
{
	const u8 *header = skb_network_header(skb);
	const struct tcphdr *th;

	if (nf_ct_protonum(ct) != IPPROTO_TCP)
		return true;
	if (pf == NFPROTO_IPV4)
		header += ip_hdrlen(skb);
	else if (likely(ipv6_hdr(skb)->nexthdr == IPPROTO_TCP))
		header += sizeof(struct ipv6hdr);
	else
		return false;

	th = (const struct tcphdr *)header;
	return (const u8 *)(th + 1) <= skb_tail_pointer(skb) && !th->syn;
}

/* An error about a connection is known, and is none of its segments. */
static bool chatdnat_early_route_is_error(const struct sk_buff *skb, u8 pf,
					  enum ip_conntrack_info ctinfo)
{
	if (ctinfo != IP_CT_RELATED && ctinfo != IP_CT_RELATED_REPLY)
		return false;
	return pf == NFPROTO_IPV4 ? ip_hdr(skb)->protocol == IPPROTO_ICMP
				  : ipv6_hdr(skb)->nexthdr == IPPROTO_ICMPV6;
}

/* The stack forwards only what the link had for this host. */
static bool chatdnat_early_route_is_received(const struct sk_buff *skb)
{
#if IS_ENABLED(CONFIG_BRIDGE_NETFILTER)
	const struct nf_bridge_info *bridge = nf_bridge_info_get(skb);

	/* From one port to another: the hooks are only shown it. */
	if (bridge && bridge->pkt_otherhost)
		return false;
#endif
	return skb->pkt_type == PACKET_HOST;
}

/* Routes a segment that begins something; true: it is to be forwarded. */
static bool chatdnat_early_route_forward(struct sk_buff *skb,
					 enum chatdnat_family family,
					 const struct net_device *in,
					 struct chatdnat_dnat_entry *entry)
{
	bool routed = skb_valid_dst(skb);
	const struct dst_entry *dst;

	if (entry && chatdnat_dnat_cache_route(entry, skb, family, in))
		return true;
	dst = chatdnat_route_input(skb, family);
	/* Without one the stack says so, if it has to be said. */
	if (!dst || dst->error || !chatdnat_route_input_forwards(skb, family))
		return false;
	if (entry && !routed)
		chatdnat_dnat_cache_add_route(entry, skb, family, in);
	return true;
}

/* A segment that may announce how much it can take. */
static noinline void chatdnat_early_route_segment(struct sk_buff *skb,
						  const struct nf_hook_state *state,
						  const struct nf_conn *ct,
						  enum ip_conntrack_info ctinfo)
{
	enum chatdnat_family family = chatdnat_family_of(state->pf);
	const struct chatdnat_snapshot *by = NULL;
	struct nf_hook_state forward = *state;
	struct chatdnat_dnat_entry *entry = NULL;

	/* A VRF's packet comes by once more, as the VRF's device's. */
	if (netif_is_l3_slave(state->in) ||
	    chatdnat_early_route_is_error(skb, state->pf, ctinfo) ||
	    !chatdnat_early_route_is_received(skb))
		return;

	if (ct)
		by = chatdnat_dnat_cache_by(ct, &entry);
	if (chatdnat_early_route_forward(skb, family, state->in,
					 ctinfo == IP_CT_NEW ? entry : NULL)) {
		/* As a hook at forward would have it. */
		forward.hook = NF_INET_FORWARD;
		forward.out = skb_dst(skb)->dev;
		chatdnat_mss(skb, &forward, by ? &by->settings : NULL);
	}

	/* A bridge puts a route of its own over this one. */
	if (netif_is_bridge_master(state->in))
		skb_dst_drop(skb);
}

static noinline unsigned int
chatdnat_early_route_invalid(struct sk_buff *skb, const struct nf_hook_state *state)
{
	unsigned int verdict = chatdnat_invalid(skb, state);
	enum ip_conntrack_info ctinfo;
	const struct nf_conn *ct;

	/* Now of a known connection: it may be a SYN. */
	ct = nf_ct_get(skb, &ctinfo);
	if (verdict == NF_ACCEPT && ct)
		chatdnat_early_route_segment(skb, state, ct, ctinfo);
	return verdict;
}

static noinline unsigned int
chatdnat_early_route_untracked(struct sk_buff *skb, const struct nf_hook_state *state)
{
	if (!netif_is_l3_slave(state->in) && chatdnat_early_route_is_received(skb) &&
	    chatdnat_leak_untracked(skb, state) != NF_ACCEPT)
		return NF_DROP;
	chatdnat_early_route_segment(skb, state, NULL, IP_CT_UNTRACKED);
	return NF_ACCEPT;
}

static noinline unsigned int
chatdnat_early_route_related(struct sk_buff *skb, const struct nf_hook_state *state,
			     const struct nf_conn *ct, enum ip_conntrack_info ctinfo)
{
	if (!netif_is_l3_slave(state->in) && chatdnat_early_route_is_received(skb) &&
	    chatdnat_leak_error(skb, state, ct, ctinfo) != NF_ACCEPT)
		return NF_DROP;
	if (nf_ct_protonum(ct) == IPPROTO_TCP)
		chatdnat_early_route_segment(skb, state, ct, ctinfo);
	return NF_ACCEPT;
}

/**
 * chatdnat_early_route() - hook: route what is translated, and clamp what it announces
 * @priv: unused
 * @skb: the packet, its destination translated, perhaps not routed yet
 * @state: the hook's
 *
 * Conntrack's state does not tell whether a packet is a SYN: one that is sent
 * in the middle, by an end that has forgotten, leaves the state as it is.
 *
 * Context: Softirq or process context, RCU read lock held.
 * Return: NF_ACCEPT, NF_DROP for some of what conntrack calls invalid.
 */
unsigned int chatdnat_early_route(void *priv, struct sk_buff *skb,
				  const struct nf_hook_state *state)
{
	enum ip_conntrack_info ctinfo;
	const struct nf_conn *ct;

	ct = nf_ct_get(skb, &ctinfo);
	if (unlikely(!ct)) {
		if (ctinfo == IP_CT_UNTRACKED)
			return chatdnat_early_route_untracked(skb, state);
		if (!netif_is_l3_slave(state->in) &&
		    chatdnat_early_route_is_received(skb))
			return chatdnat_early_route_invalid(skb, state);
	} else if ((ctinfo == IP_CT_ESTABLISHED ||
		    ctinfo == IP_CT_ESTABLISHED_REPLY) &&
		   chatdnat_early_route_is_plain(skb, ct, state->pf)) {
		/* Hardly a socket of this host is at its end. */
		if (READ_ONCE(ct->status) & IPS_NAT_MASK &&
		    !netif_is_l3_slave(state->in) &&
		    !netif_is_bridge_master(state->in))
			chatdnat_route_input(skb, chatdnat_family_of(state->pf));
	} else if (ctinfo == IP_CT_RELATED || ctinfo == IP_CT_RELATED_REPLY) {
		return chatdnat_early_route_related(skb, state, ct, ctinfo);
	} else if (nf_ct_protonum(ct) == IPPROTO_TCP) {
		chatdnat_early_route_segment(skb, state, ct, ctinfo);
	}
	return NF_ACCEPT;
}
