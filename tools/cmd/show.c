// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/json.h"
#include "../lib/text.h"
#include "../module/module.h"
#include "../module/stats.h"
#include "command.h"
#include "json_common.h"

static void show_all(const struct module *module, bool json)
{
	size_t i;

	if (json) {
		json_print(json_config(&module->config));
		return;
	}
	for (i = 0; i < module->config.n; i++) {
		const struct setting *s = &module->config.v[i];

		text_line("%s%s%s", s->name, s->value ? "=" : "", s->value ? s->value : "");
	}
}

static void show_names(const struct module *module, bool json)
{
	json_object *array = json ? json_object_new_array() : NULL;
	size_t i;

	for (i = 0; i < module->config.n; i++) {
		if (json)
			json_object_array_add(array, json_text(module->config.v[i].name));
		else
			text_line("%s", module->config.v[i].name);
	}
	if (json)
		json_print(array);
}

static void show_stats(bool json)
{
	struct stats stats;
	enum family family;
	size_t i;

	stats_read(&stats);
	if (json)
		json_print(json_stats(&stats));
	for (family = 0; !json && family < FAMILIES; family++)
		for (i = 0; i < stats.n; i++)
			if (stats.v[i].have[family])
				text_line("%s.%s=%" PRIu64, families[family].id, stats.v[i].name,
					  stats.v[i].value[family]);
	stats_free(&stats);
}

static int show_one(const struct module *module, const char *name, bool json)
{
	const char *value = config_get(&module->config, name);
	char *read = NULL;

	if (!value && !strcmp(name, "config"))
		value = read = config_format(&module->config);
	else if (!value && !strcmp(name, "version"))
		value = module->version;
	else if (!value && !strcmp(name, "last_error"))
		value = module->last_error;
	else if (!value)
		value = read = module_parameter(name);
	if (!value) {
		error("show: the loaded module has no '%s'; it has what `chatdnatctl show --names' lists",
		      name);
		return FAILED;
	}
	if (json) {
		json_object *object = json_object_new_object();

		json_put(object, name, json_text(value));
		json_print(object);
	} else {
		text_line("%s", value);
	}
	free(read);
	return DONE;
}

static int show(int argc, char **argv, const struct options *options)
{
	struct module module;
	int ret = DONE;

	if (argc > 1 || (argc && options->flag)) {
		error("show: one NAME at most");
		return USAGE;
	}
	if (!module_read(&module))
		return FAILED;
	if (options->flag)
		show_names(&module, options->json);
	else if (!argc)
		show_all(&module, options->json);
	else if (!strcmp(argv[0], "stats"))
		show_stats(options->json);
	else
		ret = show_one(&module, argv[0], options->json);
	module_free(&module);
	return ret;
}

const struct command show_command = {
	.name = "show",
	.arguments = " [--json] [NAME | --names]",
	.summary = "print settings or counters, for scripts",
	.help = "Prints the active configuration, one NAME=VALUE a line, or the bare value of\n"
		"one setting. Besides the settings NAME can be\n\n"
		"  config      the whole configuration in one line\n"
		"  stats       the counters, FAMILY.COUNTER=NUMBER\n"
		"  version     the module's version\n"
		"  last_error  why the kernel refused the last change, empty if it did not\n\n"
		"  --names     print the names of the settings that the loaded module has\n"
		"  --json      print JSON\n",
	.flag = "--names",
	.reads = true,
	.run = show,
};
