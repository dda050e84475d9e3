// SPDX-License-Identifier: GPL-2.0
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/capability.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/slab.h>
#include <net/net_namespace.h>

#include "apply.h"
#include "core/snapshot.h"
#include "in_force.h"
#include "params.h"
#include "policy/setting_table.h"
#include "ssh_lockout.h"
#include "stateless/eligible.h"

#define CHATDNAT_VALUE_MAX 2048 /* bytes */

/* Maximum length of an offending text in last_error. */
#define CHATDNAT_EXCERPT_MAX 64

/*
 * During load, parameters of the modprobe line are set one by one and only
 * collected. During unload, sysfs may still call for a moment.
 */
static enum {
	CHATDNAT_LOADING,
	CHATDNAT_RUNNING,
	CHATDNAT_GONE,
} chatdnat_phase;

/* Settings of the modprobe line, and whether they are initialised. */
static struct chatdnat_settings chatdnat_loading;
static bool chatdnat_loading_begun;

/* An excerpt with all bytes escaped, and the expectation. */
static char chatdnat_last_error[4 * CHATDNAT_EXCERPT_MAX + 256];

/* All of the above is under chatdnat_config_lock. */

/* All settings must fit one line, to be read and written back. */
static int chatdnat_params_check(const struct chatdnat_settings *settings,
				 struct chatdnat_text text,
				 struct chatdnat_refusal *why)
{
	char *line = kmalloc(PAGE_SIZE, GFP_KERNEL);
	int len;

	if (!line)
		return chatdnat_refuse(why, -ENOMEM, text, NULL);

	len = chatdnat_setting_table_format(settings, line, PAGE_SIZE);
	kfree(line);
	if (len > CHATDNAT_VALUE_MAX)
		return chatdnat_refuse(why, -E2BIG, text,
				       "a shorter text: all settings together are one line of at most 2048 bytes");
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
			  setting ? ": " : "", setting ?: "", (int)len,
			  why->offending.at, more, why->expected);
	else
		scnprintf(chatdnat_last_error, sizeof(chatdnat_last_error),
			  "%s: '%*pE%s': could not be applied: %s, error %d",
			  param, (int)len, why->offending.at, more,
			  why->err == -ENOMEM ? "no memory" :
						"the kernel refused",
			  -why->err);
	pr_err("%s\n", chatdnat_last_error);
}

/* The settings that a write is based on. */
static const struct chatdnat_settings *chatdnat_params_current(void)
{
	const struct chatdnat_snapshot *snapshot = chatdnat_active_locked();

	if (chatdnat_phase == CHATDNAT_RUNNING)
		return &snapshot->settings;

	if (!chatdnat_loading_begun)
		chatdnat_settings_default(&chatdnat_loading);
	chatdnat_loading_begun = true;
	return &chatdnat_loading;
}

static int chatdnat_params_commit(struct chatdnat_settings *settings,
				  struct chatdnat_text text,
				  struct chatdnat_refusal *why)
{
	char *before;
	int err;

	err = chatdnat_params_check(settings, text, why);
	if (err)
		return err;

	if (chatdnat_phase == CHATDNAT_LOADING) {
		chatdnat_loading = *settings;
		return 0;
	}

	err = chatdnat_eligible_check(settings, true, text, why);
	if (err)
		return err;

	chatdnat_ssh_lockout_warn(chatdnat_params_current(), settings);
	before = chatdnat_in_force_line(chatdnat_params_current());
	err = chatdnat_apply(settings);
	if (!err)
		chatdnat_in_force_changed(before, settings);
	kfree(before);
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
	*settings = *chatdnat_params_current();

	/*
	 * As for sysctls of the network. Loading needs CAP_SYS_MODULE anyway.
	 */
	if (chatdnat_phase == CHATDNAT_RUNNING &&
	    !ns_capable(init_net.user_ns, CAP_NET_ADMIN))
		err = chatdnat_refuse(&why, -EPERM, text,
				      "a writer with CAP_NET_ADMIN");
	else if (text.len > CHATDNAT_VALUE_MAX)
		err = chatdnat_refuse(&why, -E2BIG, text, "at most 2048 bytes");
	else if (setting)
		err = setting->parse(settings, text, &why);
	else
		err = chatdnat_setting_table_parse(settings, text, &name, &why);

	if (!err)
		err = chatdnat_params_commit(settings, text, &why);
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
		len = setting->format(chatdnat_params_current(), buf,
				      PAGE_SIZE - 1);
	else
		len = chatdnat_setting_table_format(chatdnat_params_current(),
						    buf, PAGE_SIZE - 1);
	return len + scnprintf(buf + len, PAGE_SIZE - len, "\n");
}

/* kp->arg is the setting; NULL for "config", which has all of them. */
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

#define CHATDNAT_PARAM(name, id, description)                       \
	module_param_cb(name, &chatdnat_param_ops,                  \
			(void *)&chatdnat_setting_table[id], 0644); \
	MODULE_PARM_DESC(name, description)

