// SPDX-License-Identifier: GPL-2.0
/*
 * Hooks of the guard, which select the packets to judge: forwarded and local
 * ones without an established connection; and pings and SYNs of established
 * connections, which are judged like new ones.
 */
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/in.h>
#include <linux/ipv6.h>
#include <linux/netdevice.h>
#include <linux/tcp.h>
#include <net/ip.h>
#include <net/netfilter/nf_conntrack.h>

#include "../net/nfct.h"
#include "../net/packet.h"
#include "../stateless/stateless.h"
#include "../tracked/dnat_cache.h"
#include "guard.h"
#include "judge.h"

/* After a reply, a flood of echo requests is an established connection. */
static bool chatdnat_guard_is_ping(const struct nf_conn *ct,
				   enum ip_conntrack_info ctinfo)
{
	const struct nf_conntrack_tuple *tuple;

	if (ctinfo != IP_CT_ESTABLISHED)
		return false;
	tuple = nf_ct_tuple(ct, IP_CT_DIR_ORIGINAL);
	switch (tuple->dst.protonum) {
	case IPPROTO_ICMP:
		return tuple->dst.u.icmp.type == ICMP_ECHO;
	case IPPROTO_ICMPV6:
		return tuple->dst.u.icmp.type == ICMPV6_ECHO_REQUEST;
	default:
		return false;
	}
}

/*
 * Conntrack accepts a SYN within an established connection, and tracks the new
 * connection from the reply on. So a SYN is always judged, whatever its entry
 * is. This is the cheap check, run for each packet: false if the packet may be
 * a SYN.
 */
static __always_inline bool chatdnat_guard_is_no_syn(const struct sk_buff *skb,
						     const struct nf_conn *ct)
{
	const u8 *header = skb_network_header(skb);
	const struct tcphdr *th;

	if (nf_ct_protonum(ct) != IPPROTO_TCP)
		return true;
	if (header[0] == 0x45)
		th = (const struct tcphdr *)(header + sizeof(struct iphdr));
	else if (header[0] >> 4 == 6 &&
		 ((const struct ipv6hdr *)header)->nexthdr == IPPROTO_TCP)
		th = (const struct tcphdr *)(header + sizeof(struct ipv6hdr));
	else
		return false;
	return (const u8 *)(th + 1) <= skb_tail_pointer(skb) &&
	       !(tcp_flag_word(th) & TCP_FLAG_SYN);
}

static noinline bool chatdnat_guard_is_syn(const struct sk_buff *skb, u8 pf,
					   const struct nf_conn *ct)
{
	struct chatdnat_parsed parsed;

	/* Expected by a helper; may be a retransmission. */
	if (READ_ONCE(ct->status) & IPS_EXPECTED)
		return false;
	return chatdnat_packet_parse(skb, chatdnat_family_of(pf), &parsed) &&
	       parsed.is_syn;
}

/* Whether a packet of an established connection need not be judged. */
static __always_inline bool
chatdnat_guard_is_known(const struct sk_buff *skb, u8 pf,
			const struct nf_conn *ct, enum ip_conntrack_info ctinfo)
{
	return ctinfo != IP_CT_NEW &&
	       (likely(chatdnat_guard_is_no_syn(skb, ct)) ||
		!chatdnat_guard_is_syn(skb, pf, ct));
}

/* Whether an untracked packet is translated by the stateless engine. */
static bool chatdnat_guard_stateless(const struct sk_buff *skb,
				     const struct nf_hook_state *state)
{
	const struct chatdnat_settings *settings;
	const struct chatdnat_binding *binding;
	struct chatdnat_parsed parsed;

	switch (chatdnat_stateless_direction(skb, state, &parsed, &settings,
					     &binding)) {
	case CHATDNAT_DIR_TO_RELAY:
		return true;
	case CHATDNAT_DIR_TO_CLIENT:
		return state->out &&
		       chatdnat_ifset_has(&settings->wan, state->out->name);
	case CHATDNAT_DIR_NONE:
		break;
	}
	return false;
}

/* Judge a packet without an established connection. */
static noinline unsigned int
chatdnat_guard_unknown(const struct sk_buff *skb,
		       const struct nf_hook_state *state,
		       const struct nf_conn *ct, enum ip_conntrack_info ctinfo)
{
	/* Decrypted by IPsec: sent by the IPsec peer, not from the WAN side. */
	if (secpath_exists(skb))
		return NF_ACCEPT;

	if (ct)
		return chatdnat_judge(skb, state, CHATDNAT_TRACK_NEW);
	if (ctinfo != IP_CT_UNTRACKED)
		return chatdnat_judge(skb, state, CHATDNAT_TRACK_INVALID);
	if (chatdnat_guard_stateless(skb, state))
		return NF_ACCEPT;
	return chatdnat_judge(skb, state, CHATDNAT_TRACK_UNTRACKED);
}

