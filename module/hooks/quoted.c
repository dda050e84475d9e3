// SPDX-License-Identifier: GPL-2.0
/*
 * Locally generated ICMP errors that quote a relay's inside address. An invalid
 * segment is forwarded to the relay without state. If that fails because of its
 * hop limit, length, neighbour or tunnel, an ICMP error follows, which the NAT
 * core does not translate because there is no conntrack entry.
 */
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/netdevice.h>
#include <net/netfilter/nf_conntrack.h>

#include "../core/drop.h"
#include "../core/snapshot.h"
#include "../net/nfct.h"
#include "../net/packet.h"
#include "quoted.h"

/* Locally generated ICMP has no extension headers. */
static bool chatdnat_quoted_is_icmp(const struct sk_buff *skb,
				    enum chatdnat_family family)
{
	return family == CHATDNAT_IPV6 ?
		       ipv6_hdr(skb)->nexthdr == IPPROTO_ICMPV6 :
		       ip_hdr(skb)->protocol == IPPROTO_ICMP;
}

/* Whether the stateless engine translates it in POST_ROUTING. */
static bool chatdnat_quoted_is_bound(const struct chatdnat_snapshot *snapshot,
				     const struct chatdnat_flow *flow)
{
	const struct chatdnat_bindings *bindings;

	bindings = rcu_dereference(snapshot->bindings);
	return bindings && chatdnat_bindings_has_port(bindings, flow->sport) &&
	       chatdnat_bindings_by_relay(bindings, flow->family, &flow->saddr);
}

/**
 * chatdnat_quoted() - hook: LOCAL_OUT, drop ICMP errors with an inside address
 * @priv: unused
 * @skb: a locally generated packet
 * @state: the state of the hook, LOCAL_OUT after DNAT
 *
 * Context: Softirq or process context, RCU read lock held.
 * Return: NF_ACCEPT, or NF_DROP for an ICMP error to the WAN side about a
 * segment to a relay that has no conntrack entry.
 */
unsigned int chatdnat_quoted(void *priv, struct sk_buff *skb,
			     const struct nf_hook_state *state)
{
	enum chatdnat_family family = chatdnat_family_of(state->pf);
	const struct chatdnat_snapshot *snapshot;
	struct chatdnat_parsed parsed;
	enum ip_conntrack_info ctinfo;

	if (nf_ct_get(skb, &ctinfo) || !chatdnat_quoted_is_icmp(skb, family))
		return NF_ACCEPT;

	/* Hooks run under the RCU read lock. */
	snapshot = rcu_dereference(chatdnat_active);
	if (!snapshot ||
	    !chatdnat_ifset_has(&snapshot->settings.wan, state->out->name) ||
	    !chatdnat_packet_parse(skb, family, &parsed) || !parsed.quoted ||
	    !chatdnat_service_is_reply(&snapshot->settings.service,
				       &parsed.flow) ||
	    chatdnat_quoted_is_bound(snapshot, &parsed.flow))
		return NF_ACCEPT;
	return chatdnat_drop(&snapshot->settings, skb, state,
			     CHATDNAT_DROPPED_INVALID);
}
