// SPDX-License-Identifier: GPL-2.0
/*
 * Holds what is sent on to one interface, also where there is no route left:
 * a tunnel that is down must neither leak to the default route nor leave
 * clients hanging.
 */
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/netdevice.h>
#include <net/dst.h>
#include <net/dst_metadata.h>
#include <net/flow_dissector.h>
#include <net/ip6_fib.h>
#include <net/ip6_route.h>
#include <net/ipv6.h>
#include <net/netfilter/nf_conntrack.h>
#include <net/route.h>

#include "compat.h"
#include "config.h"
#include "ct.h"
#include "drop.h"
#include "reject.h"
#include "via.h"

#if IS_ENABLED(CONFIG_IPV6)
/* As ip6_route_input() has it, which is not for modules. */
static void chatdnat_via_route_ipv6(struct sk_buff *skb)
{
	const struct ipv6hdr *ip6h = ipv6_hdr(skb);
	const struct ip_tunnel_info *tunnel = skb_tunnel_info(skb);
	struct flow_keys keys;
	struct dst_entry *dst;
	struct flowi6 fl6 = {
		.flowi6_iif = skb->dev->ifindex,
		.daddr = ip6h->daddr,
		.saddr = ip6h->saddr,
		.flowlabel = ip6_flowinfo(ip6h),
		.flowi6_mark = skb->mark,
		.flowi6_proto = ip6h->nexthdr,
	};

	if (tunnel && !(tunnel->mode & IP_TUNNEL_INFO_TX))
		fl6.flowi6_tun_key.tun_id = tunnel->key.tun_id;
	/* For rules that ask for ports, or for what extensions hide. */
	fib6_rules_early_flow_dissect(&init_net, skb, &fl6, &keys);

	dst = ip6_route_input_lookup(&init_net, skb->dev, &fl6, skb,
				     RT6_LOOKUP_F_HAS_SADDR);
	skb_dst_drop(skb);
	skb_dst_set(skb, dst);
}
#endif

/*
 * Routes the packet a moment before the stack would, which then finds it done.
 * So this costs nothing, and is the very route that the packet takes. NULL: not
 * even a route that forbids, as for a source that cannot be.
 */
static const struct dst_entry *
chatdnat_via_route(struct sk_buff *skb, const struct nf_hook_state *state)
{
	if (!skb_valid_dst(skb)) {
#if IS_ENABLED(CONFIG_IPV6)
		if (state->pf == NFPROTO_IPV6)
			chatdnat_via_route_ipv6(skb);
		else
#endif
			chatdnat_route_input_ipv4(skb);
	}
	return skb_valid_dst(skb) ? skb_dst(skb) : NULL;
}

static const struct chatdnat_settings *
chatdnat_via_settings(const struct nf_conn *ct)
{
	const struct chatdnat_snapshot *snapshot;

	chatdnat_for_each_snapshot(snapshot)
		if (chatdnat_ct_serves(&snapshot->settings.service, ct))
			return &snapshot->settings;
	return NULL;
}

/**
 * chatdnat_via() - hook: refuse what would leave by another interface
 * @priv: unused
 * @skb: the packet, translated, perhaps not routed yet
 * @state: the hook's
 *
 * Context: Softirq or process context, RCU read lock held.
 */
unsigned int chatdnat_via(void *priv, struct sk_buff *skb,
			  const struct nf_hook_state *state)
{
	const struct chatdnat_settings *settings;
	enum ip_conntrack_info ctinfo;
	const struct dst_entry *dst;
	struct nf_conn *ct;

	ct = nf_ct_get(skb, &ctinfo);
	if (!ct || !(READ_ONCE(ct->status) & IPS_DST_NAT) ||
	    CTINFO2DIR(ctinfo) != IP_CT_DIR_ORIGINAL)
		return NF_ACCEPT;

	settings = chatdnat_via_settings(ct);
	if (!settings || !settings->via[0])
		return NF_ACCEPT;

	/* It comes by once more, as the L3 master device's. */
	if (state->in && netif_is_l3_slave(state->in))
		return NF_ACCEPT;

	dst = chatdnat_via_route(skb, state);
	/* Without one the stack drops it in silence, and accounts for it. */
	if (!dst || (!dst->error && !strcmp(dst->dev->name, settings->via)))
		return NF_ACCEPT;

	/* What rejects before routing would put its own over this route. */
	if (state->hook == NF_INET_PRE_ROUTING)
		skb_dst_drop(skb);
	/* What a whole link was sent gets no answer (RFC 1122, 3.2.2). */
	if (skb->pkt_type == PACKET_HOST)
		chatdnat_reject(skb, state);
	return chatdnat_drop(settings, skb, state, CHATDNAT_DROPPED_VIA);
}
