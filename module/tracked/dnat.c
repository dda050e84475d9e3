// SPDX-License-Identifier: GPL-2.0
/* Tracked engine, PRE_ROUTING and LOCAL_OUT: DNAT to the relay. */
#include <linux/netdevice.h>
#include <linux/netfilter.h>
#include <net/netfilter/nf_conntrack.h>
#include <net/netfilter/nf_nat.h>

#include "../core/drop.h"
#include "../core/snapshot.h"
#include "../core/stats.h"
#include "../net/lookup.h"
#include "../net/nfct.h"
#include "../net/socket.h"
#include "dnat.h"
#include "dnat_cache.h"

/**
 * chatdnat_dnat_decision() - decide about a destination, with lookups
 * @settings: the settings
 * @packet: the packet; results of lookups are added
 * @dev: the input interface; NULL: locally generated
 * @relay: set to the relay's address with CHATDNAT_DST_TRANSLATE
 *
 * Context: RCU read lock held; on the packet path.
 * Return: The final decision of chatdnat_nat_policy_dst(), never one to look
 * up.
 */
enum chatdnat_dst_decision
chatdnat_dnat_decision(const struct chatdnat_settings *settings,
		       struct chatdnat_dst_packet *packet,
		       const struct net_device *dev,
		       const struct chatdnat_addr **relay)
{
	const struct chatdnat_flow *flow = &packet->flow;
	enum chatdnat_dst_decision decision;
	const struct net_device *dev_of_daddr;

	*relay = NULL;
	for (;;) {
		decision = chatdnat_nat_policy_dst(settings, packet, relay);
		switch (decision) {
		case CHATDNAT_DST_LOOK_UP_ADDR:
			packet->daddr_type =
				chatdnat_lookup_addr_type(flow->family,
							  &flow->daddr, dev);
			break;
		case CHATDNAT_DST_LOOK_UP_DEV:
			dev_of_daddr = chatdnat_lookup_addr_dev(flow->family,
								&flow->daddr);
			packet->daddr_dev = dev_of_daddr ? dev_of_daddr->name :
							   "";
			break;
		case CHATDNAT_DST_LOOK_UP_SOCKET:
			packet->socket = chatdnat_socket_udp(flow,
							     dev ? dev->ifindex :
								   0) ?
						 CHATDNAT_SOCKET_BOUND :
						 CHATDNAT_SOCKET_NONE;
			break;
		default:
			return decision;
		}
	}
}

static unsigned int
chatdnat_dnat_translate(const struct chatdnat_settings *settings,
			const struct sk_buff *skb,
			const struct nf_hook_state *state, struct nf_conn *ct,
			const struct chatdnat_addr *relay)
{
	/*
	 * With its own port as the only choice, the NAT core does not check
	 * here whether the tuple is free. It checks in POST_ROUTING,
	 * where it can choose another source port.
	 */
	struct nf_nat_range2 range = {
		.flags = NF_NAT_RANGE_MAP_IPS | NF_NAT_RANGE_PROTO_SPECIFIED,
		.min_proto.all = nf_ct_tuple(ct, IP_CT_DIR_ORIGINAL)->dst.u.all,
	};

	memcpy(range.min_addr.all, relay->word, sizeof(relay->word));
	range.max_addr = range.min_addr;
	range.max_proto = range.min_proto;

	if (nf_nat_setup_info(ct, &range, NF_NAT_MANIP_DST) != NF_ACCEPT)
		return chatdnat_drop(settings, skb, state, CHATDNAT_DROPPED_NAT);
	chatdnat_count(chatdnat_family_of(state->pf), CHATDNAT_TRANSLATED);
	return NF_ACCEPT;
}

/*
 * Whether a relay is served without state by another local address: its replies
 * would have that address as source.
 */
static bool chatdnat_dnat_bound(const struct chatdnat_snapshot *snapshot,
				const struct chatdnat_dst_packet *packet,
				const struct chatdnat_addr *relay)
{
	const struct chatdnat_flow *flow = &packet->flow;
	const struct chatdnat_bindings *bindings;

	bindings = rcu_dereference(snapshot->bindings);
	return bindings && flow->proto == CHATDNAT_TCP && packet->in &&
	       chatdnat_bindings_has_port(bindings, flow->dport) &&
	       chatdnat_ifset_has(&snapshot->settings.wan, packet->in) &&
	       chatdnat_bindings_by_relay(bindings, flow->family, relay) &&
	       !chatdnat_bindings_by_local(bindings, flow->family, &flow->daddr);
}

/*
 * Whether a decision to translate depends on address, port and interface only,
 * and is worth an entry of the cache. In a range of UDP ports, it may depend on
 * a local socket, and each flow has a port of its own. The type of a named
 * address is not looked up.
 */
static bool chatdnat_dnat_is_general(const struct chatdnat_settings *settings,
				     const struct chatdnat_dst_packet *packet)
{
	return packet->in &&
	       (packet->flow.proto == CHATDNAT_UDP ?
			!chatdnat_portset_spans(&settings->service.ports,
						packet->flow.proto,
						packet->flow.dport) :
			packet->flow.dport != CHATDNAT_PORT_SSH) &&
	       (packet->daddr_type == CHATDNAT_ADDR_LOCAL ||
		packet->daddr_type == CHATDNAT_ADDR_UNKNOWN);
}

