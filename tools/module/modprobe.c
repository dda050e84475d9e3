// SPDX-License-Identifier: GPL-2.0
#include "modprobe.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../host/directory.h"
#include "../host/sysfs.h"
#include "../lib/mem.h"
#include "saved.h"

#define CMDLINE "/proc/cmdline"

/* A file hides those of the same name in later directories. /lib may be a directory of its own. */
static const char *const dirs[] = { "/etc/modprobe.d", "/run/modprobe.d",
				    "/usr/local/lib/modprobe.d", "/usr/lib/modprobe.d",
				    "/lib/modprobe.d" };

#define DIRS (sizeof(dirs) / sizeof(dirs[0]))

struct file {
	char *name, *path;
};

struct files {
	struct file *v;
	size_t n;
};

/* One logical line, as kmod joins them. False at the end. */
static bool read_logical_line(FILE *f, char **line, size_t *size, unsigned int *lines)
{
	size_t n = 0;
	int c;

	*lines = 1;
	for (c = getc(f); c != EOF && c != '\n'; c = getc(f)) {
		if (c == '\\') {
			c = getc(f);
			if (c == '\n') {
				(*lines)++;
				continue;
			}
			if (c == EOF)
				break;
		}
		if (n + 1 >= *size) {
			*line = xgrow(*line, n + 255, 1);
			*size = n + 256;
		}
		(*line)[n++] = (char)c;
	}
	if (!*line)
		*line = xcalloc(*size = 1, 1);
	(*line)[n] = '\0';
	return n || c != EOF;
}

/* "options chatdnat ...": what follows, or NULL. */
static const char *options_of(const char *line)
{
	static const char *const words[] = { "options", "chatdnat" }, blank[] = " \t";
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		size_t len = strlen(words[i]);

		line += strspn(line, blank);
		if (strcspn(line, blank) != len || strncmp(line, words[i], len) != 0)
			return NULL;
		line += len;
	}
	return line;
}

static int read_file(struct config *options, const char *path)
{
	/* A FIFO would be waited for; a directory is an error when it is read. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), err;
	FILE *f = fd < 0 ? NULL : fdopen(fd, "r");
	unsigned int at = 1, lines;
	char *line = NULL;
	size_t size = 0;

	if (!f)
		return -errno;
	for (; read_logical_line(f, &line, &size, &lines); at += lines) {
		const char *words = options_of(line);
		size_t first = options->n;

		if (!words)
			continue;
		config_parse(options, words);
		config_origin(options, first, path, at);
	}
	err = ferror(f) ? -EIO : 0;
	fclose(f);
	free(line);
	return err;
}

static bool is_configuration(const char *name)
{
	size_t len = strlen(name);

	return len > 5 && !strcmp(name + len - 5, ".conf");
}

/* By name, whatever the directory. */
static void insert(struct files *files, const char *dir, const char *name)
{
	size_t i;

	for (i = 0; i < files->n && strcmp(files->v[i].name, name) < 0; i++)
		;
	if (i < files->n && !strcmp(files->v[i].name, name))
		return;
	files->v = xgrow(files->v, files->n, sizeof(*files->v));
	memmove(&files->v[i + 1], &files->v[i], (files->n++ - i) * sizeof(*files->v));
	files->v[i] = (struct file){ xstrdup(name), xasprintf("%s/%s", dir, name) };
}

static void list(struct files *files)
{
	size_t i, j, n;

	for (i = 0; i < DIRS; i++) {
		char **names = directory_names(dirs[i], NULL, &n);

		for (j = 0; j < n; j++)
			if (is_configuration(names[j]))
				insert(files, dirs[i], names[j]);
		names_free(names, n);
	}
}

/* "chatdnat.wan=eth0" */
static void read_cmdline(struct config *options)
{
	static const char prefix[] = "chatdnat.";
	char *line = sysfs_read(CMDLINE);
	struct config words = { 0 };
	size_t first = options->n, i;

	if (line)
		config_parse(&words, line);
	for (i = 0; i < words.n; i++)
		if (!strncmp(words.v[i].name, prefix, strlen(prefix)))
			config_append(options, words.v[i].name + strlen(prefix), words.v[i].value);
	config_origin(options, first, CMDLINE, 1);
	config_free(&words);
	free(line);
}

int modprobe_read(struct config *options)
{
	struct files files = { 0 };
	int found = 0;
	size_t i;

	list(&files);
	for (i = 0; i < files.n; i++) {
		int err = read_file(options, files.v[i].path);

		if (!strcmp(files.v[i].path, SAVED_OPTIONS))
			found = err ? err : 1;
		free(files.v[i].name);
		free(files.v[i].path);
	}
	free(files.v);
	read_cmdline(options);
	return found;
}
