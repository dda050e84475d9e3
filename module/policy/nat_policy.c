// SPDX-License-Identifier: GPL-2.0
#include <linux/string.h>

#include "nat_policy.h"

/* Whether the destination is an address that is named with a relay. */
static bool chatdnat_is_named(const struct chatdnat_settings *settings,
			      const struct chatdnat_flow *flow)
{
	static const struct chatdnat_addr every_other;

	return !chatdnat_addr_equal(&flow->daddr, &every_other) &&
	       chatdnat_relays_names(&settings->service.relays[flow->family],
				     &flow->daddr);
}

/* Whether the destination is an address of a WAN interface. */
static bool chatdnat_is_public(const struct chatdnat_settings *settings,
			       const struct chatdnat_dst_packet *packet)
{
	return packet->daddr_dev[0] &&
	       chatdnat_ifset_has(&settings->wan, packet->daddr_dev);
}

/*
 * Whether a connection to an address that no relay is named with is served.
 * Return: CHATDNAT_DST_TRANSLATE, or what is to be done instead.
 */
static enum chatdnat_dst_decision
chatdnat_nat_policy_unnamed(const struct chatdnat_settings *settings,
			    const struct chatdnat_dst_packet *packet, bool from_wan)
{
	const struct chatdnat_flow *flow = &packet->flow;

	switch (packet->daddr_type) {
	case CHATDNAT_ADDR_UNKNOWN:
		return CHATDNAT_DST_LOOK_UP_ADDR;
	case CHATDNAT_ADDR_LOCAL:
		break;
	case CHATDNAT_ADDR_UNICAST:
		/* What the relay itself opens is not for the relay. */
		if (settings->scope == CHATDNAT_SCOPE_ANY &&
		    !chatdnat_relays_has(&settings->service.relays[flow->family],
					 &flow->saddr))
			break;
		return CHATDNAT_DST_LEAVE;
	case CHATDNAT_ADDR_GROUP:
		return CHATDNAT_DST_LEAVE;
	}

	if (from_wan)
		return CHATDNAT_DST_TRANSLATE;
	if (!packet->daddr_dev)
		return CHATDNAT_DST_LOOK_UP_DEV;
	return chatdnat_is_public(settings, packet) ? CHATDNAT_DST_TRANSLATE :
						       CHATDNAT_DST_LEAVE;
}

/*
 * Whether a UDP port is in use here, and ours only as one of a whole range of
 * those that a socket gets when it asks for none: as a TURN relay wants them.
 */
static enum chatdnat_socket
chatdnat_socket_in_range(const struct chatdnat_settings *settings,
			 const struct chatdnat_dst_packet *packet)
{
	const struct chatdnat_flow *flow = &packet->flow;

	if (flow->proto != CHATDNAT_UDP ||
	    flow->dport < CHATDNAT_PORT_EPHEMERAL ||
	    !chatdnat_portset_spans(&settings->service.ports, flow->proto,
				    flow->dport))
		return CHATDNAT_SOCKET_NONE;
	return packet->socket;
}

/**
 * chatdnat_nat_policy_dst() - what becomes of a new connection's destination
 * @settings: the settings
 * @packet: what is known of its first packet
 * @relay: set to the relay that the connection would go to; NULL at first,
 *	   left alone when the decision is asked for again
 *
 * What costs a lookup is asked for only once it matters.
 *
 * Context: Any; on the packet path.
 * Return: The decision.
 */
