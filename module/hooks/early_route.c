// SPDX-License-Identifier: GPL-2.0
/*
 * Routes packets at the end of PRE_ROUTING, after DNAT, just before the stack
 * would. Thus the MSS of forwarded connections is clamped without a FORWARD
 * hook, which would be called for all of their packets; and the stack skips
 * early demux, the socket lookup, for translated packets.
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

/* Fast check whether a packet is not a SYN; false if unsure. */
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

/* An ICMP error has the conntrack entry of the connection that it is about. */
static bool chatdnat_early_route_is_error(const struct sk_buff *skb, u8 pf,
					  enum ip_conntrack_info ctinfo)
{
	if (ctinfo != IP_CT_RELATED && ctinfo != IP_CT_RELATED_REPLY)
		return false;
	return pf == NFPROTO_IPV4 ? ip_hdr(skb)->protocol == IPPROTO_ICMP :
				    ipv6_hdr(skb)->nexthdr == IPPROTO_ICMPV6;
}

/* The stack forwards only packets that the link delivered to this host. */
static bool chatdnat_early_route_is_received(const struct sk_buff *skb)
{
#if IS_ENABLED(CONFIG_BRIDGE_NETFILTER)
	const struct nf_bridge_info *bridge = nf_bridge_info_get(skb);

	/* Bridged from one port to another, not routed. */
	if (bridge && bridge->pkt_otherhost)
		return false;
#endif
	return skb->pkt_type == PACKET_HOST;
}

/* Returns true if the packet will be forwarded. */
static __always_inline bool
chatdnat_early_route_forward(struct sk_buff *skb, enum chatdnat_family family,
			     const struct net_device *in,
			     struct chatdnat_dnat_entry *entry)
{
	bool routed = skb_valid_dst(skb);
	const struct dst_entry *dst;

	if (entry && chatdnat_dnat_cache_route(entry, skb, family, in))
		return true;
	dst = chatdnat_route_input(skb, family);
	/* If there is no route, the stack sends the ICMP error. */
	if (!dst || dst->error || !chatdnat_route_input_forwards(skb, family))
		return false;
	if (entry && !routed)
		chatdnat_dnat_cache_add_route(entry, skb, family, in);
	return true;
}

/* Route a segment that may have an MSS option, and clamp it. */
static noinline void
chatdnat_early_route_segment(struct sk_buff *skb,
			     const struct nf_hook_state *state,
			     const struct nf_conn *ct,
			     enum ip_conntrack_info ctinfo)
{
	enum chatdnat_family family = chatdnat_family_of(state->pf);
	const struct chatdnat_snapshot *by = NULL;
	struct nf_hook_state forward = *state;
	struct chatdnat_dnat_entry *entry = NULL;

	/* The hook is called again for the VRF device. */
	if (netif_is_l3_slave(state->in) ||
	    chatdnat_early_route_is_error(skb, state->pf, ctinfo) ||
	    !chatdnat_early_route_is_received(skb))
		return;

	if (ct)
		by = chatdnat_dnat_cache_by(ct, &entry);
	if (chatdnat_early_route_forward(skb, family, state->in,
					 ctinfo == IP_CT_NEW ? entry : NULL)) {
		/* The state that a FORWARD hook would get. */
		forward.hook = NF_INET_FORWARD;
		forward.out = skb_dst(skb)->dev;
		chatdnat_mss(skb, &forward, by ? &by->settings : NULL);
	}

	/* br_netfilter overwrites the route by its own. */
	if (netif_is_bridge_master(state->in))
		skb_dst_drop(skb);
}

/* Give the first datagram of a flow the cached route to the relay. */
static noinline void
chatdnat_early_route_datagram(struct sk_buff *skb,
			      const struct nf_hook_state *state,
			      const struct nf_conn *ct)
{
	const struct chatdnat_snapshot *snapshot;
	struct chatdnat_dnat_entry *entry;

	snapshot = rcu_dereference(chatdnat_active);
	if (!snapshot || netif_is_l3_slave(state->in) ||
	    netif_is_bridge_master(state->in) ||
	    !chatdnat_early_route_is_received(skb))
		return;
	entry = chatdnat_dnat_cache_find(snapshot,
					 nf_ct_tuple(ct, IP_CT_DIR_ORIGINAL));
	if (entry)
		chatdnat_early_route_forward(skb, chatdnat_family_of(state->pf),
					     state->in, entry);
}

static noinline unsigned int
chatdnat_early_route_invalid(struct sk_buff *skb,
			     const struct nf_hook_state *state)
{
	unsigned int verdict = chatdnat_invalid(skb, state);
	enum ip_conntrack_info ctinfo;
	const struct nf_conn *ct;

	/* It has a conntrack entry now, and may be a SYN. */
	ct = nf_ct_get(skb, &ctinfo);
	if (verdict == NF_ACCEPT && ct)
		chatdnat_early_route_segment(skb, state, ct, ctinfo);
	return verdict;
}

static noinline unsigned int
chatdnat_early_route_untracked(struct sk_buff *skb,
			       const struct nf_hook_state *state)
{
	if (!netif_is_l3_slave(state->in) &&
	    chatdnat_early_route_is_received(skb) &&
	    chatdnat_leak_untracked(skb, state) != NF_ACCEPT)
		return NF_DROP;
	chatdnat_early_route_segment(skb, state, NULL, IP_CT_UNTRACKED);
	return NF_ACCEPT;
}

static noinline unsigned int
chatdnat_early_route_related(struct sk_buff *skb,
			     const struct nf_hook_state *state,
			     const struct nf_conn *ct,
			     enum ip_conntrack_info ctinfo)
{
	if (!netif_is_l3_slave(state->in) &&
	    chatdnat_early_route_is_received(skb) &&
	    chatdnat_leak_error(skb, state, ct, ctinfo) != NF_ACCEPT)
		return NF_DROP;
	if (nf_ct_protonum(ct) == IPPROTO_TCP)
		chatdnat_early_route_segment(skb, state, ct, ctinfo);
	return NF_ACCEPT;
}

/**
 * chatdnat_early_route() - hook: PRE_ROUTING, route translated packets and
 *			    clamp their MSS
 * @priv: unused
 * @skb: the packet, after DNAT; may have a route
 * @state: the state of the current hook
 *
 * The conntrack state does not tell whether a packet is a SYN: a SYN of an
 * endpoint that has lost its connection does not change the state.
 *
 * Context: Softirq or process context, RCU read lock held.
 * Return: NF_ACCEPT; NF_DROP for some invalid packets and ICMP messages.
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
		/* A local socket is unlikely. */
		if (READ_ONCE(ct->status) & IPS_NAT_MASK &&
		    !netif_is_l3_slave(state->in) &&
		    !netif_is_bridge_master(state->in))
			chatdnat_route_input(skb, chatdnat_family_of(state->pf));
	} else if (ctinfo == IP_CT_RELATED || ctinfo == IP_CT_RELATED_REPLY) {
		return chatdnat_early_route_related(skb, state, ct, ctinfo);
	} else if (nf_ct_protonum(ct) == IPPROTO_TCP) {
		chatdnat_early_route_segment(skb, state, ct, ctinfo);
	} else if (READ_ONCE(ct->status) & IPS_DST_NAT) {
		chatdnat_early_route_datagram(skb, state, ct);
	}
	return NF_ACCEPT;
}
