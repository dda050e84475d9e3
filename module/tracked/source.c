// SPDX-License-Identifier: GPL-2.0
/*
 * Tracked engine: the source address and port of a masqueraded connection.
 */
#include <linux/inetdevice.h>
#include <linux/netfilter.h>
#include <net/ip.h>
#include <net/netfilter/nf_conntrack.h>
#include <net/netfilter/nf_nat.h>
#include <net/netfilter/nf_nat_masquerade.h>

#include "../core/local_addr.h"
#include "../core/snapshot.h"
#include "../net/nfct.h"
#include "source.h"

static unsigned int chatdnat_source_take(struct sk_buff *skb,
					 const struct nf_hook_state *state,
					 const struct nf_nat_range2 *range)
{
#if IS_ENABLED(CONFIG_IPV6)
	if (state->pf == NFPROTO_IPV6)
		return nf_nat_masquerade_ipv6(skb, range, state->out);
#endif
	/* nf_nat_masquerade_ipv4() logs each packet if there is no address. */
	if (!inet_select_addr(state->out, 0, RT_SCOPE_UNIVERSE))
		return NF_DROP;
	return nf_nat_masquerade_ipv4(skb, state->hook, range, state->out);
}

/* Masquerade with a given source address. */
static unsigned int chatdnat_source_take_addr(struct nf_conn *ct,
					      const struct nf_hook_state *state,
					      const struct chatdnat_addr *local)
{
	struct nf_nat_range2 range = { .flags = NF_NAT_RANGE_MAP_IPS };
	struct nf_conn_nat *nat = nf_ct_nat_ext_add(ct);

	/* The masquerading notifiers then end it with the address or device. */
	if (nat)
		nat->masq_index = state->out->ifindex;
	memcpy(range.min_addr.all, local->word, sizeof(local->word));
	range.max_addr = range.min_addr;
	return nf_nat_setup_info(ct, &range, NF_NAT_MANIP_SRC);
}

/*
 * Whether a packet of the relay is a reply to a client whose conntrack entry is
 * gone, not a new connection.
 */
static bool chatdnat_source_is_reply(const struct chatdnat_settings *settings,
				     const struct nf_conn *ct)
{
	struct chatdnat_flow flow;

	if (!chatdnat_flow_of(nf_ct_tuple(ct, IP_CT_DIR_ORIGINAL), &flow) ||
	    !chatdnat_service_is_reply(&settings->service, &flow))
		return false;
	/* From an ephemeral port it may be a query of the relay. */
	return flow.proto == CHATDNAT_TCP ?
		       chatdnat_nfct_midstream(ct) :
		       flow.sport < CHATDNAT_PORT_EPHEMERAL;
}

/* Whether the new source of a connection is named with another relay. */
static bool chatdnat_source_is_others(const struct chatdnat_relays *relays,
				      const struct nf_conn *ct)
{
	const struct chatdnat_addr *relay, *got;

	relay = chatdnat_addr_of(&nf_ct_tuple(ct, IP_CT_DIR_ORIGINAL)->src.u3);
	got = chatdnat_addr_of(&nf_ct_tuple(ct, IP_CT_DIR_REPLY)->dst.u3);
	return chatdnat_relays_names(relays, got) &&
	       !chatdnat_addr_equal(chatdnat_relays_find(relays, got), relay);
}

/*
 * The client of such a connection expects one source address. It answers a
 * segment from another one by a reset, which would end the connection of the
 * relay; a datagram with another address or port would be lost.
 */
static bool chatdnat_source_reply(const struct chatdnat_settings *settings,
				  struct sk_buff *skb,
				  const struct nf_hook_state *state,
				  struct nf_conn *ct)
{
	const struct nf_conntrack_tuple *had = nf_ct_tuple(ct,
							   IP_CT_DIR_ORIGINAL);
	const struct nf_conntrack_tuple *got = nf_ct_tuple(ct, IP_CT_DIR_REPLY);
	enum chatdnat_family family = chatdnat_family_of(state->pf);
	const struct nf_nat_range2 any = {};
	struct chatdnat_addr local;

