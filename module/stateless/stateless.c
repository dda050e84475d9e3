// SPDX-License-Identifier: GPL-2.0
/*
 * Stateless engine: if a local address is bound to one relay, the headers of a
 * packet determine its translation, and connection tracking is not needed. This
 * file has the hooks in the stack; ingress.c is the entry to the fast path, and
 * local.c handles locally generated packets.
 *
 * DNAT happens in PRE_ROUTING, SNAT in POST_ROUTING, because the IPv4
 * stack drops received packets with a local source address; IPv6 is handled
 * alike.
 */
#include <linux/netdevice.h>
#include <net/dst.h>
#include <net/dst_metadata.h>
#include <net/ip.h>
#include <net/netfilter/nf_conntrack.h>

#include "../core/drop.h"
#include "../core/peers.h"
#include "../core/snapshot.h"
#include "../core/stats.h"
#include "../net/nfct.h"
#include "../net/rewrite.h"
#include "../net/route_input.h"
#include "../net/socket.h"
#include "eligible.h"
#include "local.h"
#include "stateless.h"

/* The binding of a packet from the WAN side to a local address. */
static const struct chatdnat_binding *
chatdnat_stateless_entering(const struct chatdnat_snapshot *snapshot,
			    const struct net_device *in,
			    const struct chatdnat_parsed *parsed)
{
	const struct chatdnat_bindings *bindings;

	bindings = rcu_dereference(snapshot->bindings);

	if (!bindings ||
	    !chatdnat_bindings_has_port(bindings, parsed->flow.dport) ||
	    !chatdnat_ifset_has(&snapshot->settings.wan, in->name))
		return NULL;
	return chatdnat_bindings_by_local(bindings, parsed->flow.family,
					  &parsed->flow.daddr);
}

/* The binding of a packet from a relay. */
static const struct chatdnat_binding *
chatdnat_stateless_leaving(const struct chatdnat_settings *settings,
			   const struct chatdnat_bindings *bindings,
			   const struct net_device *in,
			   const struct chatdnat_parsed *parsed)
{
	/* Connections opened by the relay are tracked. */
	if (!bindings || parsed->is_syn ||
	    !chatdnat_bindings_has_port(bindings, parsed->flow.sport) ||
	    chatdnat_ifset_has(&settings->wan, in->name))
		return NULL;
	return chatdnat_bindings_by_relay(bindings, parsed->flow.family,
					  &parsed->flow.saddr);
}

static void chatdnat_stateless_untrack(struct sk_buff *skb)
{
	nf_ct_set(skb, NULL, IP_CT_UNTRACKED);
}

static unsigned int
chatdnat_stateless_rewrite(const struct chatdnat_settings *settings,
			   struct sk_buff *skb,
			   const struct nf_hook_state *state,
			   const struct chatdnat_parsed *parsed,
			   enum chatdnat_side side,
			   const struct chatdnat_addr *to, bool outer)
{
	return chatdnat_rewrite(skb, state->hook, parsed, side, to, outer) ?
		       NF_ACCEPT :
		       chatdnat_drop(settings, skb, state, CHATDNAT_DROPPED_NAT);
}

static unsigned int
chatdnat_stateless_enter(const struct chatdnat_snapshot *snapshot,
			 const struct chatdnat_binding *binding,
			 struct sk_buff *skb, const struct nf_hook_state *state,
			 const struct chatdnat_parsed *parsed)
{
	enum chatdnat_family family = parsed->flow.family;
	unsigned int verdict;

	/* Segments of local connections are tracked. */
	if (chatdnat_peers_has(&binding->local, &parsed->flow.saddr) &&
	    chatdnat_socket_tcp(&parsed->flow, state->in))
		return NF_ACCEPT;

	/* The tracked engine, which is called next, handles these. */
	if (chatdnat_addr_is_link_local(family, &parsed->flow.saddr) ||
	    !chatdnat_eligible_reaches(&snapshot->settings, family, binding))
		return NF_ACCEPT;

	if (parsed->is_syn) {
		if (!snapshot->settings.enabled)
			return NF_ACCEPT;
		chatdnat_count(family, CHATDNAT_SEEN);
	}

	verdict = chatdnat_stateless_rewrite(&snapshot->settings, skb, state,
					     parsed, CHATDNAT_DST,
					     &binding->relay, true);
	if (verdict != NF_ACCEPT)
		return verdict;

	if (parsed->is_syn)
		chatdnat_count(family, CHATDNAT_TRANSLATED);
	chatdnat_stateless_untrack(skb);
	return NF_ACCEPT;
}

