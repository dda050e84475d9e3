// SPDX-License-Identifier: GPL-2.0
/*
 * The stateless engine for what this host itself says: errors, and resets in
 * the relay's name.
 */
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/netdevice.h>
#include <linux/netfilter_ipv4.h>
#include <linux/netfilter_ipv6.h>
#include <net/netfilter/nf_conntrack.h>

#include "config.h"
#include "ct.h"
#include "drop.h"
#include "rewrite.h"
#include "stateless_local.h"

/**
 * chatdnat_stateless_local_postrouting() - what this host says to a client
 * @skb: an untracked packet of this host's own, behind routing
 * @state: the hook's
 *
 * About a packet whose destination was translated it speaks as the relay: an
 * error, or a reset.
 *
 * Context: Softirq or process context, RCU read lock held.
 * Return: NF_ACCEPT, or what chatdnat_drop() says.
 */
unsigned int
chatdnat_stateless_local_postrouting(struct sk_buff *skb,
				     const struct nf_hook_state *state)
{
	enum chatdnat_family family = chatdnat_family_of(state->pf);
	const struct chatdnat_snapshot *snapshot;
	const struct chatdnat_bindings *bindings;
	const struct chatdnat_binding *binding;
	struct chatdnat_parcel parcel;

	snapshot = rcu_dereference(chatdnat_active);
	bindings = snapshot ? rcu_dereference(snapshot->bindings) : NULL;
	if (!bindings || !chatdnat_packet_parcel(skb, family, &parcel) ||
	    !chatdnat_bindings_has_port(bindings, parcel.flow.sport) ||
	    !chatdnat_ifset_has(&snapshot->settings.wan, state->out->name))
		return NF_ACCEPT;

	binding = chatdnat_bindings_by_relay(bindings, family,
					     &parcel.flow.saddr);
	if (!binding)
		return NF_ACCEPT;
	if (!chatdnat_rewrite(skb, state->hook, &parcel, CHATDNAT_SRC,
			      &binding->own, false))
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

/* What this host says of itself has no extension headers. */
static bool chatdnat_stateless_local_is_icmp(const struct sk_buff *skb,
					     enum chatdnat_family family)
{
	return family == CHATDNAT_IPV6 ?
	       ipv6_hdr(skb)->nexthdr == IPPROTO_ICMPV6 :
	       ip_hdr(skb)->protocol == IPPROTO_ICMP;
}

/**
 * chatdnat_stateless_local_out() - hook: this host's own ICMP errors about a
 *				    relay's segments
 * @priv: unused
 * @skb: the packet
 * @state: the hook's
 *
 * A segment that cannot be forwarded to a client any more, because its
 * neighbour is gone, say, has the own address as its source by then, so that
 * the error is for this host itself, or for the host that has the address at
 * the moment. The relay is who has to know.
 *
 * Context: Softirq or process context, RCU read lock held.
 */
unsigned int chatdnat_stateless_local_out(void *priv, struct sk_buff *skb,
					  const struct nf_hook_state *state)
{
	enum chatdnat_family family = chatdnat_family_of(state->pf);
	const struct chatdnat_snapshot *snapshot;
	const struct chatdnat_bindings *bindings;
	const struct chatdnat_binding *binding;
	struct chatdnat_parcel parcel;
	enum ip_conntrack_info ctinfo;

	snapshot = rcu_dereference(chatdnat_active);
	bindings = snapshot ? rcu_dereference(snapshot->bindings) : NULL;
	if (!bindings || nf_ct_get(skb, &ctinfo) ||
	    !chatdnat_stateless_local_is_icmp(skb, family) ||
	    !chatdnat_packet_parcel(skb, family, &parcel) || !parcel.quoted ||
	    !chatdnat_bindings_has_port(bindings, parcel.flow.dport))
		return NF_ACCEPT;

	binding = chatdnat_bindings_by_own(bindings, family,
					   &parcel.flow.daddr);
	if (!binding)
		return NF_ACCEPT;
	if (!chatdnat_rewrite(skb, state->hook, &parcel, CHATDNAT_DST,
			      &binding->relay, true) ||
	    chatdnat_stateless_local_reroute(skb, state))
		return chatdnat_drop(&snapshot->settings, skb, state,
				     CHATDNAT_DROPPED_NAT);
	nf_ct_set(skb, NULL, IP_CT_UNTRACKED);
	return NF_ACCEPT;
}
