// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../host/kmsg.h"
#include "../host/kmod.h"
#include "../lib/mem.h"
#include "../lib/text.h"
#include "../module/boot.h"
#include "../module/lock.h"
#include "../module/module.h"
#include "../module/saved.h"
#include "command.h"
#include "load.h"

/* Whether a line of the file has NAME= as a word. */
static bool sets(const char *line, const char *name)
{
	size_t len = strlen(name);
	const char *at;

	for (at = strstr(line, name); at && len; at = strstr(at + 1, name))
		if (at > line && strchr(" \t\"", at[-1]) && at[len] == '=')
			return true;
	return false;
}

/* The reason begins with the name of a setting: the last line that sets it, or else the last with options. */
static unsigned int line_of(const char *reason)
{
	/* "config: v4: ..." where all were written at once. */
	const char *word = !strncmp(reason, "config: ", 8) ? reason + 8 : reason;
	char *name = xstrndup(word, strcspn(word, ": ='")), *line = NULL;
	unsigned int number = 0, options = 0, setting = 0;
	FILE *f = fopen(SAVED_OPTIONS, "re");
	size_t size = 0;

	while (f && getline(&line, &size, f) >= 0) {
		const char *s = line + strspn(line, " \t");

		number++;
		if (*s == '#')
			continue;
		if (!strncmp(s, "options", 7))
			options = number;
		if (sets(line, name))
			setting = number;
	}
	if (f)
		fclose(f);
	free(line);
	free(name);
	return setting ? setting : options;
}

static int refuse(const char *reason)
{
	error("load: refused: " SAVED_OPTIONS ", line %u: %s", line_of(reason), reason);
	return FAILED;
}

static int explain(int err, int log)
{
	char *reason = kmsg_complaint(log, "chatdnat: ");
	int ret = FAILED;

	if (err == -EPERM || err == -EACCES)
		error("load: needs root");
	else if (err == -ENOKEY || err == -EKEYREJECTED)
		error("load: the kernel takes signed modules only, and has no key for this one; see chatdnatctl check");
	else if (reason)
		ret = refuse(reason);
	else
		error("load: the kernel refused the module: %s; see: dmesg", strerror(-err));
	free(reason);
	return ret;
}

/* The kernel ignores a parameter that the module does not have: it would be loaded with guard=off for gaurd=full. */
static bool known_names(const struct kmod *kmod, const struct config *saved)
{
	size_t i;

	for (i = 0; i < saved->n; i++) {
		char *reason;

		if (kmod_has_parameter(kmod, saved->v[i].name))
			continue;
		reason = xasprintf("%s: the module has no such setting; nothing is loaded",
				   saved->v[i].name);
		refuse(reason);
		free(reason);
		return false;
	}
	return true;
}

static int insert(const struct config *saved)
{
	struct kmod *kmod = kmod_open("chatdnat");
	int ret = FAILED, log = kmsg_open(), err;
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

			text_line("loaded: %s", line);
			free(line);
			module_free(&module);
			ret = DONE;
		}
	}
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
static int rewrite(const struct config *saved)
{
	struct module before, after;
	char *line, *reason;
	int ret = FAILED;

	if (!module_read(&before))
		return FAILED;
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
		refuse(reason);
		free(reason);
	}
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
