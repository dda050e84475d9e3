// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../host/kmod.h"
#include "../lib/mem.h"
#include "../lib/text.h"
#include "../module/boot.h"
#include "../module/kernel_log.h"
#include "../module/lock.h"
#include "../module/modprobe.h"
#include "../module/module.h"
#include "../module/saved.h"
#include "command.h"
#include "load.h"

/* Of a word, and of an address: "fd00:" is no part of "fd00::2". */
static bool continues(char c)
{
	return isalnum((unsigned char)c) || c == '.' || c == ':';
}

/* Whether a value has that text, not as a part of a longer word. */
static bool has_word(const char *value, const char *text, size_t len)
{
	const char *at;

	for (at = value; len && (at = strstr(at, text)); at++)
		if ((at == value || !continues(at[-1])) && !continues(at[len]))
			return true;
	return false;
}

/*
 * The reason begins with the name of a setting, where it is about one, and quotes what is wrong. Of several words with that
 * name the kernel has refused the one that has it.
 */
static const struct setting *setting_of(const struct config *words, const char *reason)
{
	/* "config: v4: ..." where all were written at once. */
	const char *start = !strncmp(reason, "config: ", 8) ? reason + 8 : reason;
	const char *quote = strchr(start, '\''), *end = quote ? strchr(quote + 1, '\'') : NULL;
	char *name = xstrndup(start, strcspn(start, ": ='"));
	char *wrong = end ? xstrndup(quote + 1, (size_t)(end - quote - 1)) : xstrdup("");
	const struct setting *found = NULL;
	size_t i;

	for (i = 0; i < words->n; i++) {
		const struct setting *s = &words->v[i];

		if (strcmp(s->name, name) != 0)
			continue;
		found = s;
		if (s->value && has_word(s->value, wrong, strlen(wrong)))
			break;
	}
	free(wrong);
	free(name);
	return found;
}

static int refuse(const struct setting *s, const char *reason)
{
	if (s && s->file)
		error("load: refused: %s, line %u: %s", s->file, s->line, reason);
	else
		error("load: refused: %s", reason);
	return FAILED;
}

static int explain(int err, int log)
{
	char *reason = kernel_log_refusal(log);
	struct config words = { 0 };
	int ret = FAILED;

	/* Root it is, for it has the lock. */
	if (err == -EPERM || err == -EACCES)
		error("load: the kernel does not load the module: %s; it may take signed ones only, or this is a container; see chatdnatctl check",
		      strerror(-err));
	else if (err == -ENOKEY || err == -EKEYREJECTED)
		error("load: the kernel takes signed modules only, and has no key for this one; see chatdnatctl check");
	else if (!reason)
		error("load: the kernel refused the module: %s; see: dmesg", strerror(-err));
	else if (modprobe_read(&words) < 0)
		ret = refuse(NULL, reason);
	else
		ret = refuse(setting_of(&words, reason), reason);
	config_free(&words);
	free(reason);
	return ret;
}

/* Parameters that every module has, at load only. */
static const char *const kernels_own[] = { "async_probe", "dyndbg" };

#define KERNELS_OWN (sizeof(kernels_own) / sizeof(kernels_own[0]))

static bool is_kernels_own(const char *name)
{
	size_t i;

	for (i = 0; i < KERNELS_OWN; i++)
		if (!strcmp(name, kernels_own[i]))
			return true;
	return false;
}

/* The kernel ignores a parameter that the module does not have: it would be loaded with guard=off for gaurd=full. */
static bool known_names(const struct kmod *kmod, const struct config *saved)
{
	static const struct config none;
	size_t i;

	for (i = 0; i < saved->n; i++) {
		const struct setting *s = &saved->v[i];
		const char *nearest = saved_nearest_name(s->name, &none);
		char *reason;

		if (kmod_has_parameter(kmod, s->name) || is_kernels_own(s->name))
			continue;
		reason = xasprintf("%s: the module has no such setting%s%s; nothing is loaded",
				   s->name, nearest ? ", but " : "", nearest ? nearest : "");
		refuse(s, reason);
		free(reason);
		return false;
	}
	return true;
}

