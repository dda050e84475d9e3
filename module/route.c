// SPDX-License-Identifier: GPL-2.0
/*
 * Routes packets where they have got their destination, just before the stack
 * would. So what is about to be forwarded is judged, and its segment size
 * clamped, without a hook at forward, which established connections would pay
 * for; and translated ones are spared the stack's look for a socket of theirs.
 */
#include <linux/icmpv6.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/netdevice.h>
#include <linux/netfilter_bridge.h>
#include <linux/tcp.h>
#include <net/dst.h>
#include <net/dst_metadata.h>
#include <net/ip.h>
#include <net/l3mdev.h>
#include <net/netfilter/nf_conntrack.h>

#include "config.h"
#include "ct.h"
#include "guard.h"
#include "host.h"
#include "memo.h"
#include "mss.h"
#include "route.h"

/* Whether a packet is no SYN, where that is seen at once. */
static bool chatdnat_route_is_plain(const struct sk_buff *skb,
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
static bool chatdnat_route_is_error(const struct sk_buff *skb, u8 pf,
				    enum ip_conntrack_info ctinfo)
{
	if (ctinfo != IP_CT_RELATED && ctinfo != IP_CT_RELATED_REPLY)
		return false;
	return pf == NFPROTO_IPV4 ? ip_hdr(skb)->protocol == IPPROTO_ICMP
				  : ipv6_hdr(skb)->nexthdr == IPPROTO_ICMPV6;
}

/* The stack forwards only what the link had for this host. */
static bool chatdnat_route_is_received(const struct sk_buff *skb)
{
#if IS_ENABLED(CONFIG_BRIDGE_NETFILTER)
	const struct nf_bridge_info *bridge = nf_bridge_info_get(skb);

	/* From one port to another: the hooks are only shown it. */
	if (bridge && bridge->pkt_otherhost)
		return false;
#endif
	return skb->pkt_type == PACKET_HOST;
}

/* What is about to be forwarded, as a hook at forward would have it. */
static unsigned int
chatdnat_route_judge(struct sk_buff *skb, const struct nf_hook_state *state,
		     const struct chatdnat_snapshot *by)
{
	struct nf_hook_state forward = *state;
	unsigned int verdict = NF_ACCEPT;

	forward.hook = NF_INET_FORWARD;
	forward.out = skb_dst(skb)->dev;
	/* What is sent on needs no judge, and is what there is most of. */
	if (!by)
		verdict = chatdnat_guard_forward(skb, &forward);
	if (verdict == NF_ACCEPT)
		chatdnat_mss(skb, &forward, by ? &by->settings : NULL);
	return verdict;
}

/* A packet that begins something, or whose connection is not known. */
static noinline unsigned int
chatdnat_route_unsettled(struct sk_buff *skb, const struct nf_hook_state *state,
			 const struct nf_conn *ct, enum ip_conntrack_info ctinfo)
{
	enum chatdnat_family family = chatdnat_family_of(state->pf);
	const struct chatdnat_snapshot *by = NULL;
	struct chatdnat_memo *memo = NULL;
	bool routed = skb_valid_dst(skb);
	unsigned int verdict;

	/* A VRF's packet comes by once more, as the VRF's device's. */
	if (netif_is_l3_slave(state->in) ||
	    chatdnat_route_is_error(skb, state->pf, ctinfo) ||
	    !chatdnat_route_is_received(skb))
		return NF_ACCEPT;

	if (ct)
		by = chatdnat_memo_by(ct, &memo);
	if (ctinfo != IP_CT_NEW)
		memo = NULL;
	if (!memo || !chatdnat_memo_route(memo, skb, family, state->in)) {
		const struct dst_entry *dst;

		dst = chatdnat_host_route_packet(skb, family);
		/* Without one the stack says so, if it has to be said. */
		if (!dst || dst->error || !chatdnat_host_forwards(skb, family))
			return NF_ACCEPT;
		if (memo && !routed)
			chatdnat_memo_note_route(memo, skb, family, state->in);
	}

	verdict = chatdnat_route_judge(skb, state, by);

	/* A bridge puts a route of its own over this one. */
	if (!routed && netif_is_bridge_master(state->in))
		skb_dst_drop(skb);
	return verdict;
}

/**
 * chatdnat_route() - hook: route, and judge what is about to be forwarded
 * @priv: unused
 * @skb: the packet, translated, perhaps not routed yet
 * @state: the hook's
 *
 * Conntrack's state does not tell whether a packet is a SYN: one that is sent
 * in the middle, by an end that has forgotten, leaves the state as it is.
 *
 * Context: Softirq, RCU read lock held.
 */
unsigned int chatdnat_route(void *priv, struct sk_buff *skb,
			    const struct nf_hook_state *state)
{
	enum ip_conntrack_info ctinfo;
	const struct nf_conn *ct;

	ct = nf_ct_get(skb, &ctinfo);
	if (unlikely(!ct ||
		     (ctinfo != IP_CT_ESTABLISHED &&
		      ctinfo != IP_CT_ESTABLISHED_REPLY) ||
		     !chatdnat_route_is_plain(skb, ct, state->pf)))
		return chatdnat_route_unsettled(skb, state, ct, ctinfo);

	/* No socket of this host is at the end of what is translated. */
	if (READ_ONCE(ct->status) & IPS_NAT_MASK &&
	    !netif_is_l3_slave(state->in) && !netif_is_bridge_master(state->in))
		chatdnat_host_route_packet(skb, chatdnat_family_of(state->pf));
	return NF_ACCEPT;
}
