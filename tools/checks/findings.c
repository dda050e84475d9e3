// SPDX-License-Identifier: GPL-2.0
#include "findings.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/mem.h"
#include "../module/saved.h"

static struct finding *add(struct findings *findings, enum severity severity, const char *id)
{
	struct finding *f;

	findings->v = xgrow(findings->v, findings->n, sizeof(*findings->v));
	f = &findings->v[findings->n++];
	f->severity = severity;
	f->check = findings->check;
	f->id = id;
	return f;
}

void check_begin(struct findings *findings, const char *check)
{
	findings->check = check;
	findings->setting = false;
	findings->begun = findings->n;
}

void check_begin_setting(struct findings *findings, const char *check)
{
	check_begin(findings, check);
	findings->setting = true;
}

void finding(struct findings *findings, enum severity severity, const char *id, const char *format,
	     ...)
{
	struct finding *f = add(findings, severity, id);
	va_list ap;

	va_start(ap, format);
	f->text = xvasprintf(format, ap);
	va_end(ap);
}

void skipped(struct findings *findings, const char *format, ...)
{
	struct finding *f = add(findings, SKIPPED, findings->check);
	va_list ap;

	va_start(ap, format);
	f->text = xvasprintf(format, ap);
	va_end(ap);
}

const char *reason(int err)
{
	return err == -EPERM ? "needs root" : strerror(-err);
}

void check_end(struct findings *findings, const char *format, ...)
{
	struct finding *f;
	va_list ap;
	char *text;

	if (findings->n > findings->begun)
		return;
	va_start(ap, format);
	text = xvasprintf(format, ap);
	va_end(ap);
	if (findings->unloaded && findings->setting) {
		skipped(findings, "The module is not loaded. With the saved settings: %s", text);
		free(text);
		return;
	}
	f = add(findings, OK, findings->check);
	f->text = text;
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

void fix_set(struct findings *findings, const char *format, ...)
{
	char *change;
	va_list ap;

	va_start(ap, format);
	change = xvasprintf(format, ap);
	va_end(ap);
	if (findings->unloaded)
		fix(findings, "\"${EDITOR:-vi}\" " SAVED_OPTIONS "    # %s", change);
	else
		fix(findings, "chatdnatctl set %s%s",
		    findings->engine_off && strncmp(change, "engine=", 7) != 0 ? "engine=auto " : "",
		    change);
	free(change);
}

const char *word(struct findings *findings, const char *name)
{
	static const char plain[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+:,./-";
	char *quoted, *o;

	if (*name && !name[strspn(name, plain)])
		return name;
	o = quoted = xcalloc(strlen(name) * 4 + 3, 1);
	*o++ = '\'';
	for (; *name; name++) {
		if (*name == '\'')
			o += sprintf(o, "'\\''");
		else
			*o++ = *name;
	}
	*o = '\'';
	findings->words = xgrow(findings->words, findings->words_n, sizeof(*findings->words));
	findings->words[findings->words_n++] = quoted;
	return quoted;
}

bool findings_clean(const struct findings *findings, size_t first)
{
	for (; first < findings->n; first++)
		if (findings->v[first].severity < SKIPPED)
			return false;
	return true;
}

void findings_free(struct findings *findings)
{
	size_t i, j;

	for (i = 0; i < findings->n; i++) {
		for (j = 0; j < findings->v[i].fixes; j++)
			free(findings->v[i].fix[j]);
		free(findings->v[i].text);
	}
	for (i = 0; i < findings->words_n; i++)
		free(findings->words[i]);
	free(findings->words);
	free(findings->v);
	*findings = (struct findings){ 0 };
}
