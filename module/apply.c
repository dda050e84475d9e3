// SPDX-License-Identifier: GPL-2.0
#include <linux/netdevice.h>

#include "apply.h"
#include "config.h"
#include "flush.h"
#include "nat.h"

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
	return 0;
}

/**
 * chatdnat_apply() - make settings the active ones
 * @settings: the settings, checked
 *
 * Context: Process context, may sleep, chatdnat_config_lock held.
 * Return: 0, or a negative errno when nothing has changed.
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

	err = chatdnat_apply_register(settings);
	if (err) {
		chatdnat_snapshot_free(new);
		goto put;
	}

	chatdnat_snapshot_publish(new);
	chatdnat_flush_change(old, new, forgotten);
	chatdnat_snapshot_free(old);
put:
	if (forgotten)
		chatdnat_former_put(forgotten);
	return err;
}

/**
 * chatdnat_apply_nothing() - end all connections and have nothing active
 *
 * The NAT core goes on translating until the last connection has ended: none
 * of its packets is ever seen untranslated.
 *
 * Context: Process context, may sleep, chatdnat_config_lock held.
 */
void chatdnat_apply_nothing(void)
{
	static struct chatdnat_snapshot nothing;
	struct chatdnat_snapshot *old = chatdnat_active_locked();

	if (!old)
		return;

	chatdnat_snapshot_publish(&nothing);
	chatdnat_flush_all(old);
	chatdnat_snapshot_free(old);
}
