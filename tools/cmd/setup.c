// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../checks/checks.h"
#include "../lib/mem.h"
#include "../lib/text.h"
#include "../module/lock.h"
#include "../module/saved.h"
#include "../setup/apply.h"
#include "../setup/changes.h"
#include "../setup/prepare.h"
#include "../setup/propose.h"
#include "../setup/proxy_files.h"
#include "../setup/relay_script.h"
#include "command.h"
#include "load.h"
#include "setup_text.h"

struct request {
	char *wishes[WISHES];
	bool dry_run, undo, yes, replace, script;
};

static int option_error(const char *word)
{
	error("setup: no such option, or no value: '%s'; see chatdnatctl setup --help", word);
	return USAGE;
}

/* --NAME VALUE or --NAME=VALUE: the value, or NULL. */
static const char *value_of(const char *name, int argc, char **argv, int *i)
{
	const char *word = argv[*i] + 2;
	size_t len = strlen(name);

	if (strncmp(word, name, len) != 0)
		return NULL;
	if (word[len] == '=')
		return word + len + 1;
	return word[len] || *i + 1 >= argc ? NULL : argv[++*i];
}

static int parse(struct request *r, int argc, char **argv)
{
	const struct {
		const char *name;
		bool *flag;
	} flags[] = { { "--dry-run", &r->dry_run },
		      { "--undo", &r->undo },
		      { "--yes", &r->yes },
		      { "--replace", &r->replace },
		      { "--script", &r->script } };
	size_t j;
	int i;

	for (i = 0; i < argc; i++) {
		bool known = false;

		if (strncmp(argv[i], "--", 2) != 0) {
			error("setup: '%s' is not an option", argv[i]);
			return USAGE;
		}
		for (j = 0; j < sizeof(flags) / sizeof(flags[0]) && !known; j++) {
			known = !strcmp(argv[i], flags[j].name);
			if (known)
				*flags[j].flag = true;
		}
		for (j = 0; j < WISHES && !known; j++) {
			const char *value = value_of(wish_names[j], argc, argv, &i);

			known = value;
			if (known) {
				free(r->wishes[j]);
				r->wishes[j] = xstrdup(value);
			}
		}
		if (!known)
			return option_error(argv[i]);
	}
	return DONE;
}

static bool terminal(void)
{
	return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
}

/* To be freed; NULL at the end of the input. */
static char *ask(const char *question)
{
	char *line = NULL;
	size_t size = 0;

	printf("%s ", question);
	fflush(stdout);
	if (getline(&line, &size, stdin) < 0) {
		free(line);
		return NULL;
	}
	line[strcspn(line, "\n")] = '\0';
	return line;
}

static bool agreed(const char *question)
{
	char *answer = ask(question);
	bool yes = answer && (*answer == 'y' || *answer == 'Y');

	free(answer);
	return yes;
}

static int undo(struct manifest *was, const struct request *r)
{
	struct manifest nothing = { 0 };
	struct changes changes = { .was = was, .will = &nothing };

	if (!was->n) {
		text_line("nothing to undo: setup has written nothing");
		return DONE;
	}
	if (r->dry_run) {
		changes_print(&changes);
		return DONE;
	}
	if (!changes_make(&changes))
		return FAILED;
	setup_print_running(was);
	return DONE;
}

static void intend(struct manifest *will, const struct plan *plan, const struct manifest *was,
		   const struct request *r)
{
	size_t i;

	for (i = 0; i < WISHES; i++)
		will->wishes[i] = r->wishes[i] ? xstrdup(r->wishes[i]) : NULL;
	if (!plan->tunnel_exists) {
		will->tunnel = xstrdup(plan->tunnel);
		will->has_keys = true;
		will->proxy_keys = plan->proxy_keys;
		will->relay_keys = plan->relay_keys;
		will->has_amneziawg = plan_amneziawg(plan);
		will->amneziawg = plan->amneziawg;
	}
	proxy_files(will, plan, was);
}

/* A relay's end that has not been set up yet is no fault. */
static bool verify(void)
{
	struct findings findings;
	struct state state;
	bool good = true;
	size_t i, j;

	if (!state_read(&state))
		return false;
	checks_run(&findings, &state);
	for (i = 0; i < findings.n; i++) {
		const struct finding *f = &findings.v[i];

		if (f->severity != PROBLEM || !strcmp(f->check, "wireguard"))
			continue;
		text_item(RED, "fail", 9, f->check, 17, "%s", f->text);
		for (j = 0; j < f->fixes; j++)
			text_command(11, f->fix[j]);
		good = false;
	}
	findings_free(&findings);
	state_free(&state);
	if (!good)
		error("setup: all files are written, but a check has failed: correct what it names, then run again: chatdnatctl setup");
	return good;
}

