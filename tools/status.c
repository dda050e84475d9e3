// SPDX-License-Identifier: GPL-2.0
#include "status.h"

#include "command.h"
#include "json.h"
#include "text.h"
#include "version.h"

static void absent_json(void)
{
	json_object *object = json_object_new_object();

	json_put(object, "loaded", json_object_new_boolean(false));
	json_put(object, "tool_version", json_text(tool_version));
	json_print(object);
}

static int status(int argc, char **argv, const struct options *options)
{
	struct findings findings;
	struct state state;

	(void)argv;
	if (argc) {
		error("status: takes no arguments");
		return USAGE;
	}
	if (!state_read(&state)) {
		if (options->json && !module_loaded())
			absent_json();
		return FAILED;
	}
	checks_run(&findings, &state);
	if (options->json)
		status_json(&state, &findings);
	else
		status_text(&state, &findings);
	findings_free(&findings);
	state_free(&state);
	return DONE;
}

const struct command status_command = {
	.name = "status",
	.arguments = " [--json]",
	.summary = "what is configured, is it working, what to do if not (default)",
	.help = "Shows the loaded module's configuration, its WAN interfaces, the ways to the\n"
		"relays, live connections and counters, and under them what is wrong or\n"
		"suspicious, each with the command that mends it. Counting live connections\n"
		"needs root. The exit status is 1 if the module is not loaded.\n\n"
		"  --json  print JSON\n",
	.reads = true,
	.run = status,
};