CHATDNAT_PARAM(wan, CHATDNAT_SETTING_WAN,
	       "Interfaces that face the internet, up to 8, comma-separated; a trailing + matches any ending (default: none, idle)");
CHATDNAT_PARAM(v4, CHATDNAT_SETTING_V4,
	       "The relay's IPv4 address, or several RELAY@OWN, comma-separated (default: none, IPv4 is left alone)");
CHATDNAT_PARAM(v6, CHATDNAT_SETTING_V6,
	       "The relay's IPv6 address, or several RELAY@OWN, comma-separated (default: none, IPv6 is left alone)");
CHATDNAT_PARAM(ports, CHATDNAT_SETTING_PORTS,
	       "Ports forwarded to the relay, comma-separated: number, range or name, each with an optional /tcp or /udp (default: chatmail, that is 25,80,143,443,465,587,993)");
CHATDNAT_PARAM(scope, CHATDNAT_SETTING_SCOPE,
	       "local: translate packets to this host's addresses; any: to any address, if they arrive on a WAN interface (default: local)");
CHATDNAT_PARAM(masquerade, CHATDNAT_SETTING_MASQUERADE,
	       "off; wan: forwarded connections get the address of the WAN interface they leave on; all: those to the relay on any interface too (default: wan)");
CHATDNAT_PARAM(guard, CHATDNAT_SETTING_GUARD,
	       "off; forward: packets from a WAN interface are forwarded only to the relay, or as part of a known connection; full: the same, and this host itself accepts only allow and what a host needs; strict: as full, and other interfaces are judged too (default: off)");
CHATDNAT_PARAM(allow, CHATDNAT_SETTING_ALLOW,
	       "Open on this host itself with guard=full and strict: ports, spelt as in ports, and protocols: vrrp, ospf, gre, esp, or a number as in 112/ip (default: ssh)");
CHATDNAT_PARAM(mss, CHATDNAT_SETTING_MSS,
	       "auto: clamp the TCP MSS of connections to and from the relay to the path MTU; a number: to that; off (default: auto)");
CHATDNAT_PARAM(via, CHATDNAT_SETTING_VIA,
	       "The only interface that connections to the relay may use, others are refused (default: any)");
CHATDNAT_PARAM(stale, CHATDNAT_SETTING_STALE,
	       "On a change, connections whose relay or port is gone: flush ends them, keep lets them finish (default: flush)");
CHATDNAT_PARAM(enabled, CHATDNAT_SETTING_ENABLED,
	       "0 drains: no new connection is forwarded, live ones continue (default: 1)");
CHATDNAT_PARAM(hairpin, CHATDNAT_SETTING_HAIRPIN,
	       "1: this host and those behind it also reach the relay under this host's public addresses (default: 0)");
CHATDNAT_PARAM(log, CHATDNAT_SETTING_LOG,
	       "drops: log what is dropped, rate-limited, through the kernel's netfilter loggers (default: off)");
CHATDNAT_PARAM(fast, CHATDNAT_SETTING_FAST,
	       "auto: packets of established tracked connections take the fast path while no other table has a chain that would not see them; on: also past such chains; off (default: auto)");
CHATDNAT_PARAM(engine, CHATDNAT_SETTING_ENGINE,
	       "tracked: by connection tracking; stateless: TCP packet by packet, refused where the result would differ; auto: stateless where possible (default: tracked)");
module_param_cb(config, &chatdnat_param_ops, NULL, 0644);
MODULE_PARM_DESC(config,
		 "The whole configuration at once: name=value ..., settings that are not named take their defaults");

/**
 * chatdnat_params_last_error() - format the file "last_error"
 * @buf: destination
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
	const struct chatdnat_settings *settings = chatdnat_params_current();
	struct chatdnat_refusal why = {};
	struct chatdnat_text none = { .at = "" };
	int err;

	/* Interfaces, addresses and routes may be added later. */
	err = chatdnat_eligible_check(settings, false, none, &why);
	if (err) {
		chatdnat_report("engine", NULL, &why);
		return err;
	}
	chatdnat_ssh_lockout_warn(NULL, settings);
	err = chatdnat_apply(settings);
	if (err) {
		chatdnat_refuse(&why, err, none, NULL);
		chatdnat_report("config", NULL, &why);
		return err;
	}
	chatdnat_phase = CHATDNAT_RUNNING;
	chatdnat_in_force_loaded(settings);
	return 0;
}

/**
 * chatdnat_params_start() - activate the settings of the modprobe line
 *
 * Context: Process context, may sleep.
 * Return: 0, or a negative errno if the module must not be loaded.
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
 * chatdnat_params_stop() - deactivate all settings, and refuse new ones
 *
 * Context: Process context, may sleep.
 */
void chatdnat_params_stop(void)
{
	mutex_lock(&chatdnat_config_lock);
	chatdnat_phase = CHATDNAT_GONE;
	chatdnat_teardown();
	chatdnat_in_force_unloaded();
	mutex_unlock(&chatdnat_config_lock);
}
