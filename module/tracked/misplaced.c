// SPDX-License-Identifier: GPL-2.0
/*
 * Finds connections whose conntrack entry is older than the setting, interface,
 * address or route by which they would be translated. Conntrack sets up NAT
 * once: as long as such a flow does not pause, it stays untranslated.
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
 * Whether one direction of a flow would be forwarded to the relay (DNAT).
 * Conntrack does not record the input interface of a flow, so that of the route
 * to the client is used.
 */
static bool chatdnat_misplaced_direction(const struct chatdnat_settings *old,
					 const struct chatdnat_settings *new,
					 const struct nf_conn *ct,
					 enum ip_conntrack_dir dir)
{
	/* Its SYN is past: as in the middle of a connection, SSH is left alone. */
	struct chatdnat_dst_packet packet = { .midstream = true };
	const struct net_device *dev = NULL;
	struct dst_entry *dst = NULL;
	bool untranslated;

	if ((READ_ONCE(ct->status) & IPS_DST_NAT) ||
	    !chatdnat_flow_of(nf_ct_tuple(ct, dir), &packet.flow) ||
	    !chatdnat_service_relay(&new->service, &packet.flow))
		return false;

	/* Locally generated: no input interface. */
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

/**
 * chatdnat_misplaced_reversed() - whether an untranslated UDP flow was created
 *				   by a reply, and its requests would be
 *				   translated now
 * @old: the settings before a change, or NULL
 * @new: the active settings
 * @ct: the connection
 *
 * After a UDP flow was ended, a late reply of this host creates a new entry in
 * the opposite direction.
 *
 * Context: Process context or under conntrack's bucket lock.
 * Return: True if so, according to route lookups.
 */
bool chatdnat_misplaced_reversed(const struct chatdnat_settings *old,
				 const struct chatdnat_settings *new,
				 const struct nf_conn *ct)
{
	return nf_ct_protonum(ct) == IPPROTO_UDP &&
	       !(READ_ONCE(ct->status) & IPS_NAT_MASK) &&
	       chatdnat_misplaced_direction(old, new, ct, IP_CT_DIR_REPLY);
}

static bool
chatdnat_misplaced_takes_source(const struct chatdnat_settings *settings,
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
 * chatdnat_misplaced_is_sure() - whether route lookups are reliable for a
 *				  connection
 * @ct: the connection
 *
 * With policy rules, routes may depend on marks or input interfaces, which
 * conntrack does not record. A wrong guess is harmless for most flows, as they
 * get a new entry, but it would end an established TCP connection.
 *
 * Context: Process context or under conntrack's bucket lock.
 * Return: False for a TCP connection with replies on a host with policy rules.
 */
bool chatdnat_misplaced_is_sure(const struct nf_conn *ct)
{
	return nf_ct_protonum(ct) != IPPROTO_TCP ||
	       !test_bit(IPS_SEEN_REPLY_BIT, &ct->status) ||
	       !chatdnat_misplaced_custom_rules(chatdnat_family_of(nf_ct_l3num(ct)));
}

/* Whether a connection of another host would be masqueraded. */
static bool chatdnat_misplaced_unmasqueraded(const struct chatdnat_settings *old,
					     const struct chatdnat_settings *new,
					     const struct nf_conn *ct)
{
	const struct nf_conntrack_tuple *tuple = nf_ct_tuple(ct,
							     IP_CT_DIR_ORIGINAL);
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
		    CHATDNAT_ADDR_UNICAST ||
	    !chatdnat_misplaced_is_sure(ct))
		return false;

	/* On failure the ports stay 0: other protocols have none. */
	chatdnat_flow_of(tuple, &flow);
	in = chatdnat_lookup_route(family, NULL, &flow.saddr, 0, 0);
	if (in && !chatdnat_ifset_has(&new->wan, in->dev->name))
		out = chatdnat_lookup_route_as(&flow, nf_ct_protonum(ct), 0);
	if (out) {
		packet.in = in->dev->name;
		packet.out = out->dev->name;
		packet.transformed = dst_xfrm(out);
		unmasqueraded = chatdnat_misplaced_takes_source(new, family,
								&packet) &&
				!(old &&
				  chatdnat_misplaced_takes_source(old, family,
								  &packet));
	}
	dst_release(out);
	dst_release(in);
	return unmasqueraded;
}

/**
 * chatdnat_misplaced() - whether an untranslated connection would be translated
 *			  now
 * @old: the settings before a change; NULL if the settings did not change, or
 *	 for the first settings
 * @new: the active settings
 * @ct: the connection
 *
 * Context: Process context or under conntrack's bucket lock.
 * Return: True if so, according to route lookups.
 */
bool chatdnat_misplaced(const struct chatdnat_settings *old,
			const struct chatdnat_settings *new,
			const struct nf_conn *ct)
{
	return chatdnat_misplaced_direction(old, new, ct, IP_CT_DIR_ORIGINAL) ||
	       chatdnat_misplaced_reversed(old, new, ct) ||
	       chatdnat_misplaced_unmasqueraded(old, new, ct);
}
