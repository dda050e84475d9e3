// SPDX-License-Identifier: GPL-2.0
#include "checks_saved.h"

#include <stdlib.h>
#include <string.h>

#include "../lib/mem.h"
#include "../lib/text.h"
#include "../module/saved.h"
#include "checks.h"

/* Characters that sed takes as they are, on both sides. */
#define PLAIN "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.,:/@+"

static bool plain(const char *text)
{
	return *text && !text[strspn(text, PLAIN)];
}

static const struct config none;

static const struct config *active(const struct state *state)
{
	return state->loaded ? &state->module.config : &none;
}

static bool in_file(const struct setting *s)
{
	return s->file && strncmp(s->file, "/proc/", 6) != 0;
}

void fix_edit(struct findings *f, const struct setting *s)
{
	if (in_file(s))
		fix(f, "\"${EDITOR:-vi}\" %s    # line %u", word(f, s->file), s->line);
	else
		fix(f,
		    "\"${EDITOR:-vi}\" /etc/default/grub    # or where this machine has its kernel's command line");
}

const struct setting *refused_setting(const struct state *state)
{
	return state->loaded ? NULL : kernel_log_refused(&state->log, &state->saved);
}

/* Whether the loaded module has the value already. */
static bool is_active(const struct state *state, const char *name, const char *value)
{
	struct config one = { 0 };
	bool same;

	if (!state->loaded)
		return true;
	config_append(&one, name, value);
	same = saved_same(&one, &state->module.config, name);
	config_free(&one);
	return same;
}

static void fix_active(struct findings *f, const struct state *state, const char *name,
		       const char *value)
{
	if (!is_active(state, name, value))
		fix_set(f, "%s=%s", name, *value ? word(f, value) : "");
}

static void check_name(struct findings *f, const struct state *state, const struct setting *s)
{
	const char *nearest = saved_nearest_name(s->name, active(state));

	finding(f, PROBLEM, "unknown-setting",
		"%s, line %u: there is no setting %s, and the kernel ignores it.%s%s%s", s->file,
		s->line, s->name, nearest ? " The nearest name is " : "", nearest ? nearest : "",
		nearest ? "." : "");
	if (!nearest || !in_file(s) || !plain(s->name) || strchr(s->name, '/')) {
		fix_edit(f, s);
		return;
	}
	fix(f, "sed -i 's/\\<%s=/%s=/' %s", s->name, nearest, word(f, s->file));
	if (s->value)
		fix_active(f, state, nearest, s->value);
}

static bool same_line(const struct setting *a, const struct setting *b)
{
	return a->file && b->file && !strcmp(a->file, b->file) && a->line == b->line;
}

/* "ports=25 143": the setting that ends before the word at `i`, and all words that follow it. */
static void check_blank(struct findings *f, const struct state *state, size_t i)
{
	const struct config *saved = &state->saved;
	const struct setting *head = i ? &saved->v[i - 1] : NULL;
	char *value, *pattern, *longer;
	bool simple;

	if (!head || !head->value || !same_line(head, &saved->v[i])) {
		finding(f, PROBLEM, "blank-in-value",
			"%s, line %u: %s is not of the form NAME=VALUE, and the kernel ignores it.",
			saved->v[i].file, saved->v[i].line, saved->v[i].name);
		fix_edit(f, &saved->v[i]);
		return;
	}
	value = xstrdup(head->value);
	pattern = xstrdup(head->value);
	simple = in_file(head) && plain(head->name) && plain(value);
	for (; i < saved->n && !saved->v[i].value && same_line(head, &saved->v[i]); i++) {
		const char *next = saved->v[i].name;
		bool comma = (*value && value[strlen(value) - 1] == ',') || *next == ',';

		simple = simple && plain(next);
		longer = xasprintf("%s%s%s", value, *value && !comma ? "," : "", next);
		free(value);
		value = longer;
		longer = xasprintf("%s[[:blank:]]*%s", pattern, next);
		free(pattern);
		pattern = longer;
	}
	finding(f, PROBLEM, "blank-in-value",
		"%s, line %u: the value of %s has a blank, which ends it: the kernel takes %s=%s, and ignores the rest.",
		head->file, head->line, head->name, head->name, head->value);
	if (simple) {
		fix(f, "sed -i 's|\\<%s=%s|%s=%s|' %s", head->name, pattern, head->name, value,
		    word(f, head->file));
		fix_active(f, state, head->name, value);
	} else {
		fix_edit(f, head);
	}
	free(pattern);
	free(value);
}

