// SPDX-License-Identifier: GPL-2.0
/* Names, parsers and formatters of the settings. */
#include <linux/bitops.h>
#include <linux/errno.h>
#include <linux/kernel.h>

#include "setting_table.h"

static int chatdnat_keyword_parse(const char *const *words, int n,
				  struct chatdnat_text text,
				  const char *expected,
				  struct chatdnat_refusal *why)
{
	int i;

	for (i = 0; i < n; i++)
		if (chatdnat_text_is(text, words[i]))
			return i;
	return chatdnat_refuse(why, -EINVAL, text, expected);
}

static const char *const chatdnat_scope_words[] = {
	[CHATDNAT_SCOPE_LOCAL] = "local",
	[CHATDNAT_SCOPE_ANY] = "any",
};

static const char *const chatdnat_masquerade_words[] = {
	[CHATDNAT_MASQUERADE_OFF] = "off",
	[CHATDNAT_MASQUERADE_WAN] = "wan",
	[CHATDNAT_MASQUERADE_ALL] = "all",
};

static const char *const chatdnat_stale_words[] = {
	[CHATDNAT_STALE_FLUSH] = "flush",
	[CHATDNAT_STALE_KEEP] = "keep",
};

static const char *const chatdnat_guard_words[] = {
	[CHATDNAT_GUARD_OFF] = "off",
	[CHATDNAT_GUARD_FORWARD] = "forward",
	[CHATDNAT_GUARD_FULL] = "full",
	[CHATDNAT_GUARD_STRICT] = "strict",
};

static const char *const chatdnat_log_words[] = {
	[CHATDNAT_LOG_OFF] = "off",
	[CHATDNAT_LOG_DROPS] = "drops",
};

static const char *const chatdnat_fast_words[] = {
	[CHATDNAT_FAST_AUTO] = "auto",
	[CHATDNAT_FAST_ON] = "on",
	[CHATDNAT_FAST_OFF] = "off",
};

static const char *const chatdnat_engine_words[] = {
	[CHATDNAT_ENGINE_TRACKED] = "tracked",
	[CHATDNAT_ENGINE_STATELESS] = "stateless",
	[CHATDNAT_ENGINE_AUTO] = "auto",
};

static const char *const chatdnat_enabled_words[] = { "0", "1" };
static const char *const chatdnat_hairpin_words[] = { "0", "1" };

