/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNATCTL_CHECKS_H
#define CHATDNATCTL_CHECKS_H

#include "state.h"

/* PROBLEM: mail does not pass. WARNING: it may not, or not as meant. NOTE: good to know. */
enum severity { PROBLEM, WARNING, NOTE, SEVERITIES };

#define FIXES_MAX 6

struct finding {
	enum severity severity;
	const char *id; /* stable, for scripts */
	char *text;
	char *fix[FIXES_MAX];
	size_t fixes;
};

struct findings {
	struct finding *v;
	size_t n;
};

void finding(struct findings *findings, enum severity severity, const char *id, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* A command that mends the latest finding; several are to be run, or chosen from, in order. */
void fix(struct findings *findings, const char *format, ...) __attribute__((format(printf, 2, 3)));

void check_config(struct findings *findings, const struct state *state);
void check_host(struct findings *findings, const struct state *state);
void check_path(struct findings *findings, const struct state *state);

void checks_run(struct findings *findings, const struct state *state);
void findings_free(struct findings *findings);

#endif
