// SPDX-License-Identifier: GPL-2.0
/*
 * Tracked engine, POST_ROUTING: masquerading of forwarded connections, of the
 * relay and of other hosts in the LAN, as far as the settings require it.
 */
#include <linux/netfilter.h>
#include <net/dst.h>
#include <net/netfilter/nf_conntrack.h>
#include <net/netfilter/nf_nat.h>

#include "../core/drop.h"
#include "../core/snapshot.h"
#include "../core/stats.h"
#include "../net/lookup.h"
#include "../net/nfct.h"
#include "dnat_cache.h"
#include "late_reply.h"
#include "masquerade.h"
#include "reply_count.h"
#include "source.h"
#include "stale.h"

/*
 * The snapshot that translated a connection, or NULL: the active one, or the
 * previous one if the packet saw it before routing. @snapshot and @entry: the
 * result of chatdnat_dnat_cache_by().
 */
static const struct chatdnat_snapshot *
chatdnat_masquerade_translated_by(const struct chatdnat_snapshot *snapshot,
				  const struct chatdnat_dnat_entry *entry,
				  const struct nf_conn *ct,
				  const struct net_device *in)
{
	if (entry && entry->in == in)
		return snapshot;
	for (; snapshot; snapshot = rcu_dereference(snapshot->prev))
		if (chatdnat_nfct_serves(&snapshot->settings.service, ct) &&
		    (snapshot->settings.hairpin ||
		     (in &&
		      chatdnat_ifset_has(&snapshot->settings.wan, in->name))))
			return snapshot;
	return NULL;
}

static unsigned int
chatdnat_masquerade_translate(const struct chatdnat_settings *settings,
			      struct sk_buff *skb,
			      const struct nf_hook_state *state,
			      struct nf_conn *ct)
{
	if (!chatdnat_source_choose(settings, skb, state, ct))
		return chatdnat_drop(settings, skb, state,
				     CHATDNAT_DROPPED_SOURCE);
	if (nf_nat_initialized(ct, NF_NAT_MANIP_SRC))
		chatdnat_count(chatdnat_family_of(state->pf),
			       CHATDNAT_MASQUERADED);
	return NF_ACCEPT;
}

static bool
chatdnat_masquerade_opened_by_relay(const struct chatdnat_settings *settings,
				    enum chatdnat_family family,
				    const struct chatdnat_addr *saddr,
				    const struct nf_hook_state *state)
{
	return state->in &&
	       chatdnat_relays_has(&settings->service.relays[family], saddr) &&
	       chatdnat_ifset_has(&settings->wan, state->out->name);
}

static void chatdnat_masquerade_sent(enum chatdnat_family family,
				     const struct nf_conn *ct)
{
	chatdnat_count(family, CHATDNAT_SENT);
	chatdnat_reply_count_await(ct);
}

/* Whether a packet to the WAN side belongs to an ended connection. */
static bool chatdnat_masquerade_stale(const struct chatdnat_snapshot *snapshot,
				      const struct nf_conn *ct,
				      const struct nf_hook_state *state)
{
	struct chatdnat_flow flow;

	if (!snapshot->n_former || !state->in ||
	    !chatdnat_ifset_has(&snapshot->settings.wan, state->out->name) ||
	    !chatdnat_flow_of(nf_ct_tuple(ct, IP_CT_DIR_ORIGINAL), &flow))
		return false;
	return (flow.proto == CHATDNAT_UDP || chatdnat_nfct_midstream(ct)) &&
	       chatdnat_snapshot_stale(snapshot, &flow);
}

/*
 * Decide about the source with lookups. @by and @entry: the result of
 * chatdnat_dnat_cache_by().
 */
