// SPDX-License-Identifier: GPL-2.0
/*
 * Which engine serves which relay. Without state only where a translation turns
 * back into itself: one own address for one relay, which answers through here.
 */
#include <linux/netdevice.h>
#include <linux/rtnetlink.h>
#include <net/dst.h>
#include <net/ip.h>

#include "config.h"
#include "engine.h"
#include "flush.h"
#include "host.h"
#include "ingress.h"
#include "own.h"

static const char *const chatdnat_tracked_reasons[CHATDNAT_TRACKED_MAX] = {
	[CHATDNAT_TRACKED_SCOPE] =
		"scope=any serves addresses that nothing tells apart",
	[CHATDNAT_TRACKED_MASQUERADE] =
		"masquerade=all needs state",
	[CHATDNAT_TRACKED_PORTS] =
		"no TCP port outside this host's net.ipv4.ip_local_port_range",
	[CHATDNAT_TRACKED_OWNS] =
		"several own addresses for it",
	[CHATDNAT_TRACKED_NO_OWN] =
		"no own address for it yet",
	[CHATDNAT_TRACKED_ROUTE] =
		"its route leaves by a WAN interface",
};

/* What there would have to be instead. */
static const char *const chatdnat_engine_expected[CHATDNAT_TRACKED_MAX] = {
	[CHATDNAT_TRACKED_SCOPE] =
		"scope=local with engine=stateless, which serves one own address for each relay",
	[CHATDNAT_TRACKED_MASQUERADE] =
		"masquerade=off or wan with engine=stateless, which keeps no state to turn it back",
	[CHATDNAT_TRACKED_PORTS] =
		"TCP ports outside net.ipv4.ip_local_port_range with engine=stateless, which cannot tell this host's own connections apart",
	[CHATDNAT_TRACKED_OWNS] =
		"one own address for each relay with engine=stateless: name it, RELAY@OWN",
	[CHATDNAT_TRACKED_ROUTE] =
		"a relay that is reached by another than a WAN interface with engine=stateless, so that its answers come back through here",
};

/* How many entries name a relay. */
static unsigned int chatdnat_engine_entries(const struct chatdnat_relays *relays,
					    const struct chatdnat_addr *addr)
{
	unsigned int n = 0;
	u8 i;

	for (i = 0; i < relays->n; i++)
		n += chatdnat_addr_equal(&relays->relay[i].addr, addr);
	return n;
}

/* Whether relays are reached by an interface of the inside, or not at all. */
static bool chatdnat_engine_held(const struct chatdnat_settings *settings)
{
	return settings->via[0] &&
	       !chatdnat_ifset_has(&settings->wan, settings->via);
}

static bool chatdnat_engine_leaks(const struct chatdnat_settings *settings,
				  enum chatdnat_family family,
				  const struct chatdnat_addr *relay)
{
	struct dst_entry *dst;
	bool wan;

	if (chatdnat_engine_held(settings))
		return false;
	dst = chatdnat_host_route(family, NULL, relay, 0, 0);
	wan = dst && chatdnat_ifset_has(&settings->wan, dst->dev->name);
	dst_release(dst);
	return wan;
}

/*
 * Whether TCP ports may as well be the source of a connection of this host:
 * some of them, or all. SSH is tracked in any case.
 */
