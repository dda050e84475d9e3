// SPDX-License-Identifier: GPL-2.0
/* Computes the bindings of a snapshot from settings, addresses and routes. */
#include <linux/netdevice.h>
#include <linux/rtnetlink.h>
#include <linux/spinlock.h>

#include "core/local_addr.h"
#include "core/snapshot.h"
#include "engine.h"
#include "fast/ingress.h"
#include "stateless/eligible.h"
#include "stateless/flow_cache.h"
#include "tracked/flush_bound.h"

/* Limit of a file in sysfs with the smallest page size. */
#define CHATDNAT_ENGINES_SIZE 4096

/* Index of the interface "via"; 0: any, -1: it does not exist. */
static int chatdnat_engine_via(const struct chatdnat_settings *settings)
{
	const struct net_device *dev;

	ASSERT_RTNL();

	if (!settings->via[0])
		return 0;
	dev = __dev_get_by_name(&init_net, settings->via);
	/* __dev_get_by_name() also finds alternative names: refuse these. */
	return dev && !strcmp(dev->name, settings->via) ? dev->ifindex : -1;
}

/* Binds the relays of a family that can be served without state; false: no memory. */
static bool chatdnat_engine_bind_family(struct chatdnat_bindings *bindings,
					const struct chatdnat_settings *settings,
					enum chatdnat_family family)
{
	const struct chatdnat_relays *relays = &settings->service.relays[family];
	const struct chatdnat_relay *relay;
	struct chatdnat_local_addrs local;

	for (relay = relays->relay; relay < relays->relay + relays->n; relay++)
		if (chatdnat_eligible_judge(settings, family, relay, &local) ==
			    CHATDNAT_TRACKED_NOT &&
		    !chatdnat_bindings_add(bindings, family, &local.addr,
					   local.ifindex, &relay->addr))
			return false;
	return true;
}

/* The bindings for settings; NULL if there are none. */
static struct chatdnat_bindings *
chatdnat_engine_bindings(const struct chatdnat_settings *settings)
{
	struct chatdnat_bindings *bindings;
	enum chatdnat_family family;
	bool fits = true;

	if (settings->engine == CHATDNAT_ENGINE_TRACKED || !settings->wan.n)
		return NULL;
	bindings = chatdnat_bindings_new();
	if (!bindings)
		return ERR_PTR(-ENOMEM);

	chatdnat_eligible_ports(&settings->service.ports, bindings->ports);
	rtnl_lock();
	bindings->via = chatdnat_engine_via(settings);
	for (family = 0; family < CHATDNAT_FAMILIES && fits; family++)
		fits = chatdnat_engine_bind_family(bindings, settings, family);
	rtnl_unlock();

	if (fits && !bindings->n[CHATDNAT_IPV4] && !bindings->n[CHATDNAT_IPV6]) {
		chatdnat_bindings_free(bindings);
		return NULL;
	}
	if (fits && chatdnat_flow_cache_allocate())
		return bindings;
	chatdnat_bindings_free(bindings);
	return ERR_PTR(-ENOMEM);
}

static int chatdnat_engine_show_relay(char *buf, size_t size,
				      const struct chatdnat_snapshot *snapshot,
				      enum chatdnat_family family,
				      const struct chatdnat_relay *relay)
{
	const struct chatdnat_binding *binding = NULL;
	const struct chatdnat_bindings *bindings;
	enum chatdnat_tracked tracked;
	struct chatdnat_local_addrs local;
	const char *reason;
	int len;

	bindings =
		rcu_dereference_protected(snapshot->bindings,
					  lockdep_is_held(&chatdnat_config_lock));
	if (bindings)
		binding = chatdnat_bindings_by_relay(bindings, family,
						     &relay->addr);
	len = chatdnat_addr_format(family, &relay->addr, buf, size);
	if (binding) {
		len += scnprintf(buf + len, size - len, "@");
		len += chatdnat_addr_format(family, &binding->local, buf + len,
					    size - len);
		return len + scnprintf(buf + len, size - len, " stateless\n");
	}

	tracked = chatdnat_eligible_judge(&snapshot->settings, family, relay,
					  &local);
	reason = chatdnat_eligible_reason(tracked);
	return len + scnprintf(buf + len, size - len, " tracked%s%s\n",
			       reason ? ": " : "", reason ?: "");
}