static int apply(const struct plan *plan, struct changes *changes, size_t count)
{
	char *sysctls = proxy_sysctls(plan), *path = proxy_tunnel_file(plan);
	bool other = changes_between(changes, path), done = true;

	if (count || changes_wishes(changes))
		done = changes_make(changes);
	done = done && apply_sysctls(sysctls) && (plan->tunnel_exists || apply_tunnel(plan, other));
	free(path);
	free(sysctls);
	if (!done || load_saved() != DONE)
		return FAILED;
	return verify() ? DONE : FAILED;
}

static int carry_out(struct plan *plan, struct manifest *was, const struct request *r, bool go)
{
	struct manifest will = { 0 };
	struct changes changes = { .was = was, .will = &will, .replace = r->replace };
	int ret = FAILED;
	size_t count;

	intend(&will, plan, was, r);
	count = changes_count(&changes);
	if (r->script && plan->tunnel_exists) {
		error("setup: --script: there is none: setup has not made the tunnel %s",
		      plan->tunnel);
	} else if (r->script) {
		setup_print_script(plan, false);
		ret = DONE;
	} else if (r->dry_run) {
		changes_print(&changes);
		ret = changes_allowed(&changes) ? DONE : FAILED;
	} else if (!go) {
		setup_print_plan(plan);
		text_line("nothing was written; to set this up: chatdnatctl setup --relay NAME-OF-THE-RELAY");
		ret = DONE;
	} else if (apply_counts() && changes_allowed(&changes)) {
		setup_print_plan(plan);
		if (count && terminal() && !r->yes && !agreed("Set this up? [y/N]"))
			text_line("nothing was written");
		else if (changes_allowed(&changes))
			ret = apply(plan, &changes, count);
		if (ret == DONE && !count)
			text_line("no file has changed");
		if (ret == DONE)
			setup_print_rest(plan);
	}
	manifest_free(&will);
	return ret;
}

static int propose(struct manifest *was, struct request *r)
{
	struct state state;
	struct plan plan;
	bool go;
	int ret = FAILED;

	if (!r->wishes[WISH_RELAY] && !was->n && terminal() && !r->yes && !r->dry_run) {
		r->wishes[WISH_RELAY] = ask("Name of the relay in the DNS (Enter: none yet):");
		if (r->wishes[WISH_RELAY] && !*r->wishes[WISH_RELAY]) {
			free(r->wishes[WISH_RELAY]);
			r->wishes[WISH_RELAY] = NULL;
		}
		go = true;
	} else {
		go = r->wishes[WISH_RELAY] || was->n || r->yes;
	}
	if (!r->dry_run && !r->script)
		wireguard_forget();
	if (!state_read(&state))
		return FAILED;
	if (plan_propose(&plan, &state, (const char *const *)r->wishes, was->tunnel) &&
	    (r->script || prepare_programs(&plan)) && prepare_keys(&plan, was, r->dry_run || !go))
		ret = carry_out(&plan, was, r, go);
	plan_free(&plan);
	state_free(&state);
	return ret;
}

static int setup(int argc, char **argv, const struct options *options)
{
	struct request r = { 0 };
	struct manifest was = { 0 };
	int ret = parse(&r, argc, argv), found;
	size_t i;

	(void)options;
	if (ret == DONE && geteuid() != 0) {
		error("setup: needs root");
		ret = FAILED;
	} else if (ret == DONE && saved_in_uci()) {
		error("setup: at boot the configuration comes from " SAVED_UCI ": change it there");
		ret = FAILED;
	} else if (ret == DONE && !r.dry_run && !r.script && !lock_setup()) {
		ret = FAILED;
	} else if (ret == DONE) {
		found = manifest_read(&was);
		for (i = 0; i < WISHES && found > 0; i++)
			if (!r.wishes[i] && was.wishes[i])
				r.wishes[i] = xstrdup(was.wishes[i]);
		ret = FAILED;
		if (found == -EINVAL)
			error("setup: " MANIFEST
			      " is damaged: restore it, or remove it and, by hand, what setup has written");
		else if (found < 0)
			error("setup: cannot read " MANIFEST ": %s", strerror(-found));
		else if (r.script && !was.has_keys)
			error("setup: --script: there is none: setup has made no tunnel");
		else
			ret = r.undo ? undo(&was, &r) : propose(&was, &r);
	}
	manifest_free(&was);
	for (i = 0; i < WISHES; i++)
		free(r.wishes[i]);
	return ret;
}

const struct command setup_command = {
	.name = "setup",
	.arguments = " [--relay NAME,ADDRESS,...] [OPTION...]",
	.summary = "set this host up as the proxy of a relay behind a tunnel",
	.help = SETUP_HELP,
	.parses = true,
	.run = setup,
};
