// SPDX-License-Identifier: GPL-2.0
/*
 * Drops packets that would leave by a WAN interface with an inside address
 * because the NAT core does not translate them: invalid ones, neighbour
 * discovery, which is not tracked, and ICMP errors about untranslated
 * connections.
 */
#include <linux/icmpv6.h>
#include <linux/in.h>
#include <linux/ipv6.h>
#include <linux/netdevice.h>
#include <linux/netfilter_bridge.h>
#include <net/dst.h>
#include <net/ndisc.h>
#include <net/netfilter/nf_conntrack.h>
#include <net/xfrm.h>

#include "../core/drop.h"
#include "../core/snapshot.h"
#include "../net/lookup.h"
#include "../net/nfct.h"
#include "../net/packet.h"
#include "../net/route_input.h"
#include "leak.h"

/**
 * chatdnat_leak_is_bridged() - whether br_netfilter called the hook
 * @skb: the packet
 *
 * If so, br_netfilter routes the packet again, and overwrites its route.
 *
 * Context: Any; on the packet path.
 * Return: True if br_netfilter has called the hook.
 */
bool chatdnat_leak_is_bridged(const struct sk_buff *skb)
{
#if IS_ENABLED(CONFIG_BRIDGE_NETFILTER)
	return nf_bridge_info_get(skb);
#else
	return false;
#endif
}

/* Whether IPsec would encrypt or block a routed packet. */
static bool chatdnat_leak_is_transformed(struct sk_buff *skb,
					 enum chatdnat_family family)
{
	const struct dst_entry *dst = skb_dst(skb);

	return !(family == CHATDNAT_IPV6 ? xfrm6_route_forward(skb) :
					   xfrm4_route_forward(skb)) ||
	       skb_dst(skb) != dst;
}

/* Whether a routed packet would be masqueraded as the first of a connection. */
static bool chatdnat_leak_is_masqueraded(const struct chatdnat_settings *settings,
					 const struct sk_buff *skb,
					 const struct nf_hook_state *state)
{
	const struct net_device *in = chatdnat_lookup_indev(skb, state);
	struct chatdnat_src_packet packet = {
		.in = in->name,
		.out = skb_dst(skb)->dev->name,
		/* IPv4 drops received packets with a local source. */
		.saddr_type = CHATDNAT_ADDR_UNICAST,
	};

	packet.from_wan = chatdnat_lookup_from_wan(settings, skb, state, in);
	return chatdnat_nat_policy_src(settings, &packet) ==
	       CHATDNAT_SRC_MASQUERADE;
}

/**
 * chatdnat_leak() - whether a packet would leave with an inside address
 * @settings: the active settings
 * @skb: the packet, received for this host; has a route if the result is true
 * @state: the state of the hook, PRE_ROUTING
 *
 * Context: Softirq, RCU read lock held; on the packet path, for rare packets.
 * Return: True if the packet would leave by a WAN interface with an inside
 * address.
 */
bool chatdnat_leak(const struct chatdnat_settings *settings,
		   struct sk_buff *skb, const struct nf_hook_state *state)
{
	enum chatdnat_family family = chatdnat_family_of(state->pf);
	const struct dst_entry *dst;

	dst = chatdnat_route_input(skb, family);
	if (dst && !dst->error && chatdnat_route_input_forwards(skb, family) &&
	    chatdnat_leak_is_masqueraded(settings, skb, state)) {
		if (!chatdnat_leak_is_transformed(skb, family))
			return true;
		/* The stack will apply the IPsec policies itself. */
		skb_dst_drop(skb);
	} else if (dst && chatdnat_leak_is_bridged(skb)) {
		skb_dst_drop(skb);
	}
	return false;
}

static unsigned int chatdnat_leak_drop(struct sk_buff *skb,
				       const struct nf_hook_state *state)
{
	const struct chatdnat_snapshot *snapshot =
		rcu_dereference(chatdnat_active);

	if (!snapshot ||
	    !chatdnat_settings_active(&snapshot->settings,
				      chatdnat_family_of(state->pf)) ||
	    !chatdnat_leak(&snapshot->settings, skb, state))
		return NF_ACCEPT;
	return chatdnat_drop(&snapshot->settings, skb, state,
			     CHATDNAT_DROPPED_INVALID);
}

