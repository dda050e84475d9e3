// SPDX-License-Identifier: GPL-2.0
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/mem.h"

static struct setting *find(const struct config *config, const char *name)
{
	size_t i;

	for (i = 0; i < config->n; i++)
		if (!strcmp(config->v[i].name, name))
			return &config->v[i];
	return NULL;
}

static void append_word(struct config *config, char *word)
{
	char *equals = strchr(word, '=');

	if (equals)
		*equals = '\0';
	config_append(config, word, equals ? equals + 1 : NULL);
}

void config_parse(struct config *config, const char *line)
{
	char *word = xcalloc(strlen(line) + 1, 1), *w = word;
	bool quoted = false, started = false;

	for (;; line++) {
		if (*line == '"') {
			quoted = !quoted;
			started = true;
		} else if (*line && (quoted || (*line != ' ' && *line != '\t'))) {
			*w++ = *line;
			started = true;
		} else {
			*w = '\0';
			if (started)
				append_word(config, word);
			w = word;
			started = false;
			if (!*line)
				break;
		}
	}
	free(word);
}

static void free_setting(struct setting *s)
{
	free(s->name);
	free(s->value);
	free(s->file);
}

void config_free(struct config *config)
{
	size_t i;

	for (i = 0; i < config->n; i++)
		free_setting(&config->v[i]);
	free(config->v);
	*config = (struct config){ 0 };
}

const char *config_get(const struct config *config, const char *name)
{
	const struct setting *s = find(config, name);

	return s ? s->value : NULL;
}

const char *config_text(const struct config *config, const char *name)
{
	const char *value = config_get(config, name);

	return value ? value : "";
}

void config_append(struct config *config, const char *name, const char *value)
{
	config->v = xgrow(config->v, config->n, sizeof(*config->v));
	config->v[config->n++] = (struct setting){
		.name = xstrdup(name),
		.value = value ? xstrdup(value) : NULL,
	};
}

static struct setting *put(struct config *config, struct setting *s, const char *name,
			   const char *value)
{
	if (!s) {
		config_append(config, name, value);
		return &config->v[config->n - 1];
	}
	free(s->value);
	s->value = xstrdup(value);
	return s;
}

void config_set(struct config *config, const char *name, const char *value)
{
	put(config, find(config, name), name, value);
}

void config_change(struct config *config, const char *name, const char *value)
{
	struct setting *s = find(config, name);

	put(config, s && s->changed ? NULL : s, name, value)->changed = true;
}

void config_remove(struct config *config, const char *name)
{
	struct setting *s = find(config, name);

	if (!s)
		return;
	free_setting(s);
	config->n--;
	memmove(s, s + 1, (size_t)(config->v + config->n - s) * sizeof(*s));
}

void config_origin(struct config *config, size_t first, const char *file, unsigned int line)
{
	for (; first < config->n; first++) {
		free(config->v[first].file);
		config->v[first].file = xstrdup(file);
		config->v[first].line = line;
	}
}

const struct setting *config_find(const struct config *config, const char *name)
{
	return find(config, name);
}

char *config_format(const struct config *config)
{
	size_t i, size = 1;
	char *line, *o;

	for (i = 0; i < config->n; i++)
		size += strlen(config->v[i].name) +
			(config->v[i].value ? strlen(config->v[i].value) : 0) + 2;
	line = xcalloc(size, 1);
	for (i = 0, o = line; i < config->n; i++) {
		const struct setting *s = &config->v[i];

		o += sprintf(o, "%s%s%s%s", i ? " " : "", s->name, s->value ? "=" : "",
			     s->value ? s->value : "");
	}
	return line;
}
