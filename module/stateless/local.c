// SPDX-License-Identifier: GPL-2.0
/*
 * Stateless engine for locally generated packets: ICMP errors, resets for the
 * relay, and segments of local connections.
 */
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/netdevice.h>
#include <linux/netfilter_ipv4.h>
#include <linux/netfilter_ipv6.h>
#include <linux/tcp.h>
#include <net/netfilter/nf_conntrack.h>
#include <net/sock.h>
#include <net/tcp_states.h>

#include "../core/drop.h"
#include "../core/peers.h"
#include "../core/snapshot.h"
#include "../net/nfct.h"
#include "../net/rewrite.h"
#include "flow_cache.h"
#include "local.h"

/**
 * chatdnat_stateless_local_postrouting() - translate a locally generated packet
 *					    to a client
 * @skb: an untracked, locally generated packet in POST_ROUTING
 * @state: the state of the current hook
 *
 * ICMP errors and resets in reply to a packet after DNAT have the relay as
 * their source or in the quoted packet.
 *
 * Context: Softirq or process context, RCU read lock held.
 * Return: NF_ACCEPT, or the result of chatdnat_drop().
 */
unsigned int
chatdnat_stateless_local_postrouting(struct sk_buff *skb,
				     const struct nf_hook_state *state)
{
	enum chatdnat_family family = chatdnat_family_of(state->pf);
	const struct chatdnat_snapshot *snapshot;
	const struct chatdnat_bindings *bindings;
	const struct chatdnat_binding *binding;
	struct chatdnat_parsed parsed;

	snapshot = rcu_dereference(chatdnat_active);
	bindings = snapshot ? rcu_dereference(snapshot->bindings) : NULL;
	if (!bindings || !chatdnat_packet_parse(skb, family, &parsed) ||
	    !chatdnat_bindings_has_port(bindings, parsed.flow.sport) ||
	    !chatdnat_ifset_has(&snapshot->settings.wan, state->out->name))
		return NF_ACCEPT;

	binding = chatdnat_bindings_by_relay(bindings, family,
					     &parsed.flow.saddr);
	if (!binding)
		return NF_ACCEPT;
	if (!chatdnat_rewrite(skb, state->hook, &parsed, CHATDNAT_SRC,
			      &binding->local, false))
		return chatdnat_drop(&snapshot->settings, skb, state,
				     CHATDNAT_DROPPED_NAT);
	return NF_ACCEPT;
}

static int chatdnat_stateless_local_reroute(struct sk_buff *skb,
					    const struct nf_hook_state *state)
{
#if IS_ENABLED(CONFIG_IPV6)
	if (state->pf == NFPROTO_IPV6)
		return ip6_route_me_harder(state->net, state->sk, skb);
#endif
	return ip_route_me_harder(state->net, state->sk, skb, RTN_UNSPEC);
}

/* Whether a segment belongs to a local connection. */
static bool chatdnat_stateless_local_connected(const struct sk_buff *skb)
{
	const struct sock *sk = skb->sk;

	/* Resets have a control socket, which is in state TCP_CLOSE. */
	return sk && sk_fullsock(sk) && sk->sk_state != TCP_CLOSE &&
	       sk->sk_state != TCP_LISTEN;
}

static bool
chatdnat_stateless_local_is_synack(const struct sk_buff *skb,
				   const struct chatdnat_parsed *parsed)
{
	const struct tcphdr *th;
	struct tcphdr buf;

	th = skb_header_pointer(skb, parsed->offset, sizeof(buf), &buf);
	return th && th->syn && th->ack;
}

/*
 * Record a local connection from a forwarded port: from now on, segments of the
 * peer may be for a local socket.
 */
