// SPDX-License-Identifier: GPL-2.0
#include <linux/string.h>

#include "nat_policy.h"

/* Whether "v4" or "v6" names the destination; this host may not have it now. */
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
 * Decide for a destination address that "v4" and "v6" do not name.
 * Return: CHATDNAT_DST_TRANSLATE, or another decision.
 */
static enum chatdnat_dst_decision
chatdnat_nat_policy_unnamed(const struct chatdnat_settings *settings,
			    const struct chatdnat_dst_packet *packet,
			    bool from_wan)
{
	const struct chatdnat_flow *flow = &packet->flow;

	switch (packet->daddr_type) {
	case CHATDNAT_ADDR_UNKNOWN:
		return CHATDNAT_DST_LOOK_UP_ADDR;
	case CHATDNAT_ADDR_LOCAL:
		break;
	case CHATDNAT_ADDR_UNICAST:
		/* Do not redirect connections that the relay opens itself. */
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

/**
 * chatdnat_nat_policy_heeds_socket() - whether the port of a flow is left to a
 *					local socket that is bound to it
 * @settings: the settings
 * @flow: from the client to this host
 *
 * A range of UDP ports, as a TURN relay needs, may overlap the ephemeral ports
 * of this host.
 *
 * Context: Any; on the packet path.
 * Return: True if so, with or without such a socket.
 */
bool chatdnat_nat_policy_heeds_socket(const struct chatdnat_settings *settings,
				      const struct chatdnat_flow *flow)
{
	return flow->proto == CHATDNAT_UDP &&
	       flow->dport >= CHATDNAT_PORT_EPHEMERAL &&
	       chatdnat_portset_spans(&settings->service.ports, flow->proto,
				      flow->dport);
}

static enum chatdnat_socket
chatdnat_socket_in_range(const struct chatdnat_settings *settings,
			 const struct chatdnat_dst_packet *packet)
{
	return chatdnat_nat_policy_heeds_socket(settings, &packet->flow) ?
		       packet->socket :
		       CHATDNAT_SOCKET_NONE;
}

/**
 * chatdnat_nat_policy_dst() - decide about the destination of a new connection
 * @settings: the settings
 * @packet: its first packet
 * @relay: set to the matching relay. NULL in the first call; unchanged in
 *	   further calls for the same packet
 *
 * A lookup is requested only if the decision depends on its result.
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

	/*
	 * Not midstream SSH: it may be the administrator's session to this
	 * host.
	 */
	if (flow->proto == CHATDNAT_TCP && flow->dport == CHATDNAT_PORT_SSH &&
	    packet->midstream)
		return CHATDNAT_DST_LEAVE;

	from_wan = packet->in && chatdnat_ifset_has(&settings->wan, packet->in);
	if (!from_wan && !settings->hairpin)
		return CHATDNAT_DST_LEAVE;

	/* A relay on another link cannot reply to a link-local address. */
	if (chatdnat_addr_is_link_local(flow->family, &flow->saddr) ||
	    chatdnat_addr_is_link_local(flow->family, &flow->daddr))
		return CHATDNAT_DST_LEAVE;

	/* The stack drops such packets (martians), but not once translated. */
	if (from_wan && chatdnat_addr_is_loopback(flow->family, &flow->daddr))
		return CHATDNAT_DST_LEAVE;

	/*
	 * A named address is served even if another host has it now (failover).
	 */
	if (!chatdnat_is_named(settings, flow)) {
		decision = chatdnat_nat_policy_unnamed(settings, packet,
						       from_wan);
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
 * Whether a hairpin connection has to be masqueraded: the relay would reply
 * directly to a client on the same link, or its source is an address of this
 * host that the relay may have no route to.
 */
static bool chatdnat_needs_hairpin(const struct chatdnat_settings *settings,
				   const struct chatdnat_src_packet *packet)
{
	if (!packet->in)
		return true;
	return settings->hairpin &&
	       !chatdnat_ifset_has(&settings->wan, packet->in) &&
	       !strcmp(packet->in, packet->out);
}

/**
 * chatdnat_nat_policy_src() - decide about the source of a new connection
 * @settings: the settings
 * @packet: its first packet
 *
 * Context: Any; on the packet path.
 * Return: The decision.
 */
enum chatdnat_src_decision
chatdnat_nat_policy_src(const struct chatdnat_settings *settings,
			const struct chatdnat_src_packet *packet)
{
	bool wan;

	if (packet->translated && chatdnat_needs_hairpin(settings, packet))
		return CHATDNAT_SRC_MASQUERADE;

	if (settings->masquerade == CHATDNAT_MASQUERADE_OFF || !packet->in)
		return CHATDNAT_SRC_LEAVE;

	/*
	 * A packet with another source address would not match its IPsec
	 * policy.
	 */
	wan = !packet->transformed &&
	      chatdnat_ifset_has(&settings->wan, packet->out);
	if (packet->translated)
		return wan || settings->masquerade == CHATDNAT_MASQUERADE_ALL ?
			       CHATDNAT_SRC_MASQUERADE :
			       CHATDNAT_SRC_LEAVE;
	/* Do not masquerade connections of hosts on the WAN side. */
	if (!wan || packet->from_wan)
		return CHATDNAT_SRC_LEAVE;

	/*
	 * The outer packets of a tunnel have the input interface of the inner
	 * packet, but a source address of this host.
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