static void check_words(struct findings *f, const struct state *state)
{
	const struct config *saved = &state->saved;
	size_t i;

	for (i = 0; i < saved->n; i++) {
		const struct setting *s = &saved->v[i];

		if (!s->value) {
			/* Of several words the first stands for all. */
			if (!i || saved->v[i - 1].value || !same_line(&saved->v[i - 1], s))
				check_blank(f, state, i);
		} else if (!saved_name_known(s->name, active(state))) {
			check_name(f, state, s);
		}
	}
}

static void check_differences(struct findings *f, const struct state *state)
{
	char *names = saved_differences(&state->saved, &state->module.config);

	if (*names) {
		finding(f, NOTE, "saved-differs",
			"The saved configuration differs from the active one: %s.", names);
		fix(f, "chatdnatctl save    # keeps the active one");
		fix(f, "chatdnatctl load    # or this, to apply the saved one");
	}
	free(names);
}

static void check_file(struct findings *f, const struct state *state)
{
	check_begin(f, "saved");
	if (state->saved_found < 0) {
		finding(f, WARNING, "saved-unreadable", "%s cannot be read: %s", SAVED_OPTIONS,
			strerror(-state->saved_found));
		fix(f, state->loaded ? "chatdnatctl save" : "ls -l " SAVED_OPTIONS);
		return;
	}
	if (saved_in_uci()) {
		skipped(f, "At boot the configuration comes from " SAVED_UCI ".");
		return;
	}
	check_words(f, state);
	if (!findings_clean(f, f->begun))
		return;
	if (!state->loaded) {
		skipped(f,
			"The module is not loaded: there is no active configuration to compare with.");
	} else if (!state->saved_found) {
		finding(f, NOTE, "not-saved",
			"The configuration is not saved: it is lost at the next reboot.");
		fix(f, "chatdnatctl save");
	} else {
		check_differences(f, state);
	}
	check_end(f, "The saved configuration is the active one.");
}

/* A port or address that a blank cut off, and that is not in the active value yet. */
static const char *cut_off(const struct state *state, const char *text)
{
	struct ports *ports = xcalloc(2, sizeof(*ports)), *allow = ports + 1;
	const char *name = NULL;
	unsigned int protocol;
	uint32_t port;

	if (ports_parse(ports, text)) {
		ports_parse(allow, config_text(&state->module.config, "allow"));
		for (protocol = 0; protocol < PROTOCOLS; protocol++)
			for (port = 1; port <= 65535; port++)
				if (ports_contain(ports, protocol, (uint16_t)port) &&
				    !ports_contain(&state->ports, protocol, (uint16_t)port) &&
				    !ports_contain(allow, protocol, (uint16_t)port))
					name = "ports";
		if (!name)
			name = "";
	}
	free(ports);
	return name;
}

/* The kernel names what it ignored, without the value. */
static void check_ignored(struct findings *f, const struct state *state, const char *name)
{
	const char *nearest = saved_nearest_name(name, active(state)), *cut;
	const char *value;

	if (config_find(&state->saved, name))
		return;
	cut = cut_off(state, name);
	if (cut) {
		if (!*cut)
			return;
		value = config_text(&state->module.config, cut);
		finding(f, PROBLEM, "blank-in-value",
			"When the module was loaded, the kernel ignored %s, which is not a setting: a blank ends a value.",
			name);
		fix_set(f, "%s=%s,%s    # if it is one of %s", cut, word(f, value), word(f, name),
			cut);
		return;
	}
	value = nearest ? config_get(&state->module.config, nearest) : NULL;
	if (value && !saved_is_default(nearest, value))
		return;
	finding(f, nearest ? PROBLEM : WARNING, "unknown-setting",
		"When the module was loaded, the kernel ignored %s, which is not a setting.%s%s%s%s",
		name, nearest ? " The nearest name is " : "", nearest ? nearest : "",
		nearest ? ", which has its default now: " : "", nearest && value ? value : "");
	if (nearest)
		fix_set(f, "%s=VALUE", nearest);
	else
		fix(f, "chatdnatctl show --names    # the settings that there are");
}

static void check_load(struct findings *f, const struct state *state)
{
	size_t i;

	check_begin(f, "load");
	if (!state->loaded)
		skipped(f, "The module is not loaded.");
	else if (state->log.err)
		skipped(f, "Whether the kernel ignored a parameter of the module: %s.",
			reason(state->log.err));
	for (i = 0; state->loaded && i < state->log.n; i++)
		check_ignored(f, state, state->log.ignored[i]);
	check_end(f, "The kernel log has no parameter that the kernel ignored.");
}

void check_saved(struct findings *f, const struct state *state)
{
	check_file(f, state);
	check_load(f, state);
}
