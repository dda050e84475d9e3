/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNATCTL_CONFIG_H
#define CHATDNATCTL_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

/* Settings in their order: what the parameter `config` holds as one line of name=value. */
struct setting {
	char *name;
	char *value; /* NULL: the word had no '=' */
	bool changed;

	/* Where it was read; NULL if not in a file. */
	char *file;
	unsigned int line;
};

struct config {
	struct setting *v;
	size_t n;
};

/* Words are separated by blanks; within double quotes a blank is part of the word. */
void config_parse(struct config *config, const char *line);
void config_free(struct config *config);

const char *config_get(const struct config *config, const char *name);

/* Like config_get(), but never NULL. */
const char *config_text(const struct config *config, const char *name);

void config_append(struct config *config, const char *name, const char *value);

/* Replaces the value, or appends. */
void config_set(struct config *config, const char *name, const char *value);

/*
 * One change of a transaction. A name that does not exist, or that was replaced already, is appended: the
 * kernel refuses it and says why.
 */
void config_change(struct config *config, const char *name, const char *value);

void config_remove(struct config *config, const char *name);

/* Of all settings from `first` on. */
void config_origin(struct config *config, size_t first, const char *file, unsigned int line);

/* The setting of that name, or NULL. */
const struct setting *config_find(const struct config *config, const char *name);

char *config_format(const struct config *config);

#endif
