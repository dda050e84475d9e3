// SPDX-License-Identifier: GPL-2.0
/*
 * Guard: which packets may be forwarded or enter this host; ICMPv6 as in RFC
 * 4890.
 */
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/in.h>

#include "guard_policy.h"

#define CHATDNAT_PORT_DHCPV4_SERVER 67
#define CHATDNAT_PORT_DHCPV4_CLIENT 68
#define CHATDNAT_PORT_DHCPV6_CLIENT 546
#define CHATDNAT_PORT_DHCPV6_SERVER 547

enum chatdnat_icmp_from {
	CHATDNAT_ICMP_ANYWHERE,
	CHATDNAT_ICMP_NEIGHBOUR,     /* from the link: hop limit 255 */
	CHATDNAT_ICMP_LINK,	     /* RFC 2710: hop limit 1, link-local */
	CHATDNAT_ICMP_ANYWHERE_SOME, /* rate-limited */
};

struct chatdnat_icmp_rule {
	u8 first;
	u8 last;
	enum chatdnat_icmp_from from;
};

/* Types that a host and a router need; all others are refused. */
static const struct chatdnat_icmp_rule chatdnat_icmp_rules[] = {
	{ ICMP_DEST_UNREACH, ICMP_DEST_UNREACH, CHATDNAT_ICMP_ANYWHERE },
	{ ICMP_ECHO, ICMP_ECHO, CHATDNAT_ICMP_ANYWHERE_SOME },
	{ ICMP_TIME_EXCEEDED, ICMP_PARAMETERPROB, CHATDNAT_ICMP_ANYWHERE },
	{}
};

/* RFC 4890, 4.4.1 and 4.4.2. */
static const struct chatdnat_icmp_rule chatdnat_icmpv6_rules[] = {
	/* destination unreachable ... parameter problem */
	{ ICMPV6_DEST_UNREACH, ICMPV6_PARAMPROB, CHATDNAT_ICMP_ANYWHERE },
	{ ICMPV6_ECHO_REQUEST, ICMPV6_ECHO_REQUEST,
	  CHATDNAT_ICMP_ANYWHERE_SOME },
	/* multicast listener query, report, done */
	{ 130, 132, CHATDNAT_ICMP_LINK },
	/* router and neighbour, solicitation and advertisement */
	{ 133, 136, CHATDNAT_ICMP_NEIGHBOUR },
	/* inverse neighbour discovery */
	{ 141, 142, CHATDNAT_ICMP_NEIGHBOUR },
	{ ICMPV6_MLD2_REPORT, ICMPV6_MLD2_REPORT, CHATDNAT_ICMP_LINK },
	/* secure neighbour discovery's certificate path */
	{ 148, 149, CHATDNAT_ICMP_NEIGHBOUR },
	/* multicast router discovery */
	{ 151, 153, CHATDNAT_ICMP_LINK },
	{}
};

static bool chatdnat_addr_is_unspecified(const struct chatdnat_addr *addr)
{
	static const struct chatdnat_addr unspecified;

	return chatdnat_addr_equal(addr, &unspecified);
}

static enum chatdnat_admission
chatdnat_guard_policy_icmp(const struct chatdnat_icmp_rule *rule,
			   const struct chatdnat_guard_packet *packet)
{
	const struct chatdnat_addr *saddr = &packet->flow.saddr;

	while (rule->last && (packet->icmp_type < rule->first ||
			      packet->icmp_type > rule->last))
		rule++;
	if (!rule->last)
		return CHATDNAT_REFUSE;

	switch (rule->from) {
	case CHATDNAT_ICMP_ANYWHERE:
		return CHATDNAT_ADMIT;
	case CHATDNAT_ICMP_ANYWHERE_SOME:
		return CHATDNAT_ADMIT_SOME;
	case CHATDNAT_ICMP_NEIGHBOUR:
		return packet->hop_limit == 255 ? CHATDNAT_ADMIT :
						  CHATDNAT_REFUSE;
	case CHATDNAT_ICMP_LINK:
		break;
	}

	/* A host without an address sends its MLD reports from ::. */
	if (packet->hop_limit == 1 &&
	    (chatdnat_addr_is_link_local(packet->flow.family, saddr) ||
	     chatdnat_addr_is_unspecified(saddr)))
		return CHATDNAT_ADMIT;
	return CHATDNAT_REFUSE;
}

static bool chatdnat_is_icmp(const struct chatdnat_guard_packet *packet)
{
	return packet->protocol == (packet->flow.family == CHATDNAT_IPV6 ?
					    IPPROTO_ICMPV6 :
					    IPPROTO_ICMP);
}

static bool chatdnat_is_echo(const struct chatdnat_guard_packet *packet)
{
	return chatdnat_is_icmp(packet) &&
	       packet->icmp_type == (packet->flow.family == CHATDNAT_IPV6 ?
					     ICMPV6_ECHO_REQUEST :
					     ICMP_ECHO);
}

static bool chatdnat_is_port(const struct chatdnat_guard_packet *packet,
			     const struct chatdnat_portset *ports)
{
	return (packet->protocol == IPPROTO_TCP ||
		packet->protocol == IPPROTO_UDP) &&
	       chatdnat_portset_has(ports, packet->flow.proto,
				    packet->flow.dport);
}