/* Whether the stack would route a packet from a relay to a WAN interface. */
static bool chatdnat_stateless_is_out(const struct chatdnat_snapshot *snapshot,
				      struct sk_buff *skb,
				      enum chatdnat_family family)
{
	struct dst_entry *metadata;
	const struct dst_entry *dst;
	u16 flags = 0;
	bool out;

	if (skb_valid_dst(skb))
		return false;
	/* Keep tunnel metadata for the stack's own route lookup. */
	metadata = dst_clone(skb_dst(skb));
	if (family == CHATDNAT_IPV4)
		flags = IPCB(skb)->flags;
	dst = chatdnat_route_input(skb, family);
	out = dst && !dst->error &&
	      chatdnat_ifset_has(&snapshot->settings.wan, dst->dev->name);

	/* Later hooks may still change mark or destination. */
	skb_dst_drop(skb);
	if (metadata)
		skb_dst_set(skb, metadata);
	if (family == CHATDNAT_IPV4)
		IPCB(skb)->flags = flags;
	return out;
}

/*
 * A packet that another hook has exempted from connection tracking. One that is
 * addressed to the relay would look like a stateless translated packet after
 * this hook, and pass the guard.
 */
static unsigned int
chatdnat_stateless_untracked(const struct chatdnat_snapshot *snapshot,
			     const struct sk_buff *skb,
			     const struct nf_hook_state *state,
			     const struct chatdnat_parsed *parsed)
{
	const struct chatdnat_settings *settings = &snapshot->settings;

	if (settings->guard == CHATDNAT_GUARD_OFF ||
	    !chatdnat_ifset_has(&settings->wan, state->in->name) ||
	    !chatdnat_relays_has(&settings->service.relays[parsed->flow.family],
				 &parsed->flow.daddr))
		return NF_ACCEPT;
	return chatdnat_drop(settings, skb, state, CHATDNAT_DROPPED_INVALID);
}

/**
 * chatdnat_stateless_prerouting() - hook: PRE_ROUTING, before connection
 *				     tracking
 * @priv: unused
 * @skb: the packet
 * @state: the state of the current hook
 *
 * Context: Softirq, RCU read lock held.
 * Return: NF_ACCEPT or NF_DROP.
 */
unsigned int chatdnat_stateless_prerouting(void *priv, struct sk_buff *skb,
					   const struct nf_hook_state *state)
{
	const struct chatdnat_snapshot *snapshot;
	enum chatdnat_family family = chatdnat_family_of(state->pf);
	const struct chatdnat_binding *binding;
	struct chatdnat_parsed parsed;
	enum ip_conntrack_info ctinfo;

	/* Hooks run under the RCU read lock. */
	snapshot = rcu_dereference(chatdnat_active);
	if (!snapshot || !rcu_access_pointer(snapshot->bindings) ||
	    nf_ct_get(skb, &ctinfo) ||
	    !chatdnat_packet_parse(skb, family, &parsed))
		return NF_ACCEPT;
	if (ctinfo == IP_CT_UNTRACKED)
		return chatdnat_stateless_untracked(snapshot, skb, state,
						    &parsed);

	binding = chatdnat_stateless_entering(snapshot, state->in, &parsed);
	if (binding)
		return chatdnat_stateless_enter(snapshot, binding, skb, state,
						&parsed);

	binding = chatdnat_stateless_leaving(&snapshot->settings,
					     rcu_dereference(snapshot->bindings),
					     state->in, &parsed);
	if (binding && chatdnat_stateless_is_out(snapshot, skb, family))
		chatdnat_stateless_untrack(skb);
	return NF_ACCEPT;
}

static enum chatdnat_direction
chatdnat_stateless_direction_by(const struct chatdnat_settings *settings,
				const struct chatdnat_bindings *bindings,
				const struct net_device *in,
				const struct chatdnat_parsed *parsed,
				const struct chatdnat_binding **binding)
{
	*binding = chatdnat_stateless_leaving(settings, bindings, in, parsed);
	if (*binding)
		return CHATDNAT_DIR_TO_CLIENT;

	if (!bindings ||
	    !chatdnat_bindings_has_port(bindings, parsed->flow.dport) ||
	    !chatdnat_ifset_has(&settings->wan, in->name))
		return CHATDNAT_DIR_NONE;
	*binding = chatdnat_bindings_by_relay(bindings, parsed->flow.family,
					      &parsed->flow.daddr);
	return *binding ? CHATDNAT_DIR_TO_RELAY : CHATDNAT_DIR_NONE;
}

