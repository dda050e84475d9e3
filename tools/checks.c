// SPDX-License-Identifier: GPL-2.0
#include "checks.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"

void finding(struct findings *findings, enum severity severity, const char *id, const char *format, ...)
{
	struct finding *f;
	va_list ap;

	findings->v = xgrow(findings->v, findings->n, sizeof(*findings->v));
	f = &findings->v[findings->n++];
	f->severity = severity;
	f->id = id;
	va_start(ap, format);
	f->text = xvasprintf(format, ap);
	va_end(ap);
}

void fix(struct findings *findings, const char *format, ...)
{
	struct finding *f = &findings->v[findings->n - 1];
	va_list ap;

	if (f->fixes == FIXES_MAX)
		return;
	va_start(ap, format);
	f->fix[f->fixes++] = xvasprintf(format, ap);
	va_end(ap);
}

/* The worst first; among equals in a packet's order. */
static void sort(struct findings *findings)
{
	size_t i, j;

	for (i = 1; i < findings->n; i++) {
		struct finding f = findings->v[i];

		for (j = i; j && findings->v[j - 1].severity > f.severity; j--)
			findings->v[j] = findings->v[j - 1];
		findings->v[j] = f;
	}
}

void checks_run(struct findings *findings, const struct state *state)
{
	*findings = (struct findings){ 0 };
	check_host(findings, state);
	check_path(findings, state);
	check_config(findings, state);
	sort(findings);
}

void findings_free(struct findings *findings)
{
	size_t i, j;

	for (i = 0; i < findings->n; i++) {
		for (j = 0; j < findings->v[i].fixes; j++)
			free(findings->v[i].fix[j]);
		free(findings->v[i].text);
	}
	free(findings->v);
	*findings = (struct findings){ 0 };
}