/*
 * Whether conntrack never tracks an ICMPv6 message: multicast listener,
 * multicast router and neighbour discovery. Other untracked packets are those
 * of the stateless engine or of other tables.
 */
static bool chatdnat_leak_is_of_link(const struct sk_buff *skb)
{
	const u8 *type;
	u8 protocol, buf;
	int offset;

	offset = chatdnat_packet_transport(skb, CHATDNAT_IPV6, &protocol);
	if (offset < 0 || protocol != IPPROTO_ICMPV6)
		return false;
	type = skb_header_pointer(skb, offset, sizeof(buf), &buf);
	/* 151 and 152 are multicast router discovery (RFC 4286). */
	return type &&
	       ((*type >= ICMPV6_MGM_QUERY &&
		 *type <= NDISC_NEIGHBOUR_ADVERTISEMENT) ||
		*type == ICMPV6_MLD2_REPORT || *type == 151 || *type == 152);
}

/**
 * chatdnat_leak_untracked() - handle an untracked packet
 * @skb: the packet, received for this host
 * @state: the state of the hook, PRE_ROUTING
 *
 * Conntrack does not track neighbour and multicast listener discovery. These
 * are link-local protocols, but the stack forwards messages to other addresses.
 *
 * Context: Softirq, RCU read lock held; on the packet path.
 * Return: NF_ACCEPT, or NF_DROP for such a message if chatdnat_leak() is true.
 */
unsigned int chatdnat_leak_untracked(struct sk_buff *skb,
				     const struct nf_hook_state *state)
{
	if (state->pf != NFPROTO_IPV6 || ipv6_hdr(skb)->nexthdr == IPPROTO_TCP ||
	    !chatdnat_leak_is_of_link(skb))
		return NF_ACCEPT;
	return chatdnat_leak_drop(skb, state);
}

/* Whether an ICMP error is from a relay, or about a local connection. */
static bool chatdnat_leak_is_undue(const struct sk_buff *skb,
				   const struct nf_hook_state *state,
				   const struct chatdnat_addr *end)
{
	const struct chatdnat_snapshot *snapshot =
		rcu_dereference(chatdnat_active);
	enum chatdnat_family family = chatdnat_family_of(state->pf);
	struct chatdnat_flow flow = {};

	if (!snapshot)
		return false;
	chatdnat_packet_addresses(skb, family, &flow);
	if (chatdnat_addr_equal(&flow.saddr, end))
		return false;
	return chatdnat_relays_has(&snapshot->settings.service.relays[family],
				   &flow.saddr) ||
	       chatdnat_lookup_addr_type(family, end, state->in) ==
		       CHATDNAT_ADDR_LOCAL;
}

/**
 * chatdnat_leak_error() - handle an ICMP error about a tracked connection
 * @skb: the packet, received for this host
 * @state: the state of the hook, PRE_ROUTING
 * @ct: the connection
 * @ctinfo: IP_CT_RELATED or IP_CT_RELATED_REPLY
 *
 * The NAT core translates an ICMP error like the connection that it is about.
 * For an untranslated connection it does nothing. Errors of routers about
 * forwarded connections may leave as they are: path MTU discovery needs them.
 *
 * Context: Softirq, RCU read lock held; on the packet path.
 * Return: NF_ACCEPT, or NF_DROP for an error of a relay or about a local
 * connection, if chatdnat_leak() is true.
 */
unsigned int chatdnat_leak_error(struct sk_buff *skb,
				 const struct nf_hook_state *state,
				 const struct nf_conn *ct,
				 enum ip_conntrack_info ctinfo)
{
	unsigned long translated = ctinfo == IP_CT_RELATED ? IPS_SRC_NAT :
							     IPS_DST_NAT;
	u8 icmp = state->pf == NFPROTO_IPV6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
	const struct nf_conntrack_tuple *tuple;
	u8 protocol;

	tuple = nf_ct_tuple(ct, CTINFO2DIR(ctinfo));
	if (READ_ONCE(ct->status) & translated ||
	    chatdnat_packet_transport(skb, chatdnat_family_of(state->pf),
				      &protocol) < 0 ||
	    protocol != icmp ||
	    !chatdnat_leak_is_undue(skb, state,
				    chatdnat_addr_of(&tuple->src.u3)))
		return NF_ACCEPT;
	return chatdnat_leak_drop(skb, state);
}
