// SPDX-License-Identifier: GPL-2.0
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/slab.h>

#include "apply.h"
#include "config.h"
#include "params.h"

#define CHATDNAT_VALUE_MAX	2048	/* bytes */

/* How much of an offending text is worth repeating. */
#define CHATDNAT_EXCERPT_MAX	64

struct chatdnat_setting {
	const char *name;
	int (*parse)(struct chatdnat_settings *settings,
		     struct chatdnat_text text, struct chatdnat_refusal *why);
	int (*format)(const struct chatdnat_settings *settings, char *buf,
		      size_t size);
};

/*
 * Before the module runs, parameters come one by one from the modprobe line and
 * only gather; once it has gone, sysfs may still call for a moment.
 */
static enum {
	CHATDNAT_LOADING,
	CHATDNAT_RUNNING,
	CHATDNAT_GONE,
} chatdnat_phase;

/* The settings of the modprobe line, and whether there are any yet. */
static struct chatdnat_settings chatdnat_loading;
static bool chatdnat_loading_begun;

static char chatdnat_last_error[256];

/* All of the above is under chatdnat_config_lock. */

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

static const char *const chatdnat_enabled_words[] = { "0", "1" };

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

CHATDNAT_KEYWORD(scope, "local or any")
CHATDNAT_KEYWORD(masquerade, "off, wan or all")
CHATDNAT_KEYWORD(stale, "flush or keep")
CHATDNAT_KEYWORD(enabled, "0 or 1")

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
	return chatdnat_portset_parse(&settings->service.ports, text, why);
}

static int chatdnat_ports_format(const struct chatdnat_settings *settings,
				 char *buf, size_t size)
{
	return chatdnat_portset_format(&settings->service.ports, buf, size);
}

#define CHATDNAT_SETTING(field) {		\
	.name = #field,				\
	.parse = chatdnat_##field##_parse,	\
	.format = chatdnat_##field##_format,	\
}

enum chatdnat_setting_id {
	CHATDNAT_SETTING_WAN,
	CHATDNAT_SETTING_V4,
	CHATDNAT_SETTING_V6,
	CHATDNAT_SETTING_PORTS,
	CHATDNAT_SETTING_SCOPE,
	CHATDNAT_SETTING_MASQUERADE,
	CHATDNAT_SETTING_STALE,
	CHATDNAT_SETTING_ENABLED,
	CHATDNAT_SETTINGS_MAX,
};

static const struct chatdnat_setting chatdnat_settings[CHATDNAT_SETTINGS_MAX] = {
	[CHATDNAT_SETTING_WAN] = CHATDNAT_SETTING(wan),
	[CHATDNAT_SETTING_V4] = CHATDNAT_SETTING(v4),
	[CHATDNAT_SETTING_V6] = CHATDNAT_SETTING(v6),
	[CHATDNAT_SETTING_PORTS] = CHATDNAT_SETTING(ports),
	[CHATDNAT_SETTING_SCOPE] = CHATDNAT_SETTING(scope),
	[CHATDNAT_SETTING_MASQUERADE] = CHATDNAT_SETTING(masquerade),
	[CHATDNAT_SETTING_STALE] = CHATDNAT_SETTING(stale),
	[CHATDNAT_SETTING_ENABLED] = CHATDNAT_SETTING(enabled),
};

static const struct chatdnat_setting *
chatdnat_setting_find(struct chatdnat_text name)
{
	const struct chatdnat_setting *setting = chatdnat_settings;

	for (; setting < chatdnat_settings + CHATDNAT_SETTINGS_MAX; setting++)
		if (chatdnat_text_is(name, setting->name))
			return setting;
	return NULL;
}

static int chatdnat_config_format(const struct chatdnat_settings *settings,
				  char *buf, size_t size)
{
	int len = 0, i;

	for (i = 0; i < CHATDNAT_SETTINGS_MAX; i++) {
		const struct chatdnat_setting *setting = &chatdnat_settings[i];

		len += scnprintf(buf + len, size - len, "%s%s=", i ? " " : "",
				 setting->name);
		len += setting->format(settings, buf + len, size - len);
	}
	return len;
}

/* @name is set to the setting that was at fault, if it was one. */
static int chatdnat_config_parse(struct chatdnat_settings *settings,
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
					       "name=value, each one blank from the next");
		setting = chatdnat_setting_find(key);
		if (!setting)
			return chatdnat_refuse(why, -EINVAL, key,
					       "the name of a setting: wan, v4, v6, ports, scope, masquerade, stale or enabled");
		if (__test_and_set_bit(setting - chatdnat_settings, &given))
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

/* What is written must be short enough to be read, and written back. */
static int chatdnat_settings_check(const struct chatdnat_settings *settings,
				   struct chatdnat_text text,
				   struct chatdnat_refusal *why)
{
	char *line = kmalloc(PAGE_SIZE, GFP_KERNEL);
	int len;

