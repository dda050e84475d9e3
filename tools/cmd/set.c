// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>

#include "../lib/mem.h"
#include "../lib/text.h"
#include "../module/kernel_log.h"
#include "../module/module.h"
#include "command.h"
#include "set.h"
#include "try.h"

struct words {
	char **v;
	int n;
};

static bool change(struct module *module, int argc, char **argv)
{
	bool done;
	char *line;
	int i;

	for (i = 0; i < argc; i++) {
		char *equals = strchr(argv[i], '=');
		char *name = xstrndup(argv[i], (size_t)(equals - argv[i]));

		config_change(&module->config, name, equals + 1);
		free(name);
	}
	line = config_format(&module->config);
	done = module_write("config", line);
	free(line);
	return done;
}

/* A module without the parameter `config` can change one setting at a time. */
static bool change_one(int argc, char **argv)
{
	char *equals = strchr(argv[0], '='), *name;
	bool done;

	if (argc > 1) {
		error("this version of the module cannot change several settings at once; set one at a time");
		return false;
	}
	name = xstrndup(argv[0], (size_t)(equals - argv[0]));
	if (!*name || strchr(name, '/')) {
		error("%s: this version of the module has no such setting", name);
		done = false;
	} else {
		done = module_write(name, equals + 1);
	}
	free(name);
	return done;
}

/* The kernel sees the part after a blank as another setting. */
static void name_blanks(int argc, char **argv)
{
	int i;

	for (i = 0; i < argc; i++) {
		const char *value = strchr(argv[i], '=') + 1;

		if (value[strcspn(value, " \t\n")])
			error("set: the value in '%s' has a blank, which ends it; lists are separated by commas alone",
			      argv[i]);
	}
}

static bool apply(struct module *module, void *data)
{
	const struct words *words = data;
	int log = kernel_log_end();
	bool done = module->has_config ? change(module, words->n, words->v) :
					 change_one(words->n, words->v);

	kernel_log_warnings(log);
	if (!done)
		name_blanks(words->n, words->v);
	return done;
}

int set_settings(int argc, char **argv, unsigned int seconds)
{
	struct words words = { argv, argc };
	struct module module;
	bool done;
	int i;

	if (!argc) {
		error("set: name at least one setting: NAME=VALUE");
		return USAGE;
	}
	for (i = 0; i < argc; i++) {
		if (!strchr(argv[i], '=')) {
			error("set: '%s' is not of the form NAME=VALUE%s", argv[i],
			      i ? ": a value has no blanks, only commas" : "");
			return USAGE;
		}
	}
	if (seconds)
		return try_change(seconds, apply, &words);
	if (!module_open(&module, true))
		return FAILED;
	done = apply(&module, &words);
	module_free(&module);
	return done ? DONE : FAILED;
}

static int set(int argc, char **argv, const struct options *options)
{
	unsigned int seconds = 0;

	(void)options;
	return try_option(&argc, argv, &seconds) ? set_settings(argc, argv, seconds) : USAGE;
}

const struct command set_command = {
	.name = "set",
	.arguments = " [--confirm SECONDS] NAME=VALUE...",
	.summary = "change settings, all of them or none",
	.help = "Changes the named settings of the loaded module in one transaction; the others\n"
		"stay as they are. When the kernel refuses a value nothing changes, and its\n"
		"reason is printed. Otherwise only the module's warnings are, for instance that\n"
		"SSH is locked out. The change lasts until the module is unloaded;\n"
		"`chatdnatctl save' keeps it.\n\n"
		"  chatdnatctl set v4=10.9.0.3\n"
		"  chatdnatctl set wan=eth0,ppp+ v6=fd00:9::2 ports=chatmail,turn\n\n"
		"  --confirm SECONDS  like `chatdnatctl try', with another time\n",
	.parses = true,
	.run = set,
};
