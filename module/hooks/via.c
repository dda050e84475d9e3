// SPDX-License-Identifier: GPL-2.0
/*
 * Holds what is sent on to one interface, also where there is no route left:
 * a tunnel that is down must neither leak to the default route nor leave
 * clients hanging.
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

/* The settings under which a packet is sent on to a relay; NULL: it is not. */
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
		return chatdnat_stateless_direction(skb, state, &parsed, &settings,
						    &binding) ==
		       CHATDNAT_DIR_TO_RELAY ? settings : NULL;

	if (!ct || !(READ_ONCE(ct->status) & IPS_DST_NAT) ||
	    CTINFO2DIR(ctinfo) != IP_CT_DIR_ORIGINAL)
		return NULL;
	snapshot = chatdnat_nfct_snapshot(ct);
	return snapshot ? &snapshot->settings : NULL;
}

/**
 * chatdnat_via_misses() - whether a packet would leave by another interface
 * @settings: those under which it is forwarded to a relay
 * @skb: the packet, translated, perhaps not routed yet
 * @state: the hook's
 *
 * Context: Softirq or process context, RCU read lock held; on the packet path.
 * Return: Whether @settings forbid that; then the packet is routed.
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
	/* Without one the stack drops it in silence, and accounts for it. */

	/* A bridge puts a route of its own over this one. */
	if (state->in && netif_is_bridge_master(state->in))
		skb_dst_drop(skb);
	return false;
}

/**
 * chatdnat_via() - hook: refuse what would leave by another interface
 * @priv: unused
 * @skb: the packet, translated, perhaps not routed yet
 * @state: the hook's
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

	/* It comes by once more, as the L3 master device's. */
	if (state->in && netif_is_l3_slave(state->in))
		return NF_ACCEPT;

	if (!chatdnat_via_misses(settings, skb, state))
		return NF_ACCEPT;

	/*
	 * Where the kernel's reject does not look for one, it puts its own
	 * route over this, which is kept.
	 */
	if (state->hook == NF_INET_PRE_ROUTING)
		skb_dst_drop(skb);
	/* What a whole link was sent gets no answer (RFC 1122, 3.2.2). */
	if (skb->pkt_type == PACKET_HOST)
		chatdnat_reject(skb, state);
	return chatdnat_drop(settings, skb, state, CHATDNAT_DROPPED_VIA);
}