static int insert(const struct config *saved)
{
	struct kmod *kmod = kmod_open("chatdnat");
	int ret = FAILED, log = kernel_log_end(), err;
	struct module module;

	if (!kmod) {
		error("load: there is no libkmod here to load modules with: modprobe chatdnat");
	} else if (!kmod_installed(kmod)) {
		module_explain_absence();
	} else if (known_names(kmod, saved)) {
		err = kmod_load(kmod);
		if (err)
			ret = explain(err, log);
		else if (module_read(&module)) {
			char *line = config_format(&module.config);

			text_prose("loaded: %s", line);
			free(line);
			module_free(&module);
			ret = DONE;
		}
	}
	kernel_log_warnings(log);
	kmod_close(kmod);
	return ret;
}

static void print_changes(const struct config *before, const struct config *after)
{
	bool changed = false;
	size_t i;

	for (i = 0; i < after->n; i++) {
		const char *was = config_text(before, after->v[i].name);

		if (!strcmp(was, after->v[i].value ? after->v[i].value : ""))
			continue;
		text_line("%s=%s (was: %s)", after->v[i].name, after->v[i].value,
			  *was ? was : "empty");
		changed = true;
	}
	if (!changed)
		text_line("nothing to change: the saved settings are active");
}

/* Those that are not saved take their defaults, as when the module is loaded. */
static int rewrite(struct config *saved)
{
	struct module before, after;
	char *line, *reason;
	int ret = FAILED, log = kernel_log_end();
	size_t i;

	if (!module_read(&before))
		return FAILED;
	for (i = 0; i < KERNELS_OWN; i++)
		config_remove(saved, kernels_own[i]);
	line = config_format(saved);
	if (!before.has_config) {
		error("load: this version of the module cannot change several settings at once");
	} else if (module_try("config", line, &reason)) {
		if (module_read(&after)) {
			print_changes(&before.config, &after.config);
			module_free(&after);
			ret = DONE;
		}
	} else if (reason) {
		refuse(setting_of(saved, reason), reason);
		free(reason);
	}
	kernel_log_warnings(log);
	free(line);
	module_free(&before);
	return ret;
}

int load_saved(void)
{
	struct config saved = { 0 };
	int ret = FAILED, found;

	if (saved_in_uci()) {
		error("load: the configuration is in " SAVED_UCI ": service chatdnat reload");
		return FAILED;
	}
	found = saved_read(&saved);
	if (found < 0)
		error("load: cannot read " SAVED_OPTIONS ": %s", strerror(-found));
	else if (!found || !saved.n)
		error("load: nothing is saved: " SAVED_OPTIONS
		      " has no line `options chatdnat NAME=VALUE...'");
	else if (lock_take())
		ret = module_loaded() ? rewrite(&saved) : insert(&saved);
	config_free(&saved);
	if (ret == DONE && boot_closed())
		text_line(CLOSED_UNIT " still keeps this host closed: systemctl restart chatdnat");
	return ret;
}

static int load(int argc, char **argv, const struct options *options)
{
	(void)argv;
	(void)options;
	if (argc) {
		error("load: takes no arguments");
		return USAGE;
	}
	return load_saved();
}

const struct command load_command = {
	.name = "load",
	.arguments = "",
	.summary = "apply the saved settings, and load the module for it",
	.help = "Loads the module with the saved settings, as modprobe does. If it is loaded\n"
		"already, its settings become those saved in " SAVED_OPTIONS ",\n"
		"all of them or none, and what changed is printed; settings that are not saved\n"
		"take their defaults. modprobe leaves a loaded module as it is. A saved setting\n"
		"that is refused is named with its file and line, and nothing changes.\n",
	.run = load,
};
