/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNAT_SETTING_TABLE_H
#define CHATDNAT_SETTING_TABLE_H

#include <linux/types.h>

#include "settings.h"
#include "text.h"

struct chatdnat_setting {
	const char *name;
	int (*parse)(struct chatdnat_settings *settings,
		     struct chatdnat_text text, struct chatdnat_refusal *why);
	int (*format)(const struct chatdnat_settings *settings, char *buf,
		      size_t size);
};

/* In the order in which they are read back. */
enum chatdnat_setting_id {
	CHATDNAT_SETTING_WAN,
	CHATDNAT_SETTING_V4,
	CHATDNAT_SETTING_V6,
	CHATDNAT_SETTING_PORTS,
	CHATDNAT_SETTING_SCOPE,
	CHATDNAT_SETTING_MASQUERADE,
	CHATDNAT_SETTING_GUARD,
	CHATDNAT_SETTING_ALLOW,
	CHATDNAT_SETTING_MSS,
	CHATDNAT_SETTING_VIA,
	CHATDNAT_SETTING_STALE,
	CHATDNAT_SETTING_ENABLED,
	CHATDNAT_SETTING_HAIRPIN,
	CHATDNAT_SETTING_LOG,
	CHATDNAT_SETTING_FAST,
	CHATDNAT_SETTING_ENGINE,
	CHATDNAT_SETTINGS_MAX,
};

extern const struct chatdnat_setting chatdnat_setting_table[CHATDNAT_SETTINGS_MAX];

int chatdnat_setting_table_format(const struct chatdnat_settings *settings,
				  char *buf, size_t size);
int chatdnat_setting_table_parse(struct chatdnat_settings *settings,
				 struct chatdnat_text text, const char **name,
				 struct chatdnat_refusal *why);

#endif /* CHATDNAT_SETTING_TABLE_H */
