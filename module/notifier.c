// SPDX-License-Identifier: GPL-2.0
/*
 * Netdev, address, FIB and neighbour notifiers. Changes of interfaces,
 * addresses and routes invalidate caches, and may change bindings and engines.
 * A new address or route is handled like a write of a setting: connections that
 * would be translated differently now are ended.
 */
#include <linux/delay.h>
#include <linux/inetdevice.h>
#include <linux/netdevice.h>
#include <linux/rtnetlink.h>
#include <linux/workqueue.h>
#include <net/addrconf.h>
#include <net/fib_notifier.h>
#include <net/neighbour.h>
#include <net/netevent.h>

#include "core/snapshot.h"
#include "engine.h"
#include "fast/ingress.h"
#include "net/fib_event.h"
#include "net/validity.h"
#include "notifier.h"
#include "net/nexthop.h"
#include "tracked/flush.h"

/* Events come in bursts: one survey after a delay is enough. */
#define CHATDNAT_NOTIFIER_DELAY (HZ / 10)
/* Retry after a failed allocation. */
#define CHATDNAT_NOTIFIER_RETRY HZ

#define CHATDNAT_NOTIFIER_FIB_TRIES 20
#define CHATDNAT_NOTIFIER_FIB_PAUSE_MS 100

/* An event came since the last look began. */
static atomic_t chatdnat_notifier_again;

/*
 * A WAN interface, one of its addresses, a default route or a policy rule
 * changed since the last look began. Flows that began meanwhile may be
 * translated otherwise now, even if the digest is the same.
 */
static atomic_t chatdnat_notifier_wan;

/*
 * FIB events precede the change, which is made under RTNL or with BH disabled.
 * Its task may be preempted in between. A survey before the change would be of
 * no use.
 */
static void chatdnat_notifier_wait_for_change(void)
{
	rtnl_lock();
	rtnl_unlock();
	synchronize_net();
}

/*
 * Compare the survey with the previous one; most events change nothing.
 * @wan: look for flows that are translated otherwise now, also if nothing
 * differs
 */
static int chatdnat_notifier_look(struct chatdnat_snapshot *snapshot, bool wan)
{
	struct chatdnat_survey now;
	bool reverted;
	int err;

	chatdnat_survey_take(&now, &snapshot->settings);
	if (now.bindings != snapshot->survey.bindings) {
		err = chatdnat_engine_rebind(snapshot);
		if (err)
			return err;
		snapshot->survey.bindings = now.bindings;
	} else if (now.ports != snapshot->survey.ports) {
		chatdnat_ingress_set(snapshot);
	}
	snapshot->survey.ports = now.ports;
	if (wan || now.wan != snapshot->survey.wan) {
		reverted = now.wan == snapshot->survey.wan;
		snapshot->survey.wan = now.wan;
		/* FIB events precede the change: lookups may be older. */
		chatdnat_validity_end_all();
		chatdnat_flush_misplaced(snapshot, reverted);
	}
	return 0;
}

static void chatdnat_notifier_work_fn(struct work_struct *work)
{
	bool again = atomic_xchg(&chatdnat_notifier_again, 0);
	bool wan = atomic_xchg(&chatdnat_notifier_wan, 0);
	struct chatdnat_snapshot *snapshot;

	/* If @again, another look follows. */
	if (wan || !again)
		chatdnat_notifier_wait_for_change();

	mutex_lock(&chatdnat_config_lock);
	snapshot = chatdnat_active_locked();
	if (snapshot && chatdnat_notifier_look(snapshot, wan)) {
		if (wan)
			atomic_set(&chatdnat_notifier_wan, 1);
		schedule_delayed_work(to_delayed_work(work),
				      CHATDNAT_NOTIFIER_RETRY);
	} else if (snapshot && again) {
		schedule_delayed_work(to_delayed_work(work),
				      CHATDNAT_NOTIFIER_DELAY);
	}
	mutex_unlock(&chatdnat_config_lock);
}

static DECLARE_DELAYED_WORK(chatdnat_notifier_work, chatdnat_notifier_work_fn);

/**
 * chatdnat_notifier_published() - schedule a survey for the active snapshot
 *
 * Also called after a snapshot was published, for changes since its survey.
 *
 * Context: Any.
 */
void chatdnat_notifier_published(void)
{
	if (!rcu_access_pointer(chatdnat_active))
		return;
	/* Fully ordered: if the work is pending, its next run sees this. */
	atomic_xchg(&chatdnat_notifier_again, 1);
	schedule_delayed_work(&chatdnat_notifier_work, CHATDNAT_NOTIFIER_DELAY);
}

/* Invalidate all caches and schedule a survey. Any context. */
static void chatdnat_notifier_changed(void)
{
	chatdnat_validity_end_all();
	chatdnat_notifier_published();
}

/* Note a change of a device or of its addresses. */
static void chatdnat_notifier_dev_changed(const struct net_device *dev)
{
	const struct chatdnat_snapshot *snapshot;

	rcu_read_lock();
	snapshot = rcu_dereference(chatdnat_active);
	if (snapshot && (dev->flags & IFF_LOOPBACK ||
			 chatdnat_ifset_has(&snapshot->settings.wan, dev->name)))
		atomic_set(&chatdnat_notifier_wan, 1);
	rcu_read_unlock();
	chatdnat_notifier_changed();
}

