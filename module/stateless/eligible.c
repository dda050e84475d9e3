// SPDX-License-Identifier: GPL-2.0
/*
 * Decides which engine serves a relay. Stateless translation has to be
 * reversible: one local address for one relay, whose replies are routed through
 * this host.
 */
#include <linux/netdevice.h>
#include <linux/rtnetlink.h>
#include <net/dst.h>
#include <net/ip.h>

#include "../net/lookup.h"
#include "../net/validity.h"
#include "eligible.h"

static const char *const chatdnat_eligible_reasons[CHATDNAT_TRACKED_MAX] = {
	[CHATDNAT_TRACKED_SCOPE] = "scope=any has no fixed local addresses",
	[CHATDNAT_TRACKED_MASQUERADE] = "masquerade=all needs state",
	[CHATDNAT_TRACKED_PORTS] =
		"no TCP port outside this host's net.ipv4.ip_local_port_range",
	[CHATDNAT_TRACKED_SEVERAL_LOCAL] = "several local addresses for it",
	[CHATDNAT_TRACKED_NO_LOCAL] =
		"no local address for it yet, or one in a VRF",
	[CHATDNAT_TRACKED_ROUTE] = "its route leaves by a WAN interface",
};

/* The expectation shown if engine=stateless is refused. */
static const char *const chatdnat_eligible_expected[CHATDNAT_TRACKED_MAX] = {
	[CHATDNAT_TRACKED_SCOPE] =
		"scope=local with engine=stateless, which serves one local address for each relay",
	[CHATDNAT_TRACKED_MASQUERADE] =
		"masquerade=off or wan with engine=stateless, which keeps no state to undo it",
	[CHATDNAT_TRACKED_PORTS] =
		"TCP ports outside net.ipv4.ip_local_port_range with engine=stateless, which cannot distinguish this host's own connections",
	[CHATDNAT_TRACKED_SEVERAL_LOCAL] =
		"one local address for each relay with engine=stateless: name it, RELAY@OWN",
	[CHATDNAT_TRACKED_ROUTE] =
		"a relay that is not reached through a WAN interface with engine=stateless, so that its replies come back through this host",
};

/* Number of entries of a relay. */
static unsigned int
chatdnat_eligible_entries(const struct chatdnat_relays *relays,
			  const struct chatdnat_addr *addr)
{
	unsigned int n = 0;
	u8 i;

	for (i = 0; i < relays->n; i++)
		n += chatdnat_addr_equal(&relays->relay[i].addr, addr);
	return n;
}

/* Whether "via" restricts relays to an interface other than WAN. */
static bool chatdnat_eligible_via_lan(const struct chatdnat_settings *settings)
{
	return settings->via[0] &&
	       !chatdnat_ifset_has(&settings->wan, settings->via);
}

static bool chatdnat_eligible_leaks(const struct chatdnat_settings *settings,
				    enum chatdnat_family family,
				    const struct chatdnat_addr *relay)
{
	struct dst_entry *dst;
	bool wan;

	if (chatdnat_eligible_via_lan(settings))
		return false;
	dst = chatdnat_lookup_route(family, NULL, relay, 0, 0);
	wan = dst && chatdnat_ifset_has(&settings->wan, dst->dev->name);
	dst_release(dst);
	return wan;
}

/*
 * Whether some or all TCP ports are ephemeral ports of this host. SSH does not
 * count, as it is always tracked.
 */
static void chatdnat_eligible_ephemeral(const struct chatdnat_portset *set,
					bool *some, bool *all)
{
	int low, high;
	u8 i;

	inet_get_local_port_range(&init_net, &low, &high);
	*some = false;
	*all = true;
	for (i = 0; i < set->n[CHATDNAT_TCP]; i++) {
		const struct chatdnat_ports *ports = &set->range[i];

		if (chatdnat_ports_are_ssh(ports))
			continue;
		*some |= ports->first <= high && ports->last >= low;
		*all &= ports->first >= low && ports->last <= high;
	}
}

/**
 * chatdnat_eligible_ports() - find the TCP ports for stateless translation
 * @set: the forwarded ports
 * @ports: bitmap, filled in with the TCP ports of @set, except ephemeral ports
 *	   and SSH: there, only connection tracking can tell local connections
 *	   from those of the relay
 *
 * Context: Process context.
 */
void chatdnat_eligible_ports(const struct chatdnat_portset *set,
			     unsigned long *ports)
{
	int low, high;
	u8 i;

	for (i = 0; i < set->n[CHATDNAT_TCP]; i++)
		bitmap_set(ports, set->range[i].first,
			   set->range[i].last - set->range[i].first + 1);
	inet_get_local_port_range(&init_net, &low, &high);
	bitmap_clear(ports, low, high - low + 1);
	clear_bit(CHATDNAT_PORT_SSH, ports);
}