/*
 * Text of the file "engines". Readers take neither RTNL nor
 * chatdnat_config_lock: one buffer is read while the other is written.
 */
static char chatdnat_engines[2][CHATDNAT_ENGINES_SIZE];
static u8 chatdnat_engines_current; /* under chatdnat_engines_lock */
static DEFINE_SPINLOCK(chatdnat_engines_lock);

/* Update the text of the file "engines" for the active snapshot. */
static void chatdnat_engine_refresh(const struct chatdnat_snapshot *snapshot)
{
	char *at = chatdnat_engines[!chatdnat_engines_current];
	const char *end = at + CHATDNAT_ENGINES_SIZE;
	enum chatdnat_family family;
	u8 i;

	lockdep_assert_held(&chatdnat_config_lock);

	at[0] = '\0';
	rtnl_lock();
	for (family = 0; family < CHATDNAT_FAMILIES; family++) {
		const struct chatdnat_relays *relays =
			&snapshot->settings.service.relays[family];

		for (i = 0; i < relays->n; i++)
			at += chatdnat_engine_show_relay(at, end - at, snapshot,
							 family,
							 &relays->relay[i]);
	}
	rtnl_unlock();

	spin_lock(&chatdnat_engines_lock);
	chatdnat_engines_current = !chatdnat_engines_current;
	spin_unlock(&chatdnat_engines_lock);
}

/**
 * chatdnat_engine_bound() - put the bindings of the active snapshot into effect
 * @snapshot: the snapshot
 *
 * Context: Process context, may sleep, chatdnat_config_lock held.
 */
void chatdnat_engine_bound(const struct chatdnat_snapshot *snapshot)
{
	struct chatdnat_bindings *bindings;

	bindings =
		rcu_dereference_protected(snapshot->bindings,
					  lockdep_is_held(&chatdnat_config_lock));
	chatdnat_ingress_set(snapshot);
	chatdnat_engine_refresh(snapshot);
	if (bindings)
		chatdnat_flush_bound(&snapshot->settings, bindings);
}

/**
 * chatdnat_engine_bind() - compute the bindings of a new snapshot
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
 * chatdnat_engine_rebind() - update the bindings of the active snapshot
 * @snapshot: the snapshot
 *
 * Context: Process context, may sleep, chatdnat_config_lock held.
 * Return: 0, or -ENOMEM without a change.
 */
int chatdnat_engine_rebind(struct chatdnat_snapshot *snapshot)
{
	struct chatdnat_bindings *bindings, *old;

	bindings = chatdnat_engine_bindings(&snapshot->settings);
	if (IS_ERR(bindings))
		return PTR_ERR(bindings);
	old = rcu_dereference_protected(snapshot->bindings,
					lockdep_is_held(&chatdnat_config_lock));
	if (chatdnat_bindings_equal(old, bindings)) {
		chatdnat_bindings_free(bindings);
		/* The route to a relay may use another device now. */
		chatdnat_ingress_set(snapshot);
		chatdnat_engine_refresh(snapshot);
		return 0;
	}

	rcu_assign_pointer(snapshot->prev_bindings, old);
	/*
	 * Pairs with chatdnat_stateless_direction(): new bindings imply
	 * @prev_bindings.
	 */
	rcu_assign_pointer(snapshot->bindings, bindings);
	/* Packets that saw the old bindings before routing still need them. */
	synchronize_net();
	RCU_INIT_POINTER(snapshot->prev_bindings, NULL);
	synchronize_net();
	chatdnat_bindings_free(old);
	chatdnat_engine_bound(snapshot);
	return 0;
}

/**
 * chatdnat_engine_show() - format the file "engines"
 * @buf: destination
 * @size: room in @buf
 *
 * Context: Process context.
 * Return: Bytes written, without the terminator.
 */
int chatdnat_engine_show(char *buf, size_t size)
{
	int len;

	spin_lock(&chatdnat_engines_lock);
	len = scnprintf(buf, size, "%s",
			chatdnat_engines[chatdnat_engines_current]);
	spin_unlock(&chatdnat_engines_lock);
	return len;
}
