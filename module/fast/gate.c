// SPDX-License-Identifier: GPL-2.0
/*
 * Whether established connections take the fast path: by the setting "fast" and,
 * for "auto", by whether another table has a hook that would not see their
 * packets. Such a hook ends the fast path at once; this looks every second
 * whether it may begin.
 */
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "../core/snapshot.h"
#include "../tracked/offload.h"
#include "gate.h"
#include "ingress.h"

#define CHATDNAT_GATE_PERIOD HZ

/* Why connections of a family are not offloaded. */
enum chatdnat_gate_why {
	CHATDNAT_GATE_OPEN,
	CHATDNAT_GATE_IDLE,
	CHATDNAT_GATE_OFF,
	CHATDNAT_GATE_CHAIN,
	CHATDNAT_GATE_MEMORY,
	CHATDNAT_GATE_KERNEL,
};

struct chatdnat_gate {
	enum chatdnat_gate_why why;
	struct chatdnat_chains_found found;
};

/* Written under chatdnat_config_lock and the spinlock, read under one of them. */
static struct chatdnat_gate chatdnat_gate[CHATDNAT_FAMILIES] = {
	[CHATDNAT_IPV4].why = CHATDNAT_GATE_IDLE,
	[CHATDNAT_IPV6].why = CHATDNAT_GATE_IDLE,
};
static DEFINE_SPINLOCK(chatdnat_gate_lock);

static enum chatdnat_gate_why
chatdnat_gate_judge(const struct chatdnat_settings *settings,
		    enum chatdnat_family family,
		    struct chatdnat_chains_found *found)
{
	struct chatdnat_chains chains;

	if (!settings || !chatdnat_settings_active(settings, family))
		return CHATDNAT_GATE_IDLE;
	if (settings->fast == CHATDNAT_FAST_OFF)
		return CHATDNAT_GATE_OFF;
	if (!IS_ENABLED(CONFIG_NETFILTER_INGRESS) || CHATDNAT_SOFTIRQ_PREEMPTED)
		return CHATDNAT_GATE_KERNEL;
	if (settings->fast == CHATDNAT_FAST_AUTO) {
		/* Lists with a hook of another table are not remembered. */
		if (chatdnat_chains_look(&chains, family, found))
			return CHATDNAT_GATE_CHAIN;
		chatdnat_chains_set(&chatdnat_offload_table.chains[family],
				    &chains);
	}
	return chatdnat_offload_allocate() ? CHATDNAT_GATE_OPEN :
					     CHATDNAT_GATE_MEMORY;
}

/* Decide again; returns whether that changes anything. */
static bool chatdnat_gate_decide(const struct chatdnat_settings *settings)
{
	struct chatdnat_offload_table *table = &chatdnat_offload_table;
	struct chatdnat_gate gate = {};
	enum chatdnat_family family;
	bool changed = false;
	u8 mode;

	lockdep_assert_held(&chatdnat_config_lock);

	for (family = 0; family < CHATDNAT_FAMILIES; family++) {
		gate.why = chatdnat_gate_judge(settings, family, &gate.found);
		mode = CHATDNAT_OFFLOAD_CLOSED;
		if (gate.why == CHATDNAT_GATE_OPEN)
			mode = settings->fast == CHATDNAT_FAST_AUTO ?
				       CHATDNAT_OFFLOAD_WATCH :
				       CHATDNAT_OFFLOAD_OPEN;
		changed |= mode != table->mode[family];
		/* Pairs with chatdnat_offload_is_open(). */
		smp_store_release(&table->mode[family], mode);
		spin_lock(&chatdnat_gate_lock);
		chatdnat_gate[family] = gate;
		spin_unlock(&chatdnat_gate_lock);
	}
	return changed;
}

static bool chatdnat_gate_needs_work(const struct chatdnat_settings *settings)
{
	return settings && settings->fast != CHATDNAT_FAST_OFF &&
	       (chatdnat_settings_active(settings, CHATDNAT_IPV4) ||
		chatdnat_settings_active(settings, CHATDNAT_IPV6));
}