/* The part of the decision that depends on the settings only. */
static enum chatdnat_tracked
chatdnat_eligible_judge_settings(const struct chatdnat_settings *settings,
				 enum chatdnat_family family,
				 const struct chatdnat_relay *relay)
{
	const struct chatdnat_relays *relays = &settings->service.relays[family];
	bool some, all;

	if (settings->engine == CHATDNAT_ENGINE_TRACKED)
		return CHATDNAT_TRACKED_ASKED;
	if (settings->scope == CHATDNAT_SCOPE_ANY)
		return CHATDNAT_TRACKED_SCOPE;
	if (settings->masquerade == CHATDNAT_MASQUERADE_ALL)
		return CHATDNAT_TRACKED_MASQUERADE;
	chatdnat_eligible_ephemeral(&settings->service.ports, &some, &all);
	if (all || (some && settings->engine == CHATDNAT_ENGINE_STATELESS))
		return CHATDNAT_TRACKED_PORTS;
	if (chatdnat_eligible_entries(relays, &relay->addr) > 1)
		return CHATDNAT_TRACKED_SEVERAL_LOCAL;
	return CHATDNAT_TRACKED_NOT;
}

/**
 * chatdnat_eligible_judge() - decide whether a relay has to be tracked
 * @settings: the settings
 * @family: IPv4 or IPv6
 * @relay: the relay
 * @local: filled in with its local addresses for CHATDNAT_TRACKED_NOT
 *
 * Context: Process context, may sleep, RTNL held.
 * Return: The reason; CHATDNAT_TRACKED_NOT if it can be served without state.
 */
enum chatdnat_tracked
chatdnat_eligible_judge(const struct chatdnat_settings *settings,
			enum chatdnat_family family,
			const struct chatdnat_relay *relay,
			struct chatdnat_local_addrs *local)
{
	enum chatdnat_tracked tracked;

	tracked = chatdnat_eligible_judge_settings(settings, family, relay);
	if (tracked != CHATDNAT_TRACKED_NOT)
		return tracked;

	chatdnat_local_addr_find(local, settings, family, relay);
	if (local->n > 1)
		return CHATDNAT_TRACKED_SEVERAL_LOCAL;
	if (chatdnat_eligible_leaks(settings, family, &relay->addr))
		return CHATDNAT_TRACKED_ROUTE;
	return local->n ? CHATDNAT_TRACKED_NOT : CHATDNAT_TRACKED_NO_LOCAL;
}

/**
 * chatdnat_eligible_reason() - text of the reason why a relay is tracked
 * @tracked: the reason
 *
 * Context: Any.
 * Return: The text; NULL if the setting asks for it, or if it is not tracked.
 */
const char *chatdnat_eligible_reason(enum chatdnat_tracked tracked)
{
	return chatdnat_eligible_reasons[tracked];
}

/**
 * chatdnat_eligible_check() - check whether engine=stateless is possible
 * @settings: the settings
 * @host: also check addresses and routes of the host, not only the settings
 * @text: the offending text, for @why
 * @why: filled in on refusal
 *
 * Context: Process context, may sleep, without RTNL.
 * Return: 0 or -EINVAL.
 */
int chatdnat_eligible_check(const struct chatdnat_settings *settings, bool host,
			    struct chatdnat_text text,
			    struct chatdnat_refusal *why)
{
	enum chatdnat_tracked tracked = CHATDNAT_TRACKED_NOT;
	enum chatdnat_family family;
	struct chatdnat_local_addrs local;
	u8 i;

	if (settings->engine != CHATDNAT_ENGINE_STATELESS)
		return 0;

	rtnl_lock();
	for (family = 0; family < CHATDNAT_FAMILIES; family++) {
		const struct chatdnat_relays *relays =
			&settings->service.relays[family];

		for (i = 0; i < relays->n && tracked == CHATDNAT_TRACKED_NOT;
		     i++) {
			const struct chatdnat_relay *relay = &relays->relay[i];

			tracked =
				host ? chatdnat_eligible_judge(settings, family,
							       relay, &local) :
				       chatdnat_eligible_judge_settings(settings,
									family,
									relay);
			if (tracked == CHATDNAT_TRACKED_NO_LOCAL)
				tracked = CHATDNAT_TRACKED_NOT;
		}
	}
	rtnl_unlock();

	if (tracked == CHATDNAT_TRACKED_NOT)
		return 0;
	return chatdnat_refuse(why, -EINVAL, text,
			       chatdnat_eligible_expected[tracked]);
}

/**
 * chatdnat_eligible_reaches() - whether the route to a relay allows stateless
 *				 translation
 * @settings: the settings
 * @family: IPv4 or IPv6
 * @binding: the binding of the relay
 *
 * Context: RCU read lock held; on the packet path.
 * Return: False if the route leaves by a WAN interface, where replies would not
 * be translated; true also if there is no route.
 */
bool chatdnat_eligible_reaches(const struct chatdnat_settings *settings,
			       enum chatdnat_family family,
			       const struct chatdnat_binding *binding)
{
	struct dst_entry *dst;
	bool reaches;

	if (CHATDNAT_SOFTIRQ_PREEMPTED)
		return !chatdnat_eligible_leaks(settings, family,
						&binding->relay);

	if (chatdnat_eligible_via_lan(settings))
		return true;

	local_bh_disable();
	dst = chatdnat_binding_route(binding, family);
	reaches = !dst || !chatdnat_ifset_has(&settings->wan, dst->dev->name);
	local_bh_enable();
	return reaches;
}