static int chatdnat_guard_ipv6_iif(const struct sk_buff *skb)
{
#if IS_ENABLED(CONFIG_IPV6)
	return IP6CB(skb)->iif;
#else
	return 0;
#endif
}

/*
 * The input device of a forwarded packet; NULL if it is not forwarded. The
 * outer packet of a tunnel has the input interface of the inner packet, but its
 * control block is cleared. Packets forwarded by multicast routing have no
 * input interface (IPv4) or the output interface (IPv6), and locally generated
 * multicast is looped back.
 */
static struct net_device *
chatdnat_guard_forwarded_from(const struct sk_buff *skb,
			      const struct nf_hook_state *state)
{
	bool forwarded, group;

	if (state->pf == NFPROTO_IPV6) {
		forwarded = state->in && chatdnat_guard_ipv6_iif(skb);
		group = ipv6_addr_is_multicast(&ipv6_hdr(skb)->daddr);
	} else {
		forwarded = IPCB(skb)->flags & IPSKB_FORWARDED;
		group = ipv4_is_multicast(ip_hdr(skb)->daddr);
	}
	if (!forwarded || (group && skb->pkt_type == PACKET_LOOPBACK))
		return NULL;
	return group ? dev_get_by_index_rcu(&init_net, skb->skb_iif) : state->in;
}

static noinline unsigned int
chatdnat_guard_forwarded(struct sk_buff *skb, const struct nf_hook_state *state,
			 const struct nf_conn *ct, enum ip_conntrack_info ctinfo)
{
	struct nf_hook_state forward = *state;
	struct chatdnat_dnat_entry *entry;
	struct net_device *in;

	/*
	 * Connections forwarded to a relay need no check, and are the most
	 * frequent.
	 */
	if (ct && chatdnat_dnat_cache_by(ct, &entry))
		return NF_ACCEPT;
	in = chatdnat_guard_forwarded_from(skb, state);
	if (!in)
		return NF_ACCEPT;

	forward.hook = NF_INET_FORWARD;
	forward.in = in;
	return chatdnat_guard_unknown(skb, &forward, ct, ctinfo);
}

/**
 * chatdnat_guard_forward() - hook: POST_ROUTING, judge forwarded packets
 * @priv: unused
 * @skb: the packet
 * @state: the state of the current hook
 *
 * A FORWARD hook, often the only one there, would cost more for each packet
 * than one in POST_ROUTING, where the NAT core has a hook anyway.
 *
 * Context: Softirq or process context, RCU read lock held.
 * Return: NF_ACCEPT or NF_DROP.
 */
unsigned int chatdnat_guard_forward(void *priv, struct sk_buff *skb,
				    const struct nf_hook_state *state)
{
	enum ip_conntrack_info ctinfo;
	const struct nf_conn *ct;

	ct = nf_ct_get(skb, &ctinfo);
	if (likely(ct && chatdnat_guard_is_known(skb, state->pf, ct, ctinfo)))
		return NF_ACCEPT;
	return chatdnat_guard_forwarded(skb, state, ct, ctinfo);
}

/**
 * chatdnat_guard_input() - hook: LOCAL_IN, judge packets to this host
 * @priv: unused
 * @skb: the packet
 * @state: the state of the current hook
 *
 * Context: Softirq, RCU read lock held.
 * Return: NF_ACCEPT or NF_DROP.
 */
unsigned int chatdnat_guard_input(void *priv, struct sk_buff *skb,
				  const struct nf_hook_state *state)
{
	enum ip_conntrack_info ctinfo;
	const struct nf_conn *ct;

	ct = nf_ct_get(skb, &ctinfo);
	if (ct && chatdnat_guard_is_known(skb, state->pf, ct, ctinfo) &&
	    !chatdnat_guard_is_ping(ct, ctinfo))
		return NF_ACCEPT;
	/* Locally generated multicast, looped back for local sockets. */
	if (skb->pkt_type == PACKET_LOOPBACK)
		return NF_ACCEPT;
	return chatdnat_guard_unknown(skb, state, ct, ctinfo);
}
