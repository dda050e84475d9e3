// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>

#include "../checks/checks.h"
#include "../lib/json.h"
#include "../lib/mem.h"
#include "../lib/text.h"
#include "../lib/version.h"
#include "command.h"
#include "json_common.h"

/* In JSON a note has the result "warn", and its own severity. */
static const struct {
	const char *word, *result, *severity;
	enum colour colour;
} results[SEVERITIES] = {
	[PROBLEM] = { "fail", "fail", "problem", RED },
	[WARNING] = { "warn", "warn", "warning", YELLOW },
	[NOTE] = { "note", "warn", "note", CYAN },
	[SKIPPED] = { "skipped", "skipped", NULL, PLAIN },
	[OK] = { "ok", "ok", NULL, GREEN },
};

static void print_summary(const size_t count[SEVERITIES])
{
	static const char *const words[SEVERITIES][2] = {
		[PROBLEM] = { "failure", "failures" },
		[WARNING] = { "warning", "warnings" },
		[NOTE] = { "note", "notes" },
		[SKIPPED] = { "skipped", "skipped" },
		[OK] = { "ok", "ok" },
	};
	enum severity worst = OK;
	char *text = xstrdup(""), *longer;
	size_t i;

	for (i = 0; i < SEVERITIES; i++) {
		if (!count[i])
			continue;
		if (worst == OK)
			worst = (enum severity)i;
		longer = xasprintf("%s%s%zu %s", text, *text ? ", " : "", count[i],
				   words[i][count[i] > 1]);
		free(text);
		text = longer;
	}
	text_line("%s", "");
	text_field(worst == SKIPPED ? GREEN : results[worst].colour, 0, "result", 9, "%s.", text);
	free(text);
}

static void print_text(const struct findings *findings, bool quiet)
{
	size_t count[SEVERITIES] = { 0 }, i, j;

	for (i = 0; i < findings->n; i++) {
		const struct finding *f = &findings->v[i];

		count[f->severity]++;
		if (quiet && f->severity >= SKIPPED)
			continue;
		text_item(results[f->severity].colour, results[f->severity].word, 9, f->check, 17,
			  "%s", f->text);
		for (j = 0; j < f->fixes; j++)
			text_command(11, f->fix[j]);
	}
	if (!quiet || count[PROBLEM] || count[WARNING] || count[NOTE])
		print_summary(count);
}

static void print_json(const struct state *state, const struct findings *findings, bool failed,
		       bool quiet)
{
	json_object *object = json_object_new_object(), *array = json_object_new_array();
	size_t i;

	for (i = 0; i < findings->n; i++) {
		enum severity severity = findings->v[i].severity;
		json_object *item;

		if (quiet && severity >= SKIPPED)
			continue;
		item = json_object_new_object();
		json_put(item, "result", json_text(results[severity].result));
		json_put(item, "severity", json_text(results[severity].severity));
		json_finding(item, &findings->v[i]);
		json_object_array_add(array, item);
	}
	json_put(object, "failed", json_object_new_boolean(failed));
	json_put(object, "loaded", json_object_new_boolean(state->loaded));
	json_put(object, "tool_version", json_text(tool_version));
	json_put(object, "module_version", json_text(state->module.version));
	json_put(object, "checks", array);
	json_print(object);
}

static bool has_failed(const struct findings *findings)
{
	size_t i;

	for (i = 0; i < findings->n; i++)
		if (findings->v[i].severity == PROBLEM)
			return true;
	return false;
}

static bool probe(struct probes *probes, const struct state *state, int argc, char **argv)
{
	int i;

	probes->asked = true;
	probes_add_relays(probes, &state->relays, config_text(&state->module.config, "ports"));
	for (i = 0; i < argc; i++) {
		if (!probes_add_outward(probes, argv[i])) {
			error("check: '%s' is not an address", argv[i]);
			return false;
		}
	}
	probes_run(probes);
	return true;
}

static int check(int argc, char **argv, const struct options *options)
{
	struct findings findings;
	struct state state;
	int ret = USAGE;

	if (argc && !options->flag) {
		error("check: takes addresses with --probe only");
		return USAGE;
	}
	if (!state_read(&state))
		return FAILED;
	if (!options->flag || probe(&state.probes, &state, argc, argv)) {
		checks_run(&findings, &state);
		ret = has_failed(&findings) ? FAILED : DONE;
		if (options->json)
			print_json(&state, &findings, ret == FAILED, options->quiet);
		else
			print_text(&findings, options->quiet);
		findings_free(&findings);
	}
	state_free(&state);
	return ret;
}

const struct command check_command = {
	.name = "check",
	.arguments = " [--json] [--quiet] [--probe [ADDRESS...]]",
	.summary = "check everything on this host that mail depends on",
	.help = "Checks the module, the kernels, the interfaces, routes, sysctls, firewalls and\n"
		"services of this host, one line each: ok, note, warn, fail, or skipped with the\n"
		"reason, followed by the commands that fix it, and a summary. Without the module,\n"
		"the saved configuration is checked. Some checks need root. The exit status is 1\n"
		"if a check failed.\n\n"
		"  --quiet  print only what is not ok, and nothing if all is\n"
		"  --probe  also connect to each TCP port of each relay, and to port 25 of the\n"
		"           mail servers at the addresses given, to see whether the hoster lets\n"
		"           mail out, and ask the DNS for this host's own names; takes 5 seconds,\n"
		"           and longer only if the DNS does not answer\n"
		"  --json   print JSON\n",
	.flag = "--probe",
	.reads = true,
	.quiets = true,
	.run = check,
};
