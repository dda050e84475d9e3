// SPDX-License-Identifier: GPL-2.0
/*
 * Which engine serves which relay. Without state only where a translation turns
 * back into itself: one own address for one relay, which answers through here.
 */
#include <linux/inetdevice.h>
#include <linux/netdevice.h>
#include <linux/rtnetlink.h>
#include <linux/workqueue.h>
#include <net/addrconf.h>
#include <net/dst.h>
#include <net/ip.h>

#include "config.h"
#include "engine.h"
#include "flush.h"
#include "host.h"
#include "ingress.h"

/* Changes come in crowds; one look at what came of them is enough. */
#define CHATDNAT_ENGINE_DELAY	(HZ / 10)

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

/* What enters by which address, and by which interface that has it. */
struct chatdnat_own {
	unsigned int n;
	struct chatdnat_addr addr;
	int home;
};

static void chatdnat_own_add(struct chatdnat_own *own,
			     const struct chatdnat_relays *relays,
			     const struct chatdnat_addr *addr,
			     const struct net_device *dev)
{
	if (chatdnat_relays_names(relays, addr) ||
	    (own->n && chatdnat_addr_equal(&own->addr, addr)))
		return;
	own->n++;
	own->addr = *addr;
	own->home = dev->flags & IFF_LOOPBACK ? 0 : dev->ifindex;
}

static void chatdnat_own_add_ipv4(struct chatdnat_own *own,
				  const struct chatdnat_relays *relays,
				  const struct net_device *dev)
{
	const struct in_device *in_dev = __in_dev_get_rtnl(dev);
	const struct in_ifaddr *ifa;

	if (!in_dev)
		return;
	in_dev_for_each_ifa_rtnl(ifa, in_dev) {
		const struct chatdnat_addr addr = {
			.word = { ifa->ifa_local },
		};

		if (ifa->ifa_scope == RT_SCOPE_UNIVERSE)
			chatdnat_own_add(own, relays, &addr, dev);
	}
}

static void chatdnat_own_add_ipv6(struct chatdnat_own *own,
				  const struct chatdnat_relays *relays,
				  const struct net_device *dev)
{
#if IS_ENABLED(CONFIG_IPV6)
	const struct inet6_ifaddr *ifp;
	struct inet6_dev *idev = __in6_dev_get(dev);
	struct chatdnat_addr addr;

	if (!idev)
		return;
	read_lock_bh(&idev->lock);
	list_for_each_entry(ifp, &idev->addr_list, if_list) {
		memcpy(addr.word, &ifp->addr, sizeof(addr.word));
		/* Nobody is told to come to an address that will not last. */
		if (!(ifp->flags & (IFA_F_DADFAILED | IFA_F_TEMPORARY)) &&
		    !(ipv6_addr_type(&ifp->addr) &
		      (IPV6_ADDR_LINKLOCAL | IPV6_ADDR_LOOPBACK)))
			chatdnat_own_add(own, relays, &addr, dev);
	}
	read_unlock_bh(&idev->lock);
#endif
}

/* All addresses by which the world knows this host, but those that are named. */
static void chatdnat_own_others(struct chatdnat_own *own,
				const struct chatdnat_settings *settings,
				enum chatdnat_family family)
{
	const struct chatdnat_relays *relays = &settings->service.relays[family];
	struct net_device *dev;

	ASSERT_RTNL();

	for_each_netdev(&init_net, dev) {
		if (netif_is_l3_slave(dev) ||
		    (!(dev->flags & IFF_LOOPBACK) &&
		     !chatdnat_ifset_has(&settings->wan, dev->name)))
			continue;
		if (family == CHATDNAT_IPV6)
			chatdnat_own_add_ipv6(own, relays, dev);
		else
			chatdnat_own_add_ipv4(own, relays, dev);
	}
}

static void chatdnat_own_named(struct chatdnat_own *own,
			       const struct chatdnat_settings *settings,
			       enum chatdnat_family family,
			       const struct chatdnat_addr *addr)
{
	const struct net_device *dev;

	if (chatdnat_host_addr_type(family, addr, NULL) != CHATDNAT_ADDR_LOCAL)
		return;
	own->n = 1;
	own->addr = *addr;
	rcu_read_lock();
	dev = chatdnat_host_addr_dev(family, addr);
	if (dev && chatdnat_ifset_has(&settings->wan, dev->name))
		own->home = dev->ifindex;
	rcu_read_unlock();
}

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
 * Sets, where there is a map, the ports that cannot as well be the source of a
 * connection of this host; returns whether all are such.
 */