/**
 * chatdnat_stateless_direction() - direction of a packet translated without
 *				    state
 * @skb: the packet, between PRE_ROUTING and POST_ROUTING: after DNAT, before
 *	 SNAT
 * @state: the state of the current hook
 * @parsed: filled in
 * @settings: set to the settings that translate it
 * @binding: set to the binding of the packet
 *
 * Context: RCU read lock held; on the packet path.
 * Return: CHATDNAT_DIR_NONE for all other packets.
 */
enum chatdnat_direction
chatdnat_stateless_direction(const struct sk_buff *skb,
			     const struct nf_hook_state *state,
			     struct chatdnat_parsed *parsed,
			     const struct chatdnat_settings **settings,
			     const struct chatdnat_binding **binding)
{
	enum chatdnat_family family = chatdnat_family_of(state->pf);
	const struct chatdnat_bindings *bindings;
	const struct chatdnat_snapshot *snapshot;
	enum ip_conntrack_info ctinfo;
	enum chatdnat_direction dir;

	nf_ct_get(skb, &ctinfo);
	if (ctinfo != IP_CT_UNTRACKED || !state->in ||
	    !chatdnat_packet_parse(skb, family, parsed))
		return CHATDNAT_DIR_NONE;

	chatdnat_for_each_snapshot(snapshot) {
		*settings = &snapshot->settings;
		bindings = rcu_dereference(snapshot->bindings);
		dir = chatdnat_stateless_direction_by(*settings, bindings,
						      state->in, parsed,
						      binding);
		if (dir == CHATDNAT_DIR_NONE) {
			/* Pairs with the order in chatdnat_engine_rebind(). */
			smp_rmb();
			bindings = rcu_dereference(snapshot->prev_bindings);
			dir = chatdnat_stateless_direction_by(*settings,
							      bindings,
							      state->in, parsed,
							      binding);
		}
		if (dir != CHATDNAT_DIR_NONE)
			return dir;
	}
	return CHATDNAT_DIR_NONE;
}

static unsigned int
chatdnat_stateless_leave(const struct chatdnat_settings *settings,
			 const struct chatdnat_binding *binding,
			 struct sk_buff *skb, const struct nf_hook_state *state,
			 const struct chatdnat_parsed *parsed)
{
	unsigned int verdict;

	if (!chatdnat_ifset_has(&settings->wan, state->out->name))
		return NF_ACCEPT;

	verdict = chatdnat_stateless_rewrite(settings, skb, state, parsed,
					     CHATDNAT_SRC, &binding->local,
					     true);
	if (verdict == NF_ACCEPT && parsed->is_syn_reply)
		chatdnat_count(parsed->flow.family, CHATDNAT_ANSWERED);
	return verdict;
}

/**
 * chatdnat_stateless_postrouting() - hook: POST_ROUTING
 * @priv: unused
 * @skb: the packet
 * @state: the state of the current hook
 *
 * Context: Softirq or process context, RCU read lock held.
 * Return: NF_ACCEPT or NF_DROP.
 */
unsigned int chatdnat_stateless_postrouting(void *priv, struct sk_buff *skb,
					    const struct nf_hook_state *state)
{
	const struct chatdnat_settings *settings;
	const struct chatdnat_binding *binding;
	struct chatdnat_parsed parsed;
	enum ip_conntrack_info ctinfo;

	if (nf_ct_get(skb, &ctinfo))
		return NF_ACCEPT;
	if (!state->in)
		return chatdnat_stateless_local_postrouting(skb, state);

	switch (chatdnat_stateless_direction(skb, state, &parsed, &settings,
					     &binding)) {
	case CHATDNAT_DIR_TO_CLIENT:
		return chatdnat_stateless_leave(settings, binding, skb, state,
						&parsed);
	case CHATDNAT_DIR_TO_RELAY:
		if (parsed.is_syn)
			chatdnat_count(parsed.flow.family, CHATDNAT_SENT);
		break;
	case CHATDNAT_DIR_NONE:
		break;
	}
	return NF_ACCEPT;
}
