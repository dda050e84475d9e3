// SPDX-License-Identifier: GPL-2.0
#include "status.h"

#include "../lib/json.h"
#include "../lib/text.h"
#include "../lib/version.h"
#include "command.h"

static void absent_json(void)
{
	json_object *object = json_object_new_object();

	json_put(object, "loaded", json_object_new_boolean(false));
	json_put(object, "tool_version", json_text(tool_version));
	json_print(object);
}

/* Equal ones in the order of a packet's path; OK and SKIPPED are for `check` only. */
static void worst_first(struct findings *findings)
{
	size_t i, j;

	for (i = 1; i < findings->n; i++) {
		struct finding f = findings->v[i];

		for (j = i; j && findings->v[j - 1].severity > f.severity; j--)
			findings->v[j] = findings->v[j - 1];
		findings->v[j] = f;
	}
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
	if (!module_loaded()) {
		module_explain_absence();
		if (options->json)
			absent_json();
		return FAILED;
	}
	if (!state_read(&state))
		return FAILED;
	checks_run(&findings, &state);
	worst_first(&findings);
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
	.summary = "show the configuration, what is wrong and how to fix it (default)",
	.help = "Shows the loaded module's configuration, its WAN interfaces, the routes to the\n"
		"relays, live connections and counters, followed by what is wrong or\n"
		"suspicious, each with the command that fixes it. Counting live connections\n"
		"needs root. The exit status is 1 if the module is not loaded.\n\n"
		"  --json  print JSON\n",
	.reads = true,
	.run = status,
};