static bool chatdnat_engine_ports(const struct chatdnat_settings *settings,
				  unsigned long *ports, bool *any)
{
	const struct chatdnat_portset *set = &settings->service.ports;
	int low, high, port;
	bool all = true;
	u8 i;

	inet_get_local_port_range(&init_net, &low, &high);
	*any = false;
	for (i = 0; i < set->n[CHATDNAT_TCP]; i++) {
		for (port = set->range[i].first; port <= set->range[i].last;
		     port++) {
			if (port >= low && port <= high) {
				all = false;
				continue;
			}
			*any = true;
			if (ports)
				__set_bit(port, ports);
		}
	}
	return all;
}

/* What the settings alone say. */
static enum chatdnat_tracked
chatdnat_engine_judge_settings(const struct chatdnat_settings *settings,
			       enum chatdnat_family family,
			       const struct chatdnat_relay *relay)
{
	const struct chatdnat_relays *relays = &settings->service.relays[family];
	bool any, all;

	if (settings->engine == CHATDNAT_ENGINE_TRACKED)
		return CHATDNAT_TRACKED_ASKED;
	if (settings->scope == CHATDNAT_SCOPE_ANY)
		return CHATDNAT_TRACKED_SCOPE;
	if (settings->masquerade == CHATDNAT_MASQUERADE_ALL)
		return CHATDNAT_TRACKED_MASQUERADE;
	all = chatdnat_engine_ports(settings, NULL, &any);
	if (!any || (!all && settings->engine == CHATDNAT_ENGINE_STATELESS))
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
	static const struct chatdnat_addr every_other;
	enum chatdnat_tracked tracked;

	tracked = chatdnat_engine_judge_settings(settings, family, relay);
	if (tracked != CHATDNAT_TRACKED_NOT)
		return tracked;

	memset(own, 0, sizeof(*own));
	if (chatdnat_addr_equal(&relay->own, &every_other))
		chatdnat_own_others(own, settings, family);
	else
		chatdnat_own_named(own, settings, family, &relay->own);

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
			tracked = chatdnat_engine_judge(settings, family,
							&relays->relay[i], &own);
			if (tracked == CHATDNAT_TRACKED_NO_OWN ||
			    (!host && tracked != chatdnat_engine_judge_settings(settings,
										family,
										&relays->relay[i])))
				tracked = CHATDNAT_TRACKED_NOT;
		}
	}
	rtnl_unlock();

	if (tracked == CHATDNAT_TRACKED_NOT)
		return 0;
	return chatdnat_refuse(why, -EINVAL, text,
			       chatdnat_engine_expected[tracked]);
}

/* What the shortcut has to know of this host's interfaces. */
static void chatdnat_engine_note(struct chatdnat_bindings *bindings,
				 const struct chatdnat_settings *settings)
{
	const struct net_device *dev;

	ASSERT_RTNL();

	bindings->via = settings->via[0] ? -1 : 0;
	for_each_netdev(&init_net, dev)
		if (!strcmp(dev->name, settings->via))
			bindings->via = dev->ifindex;
}