/*
 * Whether a received packet has a local address and a forwarded port as its
 * source. The IPv6 stack would forward it, and conntrack would then take the
 * client's next connection for the reply, so that it is not translated. Packets
 * received on a VRF device are locally generated.
 */
static bool chatdnat_dnat_is_forged(const struct chatdnat_settings *settings,
				    const struct nf_hook_state *state,
				    const struct chatdnat_flow *flow)
{
	const struct chatdnat_flow reply = {
		.family = flow->family,
		.proto = flow->proto,
		.saddr = flow->daddr,
		.daddr = flow->saddr,
		.sport = flow->dport,
		.dport = flow->sport,
	};

	return state->in && !(state->in->flags & IFF_LOOPBACK) &&
	       !netif_is_l3_master(state->in) &&
	       chatdnat_service_relay(&settings->service, &reply) &&
	       chatdnat_lookup_addr_type(flow->family, &flow->saddr,
					 state->in) == CHATDNAT_ADDR_LOCAL;
}

static noinline unsigned int
chatdnat_dnat_decide(const struct chatdnat_snapshot *snapshot,
		     const struct sk_buff *skb,
		     const struct nf_hook_state *state, struct nf_conn *ct)
{
	enum chatdnat_family family = chatdnat_family_of(state->pf);
	const struct nf_conntrack_tuple *tuple;
	struct chatdnat_dst_packet packet = {};
	const struct chatdnat_addr *relay;
	struct chatdnat_validity validity;

	tuple = nf_ct_tuple(ct, IP_CT_DIR_ORIGINAL);
	if (!chatdnat_flow_of(tuple, &packet.flow))
		return NF_ACCEPT;

	chatdnat_validity_begin(&validity);
	packet.midstream = chatdnat_nfct_midstream(ct);
	packet.in = state->in ? state->in->name : NULL;
	switch (chatdnat_dnat_decision(&snapshot->settings, &packet, state->in,
				       &relay)) {
	case CHATDNAT_DST_TRANSLATE:
		if (chatdnat_dnat_bound(snapshot, &packet, relay))
			return NF_ACCEPT;
		if (chatdnat_dnat_is_general(&snapshot->settings, &packet))
			chatdnat_dnat_cache_add(&validity, snapshot, tuple,
						state->in, relay);
		chatdnat_count(family, CHATDNAT_SEEN);
		return chatdnat_dnat_translate(&snapshot->settings, skb, state,
					       ct, relay);
	case CHATDNAT_DST_DRAIN:
		chatdnat_count(family, CHATDNAT_SEEN);
		return NF_ACCEPT;
	default:
		if (chatdnat_dnat_is_forged(&snapshot->settings, state,
					    &packet.flow))
			return chatdnat_drop(&snapshot->settings, skb, state,
					     CHATDNAT_DROPPED_INVALID);
		return NF_ACCEPT;
	}
}

/**
 * chatdnat_dnat() - NAT core callback: choose the destination of a connection
 * @priv: unused
 * @skb: the first packet
 * @state: the state of the hook, PRE_ROUTING or LOCAL_OUT
 *
 * Context: Softirq, or process context for local connections; RCU read lock
 * held; on the packet path.
 * Return: NF_ACCEPT; NF_DROP if the NAT core failed, or if the source of the
 * packet is forged.
 */
unsigned int chatdnat_dnat(void *priv, struct sk_buff *skb,
			   const struct nf_hook_state *state)
{
	enum chatdnat_family family = chatdnat_family_of(state->pf);
	const struct chatdnat_snapshot *snapshot;
	const struct nf_conntrack_tuple *tuple;
	const struct chatdnat_dnat_entry *entry;
	enum ip_conntrack_info ctinfo;
	struct nf_conn *ct;

	/*
	 * The NAT core also calls for flows older than its hooks: leave them.
	 */
	ct = nf_ct_get(skb, &ctinfo);
	if (!ct || ctinfo != IP_CT_NEW || nf_ct_is_confirmed(ct))
		return NF_ACCEPT;

	/* Hooks run under the RCU read lock. */
	snapshot = rcu_dereference(chatdnat_active);
	if (!snapshot)
		return NF_ACCEPT;

	tuple = nf_ct_tuple(ct, IP_CT_DIR_ORIGINAL);
	entry = chatdnat_dnat_cache_find(snapshot, tuple);
	if (!entry || entry->in != state->in ||
	    rcu_access_pointer(snapshot->bindings) ||
	    chatdnat_addr_is_link_local(family,
					chatdnat_addr_of(&tuple->src.u3)))
		return chatdnat_dnat_decide(snapshot, skb, state, ct);

	chatdnat_count(family, CHATDNAT_SEEN);
	return chatdnat_dnat_translate(&snapshot->settings, skb, state, ct,
				       entry->relay);
}
