// SPDX-License-Identifier: GPL-2.0
/*
 * Lines of the kernel log that say which settings are active: at load, on a
 * change, at unload. chatdnatctl reads them.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kernel.h>
#include <linux/printk.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "in_force.h"
#include "policy/setting_table.h"

/* Of a longer line the kernel log drops the end, without a mark. */
#define CHATDNAT_IN_FORCE_MAX 800

/**
 * chatdnat_in_force_line() - settings that differ from their defaults
 * @settings: the settings
 *
 * Context: Process context, may sleep.
 * Return: "name=value ..." as in the parameter "config", to be freed with
 * kfree(); NULL if there is no memory.
 */
char *chatdnat_in_force_line(const struct chatdnat_settings *settings)
{
	struct chatdnat_settings *usual = kmalloc(sizeof(*usual), GFP_KERNEL);
	char *line = kzalloc(PAGE_SIZE, GFP_KERNEL);
	char *value = kmalloc(PAGE_SIZE, GFP_KERNEL);
	char *other = kmalloc(PAGE_SIZE, GFP_KERNEL);
	unsigned int id;
	int len = 0;

	if (!usual || !line || !value || !other) {
		kfree(line);
		line = NULL;
		goto out;
	}
	chatdnat_settings_default(usual);
	for (id = 0; id < CHATDNAT_SETTINGS_MAX; id++) {
		const struct chatdnat_setting *setting =
			&chatdnat_setting_table[id];

		value[0] = '\0';
		other[0] = '\0';
		setting->format(settings, value, PAGE_SIZE);
		setting->format(usual, other, PAGE_SIZE);
		if (strcmp(value, other))
			len += scnprintf(line + len, PAGE_SIZE - len, "%s%s=%s",
					 len ? " " : "", setting->name, value);
	}
out:
	kfree(other);
	kfree(value);
	kfree(usual);
	return line;
}

static void chatdnat_in_force_log(const char *what, const char *line)
{
	size_t len = strlen(line);

	pr_info("%s: %*pE%s\n", what,
		(int)min_t(size_t, len, CHATDNAT_IN_FORCE_MAX), line,
		len > CHATDNAT_IN_FORCE_MAX ? "..." :
		len			    ? "" :
					      "all settings at their defaults");
}

/**
 * chatdnat_in_force_loaded() - log the settings of a module that was loaded
 * @settings: the settings, which are active
 *
 * Context: Process context, may sleep.
 */
void chatdnat_in_force_loaded(const struct chatdnat_settings *settings)
{
	char *line = chatdnat_in_force_line(settings);

	if (line)
		chatdnat_in_force_log("version " CHATDNAT_VERSION " loaded",
				      line);
	kfree(line);
}

/**
 * chatdnat_in_force_changed() - log a change
 * @before: chatdnat_in_force_line() of the former settings, or NULL
 * @settings: the settings, which are active
 *
 * Logs nothing if they are the same.
 *
 * Context: Process context, may sleep.
 */
void chatdnat_in_force_changed(const char *before,
			       const struct chatdnat_settings *settings)
{
	char *line = chatdnat_in_force_line(settings);

	if (line && !(before && !strcmp(before, line)))
		chatdnat_in_force_log("changed", line);
	kfree(line);
}

/**
 * chatdnat_in_force_unloaded() - log that nothing is active any more
 *
 * Context: Process context.
 */
void chatdnat_in_force_unloaded(void)
{
	pr_info("unloaded\n");
}