	if (!line)
		return chatdnat_refuse(why, -ENOMEM, text, NULL);

	len = chatdnat_config_format(settings, line, PAGE_SIZE);
	kfree(line);
	if (len > CHATDNAT_VALUE_MAX)
		return chatdnat_refuse(why, -E2BIG, text,
				       "less, so that all settings together are one line of at most 2048 bytes");
	return 0;
}

static void chatdnat_report(const char *param, const char *setting,
			    const struct chatdnat_refusal *why)
{
	size_t len = min_t(size_t, why->offending.len, CHATDNAT_EXCERPT_MAX);
	const char *more = len < why->offending.len ? "..." : "";

	if (why->expected)
		scnprintf(chatdnat_last_error, sizeof(chatdnat_last_error),
			  "%s%s%s: '%*pE%s': expected %s", param,
			  setting ? ": " : "", setting ? : "", (int)len,
			  why->offending.at, more, why->expected);
	else
		scnprintf(chatdnat_last_error, sizeof(chatdnat_last_error),
			  "%s: '%*pE%s': could not be applied, error %d", param,
			  (int)len, why->offending.at, more, -why->err);
	pr_err("%s\n", chatdnat_last_error);
}

static void chatdnat_warn_ssh(const struct chatdnat_settings *old,
			      const struct chatdnat_settings *new)
{
	if (chatdnat_portset_has(&new->service.ports, CHATDNAT_TCP,
				 CHATDNAT_PORT_SSH) &&
	    !(old && chatdnat_portset_has(&old->service.ports, CHATDNAT_TCP,
					  CHATDNAT_PORT_SSH)))
		pr_warn("ports: 22/tcp is sent on to the relay: new SSH connections no longer reach this host by its WAN interfaces\n");
}

/* The settings that a write starts from. */
static const struct chatdnat_settings *chatdnat_settings_current(void)
{
	const struct chatdnat_snapshot *snapshot = chatdnat_active_locked();

	if (chatdnat_phase == CHATDNAT_RUNNING)
		return &snapshot->settings;

	if (!chatdnat_loading_begun)
		chatdnat_settings_default(&chatdnat_loading);
	chatdnat_loading_begun = true;
	return &chatdnat_loading;
}

static int chatdnat_settings_commit(struct chatdnat_settings *settings,
				    struct chatdnat_text text,
				    struct chatdnat_refusal *why)
{
	int err;

	if (chatdnat_phase == CHATDNAT_LOADING) {
		chatdnat_loading = *settings;
		return 0;
	}

	err = chatdnat_settings_check(settings, text, why);
	if (err)
		return err;

	chatdnat_warn_ssh(chatdnat_settings_current(), settings);
	err = chatdnat_apply(settings);
	if (err)
		return chatdnat_refuse(why, err, text, NULL);
	return 0;
}

static int chatdnat_write(const char *val, const char *param,
			  const struct chatdnat_setting *setting)
{
	struct chatdnat_text text = { .at = val, .len = strlen(val) };
	struct chatdnat_settings *settings;
	struct chatdnat_refusal why = {};
	const char *name = NULL;
	int err;

	lockdep_assert_held(&chatdnat_config_lock);

	if (chatdnat_phase == CHATDNAT_GONE)
		return -ENODEV;
	if (text.len && text.at[text.len - 1] == '\n')
		text.len--;

	settings = kmalloc(sizeof(*settings), GFP_KERNEL);
	if (!settings) {
		err = chatdnat_refuse(&why, -ENOMEM, text, NULL);
		goto report;
	}
	*settings = *chatdnat_settings_current();

	if (text.len > CHATDNAT_VALUE_MAX)
		err = chatdnat_refuse(&why, -E2BIG, text,
				      "at most 2048 bytes");
	else if (setting)
		err = setting->parse(settings, text, &why);
	else
		err = chatdnat_config_parse(settings, text, &name, &why);

	if (!err)
		err = chatdnat_settings_commit(settings, text, &why);
	kfree(settings);
report:
	if (err)
		chatdnat_report(param, name, &why);
	else
		chatdnat_last_error[0] = '\0';
	return err;
}

static int chatdnat_read(char *buf, const struct chatdnat_setting *setting)
{
	int len;

	lockdep_assert_held(&chatdnat_config_lock);

	if (chatdnat_phase == CHATDNAT_GONE)
		return -ENODEV;
	buf[0] = '\0';
	if (setting)
		len = setting->format(chatdnat_settings_current(), buf,
				      PAGE_SIZE - 1);
	else
		len = chatdnat_config_format(chatdnat_settings_current(), buf,
					     PAGE_SIZE - 1);
	return len + scnprintf(buf + len, PAGE_SIZE - len, "\n");
}

