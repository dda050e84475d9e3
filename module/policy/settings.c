// SPDX-License-Identifier: GPL-2.0
#include <linux/string.h>

#include "settings.h"

/**
 * chatdnat_settings_default() - set all settings to their defaults
 * @settings: filled in, padding included
 *
 * Context: Any.
 */
void chatdnat_settings_default(struct chatdnat_settings *settings)
{
	static const struct chatdnat_text chatmail = { "chatmail", 8 };
	static const struct chatdnat_text ssh = { "ssh", 3 };
	struct chatdnat_refusal why;

	memset(settings, 0, sizeof(*settings));
	settings->scope = CHATDNAT_SCOPE_LOCAL;
	settings->masquerade = CHATDNAT_MASQUERADE_WAN;
	settings->stale = CHATDNAT_STALE_FLUSH;
	settings->enabled = true;
	settings->fast = CHATDNAT_FAST_AUTO;
	settings->mss = CHATDNAT_MSS_AUTO;
	chatdnat_portset_parse(&settings->service.ports, chatmail, true, &why);
	chatdnat_allowed_parse(&settings->allow, ssh, &why);
}

/**
 * chatdnat_settings_active() - whether a family has something to translate
 * @settings: the settings
 * @family: IPv4 or IPv6
 *
 * Context: Any.
 * Return: False if the family has no relay, or if no WAN interface is set.
 */
bool chatdnat_settings_active(const struct chatdnat_settings *settings,
			      enum chatdnat_family family)
{
	return settings->wan.n && settings->service.relays[family].n;
}

/**
 * chatdnat_settings_multihomed() - whether there may be several WAN interfaces
 * @settings: the settings
 *
 * Context: Any; on the packet path.
 * Return: True if "wan" has several names, or a pattern.
 */
bool chatdnat_settings_multihomed(const struct chatdnat_settings *settings)
{
	return settings->wan.n > 1 || settings->wan.pattern[0].prefix;
}

/**
 * chatdnat_service_find() - find the relay for a local address and port
 * @service: the relays and forwarded ports
 * @family: IPv4 or IPv6
 * @proto: TCP or UDP
 * @local: the address, network byte order
 * @port: host byte order
 *
 * Context: Any; on the packet path.
 * Return: The relay's address, or NULL if connections to @local and @port are not
 * forwarded (DNAT).
 */
const struct chatdnat_addr *
chatdnat_service_find(const struct chatdnat_service *service,
		      enum chatdnat_family family, enum chatdnat_proto proto,
		      const struct chatdnat_addr *local, u16 port)
{
	const struct chatdnat_addr *relay;

	if (!chatdnat_portset_has(&service->ports, proto, port))
		return NULL;

	relay = chatdnat_relays_find(&service->relays[family], local);
	/* The packet is addressed to the relay already. */
	if (relay && chatdnat_addr_equal(relay, local))
		return NULL;
	return relay;
}

/**
 * chatdnat_service_relay() - find the relay for a client's flow
 * @service: the relays and forwarded ports
 * @flow: from the client to this host
 *
 * Context: Any; on the packet path.
 * Return: The relay's address, or NULL if the flow is not forwarded (DNAT).
 */
const struct chatdnat_addr *
chatdnat_service_relay(const struct chatdnat_service *service,
		       const struct chatdnat_flow *flow)
{
	return chatdnat_service_find(service, flow->family, flow->proto,
				     &flow->daddr, flow->dport);
}

/**
 * chatdnat_service_is_reply() - whether a flow may be a relay's replies
 * @service: the relays and forwarded ports
 * @flow: a flow in reply direction, to a client
 *
 * Context: Any; on the packet path.
 * Return: True if source address and port of @flow are those of a relay.
 */
bool chatdnat_service_is_reply(const struct chatdnat_service *service,
			       const struct chatdnat_flow *flow)
{
	return chatdnat_relays_has(&service->relays[flow->family],
				   &flow->saddr) &&
	       chatdnat_portset_has(&service->ports, flow->proto, flow->sport);
}

/**
 * chatdnat_service_empty() - whether no relay is set
 * @service: the relays and forwarded ports
 *
 * Context: Any.
 * Return: True if no family has a relay.
 */
bool chatdnat_service_empty(const struct chatdnat_service *service)
{
	return !service->relays[CHATDNAT_IPV4].n &&
	       !service->relays[CHATDNAT_IPV6].n;
}
