// SPDX-License-Identifier: GPL-2.0
#include "directory.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/mem.h"

static size_t rank(const char *const *first, const char *name)
{
	size_t i;

	for (i = 0; first && first[i] && strcmp(first[i], name) != 0; i++)
		;
	return i;
}

static bool before(const char *const *first, const char *a, const char *b)
{
	size_t ra = rank(first, a), rb = rank(first, b);

	return ra != rb ? ra < rb : strcmp(a, b) < 0;
}

char **directory_names(const char *path, const char *const *first, size_t *n)
{
	DIR *dir = opendir(path);
	char **names = NULL;
	struct dirent *entry;
	size_t i;

	*n = 0;
	if (!dir)
		return NULL;
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		names = xgrow(names, *n, sizeof(*names));
		for (i = *n; i && before(first, entry->d_name, names[i - 1]); i--)
			names[i] = names[i - 1];
		names[i] = xstrdup(entry->d_name);
		(*n)++;
	}
	closedir(dir);
	return names;
}

void names_free(char **names, size_t n)
{
	while (n)
		free(names[--n]);
	free(names);
}