/* kp->arg is the setting; none for config, which is all of them. */
static int chatdnat_param_set(const char *val, const struct kernel_param *kp)
{
	int err;

	mutex_lock(&chatdnat_config_lock);
	err = chatdnat_write(val, kp->name, kp->arg);
	mutex_unlock(&chatdnat_config_lock);
	return err;
}

static int chatdnat_param_get(char *buf, const struct kernel_param *kp)
{
	int len;

	mutex_lock(&chatdnat_config_lock);
	len = chatdnat_read(buf, kp->arg);
	mutex_unlock(&chatdnat_config_lock);
	return len;
}

static const struct kernel_param_ops chatdnat_param_ops = {
	.set = chatdnat_param_set,
	.get = chatdnat_param_get,
};

#define CHATDNAT_PARAM(name, id, description)				\
	module_param_cb(name, &chatdnat_param_ops,			\
			(void *)&chatdnat_settings[id], 0644);		\
	MODULE_PARM_DESC(name, description)

CHATDNAT_PARAM(wan, CHATDNAT_SETTING_WAN,
	       "Interfaces that face the internet, up to 8, comma-separated; a trailing + matches any ending (default: none, idle)");
CHATDNAT_PARAM(v4, CHATDNAT_SETTING_V4,
	       "The relay's IPv4 address, or several RELAY@OWN, comma-separated (default: none, IPv4 is left alone)");
CHATDNAT_PARAM(v6, CHATDNAT_SETTING_V6,
	       "The relay's IPv6 address, or several RELAY@OWN, comma-separated (default: none, IPv6 is left alone)");
CHATDNAT_PARAM(ports, CHATDNAT_SETTING_PORTS,
	       "Ports sent on, comma-separated: number, range or name, each with an optional /tcp or /udp (default: chatmail, that is 25,80,143,443,465,587,993)");
CHATDNAT_PARAM(scope, CHATDNAT_SETTING_SCOPE,
	       "local: what is addressed to this host; any: whatever enters by a WAN interface (default: local)");
CHATDNAT_PARAM(masquerade, CHATDNAT_SETTING_MASQUERADE,
	       "off; wan: forwarded connections that leave by a WAN interface take its address; all: those to the relay by any interface too (default: wan)");
CHATDNAT_PARAM(stale, CHATDNAT_SETTING_STALE,
	       "On a change, connections whose relay or port is gone: flush ends them, keep lets them finish (default: flush)");
CHATDNAT_PARAM(enabled, CHATDNAT_SETTING_ENABLED,
	       "0 drains: no new connection is sent on, live ones go on (default: 1)");
module_param_cb(config, &chatdnat_param_ops, NULL, 0644);
MODULE_PARM_DESC(config,
		 "The whole configuration at once: name=value ..., what is not named takes its default");

/**
 * chatdnat_params_last_error() - why the last write was refused
 * @buf: where to
 * @size: room in @buf
 *
 * Context: Process context, may sleep.
 * Return: Bytes written, without the terminator; 0 after an accepted write.
 */
int chatdnat_params_last_error(char *buf, size_t size)
{
	int len = 0;

	mutex_lock(&chatdnat_config_lock);
	if (chatdnat_last_error[0])
		len = scnprintf(buf, size, "%s\n", chatdnat_last_error);
	mutex_unlock(&chatdnat_config_lock);
	return len;
}

static int chatdnat_start(void)
{
	const struct chatdnat_settings *settings = chatdnat_settings_current();
	struct chatdnat_refusal why = {};
	struct chatdnat_text none = { .at = "" };
	int err;

	err = chatdnat_settings_check(settings, none, &why);
	if (err) {
		chatdnat_report("config", NULL, &why);
		return err;
	}
	chatdnat_warn_ssh(NULL, settings);
	err = chatdnat_apply(settings);
	if (!err)
		chatdnat_phase = CHATDNAT_RUNNING;
	return err;
}

/**
 * chatdnat_params_start() - make the modprobe line's settings the active ones
 *
 * Context: Process context, may sleep.
 * Return: 0, or a negative errno when the module must not run.
 */
int chatdnat_params_start(void)
{
	int err;

	mutex_lock(&chatdnat_config_lock);
	err = chatdnat_start();
	if (err)
		chatdnat_phase = CHATDNAT_GONE;
	mutex_unlock(&chatdnat_config_lock);
	return err;
}

/**
 * chatdnat_params_stop() - have nothing active, and accept no settings any more
 *
 * Context: Process context, may sleep.
 */
void chatdnat_params_stop(void)
{
	mutex_lock(&chatdnat_config_lock);
	chatdnat_phase = CHATDNAT_GONE;
	chatdnat_apply_nothing();
	mutex_unlock(&chatdnat_config_lock);
}