static void chatdnat_gate_work_fn(struct work_struct *work)
{
	struct chatdnat_snapshot *snapshot;

	mutex_lock(&chatdnat_config_lock);
	snapshot = chatdnat_active_locked();
	if (snapshot && chatdnat_gate_needs_work(&snapshot->settings)) {
		if (chatdnat_gate_decide(&snapshot->settings))
			chatdnat_ingress_set(snapshot);
		schedule_delayed_work(to_delayed_work(work),
				      CHATDNAT_GATE_PERIOD);
	}
	chatdnat_offload_sweep();
	mutex_unlock(&chatdnat_config_lock);
}

static DECLARE_DELAYED_WORK(chatdnat_gate_work, chatdnat_gate_work_fn);

/**
 * chatdnat_gate_set() - decide for new settings
 * @snapshot: the active snapshot; NULL: no connection is offloaded
 *
 * The caller calls chatdnat_ingress_set() then.
 *
 * Context: Process context, may sleep, chatdnat_config_lock held, all hooks of
 * the module are registered.
 */
void chatdnat_gate_set(const struct chatdnat_snapshot *snapshot)
{
	const struct chatdnat_settings *settings = snapshot ?
							   &snapshot->settings :
							   NULL;

	chatdnat_gate_decide(settings);
	chatdnat_offload_sweep();
	if (chatdnat_gate_needs_work(settings))
		schedule_delayed_work(&chatdnat_gate_work, CHATDNAT_GATE_PERIOD);
}

static const char *chatdnat_gate_hook(unsigned int hooknum)
{
	switch (hooknum) {
	case NF_INET_PRE_ROUTING:
		return "prerouting";
	case NF_INET_FORWARD:
		return "forward";
	default:
		return "postrouting";
	}
}

static int chatdnat_gate_show_family(char *buf, size_t size,
				     enum chatdnat_family family,
				     const struct chatdnat_gate *gate)
{
	static const char *const why[] = {
		[CHATDNAT_GATE_IDLE] = "no relay or no WAN interface",
		[CHATDNAT_GATE_OFF] = "fast=off",
		[CHATDNAT_GATE_MEMORY] = "no memory",
		[CHATDNAT_GATE_KERNEL] = "not possible with this kernel",
	};
	int len;

	len = scnprintf(buf, size, "%s ",
			family == CHATDNAT_IPV6 ? "ipv6" : "ipv4");
	if (gate->why == CHATDNAT_GATE_OPEN)
		return len + scnprintf(buf + len, size - len, "on: %u\n",
				       chatdnat_offload_count(family));
	if (gate->why == CHATDNAT_GATE_CHAIN)
		return len + scnprintf(buf + len, size - len,
				       "off: a chain at %s, priority %d\n",
				       chatdnat_gate_hook(gate->found.hooknum),
				       gate->found.priority);
	return len +
	       scnprintf(buf + len, size - len, "off: %s\n", why[gate->why]);
}

/**
 * chatdnat_gate_show() - format the file "fastpath"
 * @buf: destination
 * @size: room in @buf
 *
 * Context: Process context.
 * Return: Bytes written, without the terminator.
 */
int chatdnat_gate_show(char *buf, size_t size)
{
	struct chatdnat_gate gate;
	enum chatdnat_family family;
	int len = 0;

	for (family = 0; family < CHATDNAT_FAMILIES; family++) {
		spin_lock(&chatdnat_gate_lock);
		gate = chatdnat_gate[family];
		spin_unlock(&chatdnat_gate_lock);
		len += chatdnat_gate_show_family(buf + len, size - len, family,
						 &gate);
	}
	return len;
}

/**
 * chatdnat_gate_exit() - stop looking
 *
 * Context: Process context, may sleep, after chatdnat_teardown().
 */
void chatdnat_gate_exit(void)
{
	cancel_delayed_work_sync(&chatdnat_gate_work);
}
