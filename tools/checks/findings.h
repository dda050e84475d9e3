/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNATCTL_FINDINGS_H
#define CHATDNATCTL_FINDINGS_H

#include <stdbool.h>
#include <stddef.h>

/*
 * PROBLEM: mail does not pass. WARNING: it may not, or not as meant. NOTE: good to know. `status` shows these
 * three; `check` also checks that were not possible (SKIPPED) and those without a finding (OK).
 */
enum severity { PROBLEM, WARNING, NOTE, SKIPPED, OK, SEVERITIES };

#define FIXES_MAX 8

struct finding {
	enum severity severity;
	const char *check; /* what was looked at */
	const char *id;	   /* stable, for scripts */
	char *text;
	char *fix[FIXES_MAX];
	size_t fixes;
};

struct findings {
	struct finding *v;
	size_t n;

	bool unloaded;	 /* the module is not loaded: its settings are in a file only */
	bool engine_off; /* the kernel refuses all changes unless engine=stateless is given up */

	const char *check; /* the current check */
	bool setting;	   /* it is about what the loaded module does */
	size_t begun;	   /* the number of findings before it */
	char **words;
	size_t words_n;
};

/* Findings up to check_end() belong to this check. */
void check_begin(struct findings *findings, const char *check);

/* A check of a setting, which is not OK while the module is not loaded. */
void check_begin_setting(struct findings *findings, const char *check);

void finding(struct findings *findings, enum severity severity, const char *id, const char *format,
	     ...) __attribute__((format(printf, 4, 5)));

/* A command that fixes the latest finding; several are to be run in order, or are alternatives. */
void fix(struct findings *findings, const char *format, ...) __attribute__((format(printf, 2, 3)));

/*
 * A fix that changes settings: "NAME=VALUE...". With a module that is not loaded, the file is to be changed. It gives up
 * engine=stateless where the kernel refuses everything else because of it.
 */
void fix_set(struct findings *findings, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* What the check could not see, and why. */
void skipped(struct findings *findings, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* The reason for a negative errno. */
const char *reason(int err);

/* Adds an OK with this text, unless there was a finding. */
void check_end(struct findings *findings, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * A name as one word of a command: an interface may be called "$(reboot)", and commands get copied to a shell.
 * Lives as long as the findings.
 */
const char *word(struct findings *findings, const char *name);

void findings_free(struct findings *findings);

/* Whether there are none but SKIPPED and OK among those from `first` on. */
bool findings_clean(const struct findings *findings, size_t first);

#endif