/* clang-format off */
#define CHATDNAT_KEYWORD(field, expected)				\
static int chatdnat_##field##_parse(struct chatdnat_settings *settings,	\
				    struct chatdnat_text text,		\
				    struct chatdnat_refusal *why)	\
{									\
	int i = chatdnat_keyword_parse(chatdnat_##field##_words,	\
				       ARRAY_SIZE(chatdnat_##field##_words), \
				       text, expected, why);		\
									\
	if (i < 0)							\
		return i;						\
	settings->field = i;						\
	return 0;							\
}									\
									\
static int chatdnat_##field##_format(const struct chatdnat_settings *settings, \
				     char *buf, size_t size)		\
{									\
	return scnprintf(buf, size, "%s",				\
			 chatdnat_##field##_words[settings->field]);	\
}
/* clang-format on */

CHATDNAT_KEYWORD(scope, "local or any")
CHATDNAT_KEYWORD(masquerade, "off, wan or all")
CHATDNAT_KEYWORD(guard, "off, forward, full or strict")
CHATDNAT_KEYWORD(stale, "flush or keep")
CHATDNAT_KEYWORD(enabled, "0 or 1")
CHATDNAT_KEYWORD(hairpin, "0 or 1")
CHATDNAT_KEYWORD(log, "off or drops")
CHATDNAT_KEYWORD(fast, "auto, on or off")
CHATDNAT_KEYWORD(engine, "tracked, stateless or auto")

static int chatdnat_wan_parse(struct chatdnat_settings *settings,
			      struct chatdnat_text text,
			      struct chatdnat_refusal *why)
{
	return chatdnat_ifset_parse(&settings->wan, text, why);
}

static int chatdnat_wan_format(const struct chatdnat_settings *settings,
			       char *buf, size_t size)
{
	return chatdnat_ifset_format(&settings->wan, buf, size);
}

static int chatdnat_v4_parse(struct chatdnat_settings *settings,
			     struct chatdnat_text text,
			     struct chatdnat_refusal *why)
{
	return chatdnat_relays_parse(CHATDNAT_IPV4,
				     &settings->service.relays[CHATDNAT_IPV4],
				     text, why);
}

static int chatdnat_v4_format(const struct chatdnat_settings *settings,
			      char *buf, size_t size)
{
	return chatdnat_relays_format(CHATDNAT_IPV4,
				      &settings->service.relays[CHATDNAT_IPV4],
				      buf, size);
}

static int chatdnat_v6_parse(struct chatdnat_settings *settings,
			     struct chatdnat_text text,
			     struct chatdnat_refusal *why)
{
	return chatdnat_relays_parse(CHATDNAT_IPV6,
				     &settings->service.relays[CHATDNAT_IPV6],
				     text, why);
}

static int chatdnat_v6_format(const struct chatdnat_settings *settings,
			      char *buf, size_t size)
{
	return chatdnat_relays_format(CHATDNAT_IPV6,
				      &settings->service.relays[CHATDNAT_IPV6],
				      buf, size);
}

static int chatdnat_ports_parse(struct chatdnat_settings *settings,
				struct chatdnat_text text,
				struct chatdnat_refusal *why)
{
	return chatdnat_portset_parse(&settings->service.ports, text, true, why);
}

static int chatdnat_ports_format(const struct chatdnat_settings *settings,
				 char *buf, size_t size)
{
	return chatdnat_portset_format(&settings->service.ports, buf, size);
}

static int chatdnat_allow_parse(struct chatdnat_settings *settings,
				struct chatdnat_text text,
				struct chatdnat_refusal *why)
{
	return chatdnat_allowed_parse(&settings->allow, text, why);
}

static int chatdnat_allow_format(const struct chatdnat_settings *settings,
				 char *buf, size_t size)
{
	return chatdnat_allowed_format(&settings->allow, buf, size);
}

static int chatdnat_mss_parse(struct chatdnat_settings *settings,
			      struct chatdnat_text text,
			      struct chatdnat_refusal *why)
{
	static const char expected[] = "auto, off, or a number from 536 to 65495";
	u32 number;

	if (chatdnat_text_is(text, "off"))
		number = CHATDNAT_MSS_OFF;
	else if (chatdnat_text_is(text, "auto"))
		number = CHATDNAT_MSS_AUTO;
	else if (!chatdnat_text_number(text, &number))
		return chatdnat_refuse(why, -EINVAL, text, expected);
	else if (number < CHATDNAT_MSS_MIN || number > CHATDNAT_MSS_MAX)
		return chatdnat_refuse(why, -ERANGE, text, expected);
	settings->mss = number;
	return 0;
}

static int chatdnat_mss_format(const struct chatdnat_settings *settings,
			       char *buf, size_t size)
{
	switch (settings->mss) {
	case CHATDNAT_MSS_OFF:
		return scnprintf(buf, size, "off");
	case CHATDNAT_MSS_AUTO:
		return scnprintf(buf, size, "auto");
	default:
		return scnprintf(buf, size, "%u", settings->mss);
	}
}

static int chatdnat_via_parse(struct chatdnat_settings *settings,
			      struct chatdnat_text text,
			      struct chatdnat_refusal *why)
{
	return chatdnat_ifname_parse(settings->via, text, why);
}

static int chatdnat_via_format(const struct chatdnat_settings *settings,
			       char *buf, size_t size)
{
	return scnprintf(buf, size, "%s", settings->via);
}

#define CHATDNAT_SETTING(field)                                    \
	{                                                          \
		.name = #field, .parse = chatdnat_##field##_parse, \
		.format = chatdnat_##field##_format,               \
	}

const struct chatdnat_setting chatdnat_setting_table[CHATDNAT_SETTINGS_MAX] = {
	[CHATDNAT_SETTING_WAN] = CHATDNAT_SETTING(wan),
	[CHATDNAT_SETTING_V4] = CHATDNAT_SETTING(v4),
	[CHATDNAT_SETTING_V6] = CHATDNAT_SETTING(v6),
	[CHATDNAT_SETTING_PORTS] = CHATDNAT_SETTING(ports),
	[CHATDNAT_SETTING_SCOPE] = CHATDNAT_SETTING(scope),
	[CHATDNAT_SETTING_MASQUERADE] = CHATDNAT_SETTING(masquerade),
	[CHATDNAT_SETTING_GUARD] = CHATDNAT_SETTING(guard),
	[CHATDNAT_SETTING_ALLOW] = CHATDNAT_SETTING(allow),
	[CHATDNAT_SETTING_MSS] = CHATDNAT_SETTING(mss),
	[CHATDNAT_SETTING_VIA] = CHATDNAT_SETTING(via),
	[CHATDNAT_SETTING_STALE] = CHATDNAT_SETTING(stale),
	[CHATDNAT_SETTING_ENABLED] = CHATDNAT_SETTING(enabled),
	[CHATDNAT_SETTING_HAIRPIN] = CHATDNAT_SETTING(hairpin),
	[CHATDNAT_SETTING_LOG] = CHATDNAT_SETTING(log),
	[CHATDNAT_SETTING_FAST] = CHATDNAT_SETTING(fast),
	[CHATDNAT_SETTING_ENGINE] = CHATDNAT_SETTING(engine),
};

static const struct chatdnat_setting *
chatdnat_setting_find(struct chatdnat_text name)
{
	const struct chatdnat_setting *setting = chatdnat_setting_table;

	for (; setting < chatdnat_setting_table + CHATDNAT_SETTINGS_MAX;
	     setting++)
		if (chatdnat_text_is(name, setting->name))
			return setting;
	return NULL;
}

/**
 * chatdnat_setting_table_format() - write all settings in one line
 * @settings: the settings
 * @buf: destination
 * @size: room in @buf
 *
 * Context: Any.
 * Return: Bytes written, without the terminator.
 */
int chatdnat_setting_table_format(const struct chatdnat_settings *settings,
				  char *buf, size_t size)
{
	int len = 0, i;

	for (i = 0; i < CHATDNAT_SETTINGS_MAX; i++) {
		const struct chatdnat_setting *setting =
			&chatdnat_setting_table[i];

		len += scnprintf(buf + len, size - len, "%s%s=", i ? " " : "",
				 setting->name);
		len += setting->format(settings, buf + len, size - len);
	}
	return len;
}

/**
 * chatdnat_setting_table_parse() - read a line of settings
 * @settings: filled in, with defaults for missing settings; undefined after a
 *	      refusal
 * @text: name=value pairs separated by one blank; may be empty
 * @name: set to the setting whose value was refused, if any
 * @why: filled in on refusal
 *
 * Context: Any.
 * Return: 0, -EINVAL for a malformed line, or what the value's parser returns.
 */
int chatdnat_setting_table_parse(struct chatdnat_settings *settings,
				 struct chatdnat_text text, const char **name,
				 struct chatdnat_refusal *why)
{
	const struct chatdnat_setting *setting;
	struct chatdnat_text element, key, value;
	unsigned long given = 0;
	int err;

	chatdnat_settings_default(settings);
	if (!text.len)
		return 0;

	while (chatdnat_text_next(&text, ' ', &element)) {
		if (!chatdnat_text_split(element, '=', &key, &value))
			return chatdnat_refuse(why, -EINVAL, element,
					       "name=value, separated by single blanks");
		setting = chatdnat_setting_find(key);
		if (!setting)
			return chatdnat_refuse(why, -EINVAL, key,
					       "the name of a setting: wan, v4, v6, ports, scope, masquerade, guard, allow, mss, via, stale, enabled, hairpin, log, fast or engine");
		if (__test_and_set_bit(setting - chatdnat_setting_table, &given))
			return chatdnat_refuse(why, -EINVAL, key,
					       "each setting once");
		err = setting->parse(settings, value, why);
		if (err) {
			*name = setting->name;
			return err;
		}
	}
	return 0;
}