	if (chatdnat_local_addr_of_relay(&local, settings, family,
					 chatdnat_addr_of(&had->src.u3)))
		return chatdnat_source_take_addr(ct, state, &local) ==
			       NF_ACCEPT &&
		       got->dst.u.all == had->src.u.all;
	return nf_ct_protonum(ct) != IPPROTO_TCP &&
	       chatdnat_source_take(skb, state, &any) == NF_ACCEPT &&
	       !chatdnat_source_is_others(&settings->service.relays[family], ct);
}

/*
 * The bindings, if the source port of a connection must not collide with them;
 * otherwise NULL. A midstream connection cannot change its port.
 */
static const struct chatdnat_bindings *
chatdnat_source_bindings(const struct nf_conn *ct, enum chatdnat_family family)
{
	const struct chatdnat_snapshot *active;
	const struct chatdnat_bindings *bindings;

	if (nf_ct_protonum(ct) != IPPROTO_TCP || chatdnat_nfct_midstream(ct))
		return NULL;
	active = rcu_dereference(chatdnat_active);
	bindings = active ? rcu_dereference(active->bindings) : NULL;
	return bindings && bindings->n[family] ? bindings : NULL;
}

/* Whether replies to the new source of a connection reach its origin. */
static bool chatdnat_source_returns(const struct chatdnat_bindings *bindings,
				    const struct chatdnat_binding *relay,
				    const struct nf_conn *ct)
{
	const struct nf_conntrack_tuple *had = nf_ct_tuple(ct,
							   IP_CT_DIR_ORIGINAL);
	const struct nf_conntrack_tuple *got = nf_ct_tuple(ct, IP_CT_DIR_REPLY);

	if (relay)
		return got->dst.u.all == had->src.u.all &&
		       chatdnat_addr_equal(chatdnat_addr_of(&got->dst.u3),
					   &relay->local);
	return !chatdnat_bindings_has_port(bindings, ntohs(got->dst.u.all));
}

/* Masquerade a new connection of the relay or of another LAN host. */
static bool chatdnat_source_opened(struct sk_buff *skb,
				   const struct nf_hook_state *state,
				   const struct nf_conn *ct)
{
	enum chatdnat_family family = chatdnat_family_of(state->pf);
	const struct chatdnat_binding *relay = NULL;
	const struct chatdnat_bindings *bindings;
	const struct nf_conntrack_tuple *tuple;
	struct nf_nat_range2 range = {};
	int low, high;

	/*
	 * Replies to a port that is served without state go to the bound relay.
	 * Only that relay may use the port as a source, with its bound address,
	 * and must be given no other port or address: conntrack sees only its first packet.
	 */
	bindings = chatdnat_source_bindings(ct, family);
	tuple = nf_ct_tuple(ct, IP_CT_DIR_ORIGINAL);
	if (bindings &&
	    chatdnat_bindings_has_port(bindings, ntohs(tuple->src.u.all))) {
		relay = chatdnat_bindings_by_relay(bindings, family,
						   chatdnat_addr_of(&tuple->src
									     .u3));
		if (!relay) {
			inet_get_local_port_range(&init_net, &low, &high);
			range.flags = NF_NAT_RANGE_PROTO_SPECIFIED;
			range.min_proto.all = htons(low);
			range.max_proto.all = htons(high);
		}
	}

	return chatdnat_source_take(skb, state, &range) == NF_ACCEPT &&
	       (!bindings || chatdnat_source_returns(bindings, relay, ct));
}

/**
 * chatdnat_source_choose() - set up the source NAT of a connection that is
 *			      masqueraded
 * @settings: the settings that apply to the connection
 * @skb: its first packet, or a related one
 * @state: the state of the hook, POST_ROUTING
 * @ct: its conntrack entry, not confirmed
 *
 * Context: As chatdnat_masquerade().
 * Return: Whether the connection can have the source that it needs; if not,
 * its packet must be dropped.
 */
bool chatdnat_source_choose(const struct chatdnat_settings *settings,
			    struct sk_buff *skb,
			    const struct nf_hook_state *state,
			    struct nf_conn *ct)
{
	return chatdnat_source_is_reply(settings, ct) ?
		       chatdnat_source_reply(settings, skb, state, ct) :
		       chatdnat_source_opened(skb, state, ct);
}