static void chatdnat_engine_ephemeral(const struct chatdnat_portset *set,
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

/*
 * The TCP ports but for those, and for SSH: only connection tracking can tell
 * the sessions that this host has open from those of the relay.
 */
static void chatdnat_engine_ports(const struct chatdnat_portset *set,
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
chatdnat_engine_judge_settings(const struct chatdnat_settings *settings,
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
	chatdnat_engine_ephemeral(&settings->service.ports, &some, &all);
	if (all || (some && settings->engine == CHATDNAT_ENGINE_STATELESS))
		return CHATDNAT_TRACKED_PORTS;
	if (chatdnat_engine_entries(relays, &relay->addr) > 1)
		return CHATDNAT_TRACKED_OWNS;
	return CHATDNAT_TRACKED_NOT;
}

static enum chatdnat_tracked
chatdnat_engine_judge(const struct chatdnat_settings *settings,
		      enum chatdnat_family family,
		      const struct chatdnat_relay *relay,
		      struct chatdnat_own *own)
{
	enum chatdnat_tracked tracked;

	tracked = chatdnat_engine_judge_settings(settings, family, relay);
	if (tracked != CHATDNAT_TRACKED_NOT)
		return tracked;

	chatdnat_own_find(own, settings, family, relay);
	if (own->n > 1)
		return CHATDNAT_TRACKED_OWNS;
	if (chatdnat_engine_leaks(settings, family, &relay->addr))
		return CHATDNAT_TRACKED_ROUTE;
	return own->n ? CHATDNAT_TRACKED_NOT : CHATDNAT_TRACKED_NO_OWN;
}

/**
 * chatdnat_engine_check() - whether what is asked for can be
 * @settings: the settings
 * @host: also by what this host is like now, not by the settings alone
 * @text: what the operator wrote
 * @why: filled in on refusal
 *
 * Context: Process context, may sleep, without RTNL.
 * Return: 0 or -EINVAL.
 */
int chatdnat_engine_check(const struct chatdnat_settings *settings, bool host,
			  struct chatdnat_text text,
			  struct chatdnat_refusal *why)
{
	enum chatdnat_tracked tracked = CHATDNAT_TRACKED_NOT;
	enum chatdnat_family family;
	struct chatdnat_own own;
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
				chatdnat_engine_judge(settings, family, relay,
						      &own) :
				chatdnat_engine_judge_settings(settings, family,
							       relay);
			if (tracked == CHATDNAT_TRACKED_NO_OWN)
				tracked = CHATDNAT_TRACKED_NOT;
		}
	}
	rtnl_unlock();

	if (tracked == CHATDNAT_TRACKED_NOT)
		return 0;
	return chatdnat_refuse(why, -EINVAL, text,
			       chatdnat_engine_expected[tracked]);
}

/* The index of the interface to leave by; 0: any, -1: it is not there. */
static int chatdnat_engine_via(const struct chatdnat_settings *settings)
{
	const struct net_device *dev;

	ASSERT_RTNL();

	if (!settings->via[0])
		return 0;
	dev = __dev_get_by_name(&init_net, settings->via);
	return dev ? dev->ifindex : -1;
}

static struct chatdnat_bindings *
chatdnat_engine_bindings(const struct chatdnat_settings *settings)
{
	struct chatdnat_bindings *bindings;
	enum chatdnat_family family;
	struct chatdnat_own own;
	bool fits = true;
	u8 i;

	if (settings->engine == CHATDNAT_ENGINE_TRACKED || !settings->wan.n)
		return NULL;
	bindings = chatdnat_bindings_new();
	if (!bindings)
		return ERR_PTR(-ENOMEM);

	chatdnat_engine_ports(&settings->service.ports, bindings->ports);
	rtnl_lock();
	bindings->via = chatdnat_engine_via(settings);
	for (family = 0; family < CHATDNAT_FAMILIES; family++) {
		const struct chatdnat_relays *relays =
			&settings->service.relays[family];

		for (i = 0; i < relays->n && fits; i++)
			if (chatdnat_engine_judge(settings, family,
						  &relays->relay[i], &own) ==
			    CHATDNAT_TRACKED_NOT)
				fits = chatdnat_bindings_add(bindings, family,
							     &own.addr, own.home,
							     &relays->relay[i].addr);
	}
	rtnl_unlock();

	if (fits && (bindings->n[CHATDNAT_IPV4] || bindings->n[CHATDNAT_IPV6]))
		return bindings;
	chatdnat_bindings_free(bindings);
	return fits ? NULL : ERR_PTR(-ENOMEM);
}

/**
 * chatdnat_engine_bound() - have this host act by what an active snapshot
 *			     translates without state
 * @snapshot: the snapshot
 *
 * Context: Process context, may sleep, chatdnat_config_lock held.
 */
void chatdnat_engine_bound(const struct chatdnat_snapshot *snapshot)
{
	struct chatdnat_bindings *bindings;

	bindings = rcu_dereference_protected(snapshot->bindings,
					     lockdep_is_held(&chatdnat_config_lock));
	chatdnat_ingress_set(snapshot);
	if (bindings)
		chatdnat_flush_bound(&snapshot->settings, bindings);
}

/**
 * chatdnat_engine_bind() - work out what a snapshot translates without state
 * @snapshot: the snapshot, not published yet
 *
 * Context: Process context, may sleep, chatdnat_config_lock held.
 * Return: 0 or -ENOMEM.
 */
