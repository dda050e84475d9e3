// SPDX-License-Identifier: GPL-2.0
/*
 * Restricts forwarded connections to one output interface: if its tunnel is
 * down, packets must not leak to the default route, and clients must get an
 * error instead of a timeout.
 */
#include <linux/netdevice.h>
#include <net/dst.h>
#include <net/netfilter/nf_conntrack.h>

#include "../core/drop.h"
#include "../core/nfct_snapshot.h"
#include "../core/snapshot.h"
#include "../net/nfct.h"
#include "../net/reject.h"
#include "../net/route_input.h"
#include "../stateless/stateless.h"
#include "via.h"

/* The settings that translated a packet to a relay, or NULL. */
static const struct chatdnat_settings *
chatdnat_via_settings(const struct sk_buff *skb,
		      const struct nf_hook_state *state)
{
	const struct chatdnat_settings *settings;
	const struct chatdnat_snapshot *snapshot;
	const struct chatdnat_binding *binding;
	struct chatdnat_parsed parsed;
	enum ip_conntrack_info ctinfo;
	const struct nf_conn *ct;

	ct = nf_ct_get(skb, &ctinfo);
	if (ctinfo == IP_CT_UNTRACKED)
		return chatdnat_stateless_direction(skb, state, &parsed,
						    &settings, &binding) ==
				       CHATDNAT_DIR_TO_RELAY ?
			       settings :
			       NULL;

	if (!ct || !(READ_ONCE(ct->status) & IPS_DST_NAT) ||
	    CTINFO2DIR(ctinfo) != IP_CT_DIR_ORIGINAL)
		return NULL;
	snapshot = chatdnat_nfct_snapshot(ct);
	return snapshot ? &snapshot->settings : NULL;
}

/**
 * chatdnat_via_misses() - whether a packet would violate "via"
 * @settings: the settings that translated it
 * @skb: the packet, after DNAT; may have a route
 * @state: the state of the current hook
 *
 * Context: Softirq or process context, RCU read lock held; on the packet path.
 * Return: True if it would leave by another interface; the packet has a route
 * then.
 */
bool chatdnat_via_misses(const struct chatdnat_settings *settings,
			 struct sk_buff *skb, const struct nf_hook_state *state)
{
	const struct dst_entry *dst;

	if (!settings->via[0])
		return false;

	dst = chatdnat_route_input(skb, chatdnat_family_of(state->pf));
	if (dst && (dst->error || strcmp(dst->dev->name, settings->via)))
		return true;
	/* Without a route the stack drops the packet and counts that. */

	/* br_netfilter overwrites the route by its own. */
	if (state->in && netif_is_bridge_master(state->in))
		skb_dst_drop(skb);
	return false;
}

/**
 * chatdnat_via() - hook: PRE_ROUTING and LOCAL_OUT, reject packets that violate
 *		    "via"
 * @priv: unused
 * @skb: the packet, after DNAT; may have a route
 * @state: the state of the current hook
 *
 * Context: Softirq or process context, RCU read lock held.
 * Return: NF_ACCEPT or NF_DROP.
 */
unsigned int chatdnat_via(void *priv, struct sk_buff *skb,
			  const struct nf_hook_state *state)
{
	const struct chatdnat_settings *settings;

	settings = chatdnat_via_settings(skb, state);
	if (!settings || !settings->via[0])
		return NF_ACCEPT;

	/* The hook is called again for the L3 master device. */
	if (state->in && netif_is_l3_slave(state->in))
		return NF_ACCEPT;

	if (!chatdnat_via_misses(settings, skb, state))
		return NF_ACCEPT;

	/*
	 * In PRE_ROUTING, nf_reject of some kernels overwrites the route
	 * without releasing it.
	 */
	if (state->hook == NF_INET_PRE_ROUTING)
		skb_dst_drop(skb);
	/* No reply to link-layer broadcasts (RFC 1122, 3.2.2). */
	if (skb->pkt_type == PACKET_HOST)
		chatdnat_reject(skb, state);
	return chatdnat_drop(settings, skb, state, CHATDNAT_DROPPED_VIA);
}