static noinline unsigned int
chatdnat_masquerade_decide(const struct chatdnat_snapshot *by,
			   struct chatdnat_dnat_entry *entry,
			   struct sk_buff *skb,
			   const struct nf_hook_state *state)
{
	const struct chatdnat_snapshot *snapshot;
	enum chatdnat_family family = chatdnat_family_of(state->pf);
	struct chatdnat_src_packet packet = {};
	enum chatdnat_src_decision decision;
	const struct chatdnat_addr *saddr;
	enum ip_conntrack_info ctinfo;
	const struct net_device *in;
	struct nf_conn *ct;

	ct = nf_ct_get(skb, &ctinfo);
	saddr = chatdnat_addr_of(&nf_ct_tuple(ct, IP_CT_DIR_ORIGINAL)->src.u3);
	in = chatdnat_lookup_indev(skb, state);
	by = chatdnat_masquerade_translated_by(by, entry, ct, in);
	snapshot = by ?: rcu_dereference(chatdnat_active);

	if (ctinfo == IP_CT_NEW && by) {
		chatdnat_masquerade_sent(family, ct);
	} else if (ctinfo == IP_CT_NEW &&
		   chatdnat_masquerade_stale(snapshot, ct, state)) {
		chatdnat_stale_reset(snapshot, skb, state);
		return chatdnat_drop(&snapshot->settings, skb, state,
				     CHATDNAT_DROPPED_STALE);
	} else if (ctinfo == IP_CT_NEW &&
		   chatdnat_masquerade_opened_by_relay(&snapshot->settings,
						       family, saddr, state)) {
		chatdnat_count(family, CHATDNAT_OUTBOUND);
	} else if (ctinfo == IP_CT_NEW && !in) {
		chatdnat_late_reply(&snapshot->settings, ct);
	}

	if (!chatdnat_settings_active(&snapshot->settings, family))
		return NF_ACCEPT;

	packet.in = in ? in->name : NULL;
	packet.out = state->out->name;
	packet.translated = by;
	packet.from_wan = !by && chatdnat_lookup_from_wan(&snapshot->settings,
							  skb, state, in);
	packet.transformed = dst_xfrm(skb_dst(skb));
	decision = chatdnat_nat_policy_src(&snapshot->settings, &packet);
	if (decision == CHATDNAT_SRC_LOOK_UP) {
		packet.saddr_type = chatdnat_lookup_addr_type(family, saddr,
							      state->out);
		decision = chatdnat_nat_policy_src(&snapshot->settings, &packet);
	}

	if (entry && by && entry->in == in && in == state->in &&
	    ctinfo == IP_CT_NEW && !packet.transformed) {
		entry->out = state->out;
		entry->masquerade = decision == CHATDNAT_SRC_MASQUERADE;
	}
	if (decision != CHATDNAT_SRC_MASQUERADE)
		return NF_ACCEPT;
	return chatdnat_masquerade_translate(&snapshot->settings, skb, state,
					     ct);
}

/**
 * chatdnat_masquerade() - NAT core callback: choose the source of a connection,
 *			   and count it
 * @priv: unused
 * @skb: the first packet, or a related one
 * @state: the state of the hook, POST_ROUTING
 *
 * Context: Softirq, or process context for local connections; RCU read lock
 * held; on the packet path.
 * Return: NF_ACCEPT; NF_DROP if there is no source address, or if the packet
 * belongs to an ended connection.
 */
unsigned int chatdnat_masquerade(void *priv, struct sk_buff *skb,
				 const struct nf_hook_state *state)
{
	const struct chatdnat_snapshot *by;
	struct chatdnat_dnat_entry *entry;
	enum ip_conntrack_info ctinfo;
	struct nf_conn *ct;

	/* The NAT core also calls for local replies, like resets. */
	ct = nf_ct_get(skb, &ctinfo);
	if (!ct || (ctinfo != IP_CT_NEW && ctinfo != IP_CT_RELATED) ||
	    nf_ct_is_confirmed(ct) || !rcu_access_pointer(chatdnat_active))
		return NF_ACCEPT;

	by = chatdnat_dnat_cache_by(ct, &entry);
	if (!entry || entry->in != state->in || entry->out != state->out ||
	    ctinfo != IP_CT_NEW || dst_xfrm(skb_dst(skb)))
		return chatdnat_masquerade_decide(by, entry, skb, state);

	chatdnat_masquerade_sent(chatdnat_family_of(state->pf), ct);
	return entry->masquerade ?
		       chatdnat_masquerade_translate(&by->settings, skb, state,
						     ct) :
		       NF_ACCEPT;
}
