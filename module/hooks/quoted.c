// SPDX-License-Identifier: GPL-2.0
/*
 * ICMP errors of this host that quote a relay's inside address. A segment that
 * conntrack calls invalid is forwarded to the relay without state. If that fails,
 * because of its hop limit, its length, a neighbour or the tunnel's other end,
 * an error follows: conntrack knows no connection, so the NAT core leaves it as
 * it is.
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

/* What this host sends as ICMP has no extension headers. */
static bool chatdnat_quoted_is_icmp(const struct sk_buff *skb,
				    enum chatdnat_family family)
{
	return family == CHATDNAT_IPV6 ?
	       ipv6_hdr(skb)->nexthdr == IPPROTO_ICMPV6 :
	       ip_hdr(skb)->protocol == IPPROTO_ICMP;
}

/* Whether the stateless engine translates it after routing. */
static bool chatdnat_quoted_is_bound(const struct chatdnat_snapshot *snapshot,
				     const struct chatdnat_flow *flow)
{
	const struct chatdnat_bindings *bindings;

	bindings = rcu_dereference(snapshot->bindings);
	return bindings && chatdnat_bindings_has_port(bindings, flow->sport) &&
	       chatdnat_bindings_by_relay(bindings, flow->family, &flow->saddr);
}

/**
 * chatdnat_quoted() - hook: drop errors that tell of a relay's inside address
 * @priv: unused
 * @skb: a packet that this host sends
 * @state: the hook's, at LOCAL_OUT, after what translates
 *
 * Context: Softirq or process context, RCU read lock held.
 * Return: NF_ACCEPT, or NF_DROP for an error about a segment to a relay, of no
 * known connection, that would leave by a WAN interface.
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
	    !chatdnat_service_answers(&snapshot->settings.service,
				      &parsed.flow) ||
	    chatdnat_quoted_is_bound(snapshot, &parsed.flow))
		return NF_ACCEPT;
	return chatdnat_drop(&snapshot->settings, skb, state,
			     CHATDNAT_DROPPED_INVALID);
}