static void
chatdnat_stateless_local_peer(const struct chatdnat_snapshot *snapshot,
			      const struct chatdnat_bindings *bindings,
			      const struct sk_buff *skb,
			      const struct nf_hook_state *state,
			      const struct chatdnat_parsed *parsed)
{
	const struct chatdnat_flow *flow = &parsed->flow;
	enum chatdnat_peer_stage stage = CHATDNAT_PEER_CONNECTED;

	if (!chatdnat_bindings_has_port(bindings, flow->sport) ||
	    !chatdnat_bindings_by_local(bindings, flow->family, &flow->saddr) ||
	    !chatdnat_ifset_has(&snapshot->settings.wan, state->out->name))
		return;
	if (!chatdnat_stateless_local_connected(skb)) {
		if (!chatdnat_stateless_local_is_synack(skb, parsed))
			return;
		stage = CHATDNAT_PEER_ASKED;
	}
	if (!chatdnat_peers_add(&flow->saddr, &flow->daddr, stage))
		return;

	chatdnat_flow_cache_forget(flow->family, &flow->daddr, &flow->saddr);
}

/* An ICMP error about a segment of the relay has to be sent to the relay. */
static unsigned int
chatdnat_stateless_local_error(const struct chatdnat_snapshot *snapshot,
			       const struct chatdnat_bindings *bindings,
			       struct sk_buff *skb,
			       const struct nf_hook_state *state,
			       const struct chatdnat_parsed *parsed)
{
	const struct chatdnat_binding *binding;

	if (!chatdnat_bindings_has_port(bindings, parsed->flow.dport))
		return NF_ACCEPT;
	binding = chatdnat_bindings_by_local(bindings, parsed->flow.family,
					     &parsed->flow.daddr);
	if (!binding)
		return NF_ACCEPT;
	if (!chatdnat_rewrite(skb, state->hook, parsed, CHATDNAT_DST,
			      &binding->relay, true) ||
	    chatdnat_stateless_local_reroute(skb, state))
		return chatdnat_drop(&snapshot->settings, skb, state,
				     CHATDNAT_DROPPED_NAT);
	nf_ct_set(skb, NULL, IP_CT_UNTRACKED);
	return NF_ACCEPT;
}

/* Locally generated TCP and ICMP has no extension headers. */
static bool chatdnat_stateless_local_concerns(const struct sk_buff *skb,
					      enum chatdnat_family family)
{
	u8 protocol;

	if (family == CHATDNAT_IPV6) {
		protocol = ipv6_hdr(skb)->nexthdr;
		return protocol == IPPROTO_TCP || protocol == IPPROTO_ICMPV6;
	}
	protocol = ip_hdr(skb)->protocol;
	return protocol == IPPROTO_TCP || protocol == IPPROTO_ICMP;
}

/**
 * chatdnat_stateless_local_out() - hook: LOCAL_OUT, before connection tracking
 * @priv: unused
 * @skb: the packet
 * @state: the state of the current hook
 *
 * Records local connections from forwarded ports, and translates locally
 * generated ICMP errors about segments of a relay. If such a segment cannot be
 * sent to the client, for example because neighbour resolution fails, its
 * source has been translated to the local address already. The error would be
 * sent to this host, or to the host that has the address now.
 *
 * Context: Softirq or process context, RCU read lock held.
 * Return: NF_ACCEPT or NF_DROP.
 */
unsigned int chatdnat_stateless_local_out(void *priv, struct sk_buff *skb,
					  const struct nf_hook_state *state)
{
	enum chatdnat_family family = chatdnat_family_of(state->pf);
	const struct chatdnat_snapshot *snapshot;
	const struct chatdnat_bindings *bindings;
	struct chatdnat_parsed parsed;
	enum ip_conntrack_info ctinfo;

	snapshot = rcu_dereference(chatdnat_active);
	bindings = snapshot ? rcu_dereference(snapshot->bindings) : NULL;
	if (!bindings || nf_ct_get(skb, &ctinfo) ||
	    !chatdnat_stateless_local_concerns(skb, family) ||
	    !chatdnat_packet_parse(skb, family, &parsed))
		return NF_ACCEPT;

	if (parsed.quoted)
		return chatdnat_stateless_local_error(snapshot, bindings, skb,
						      state, &parsed);
	chatdnat_stateless_local_peer(snapshot, bindings, skb, state, &parsed);
	return NF_ACCEPT;
}