enum chatdnat_dst_decision
chatdnat_nat_policy_dst(const struct chatdnat_settings *settings,
			const struct chatdnat_dst_packet *packet,
			const struct chatdnat_addr **relay)
{
	const struct chatdnat_flow *flow = &packet->flow;
	enum chatdnat_dst_decision decision;
	bool from_wan;

	if (!*relay)
		*relay = chatdnat_service_relay(&settings->service, flow);
	if (!*relay)
		return CHATDNAT_DST_LEAVE;

	/* The operator's own session, perhaps the one that made the change. */
	if (flow->proto == CHATDNAT_TCP && flow->dport == CHATDNAT_PORT_SSH &&
	    !packet->opens)
		return CHATDNAT_DST_LEAVE;

	from_wan = packet->in && chatdnat_ifset_has(&settings->wan, packet->in);
	if (!from_wan && !settings->hairpin)
		return CHATDNAT_DST_LEAVE;

	/* A relay beyond the link cannot talk to a link-local address. */
	if (chatdnat_addr_is_link_local(flow->family, &flow->saddr) ||
	    chatdnat_addr_is_link_local(flow->family, &flow->daddr))
		return CHATDNAT_DST_LEAVE;

	/* The stack lets none of these in, but would not see it any more. */
	if (from_wan && chatdnat_addr_is_loopback(flow->family, &flow->daddr))
		return CHATDNAT_DST_LEAVE;

	/* A service address may be another host's at the moment. */
	if (!chatdnat_is_named(settings, flow)) {
		decision = chatdnat_nat_policy_unnamed(settings, packet, from_wan);
		if (decision != CHATDNAT_DST_TRANSLATE)
			return decision;
	}

	switch (chatdnat_socket_in_range(settings, packet)) {
	case CHATDNAT_SOCKET_UNKNOWN:
		return CHATDNAT_DST_LOOK_UP_SOCKET;
	case CHATDNAT_SOCKET_BOUND:
		return CHATDNAT_DST_LEAVE;
	case CHATDNAT_SOCKET_NONE:
		break;
	}

	return settings->enabled ? CHATDNAT_DST_TRANSLATE : CHATDNAT_DST_DRAIN;
}

/*
 * Whether a connection that came by no WAN interface, as hairpin lets them,
 * would be answered past this host, or to an address that only this host has.
 */
static bool chatdnat_turns_back(const struct chatdnat_settings *settings,
				const struct chatdnat_src_packet *packet)
{
	if (!packet->in)
		return true;
	return settings->hairpin &&
	       !chatdnat_ifset_has(&settings->wan, packet->in) &&
	       !strcmp(packet->in, packet->out);
}

/**
 * chatdnat_nat_policy_src() - what becomes of a new connection's source
 * @settings: the settings
 * @packet: what is known of its first packet
 *
 * Context: Any; on the packet path.
 * Return: The decision.
 */
enum chatdnat_src_decision
chatdnat_nat_policy_src(const struct chatdnat_settings *settings,
			const struct chatdnat_src_packet *packet)
{
	bool wan;

	if (packet->translated && chatdnat_turns_back(settings, packet))
		return CHATDNAT_SRC_MASQUERADE;

	if (settings->masquerade == CHATDNAT_MASQUERADE_OFF || !packet->in)
		return CHATDNAT_SRC_LEAVE;

	/* Another source than its policy's, and it would miss the tunnel. */
	wan = !packet->transformed &&
	      chatdnat_ifset_has(&settings->wan, packet->out);
	if (packet->translated)
		return wan || settings->masquerade == CHATDNAT_MASQUERADE_ALL ?
			CHATDNAT_SRC_MASQUERADE : CHATDNAT_SRC_LEAVE;
	/* Whoever sends from the WAN side must not borrow this host's address. */
	if (!wan || packet->from_wan)
		return CHATDNAT_SRC_LEAVE;

	/*
	 * A tunnel's outer packets leave with the interface of the inner ones
	 * as theirs, but from an address of this host.
	 */
	switch (packet->saddr_type) {
	case CHATDNAT_ADDR_UNKNOWN:
		return CHATDNAT_SRC_LOOK_UP;
	case CHATDNAT_ADDR_LOCAL:
		return CHATDNAT_SRC_LEAVE;
	case CHATDNAT_ADDR_UNICAST:
	case CHATDNAT_ADDR_GROUP:
		break;
	}
	return CHATDNAT_SRC_MASQUERADE;
}
