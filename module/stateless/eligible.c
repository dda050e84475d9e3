// SPDX-License-Identifier: GPL-2.0
/*
 * Which engine can serve which relay. Without state only where a translation
 * turns back into itself: one own address for one relay, which answers through
 * here.
 */
#include <linux/netdevice.h>
#include <linux/rtnetlink.h>
#include <net/dst.h>
#include <net/ip.h>

#include "../net/lookup.h"
#include "../net/validity.h"
#include "eligible.h"

static const char *const chatdnat_eligible_reasons[CHATDNAT_TRACKED_MAX] = {
	[CHATDNAT_TRACKED_SCOPE] =
		"scope=any has no fixed local addresses",
	[CHATDNAT_TRACKED_MASQUERADE] =
		"masquerade=all needs state",
	[CHATDNAT_TRACKED_PORTS] =
		"no TCP port outside this host's net.ipv4.ip_local_port_range",
	[CHATDNAT_TRACKED_OWNS] =
		"several local addresses for it",
	[CHATDNAT_TRACKED_NO_OWN] =
		"no local address for it yet, or one in a VRF",
	[CHATDNAT_TRACKED_ROUTE] =
		"its route leaves by a WAN interface",
};

/* What there would have to be instead. */
static const char *const chatdnat_eligible_expected[CHATDNAT_TRACKED_MAX] = {
	[CHATDNAT_TRACKED_SCOPE] =
		"scope=local with engine=stateless, which serves one local address for each relay",
	[CHATDNAT_TRACKED_MASQUERADE] =
		"masquerade=off or wan with engine=stateless, which keeps no state to undo it",
	[CHATDNAT_TRACKED_PORTS] =
		"TCP ports outside net.ipv4.ip_local_port_range with engine=stateless, which cannot distinguish this host's own connections",
	[CHATDNAT_TRACKED_OWNS] =
		"one local address for each relay with engine=stateless: name it, RELAY@OWN",
	[CHATDNAT_TRACKED_ROUTE] =
		"a relay that is not reached through a WAN interface with engine=stateless, so that its replies come back through this host",
};

/* How many entries name a relay. */
static unsigned int chatdnat_eligible_entries(const struct chatdnat_relays *relays,
					      const struct chatdnat_addr *addr)
{
	unsigned int n = 0;
	u8 i;

	for (i = 0; i < relays->n; i++)
		n += chatdnat_addr_equal(&relays->relay[i].addr, addr);
	return n;
}

/* Whether relays are reached by an interface of the inside, or not at all. */
static bool chatdnat_eligible_held(const struct chatdnat_settings *settings)
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

	if (chatdnat_eligible_held(settings))
		return false;
	dst = chatdnat_lookup_route(family, NULL, relay, 0, 0);
	wan = dst && chatdnat_ifset_has(&settings->wan, dst->dev->name);
	dst_release(dst);
	return wan;
}

/*
 * Whether TCP ports may as well be the source of a connection of this host:
 * some of them, or all. SSH is tracked in any case.
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
 * chatdnat_eligible_ports() - the TCP ports that can be served without state
 * @set: the ports that are sent on
 * @ports: set to them, but for those that may as well be the source of a
 *	   connection of this host, and for SSH: only connection tracking can tell
 *	   the sessions that this host has open from those of the relay
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

/* What the settings alone say. */
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
		return CHATDNAT_TRACKED_OWNS;
	return CHATDNAT_TRACKED_NOT;
}

/**
 * chatdnat_eligible_judge() - whether a relay has to be tracked
 * @settings: the settings
 * @family: the relay's
 * @relay: the relay
 * @own: set to its own addresses with CHATDNAT_TRACKED_NOT
 *
 * Context: Process context, may sleep, RTNL held.
 * Return: Why; CHATDNAT_TRACKED_NOT: it goes without state.
 */
enum chatdnat_tracked
chatdnat_eligible_judge(const struct chatdnat_settings *settings,
			enum chatdnat_family family,
			const struct chatdnat_relay *relay,
			struct chatdnat_local_addrs *own)
{
	enum chatdnat_tracked tracked;

	tracked = chatdnat_eligible_judge_settings(settings, family, relay);
	if (tracked != CHATDNAT_TRACKED_NOT)
		return tracked;

	chatdnat_local_addr_find(own, settings, family, relay);
	if (own->n > 1)
		return CHATDNAT_TRACKED_OWNS;
	if (chatdnat_eligible_leaks(settings, family, &relay->addr))
		return CHATDNAT_TRACKED_ROUTE;
	return own->n ? CHATDNAT_TRACKED_NOT : CHATDNAT_TRACKED_NO_OWN;
}

/**
 * chatdnat_eligible_reason() - why a relay is tracked
 * @tracked: the reason
 *
 * Context: Any.
 * Return: In plain words; NULL: because it was asked for, or it is not.
 */
const char *chatdnat_eligible_reason(enum chatdnat_tracked tracked)
{
	return chatdnat_eligible_reasons[tracked];
}

/**
 * chatdnat_eligible_check() - whether what is asked for can be
 * @settings: the settings
 * @host: also by what this host is like now, not by the settings alone
 * @text: what the operator wrote
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
	struct chatdnat_local_addrs own;
	u8 i;

	if (settings->engine != CHATDNAT_ENGINE_STATELESS)
		return 0;

	rtnl_lock();
	for (family = 0; family < CHATDNAT_FAMILIES; family++) {
		const struct chatdnat_relays *relays =
			&settings->service.relays[family];

		for (i = 0; i < relays->n && tracked == CHATDNAT_TRACKED_NOT; i++) {
			const struct chatdnat_relay *relay = &relays->relay[i];

			tracked = host ?
				chatdnat_eligible_judge(settings, family, relay,
							&own) :
				chatdnat_eligible_judge_settings(settings, family,
								 relay);
			if (tracked == CHATDNAT_TRACKED_NO_OWN)
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
 * chatdnat_eligible_reaches() - whether a relay is reached as it must be
 * @settings: the settings
 * @family: which kind of address it has
 * @binding: the relay's
 *
 * Context: RCU read lock held; on the packet path.
 * Return: False where the way leads out to the world, from where nothing comes
 * back without state; true also where there is no way.
 */
bool chatdnat_eligible_reaches(const struct chatdnat_settings *settings,
			       enum chatdnat_family family,
			       const struct chatdnat_binding *binding)
{
	struct dst_entry *dst;
	bool reaches;

	if (CHATDNAT_SOFTIRQ_PREEMPTED)
		return !chatdnat_eligible_leaks(settings, family, &binding->relay);

	if (chatdnat_eligible_held(settings))
		return true;

	local_bh_disable();
	dst = chatdnat_binding_route(binding, family);
	reaches = !dst || !chatdnat_ifset_has(&settings->wan, dst->dev->name);
	local_bh_enable();
	return reaches;
}