/*
 * A midstream segment for which conntrack has just created an entry. A
 * connection that must not be opened must not be picked up either: a later SYN
 * of the same flow would match the confirmed entry. The exceptions are
 * connections that were open when the guard was enabled.
 */
static bool chatdnat_is_midstream(const struct chatdnat_guard_packet *packet)
{
	return packet->protocol == IPPROTO_TCP && !packet->has_syn &&
	       packet->track == CHATDNAT_TRACK_NEW;
}

/* A connection from a relay to the internet. */
static bool chatdnat_is_outbound(const struct chatdnat_settings *settings,
				 const struct chatdnat_guard_packet *packet)
{
	const struct chatdnat_flow *flow = &packet->flow;

	return !packet->from_wan && packet->to_wan &&
	       chatdnat_relays_has(&settings->service.relays[flow->family],
				   &flow->saddr);
}

static bool chatdnat_is_allowed(const struct chatdnat_allowed *allow,
				const struct chatdnat_guard_packet *packet)
{
	return chatdnat_is_port(packet, &allow->ports) ||
	       chatdnat_allowed_protocol(allow, packet->protocol);
}

/*
 * An invalid segment of a connection that would be allowed if it were new. The
 * endpoints judge it.
 */
static bool chatdnat_is_continued(const struct chatdnat_settings *settings,
				  const struct chatdnat_guard_packet *packet)
{
	if (packet->track != CHATDNAT_TRACK_INVALID || !packet->continues)
		return false;
	if (!packet->from_wan && packet->to_wan && packet->local_source)
		return true;
	return chatdnat_is_outbound(settings, packet) ||
	       (chatdnat_relays_has(&settings->service.relays[packet->flow.family],
				    &packet->flow.daddr) &&
		chatdnat_is_port(packet, &settings->service.ports));
}

/* For conntrack, a reply to a broadcast is a new connection. */
static bool chatdnat_is_dhcp_answer(const struct chatdnat_guard_packet *packet)
{
	const struct chatdnat_flow *flow = &packet->flow;

	if (packet->protocol != IPPROTO_UDP)
		return false;
	if (flow->family == CHATDNAT_IPV4)
		return flow->sport == CHATDNAT_PORT_DHCPV4_SERVER &&
		       flow->dport == CHATDNAT_PORT_DHCPV4_CLIENT;
	return flow->sport == CHATDNAT_PORT_DHCPV6_SERVER &&
	       flow->dport == CHATDNAT_PORT_DHCPV6_CLIENT &&
	       chatdnat_addr_is_link_local(flow->family, &flow->saddr);
}

/**
 * chatdnat_guard_policy_forward() - whether a packet may be forwarded
 * @settings: the settings, with a guard
 * @packet: the packet
 *
 * Context: Any; on the packet path.
 * Return: CHATDNAT_ADMIT..., or CHATDNAT_REFUSE... with the reason.
 */
enum chatdnat_admission
chatdnat_guard_policy_forward(const struct chatdnat_settings *settings,
			      const struct chatdnat_guard_packet *packet)
{
	const struct chatdnat_flow *flow = &packet->flow;

	if (chatdnat_is_continued(settings, packet))
		return CHATDNAT_ADMIT;
	if (packet->track != CHATDNAT_TRACK_NEW)
		return CHATDNAT_REFUSE_INVALID;
	if (chatdnat_relays_has(&settings->service.relays[flow->family],
				&flow->daddr) &&
	    (chatdnat_is_port(packet, &settings->service.ports) ||
	     chatdnat_is_echo(packet)))
		return CHATDNAT_ADMIT;
	if (chatdnat_is_outbound(settings, packet) ||
	    (packet->settling && chatdnat_is_midstream(packet)))
		return CHATDNAT_ADMIT;
	return CHATDNAT_REFUSE;
}

/**
 * chatdnat_guard_policy_input() - whether a packet may enter this host
 * @settings: the settings, with a guard that is full or strict
 * @packet: the packet
 *
 * Context: Any; on the packet path.
 * Return: CHATDNAT_ADMIT..., or CHATDNAT_REFUSE... with the reason.
 */
enum chatdnat_admission
chatdnat_guard_policy_input(const struct chatdnat_settings *settings,
			    const struct chatdnat_guard_packet *packet)
{
	/*
	 * Neighbour discovery is never tracked; an ICMP error may be about an
	 * untracked packet.
	 */
	if (chatdnat_is_icmp(packet))
		return chatdnat_guard_policy_icmp(packet->flow.family ==
								  CHATDNAT_IPV6 ?
							  chatdnat_icmpv6_rules :
							  chatdnat_icmp_rules,
						  packet);

	if (packet->track == CHATDNAT_TRACK_INVALID)
		return CHATDNAT_REFUSE_INVALID;
	if (chatdnat_is_allowed(&settings->allow, packet) ||
	    chatdnat_is_dhcp_answer(packet))
		return CHATDNAT_ADMIT;
	if (chatdnat_is_midstream(packet) &&
	    packet->socket != CHATDNAT_SOCKET_NONE)
		return packet->socket == CHATDNAT_SOCKET_BOUND ?
			       CHATDNAT_ADMIT :
			       CHATDNAT_ADMIT_LOOK_UP_SOCKET;
	return packet->track == CHATDNAT_TRACK_UNTRACKED ?
		       CHATDNAT_REFUSE_INVALID :
		       CHATDNAT_REFUSE;
}
