// SPDX-License-Identifier: GPL-2.0
#include "verdict.h"

/**
 * chatdnat_decide_dst() - what becomes of a new connection's destination
 * @settings: the settings
 * @arrival: what is known of its first packet
 * @relay: set to the relay's address with CHATDNAT_DST_TRANSLATE
 *
 * The type of the destination address costs a lookup and is asked for only
 * once it matters.
 *
 * Context: Any; on the packet path.
 */
enum chatdnat_dst_decision
chatdnat_decide_dst(const struct chatdnat_settings *settings,
		    const struct chatdnat_arrival *arrival,
		    const struct chatdnat_addr **relay)
{
	const struct chatdnat_flow *flow = &arrival->flow;

	*relay = chatdnat_service_relay(&settings->service, flow);
	if (!*relay || !chatdnat_ifset_has(&settings->wan, arrival->in))
		return CHATDNAT_DST_LEAVE;

	/* A relay beyond the link cannot talk to a link-local address. */
	if (chatdnat_addr_is_link_local(flow->family, &flow->saddr) ||
	    chatdnat_addr_is_link_local(flow->family, &flow->daddr))
		return CHATDNAT_DST_LEAVE;

	switch (arrival->daddr_type) {
	case CHATDNAT_ADDR_UNKNOWN:
		return CHATDNAT_DST_LOOK_UP;
	case CHATDNAT_ADDR_LOCAL:
		break;
	case CHATDNAT_ADDR_UNICAST:
		if (settings->scope == CHATDNAT_SCOPE_ANY)
			break;
		return CHATDNAT_DST_LEAVE;
	case CHATDNAT_ADDR_GROUP:
		return CHATDNAT_DST_LEAVE;
	}

	return settings->enabled ? CHATDNAT_DST_TRANSLATE : CHATDNAT_DST_DRAIN;
}

/**
 * chatdnat_decide_src() - what becomes of a new connection's source
 * @settings: the settings
 * @departure: what is known of its first packet
 *
 * Context: Any; on the packet path.
 */
enum chatdnat_src_decision
chatdnat_decide_src(const struct chatdnat_settings *settings,
		    const struct chatdnat_departure *departure)
{
	bool wan;

	if (settings->masquerade == CHATDNAT_MASQUERADE_OFF || !departure->in)
		return CHATDNAT_SRC_LEAVE;

	wan = chatdnat_ifset_has(&settings->wan, departure->out);
	if (departure->translated)
		return wan || settings->masquerade == CHATDNAT_MASQUERADE_ALL ?
			CHATDNAT_SRC_MASQUERADE : CHATDNAT_SRC_LEAVE;
	if (!wan)
		return CHATDNAT_SRC_LEAVE;

	/*
	 * A tunnel's outer packets leave with the interface of the inner ones
	 * as theirs, but from an address of this host.
	 */
	switch (departure->saddr_type) {
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
