// SPDX-License-Identifier: GPL-2.0
#include <linux/cache.h>
#include <linux/netdevice.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>

#include "snapshot.h"

/* Held to change settings, and while the module is loaded or unloaded. */
DEFINE_MUTEX(chatdnat_config_lock);

/* Written under chatdnat_config_lock, read under RCU. */
struct chatdnat_snapshot __rcu *chatdnat_active __read_mostly;

/*
 * Whether chatdnat_active has bindings, for the ingress hook: it spares packets
 * a line of memory there, and is in the same line as chatdnat_active. A packet
 * that sees an older value takes the path through the stack: the generation of
 * offloaded connections has ended, or there are no bindings.
 */
bool chatdnat_active_bound __read_mostly;

/**
 * chatdnat_active_locked() - the active snapshot, for writers
 *
 * Context: Process context, chatdnat_config_lock held.
 * Return: The snapshot; NULL before the first is published.
 */
struct chatdnat_snapshot *chatdnat_active_locked(void)
{
	return rcu_dereference_protected(chatdnat_active,
					 lockdep_is_held(&chatdnat_config_lock));
}

static bool chatdnat_relays_equal(const struct chatdnat_relays *a,
				  const struct chatdnat_relays *b)
{
	return a->n == b->n &&
	       !memcmp(a->relay, b->relay, a->n * sizeof(a->relay[0]));
}

static bool chatdnat_service_equal(const struct chatdnat_service *a,
				   const struct chatdnat_service *b)
{
	return chatdnat_relays_equal(&a->relays[CHATDNAT_IPV4],
				     &b->relays[CHATDNAT_IPV4]) &&
	       chatdnat_relays_equal(&a->relays[CHATDNAT_IPV6],
				     &b->relays[CHATDNAT_IPV6]) &&
	       chatdnat_portset_equal(&a->ports, &b->ports);
}

/* The interfaces on which connections are masqueraded. */
static const struct chatdnat_ifset *
chatdnat_masquerades(const struct chatdnat_settings *settings)
{
	static const struct chatdnat_ifset none;

	return settings->masquerade == CHATDNAT_MASQUERADE_OFF ? &none :
								 &settings->wan;
}

/* Whether new settings have the same service and masquerading. */
static bool chatdnat_same_service(const struct chatdnat_service *service,
				  const struct chatdnat_ifset *masqueraded,
				  const struct chatdnat_settings *settings)
{
	return chatdnat_service_equal(service, &settings->service) &&
	       chatdnat_ifset_equal(masqueraded, chatdnat_masquerades(settings));
}

static struct chatdnat_former *
chatdnat_former_new(const struct chatdnat_settings *settings)
{
	struct chatdnat_former *former = kmalloc(sizeof(*former), GFP_KERNEL);

	if (former) {
		former->users = 1;
		former->service = settings->service;
		former->masqueraded = *chatdnat_masquerades(settings);
	}
	return former;
}

/**
 * chatdnat_former_put() - release a reference to a former configuration
 * @former: the former configuration
 *
 * Context: Process context, chatdnat_config_lock held.
 */
void chatdnat_former_put(struct chatdnat_former *former)
{
	lockdep_assert_held(&chatdnat_config_lock);

	if (!--former->users)
		kfree_rcu(former, rcu);
}

static void chatdnat_former_add(struct chatdnat_snapshot *snapshot,
				struct chatdnat_former *former,
				struct chatdnat_former **forgotten)
{
	if (snapshot->n_former == CHATDNAT_FORMER_MAX) {
		*forgotten = snapshot->former[0];
		snapshot->n_former--;
		memmove(&snapshot->former[0], &snapshot->former[1],
			snapshot->n_former * sizeof(snapshot->former[0]));
	}
	snapshot->former[snapshot->n_former++] = former;
}

/* Whether the guard judges forwarded packets that it did not judge before. */
static bool chatdnat_guards_more(const struct chatdnat_settings *settings,
				 const struct chatdnat_settings *old)
{
	return old->guard == CHATDNAT_GUARD_OFF ||
	       (settings->guard == CHATDNAT_GUARD_STRICT &&
		old->guard != CHATDNAT_GUARD_STRICT) ||
	       !chatdnat_ifset_equal(&settings->wan, &old->wan);
}

/**
 * chatdnat_snapshot_new() - create the successor of the active snapshot
 * @settings: its settings
 * @forgotten: set to the oldest former configuration if there is no room for
 *	       it, to be put by the caller; otherwise NULL
 *
 * Context: Process context, may sleep, chatdnat_config_lock held.
 * Return: The snapshot, not published, or NULL if out of memory.
 */
struct chatdnat_snapshot *
chatdnat_snapshot_new(const struct chatdnat_settings *settings,
		      struct chatdnat_former **forgotten)
{
	const struct chatdnat_snapshot *old = chatdnat_active_locked();
	struct chatdnat_former *former;
	struct chatdnat_snapshot *snapshot;
	unsigned int i;

