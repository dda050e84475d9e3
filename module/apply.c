// SPDX-License-Identifier: GPL-2.0
#include <linux/netdevice.h>

#include "apply.h"
#include "core/drop.h"
#include "core/snapshot.h"
#include "engine.h"
#include "fast/gate.h"
#include "fast/ingress.h"
#include "hooks/hooks.h"
#include "net/flow_table.h"
#include "net/validity.h"
#include "notifier.h"
#include "tracked/flush.h"
#include "tracked/nat.h"

static int chatdnat_apply_register(const struct chatdnat_settings *settings)
{
	enum chatdnat_family family;
	int err;

	for (family = 0; family < CHATDNAT_FAMILIES; family++) {
		if (!chatdnat_settings_active(settings, family))
			continue;
		err = chatdnat_nat_register(family);
		if (err)
			return err;
	}
	return chatdnat_hooks_add(settings);
}

/**
 * chatdnat_apply() - activate settings
 * @settings: the settings, checked
 *
 * Context: Process context, may sleep, chatdnat_config_lock held.
 * Return: 0; on a negative errno, packets are treated as before. NAT callbacks
 * that were registered stay so: they read the active settings.
 */
int chatdnat_apply(const struct chatdnat_settings *settings)
{
	struct chatdnat_snapshot *old = chatdnat_active_locked();
	struct chatdnat_former *forgotten;
	struct chatdnat_snapshot *new;
	int err;

	new = chatdnat_snapshot_new(settings, &forgotten);
	if (!new)
		return -ENOMEM;

	/* The survey is repeated for changes from here on. */
	chatdnat_survey_take(&new->survey, settings);
	err = chatdnat_engine_bind(new);
	if (!err)
		err = chatdnat_apply_register(settings);
	if (err) {
		chatdnat_hooks_prune(old ? &old->settings : NULL);
		chatdnat_snapshot_free(new);
		goto put;
	}

	chatdnat_drop_log(settings);
	chatdnat_snapshot_publish(new);
	/* Before the memory of the old snapshot can be reused. */
	chatdnat_validity_end_all();
	chatdnat_hooks_prune(settings);
	chatdnat_gate_set(new);
	chatdnat_engine_bound(new);
	chatdnat_notifier_published();
	if (old)
		chatdnat_flow_table_end(&old->settings.wan);
	chatdnat_flush_change(old, new, forgotten);
	chatdnat_snapshot_free(old);
put:
	if (forgotten)
		chatdnat_former_put(forgotten);
	return err;
}

/**
 * chatdnat_teardown() - end all connections and remove all hooks
 *
 * Until all connections have ended, the NAT core translates them and the guard
 * stays active, so that no packet passes untranslated. New connections are
 * neither forwarded (DNAT) nor masqueraded.
 *
 * Context: Process context, may sleep, chatdnat_config_lock held.
 */
void chatdnat_teardown(void)
{
	static struct chatdnat_snapshot last;
	struct chatdnat_snapshot *old = chatdnat_active_locked();

	if (!old)
		return;

	last.settings = old->settings;
	last.guarded_since = old->guarded_since;
	last.settings.enabled = false;
	last.settings.masquerade = CHATDNAT_MASQUERADE_OFF;
	last.settings.engine = CHATDNAT_ENGINE_TRACKED;
	last.settings.stale = CHATDNAT_STALE_KEEP;
	last.settings.fast = CHATDNAT_FAST_OFF;

	chatdnat_snapshot_publish(&last);
	chatdnat_gate_set(NULL);
	chatdnat_ingress_set(NULL);
	chatdnat_flush_all(old);
	chatdnat_hooks_prune(NULL);
	chatdnat_drop_log(NULL);
	chatdnat_snapshot_free(old);
}
