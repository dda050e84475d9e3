// SPDX-License-Identifier: GPL-2.0
/*
 * Connections that conntrack met before a setting, an interface, an address or
 * a route was there by which they would be translated. Conntrack binds each
 * once: as long as such a flow does not pause, it stays as it is.
 */
#include <linux/netdevice.h>
#include <net/dst.h>
#include <net/ip6_fib.h>
#include <net/ip_fib.h>
#include <net/netfilter/nf_conntrack.h>

#include "../net/lookup.h"
#include "../net/nfct.h"
#include "../policy/nat_policy.h"
#include "dnat.h"
#include "misplaced.h"

static bool chatdnat_misplaced_decides(const struct chatdnat_settings *settings,
				       struct chatdnat_dst_packet *packet,
				       const struct net_device *dev)
{
	const struct chatdnat_addr *relay;

	return chatdnat_dnat_decision(settings, packet, dev, &relay) ==
	       CHATDNAT_DST_TRANSLATE;
}

/*
 * Whether one direction of a flow would be forwarded to the relay (DNAT). As
 * conntrack does not note where a flow came in, the route back to the client
 * has to tell.
 */
static bool chatdnat_misplaced_direction(const struct chatdnat_settings *old,
					 const struct chatdnat_settings *new,
					 const struct nf_conn *ct,
					 enum ip_conntrack_dir dir)
{
	struct chatdnat_dst_packet packet = {};
	const struct net_device *dev = NULL;
	struct dst_entry *dst = NULL;
	bool untranslated;

	if ((READ_ONCE(ct->status) & IPS_DST_NAT) ||
	    !chatdnat_flow_of(nf_ct_tuple(ct, dir), &packet.flow) ||
	    !chatdnat_service_relay(&new->service, &packet.flow))
		return false;

	/* What this host sent itself came in by no interface. */
	if (chatdnat_lookup_addr_type(packet.flow.family, &packet.flow.saddr,
				      NULL) != CHATDNAT_ADDR_LOCAL) {
		dst = chatdnat_lookup_route(packet.flow.family, NULL,
					    &packet.flow.saddr, 0, 0);
		if (!dst)
			return false;
		dev = dst->dev;
		packet.in = dev->name;
	}

	rcu_read_lock();
	untranslated = chatdnat_misplaced_decides(new, &packet, dev) &&
		       !(old && chatdnat_misplaced_decides(old, &packet, dev));
	rcu_read_unlock();
	dst_release(dst);
	return untranslated;
}

/*
 * A flow that has ended is opened anew, in the other direction, by an answer of
 * this host to what it got before.
 */
static bool chatdnat_misplaced_untranslated(const struct chatdnat_settings *old,
					    const struct chatdnat_settings *new,
					    const struct nf_conn *ct)
{
	return chatdnat_misplaced_direction(old, new, ct, IP_CT_DIR_ORIGINAL) ||
	       (nf_ct_protonum(ct) == IPPROTO_UDP &&
		!(READ_ONCE(ct->status) & IPS_NAT_MASK) &&
		chatdnat_misplaced_direction(old, new, ct, IP_CT_DIR_REPLY));
}

static bool chatdnat_misplaced_takes_source(const struct chatdnat_settings *settings,
					    enum chatdnat_family family,
					    const struct chatdnat_src_packet *packet)
{
	return chatdnat_settings_active(settings, family) &&
	       chatdnat_nat_policy_src(settings, packet) ==
	       CHATDNAT_SRC_MASQUERADE;
}

static bool chatdnat_misplaced_custom_rules(enum chatdnat_family family)
{
#if IS_ENABLED(CONFIG_IPV6)
	if (family == CHATDNAT_IPV6)
		return fib6_has_custom_rules(&init_net);
#endif
	return fib4_has_custom_rules(&init_net);
}

/**
 * chatdnat_misplaced_is_sure() - whether routes tell where a connection leads
 * @ct: the connection
 *
 * With rules, packets may be routed by their marks or by where they entered,
 * which conntrack does not tell. Most flows are only tracked anew if they do
 * not lead there after all, but an answered TCP connection would end.
 *
 * Context: Process context or under conntrack's bucket lock.
 * Return: False for an answered TCP connection of a host with rules.
 */
bool chatdnat_misplaced_is_sure(const struct nf_conn *ct)
{
	return nf_ct_protonum(ct) != IPPROTO_TCP ||
	       !test_bit(IPS_SEEN_REPLY_BIT, &ct->status) ||
	       !chatdnat_misplaced_custom_rules(chatdnat_family_of(nf_ct_l3num(ct)));
}

/* Whether a connection of another host would get the source of a WAN interface. */
static bool chatdnat_misplaced_unmasqueraded(const struct chatdnat_settings *old,
					     const struct chatdnat_settings *new,
					     const struct nf_conn *ct)
{
	const struct nf_conntrack_tuple *tuple = nf_ct_tuple(ct, IP_CT_DIR_ORIGINAL);
	enum chatdnat_family family = chatdnat_family_of(nf_ct_l3num(ct));
	struct chatdnat_src_packet packet = {};
	struct chatdnat_flow flow = {
		.family = family,
		.saddr = *chatdnat_addr_of(&tuple->src.u3),
		.daddr = *chatdnat_addr_of(&tuple->dst.u3),
	};
	struct dst_entry *in, *out = NULL;
	bool unmasqueraded = false;

	if ((READ_ONCE(ct->status) & IPS_NAT_MASK) ||
	    new->masquerade == CHATDNAT_MASQUERADE_OFF ||
	    !chatdnat_settings_active(new, family))
		return false;
	packet.saddr_type = chatdnat_lookup_addr_type(family, &flow.saddr, NULL);
	if (packet.saddr_type != CHATDNAT_ADDR_UNICAST ||
	    chatdnat_lookup_addr_type(family, &flow.daddr, NULL) !=
	    CHATDNAT_ADDR_UNICAST || !chatdnat_misplaced_is_sure(ct))
		return false;

	/* Other protocols have no ports that routes could depend on. */
	chatdnat_flow_of(tuple, &flow);
	in = chatdnat_lookup_route(family, NULL, &flow.saddr, 0, 0);
	if (in && !chatdnat_ifset_has(&new->wan, in->dev->name))
		out = chatdnat_lookup_route_as(&flow, nf_ct_protonum(ct), 0);
	if (out) {
		packet.in = in->dev->name;
		packet.out = out->dev->name;
		packet.transformed = dst_xfrm(out);
		unmasqueraded =
			chatdnat_misplaced_takes_source(new, family, &packet) &&
			!(old && chatdnat_misplaced_takes_source(old, family,
								 &packet));
	}
	dst_release(out);
	dst_release(in);
	return unmasqueraded;
}

/**
 * chatdnat_misplaced() - whether a connection would be translated now that is
 *			  not
 * @old: the settings before a change; NULL: the change was not one of settings,
 *	 or there were none
 * @new: the active settings
 * @ct: the connection
 *
 * Context: Process context or under conntrack's bucket lock.
 * Return: Whether it would, as far as routes tell.
 */
bool chatdnat_misplaced(const struct chatdnat_settings *old,
			const struct chatdnat_settings *new,
			const struct nf_conn *ct)
{
	return chatdnat_misplaced_untranslated(old, new, ct) ||
	       chatdnat_misplaced_unmasqueraded(old, new, ct);
}