	*forgotten = NULL;
	snapshot = kzalloc(sizeof(*snapshot), GFP_KERNEL);
	if (!snapshot)
		return NULL;

	snapshot->settings = *settings;
	snapshot->guarded_since = ktime_get_seconds();
	if (!old)
		return snapshot;
	if (!chatdnat_guards_more(settings, &old->settings))
		snapshot->guarded_since = old->guarded_since;

	for (i = 0; i < old->n_former; i++) {
		former = old->former[i];
		if (chatdnat_same_service(&former->service,
					  &former->masqueraded, settings))
			continue;
		former->users++;
		chatdnat_former_add(snapshot, former, forgotten);
	}

	if (chatdnat_service_empty(&old->settings.service) ||
	    chatdnat_same_service(&old->settings.service,
				  chatdnat_masquerades(&old->settings),
				  settings))
		return snapshot;

	former = chatdnat_former_new(&old->settings);
	if (!former) {
		chatdnat_snapshot_free(snapshot);
		return NULL;
	}
	chatdnat_former_add(snapshot, former, forgotten);
	return snapshot;
}

/**
 * chatdnat_snapshot_publish() - activate a snapshot
 * @snapshot: the new active snapshot
 *
 * On return, no packet is in flight that saw the old snapshot before routing:
 * each has left, and its connection is confirmed or gone. The old snapshot may
 * still be read; the caller has to free it.
 *
 * Context: Process context, may sleep, chatdnat_config_lock held.
 */
void chatdnat_snapshot_publish(struct chatdnat_snapshot *snapshot)
{
	struct chatdnat_snapshot *old = chatdnat_active_locked();

	RCU_INIT_POINTER(snapshot->prev, old);
	rcu_replace_pointer(chatdnat_active, snapshot,
			    lockdep_is_held(&chatdnat_config_lock));
	synchronize_net();
	RCU_INIT_POINTER(snapshot->prev, NULL);
}

/**
 * chatdnat_snapshot_free() - free an inactive snapshot after a grace period
 * @snapshot: the snapshot; may be NULL
 *
 * Context: Process context, may sleep, chatdnat_config_lock held.
 */
void chatdnat_snapshot_free(struct chatdnat_snapshot *snapshot)
{
	struct chatdnat_bindings *bindings;
	unsigned int i;

	lockdep_assert_held(&chatdnat_config_lock);

	if (!snapshot)
		return;
	for (i = 0; i < snapshot->n_former; i++)
		chatdnat_former_put(snapshot->former[i]);

	bindings =
		rcu_dereference_protected(snapshot->bindings,
					  lockdep_is_held(&chatdnat_config_lock));
	/*
	 * Packets that saw the snapshot as the previous one may still use them.
	 */
	if (bindings)
		synchronize_net();
	chatdnat_bindings_free(bindings);
	kfree_rcu(snapshot, rcu);
}

/**
 * chatdnat_snapshot_masqueraded() - whether an interface masquerades
 *				     connections
 * @snapshot: the snapshot; its former configurations count too
 * @family: IPv4 or IPv6
 * @ifname: the interface's name
 *
 * Context: Any.
 * Return: True if the interface is or was a WAN interface with masquerading.
 */
bool chatdnat_snapshot_masqueraded(const struct chatdnat_snapshot *snapshot,
				   enum chatdnat_family family,
				   const char *ifname)
{
	unsigned int i;

	if (snapshot->settings.service.relays[family].n &&
	    chatdnat_ifset_has(chatdnat_masquerades(&snapshot->settings),
			       ifname))
		return true;
	for (i = 0; i < snapshot->n_former; i++)
		if (snapshot->former[i]->service.relays[family].n &&
		    chatdnat_ifset_has(&snapshot->former[i]->masqueraded,
				       ifname))
			return true;
	return false;
}

/**
 * chatdnat_snapshot_stale() - whether a flow belongs to an ended connection
 * @snapshot: the active snapshot
 * @flow: a flow from the LAN without conntrack entry: midstream TCP, or UDP
 *
 * After a connection to a removed relay was ended, the relay may still send. As
 * a new connection its packets would be masqueraded, and look to the client
 * like the old connection.
 *
 * Context: Softirq or process context, RCU read lock held.
 * Return: True if @flow belongs to an ended connection.
 */
bool chatdnat_snapshot_stale(const struct chatdnat_snapshot *snapshot,
			     const struct chatdnat_flow *flow)
{
	const struct chatdnat_service *now = &snapshot->settings.service;
	unsigned int i;

	/* May be a query of the former relay, not a reply. */
	if (flow->proto == CHATDNAT_UDP &&
	    flow->sport >= CHATDNAT_PORT_EPHEMERAL)
		return false;

	for (i = 0; i < snapshot->n_former; i++)
		if (chatdnat_service_is_reply(&snapshot->former[i]->service,
					      flow))
			return !chatdnat_service_is_reply(now, flow);
	return false;
}