static struct chatdnat_bindings *
chatdnat_engine_bindings(const struct chatdnat_settings *settings)
{
	struct chatdnat_bindings *bindings;
	enum chatdnat_family family;
	struct chatdnat_own own;
	bool any, fits = true;
	u8 i;

	if (settings->engine == CHATDNAT_ENGINE_TRACKED || !settings->wan.n)
		return NULL;
	bindings = chatdnat_bindings_new();
	if (!bindings)
		return ERR_PTR(-ENOMEM);

	chatdnat_engine_ports(settings, bindings->ports, &any);
	rtnl_lock();
	chatdnat_engine_note(bindings, settings);
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

/*
 * As this host changes, so does what can be translated without state. Without
 * memory it stays as it was, until the next change.
 */
static void chatdnat_engine_work_fn(struct work_struct *work)
{
	struct chatdnat_bindings *bindings, *old;
	struct chatdnat_snapshot *snapshot;

	mutex_lock(&chatdnat_config_lock);
	snapshot = chatdnat_active_locked();
	if (!snapshot || snapshot->settings.engine == CHATDNAT_ENGINE_TRACKED)
		goto unlock;

	bindings = chatdnat_engine_bindings(&snapshot->settings);
	if (IS_ERR(bindings))
		goto unlock;
	old = rcu_dereference_protected(snapshot->bindings,
					lockdep_is_held(&chatdnat_config_lock));
	if (chatdnat_bindings_equal(old, bindings)) {
		chatdnat_bindings_free(bindings);
		/* The way to a relay may lead by another device. */
		chatdnat_ingress_set(snapshot);
		goto unlock;
	}

	rcu_assign_pointer(snapshot->bindings, bindings);
	synchronize_net();
	chatdnat_bindings_free(old);
	chatdnat_engine_bound(snapshot);
unlock:
	mutex_unlock(&chatdnat_config_lock);
}

static DECLARE_DELAYED_WORK(chatdnat_engine_work, chatdnat_engine_work_fn);

/**
 * chatdnat_engine_follow() - work it out anew, soon
 *
 * Context: Any.
 */
void chatdnat_engine_follow(void)
{
	const struct chatdnat_snapshot *snapshot;

	rcu_read_lock();
	snapshot = rcu_dereference(chatdnat_active);
	if (snapshot && snapshot->settings.engine != CHATDNAT_ENGINE_TRACKED)
		schedule_delayed_work(&chatdnat_engine_work,
				      CHATDNAT_ENGINE_DELAY);
	rcu_read_unlock();
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

static int chatdnat_engine_netdev_event(struct notifier_block *nb,
					unsigned long event, void *ptr)
{
	struct net_device *dev = netdev_notifier_info_to_dev(ptr);

	if (!net_eq(dev_net(dev), &init_net))
		return NOTIFY_DONE;

	switch (event) {
	case NETDEV_UNREGISTER:
		chatdnat_ingress_leave(dev);
		chatdnat_hop_forget();
		chatdnat_engine_follow();
		break;
	case NETDEV_CHANGEMTU:
		chatdnat_hop_forget();
		break;
	case NETDEV_REGISTER:
	case NETDEV_UP:
	case NETDEV_DOWN:
	case NETDEV_CHANGENAME:
	case NETDEV_CHANGEUPPER:
		chatdnat_hop_forget();
		chatdnat_engine_follow();
		break;
	}
	return NOTIFY_DONE;
}

/* Addresses of other network namespaces are told of as well. */
static int chatdnat_engine_addr_event(const struct net_device *dev)
{
	if (net_eq(dev_net(dev), &init_net)) {
		chatdnat_hop_forget();
		chatdnat_engine_follow();
	}
	return NOTIFY_DONE;
}

static int chatdnat_engine_ipv4_event(struct notifier_block *nb,
				      unsigned long event, void *ptr)
{
	const struct in_ifaddr *ifa = ptr;

	return chatdnat_engine_addr_event(ifa->ifa_dev->dev);
}

static struct notifier_block chatdnat_engine_netdev_nb = {
	.notifier_call = chatdnat_engine_netdev_event,
};

static struct notifier_block chatdnat_engine_ipv4_nb = {
	.notifier_call = chatdnat_engine_ipv4_event,
};

#if IS_ENABLED(CONFIG_IPV6)
static int chatdnat_engine_ipv6_event(struct notifier_block *nb,
				      unsigned long event, void *ptr)
{
	const struct inet6_ifaddr *ifp = ptr;

	return chatdnat_engine_addr_event(ifp->idev->dev);
}

static struct notifier_block chatdnat_engine_ipv6_nb = {
	.notifier_call = chatdnat_engine_ipv6_event,
};
#endif

/**
 * chatdnat_engine_init() - begin to follow what this host is like
 *
 * Context: Process context, may sleep.
 * Return: 0 or a negative errno.
 */
int chatdnat_engine_init(void)
{
	int err;

	err = register_inetaddr_notifier(&chatdnat_engine_ipv4_nb);
	if (err)
		return err;
#if IS_ENABLED(CONFIG_IPV6)
	err = register_inet6addr_notifier(&chatdnat_engine_ipv6_nb);
	if (err)
		goto err_ipv4;
#endif
	err = register_netdevice_notifier(&chatdnat_engine_netdev_nb);
	if (err)
		goto err_ipv6;
	return 0;

err_ipv6:
#if IS_ENABLED(CONFIG_IPV6)
	unregister_inet6addr_notifier(&chatdnat_engine_ipv6_nb);
err_ipv4:
#endif
	unregister_inetaddr_notifier(&chatdnat_engine_ipv4_nb);
	return err;
}

/**
 * chatdnat_engine_exit() - follow no longer
 *
 * Context: Process context, may sleep, once nothing is active.
 */
void chatdnat_engine_exit(void)
{
	unregister_netdevice_notifier(&chatdnat_engine_netdev_nb);
#if IS_ENABLED(CONFIG_IPV6)
	unregister_inet6addr_notifier(&chatdnat_engine_ipv6_nb);
#endif
	unregister_inetaddr_notifier(&chatdnat_engine_ipv4_nb);
	cancel_delayed_work_sync(&chatdnat_engine_work);
}