static int chatdnat_notifier_netdev_event(struct notifier_block *nb,
					  unsigned long event, void *ptr)
{
	struct net_device *dev = netdev_notifier_info_to_dev(ptr);

	if (!net_eq(dev_net(dev), &init_net))
		return NOTIFY_DONE;

	switch (event) {
	case NETDEV_UNREGISTER:
		chatdnat_ingress_leave(dev);
		chatdnat_notifier_dev_changed(dev);
		break;
	/* The caches have its MTU, and the headroom that it asks for. */
	case NETDEV_CHANGEMTU:
	case NETDEV_CHANGE:
	case NETDEV_FEAT_CHANGE:
		chatdnat_validity_end_all();
		break;
	case NETDEV_REGISTER:
	case NETDEV_UP:
	case NETDEV_DOWN:
	case NETDEV_CHANGENAME:
	case NETDEV_CHANGEUPPER:
		chatdnat_notifier_dev_changed(dev);
		break;
	}
	return NOTIFY_DONE;
}

/* The address notifiers are called for all network namespaces. */
static int chatdnat_notifier_addr_event(const struct net_device *dev)
{
	if (net_eq(dev_net(dev), &init_net))
		chatdnat_notifier_dev_changed(dev);
	return NOTIFY_DONE;
}

static int chatdnat_notifier_ipv4_event(struct notifier_block *nb,
					unsigned long event, void *ptr)
{
	const struct in_ifaddr *ifa = ptr;

	return chatdnat_notifier_addr_event(ifa->ifa_dev->dev);
}

static int chatdnat_notifier_fib_event(struct notifier_block *nb,
				       unsigned long event, void *ptr)
{
	/* The registration reports all routes. */
	if (rcu_access_pointer(chatdnat_active) &&
	    chatdnat_fib_event_is_default(event, ptr))
		atomic_set(&chatdnat_notifier_wan, 1);
	chatdnat_notifier_changed();
	return NOTIFY_DONE;
}

/* A dead neighbour is about to be freed. */
static int chatdnat_notifier_neigh_event(struct notifier_block *nb,
					 unsigned long event, void *ptr)
{
	const struct neighbour *neigh = ptr;

	if (event == NETEVENT_NEIGH_UPDATE && neigh->dead)
		chatdnat_nexthop_neigh_gone(neigh);
	return NOTIFY_DONE;
}

static struct notifier_block chatdnat_notifier_neigh_nb = {
	.notifier_call = chatdnat_notifier_neigh_event,
};

static struct notifier_block chatdnat_notifier_fib_nb = {
	.notifier_call = chatdnat_notifier_fib_event,
};

static struct notifier_block chatdnat_notifier_netdev_nb = {
	.notifier_call = chatdnat_notifier_netdev_event,
};

static struct notifier_block chatdnat_notifier_ipv4_nb = {
	.notifier_call = chatdnat_notifier_ipv4_event,
};

#if IS_ENABLED(CONFIG_IPV6)
static int chatdnat_notifier_ipv6_event(struct notifier_block *nb,
					unsigned long event, void *ptr)
{
	const struct inet6_ifaddr *ifp = ptr;

	return chatdnat_notifier_addr_event(ifp->idev->dev);
}

static struct notifier_block chatdnat_notifier_ipv6_nb = {
	.notifier_call = chatdnat_notifier_ipv6_event,
};
#endif

/*
 * Registration dumps all routes first, and fails with -EBUSY while they change,
 * as during the start of a routing daemon.
 */
static int chatdnat_notifier_fib(void)
{
	int err, tries = CHATDNAT_NOTIFIER_FIB_TRIES;

	while ((err = register_fib_notifier(&init_net, &chatdnat_notifier_fib_nb,
					    NULL, NULL)) == -EBUSY &&
	       --tries)
		msleep(CHATDNAT_NOTIFIER_FIB_PAUSE_MS);
	return err;
}

/**
 * chatdnat_notifier_init() - register all notifiers
 *
 * Context: Process context, may sleep.
 * Return: 0 or a negative errno.
 */
int chatdnat_notifier_init(void)
{
	int err;

	err = register_netevent_notifier(&chatdnat_notifier_neigh_nb);
	if (err)
		return err;
	err = chatdnat_notifier_fib();
	if (err)
		goto err_neigh;
	err = register_inetaddr_notifier(&chatdnat_notifier_ipv4_nb);
	if (err)
		goto err_fib;
#if IS_ENABLED(CONFIG_IPV6)
	err = register_inet6addr_notifier(&chatdnat_notifier_ipv6_nb);
	if (err)
		goto err_ipv4;
#endif
	err = register_netdevice_notifier(&chatdnat_notifier_netdev_nb);
	if (err)
		goto err_ipv6;
	return 0;

err_ipv6:
#if IS_ENABLED(CONFIG_IPV6)
	unregister_inet6addr_notifier(&chatdnat_notifier_ipv6_nb);
err_ipv4:
#endif
	unregister_inetaddr_notifier(&chatdnat_notifier_ipv4_nb);
err_fib:
	unregister_fib_notifier(&init_net, &chatdnat_notifier_fib_nb);
err_neigh:
	unregister_netevent_notifier(&chatdnat_notifier_neigh_nb);
	return err;
}

/**
 * chatdnat_notifier_exit() - unregister all notifiers
 *
 * Context: Process context, may sleep, after chatdnat_teardown().
 */
void chatdnat_notifier_exit(void)
{
	unregister_netdevice_notifier(&chatdnat_notifier_netdev_nb);
#if IS_ENABLED(CONFIG_IPV6)
	unregister_inet6addr_notifier(&chatdnat_notifier_ipv6_nb);
#endif
	unregister_inetaddr_notifier(&chatdnat_notifier_ipv4_nb);
	unregister_fib_notifier(&init_net, &chatdnat_notifier_fib_nb);
	unregister_netevent_notifier(&chatdnat_notifier_neigh_nb);
	cancel_delayed_work_sync(&chatdnat_notifier_work);
}