int chatdnat_engine_bind(struct chatdnat_snapshot *snapshot)
{
	struct chatdnat_bindings *bindings;

	bindings = chatdnat_engine_bindings(&snapshot->settings);
	if (IS_ERR(bindings))
		return PTR_ERR(bindings);
	RCU_INIT_POINTER(snapshot->bindings, bindings);
	return 0;
}

/**
 * chatdnat_engine_rebind() - work it out anew for an active snapshot
 * @snapshot: the snapshot
 *
 * Without memory it stays as it was, until the next change.
 *
 * Context: Process context, may sleep, chatdnat_config_lock held.
 */
void chatdnat_engine_rebind(struct chatdnat_snapshot *snapshot)
{
	struct chatdnat_bindings *bindings, *old;

	bindings = chatdnat_engine_bindings(&snapshot->settings);
	if (IS_ERR(bindings))
		return;
	old = rcu_dereference_protected(snapshot->bindings,
					lockdep_is_held(&chatdnat_config_lock));
	if (chatdnat_bindings_equal(old, bindings)) {
		chatdnat_bindings_free(bindings);
		/* The way to a relay may lead by another device. */
		chatdnat_ingress_set(snapshot);
		return;
	}

	rcu_assign_pointer(snapshot->bindings, bindings);
	synchronize_net();
	chatdnat_bindings_free(old);
	chatdnat_engine_bound(snapshot);
}

/**
 * chatdnat_engine_reaches() - whether a relay is reached as it must be
 * @settings: the settings
 * @family: which kind of address it has
 * @binding: the relay's
 *
 * Context: RCU read lock held; on the packet path.
 * Return: False where the way leads out to the world, from where nothing comes
 * back without state; true also where there is no way.
 */
bool chatdnat_engine_reaches(const struct chatdnat_settings *settings,
			     enum chatdnat_family family,
			     const struct chatdnat_binding *binding)
{
	const struct dst_entry *dst;
	bool reaches;

	if (chatdnat_engine_held(settings))
		return true;

	local_bh_disable();
	dst = chatdnat_binding_route(binding, family);
	reaches = !dst || !chatdnat_ifset_has(&settings->wan, dst->dev->name);
	local_bh_enable();
	return reaches;
}

static int chatdnat_engine_show_relay(char *buf, size_t size,
				      const struct chatdnat_snapshot *snapshot,
				      enum chatdnat_family family,
				      const struct chatdnat_relay *relay)
{
	const struct chatdnat_binding *binding = NULL;
	const struct chatdnat_bindings *bindings;
	enum chatdnat_tracked tracked;
	struct chatdnat_own own;
	int len;

	bindings = rcu_dereference_protected(snapshot->bindings,
					     lockdep_is_held(&chatdnat_config_lock));
	if (bindings)
		binding = chatdnat_bindings_by_relay(bindings, family,
						     &relay->addr);
	len = chatdnat_addr_format(family, &relay->addr, buf, size);
	if (binding) {
		len += scnprintf(buf + len, size - len, "@");
		len += chatdnat_addr_format(family, &binding->own, buf + len,
					    size - len);
		return len + scnprintf(buf + len, size - len, " stateless\n");
	}

	tracked = chatdnat_engine_judge(&snapshot->settings, family, relay,
					&own);
	if (tracked == CHATDNAT_TRACKED_ASKED ||
	    tracked == CHATDNAT_TRACKED_NOT) {
		len += scnprintf(buf + len, size - len, " tracked\n");
	} else {
		len += scnprintf(buf + len, size - len, " tracked: %s\n",
				 chatdnat_tracked_reasons[tracked]);
	}
	return len;
}

/**
 * chatdnat_engine_show() - tell which engine serves each relay, and why
 * @buf: where to
 * @size: room in @buf
 *
 * Context: Process context, may sleep.
 * Return: Bytes written, without the terminator.
 */
int chatdnat_engine_show(char *buf, size_t size)
{
	const struct chatdnat_snapshot *snapshot;
	enum chatdnat_family family;
	int len = 0;
	u8 i;

	mutex_lock(&chatdnat_config_lock);
	rtnl_lock();
	snapshot = chatdnat_active_locked();
	for (family = 0; snapshot && family < CHATDNAT_FAMILIES; family++) {
		const struct chatdnat_relays *relays =
			&snapshot->settings.service.relays[family];

		for (i = 0; i < relays->n; i++)
			len += chatdnat_engine_show_relay(buf + len, size - len,
							  snapshot, family,
							  &relays->relay[i]);
	}
	rtnl_unlock();
	mutex_unlock(&chatdnat_config_lock);
	return len;
}
