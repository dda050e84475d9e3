// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../lib/file.h"
#include "../lib/mem.h"
#include "../lib/text.h"
#include "../module/boot.h"
#include "../module/module.h"
#include "../module/saved.h"
#include "../module/trial.h"
#include "command.h"

/* A file that is written under another name, and renamed when complete. */
struct pending {
	const char *path;
	char *text;
	char *target;
	char *prepared;
};

static bool complain(const char *what, const char *path)
{
	error("save: cannot %s %s: %s", what, path,
	      errno == EACCES || errno == EPERM ? "needs root" : strerror(errno));
	return false;
}

static bool prepare(struct pending *p)
{
	char *dir = file_directory(p->path);
	int err = file_make_directory(p->path);

	errno = -err;
	if (err)
		complain("create", dir);
	free(dir);
	if (err)
		return false;
	p->prepared = file_prepare(p->path, p->text, 0644);
	return p->prepared || complain("write", p->path);
}

static bool publish(struct pending *p)
{
	int err = file_publish(p->path, p->prepared);

	errno = -err;
	if (err)
		return complain("replace", p->path);
	free(p->prepared);
	p->prepared = NULL;
	text_line("%s", p->path);
	return true;
}

/* Replaces the target of a symbolic link, not the link. */
static void follow(struct pending *p)
{
	p->target = realpath(p->path, NULL);
	if (p->target)
		p->path = p->target;
}

static void discard(struct pending *p)
{
	free(p->target);
	if (p->prepared)
		unlink(p->prepared);
	free(p->prepared);
	free(p->text);
}

static bool write_files(struct pending *files, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (!files[i].text)
			return false;
	for (i = 0; i < n; i++)
		if (!prepare(&files[i]))
			return false;
	for (i = 0; i < n; i++)
		if (!publish(&files[i]))
			return false;
	return true;
}

static bool preview(const struct pending *p)
{
	const char *line = p->text;

	if (!line)
		return false;
	text_line("==> %s <==", p->path);
	while (*line) {
		int len = (int)strcspn(line, "\n");

		text_line("%.*s", len, line);
		line += len + 1;
	}
	return true;
}

/* A line of an earlier save: its comment, or what it has for the module. */
static bool is_ours(const char *line)
{
	static const char head[] = "# chatdnat's configuration, written by chatdnatctl save",
			  blank[] = " \t";
	const char *word = line + strspn(line, blank);

	if (!strncmp(line, head, strlen(head)))
		return true;
	if (!strncmp(word, "options", 7))
		word += 7 + strspn(word + 7, blank);
	return !strncmp(word, "chatdnat", 8) && (!word[8] || strchr(" \t\n", word[8]));
}

/*
 * The new contents of a file: text, and after it the lines of others, each with its continuation lines. Frees text. NULL, after
 * a message, if the file cannot be read: its lines would be lost.
 */
static char *with_others(char *text, const char *path)
{
	char *now = file_read(path);
	const char *line, *end, *next;

	if (!now && errno != ENOENT && errno != ELOOP) {
		complain("keep the other lines of", path);
		free(text);
		return NULL;
	}

	for (line = now; line && *line; line = next) {
		char *longer;

		for (end = line; *end && *end != '\n'; end++)
			if (*end == '\\' && end[1])
				end++;
		next = *end ? end + 1 : end;
		if (is_ours(line))
			continue;
		longer = xasprintf("%s%.*s\n", text, (int)(end - line), line);
		free(text);
		text = longer;
	}
	free(now);
	return text;
}

/* Unchanged since an earlier save. */
static bool autoload_is_ours(const char *text)
{
	char *now = file_read(SAVED_LOAD);
	bool ours = now && !strcmp(text, now);

	free(now);
	return ours;
}

static void remove_autoload(const char *text)
{
	if (autoload_is_ours(text) && unlink(SAVED_LOAD) == 0)
		text_line("removed " SAVED_LOAD ": " BOOT_UNIT " loads the module");
}

static int save(int argc, char **argv, const struct options *options)
{
	struct pending files[] = { { .path = SAVED_OPTIONS }, { .path = SAVED_LOAD } };
	bool unit = boot_unit_enabled(), done = true;
	size_t n = unit ? 1 : 2, i;
	struct module module;

	(void)argv;
	if (argc) {
		error("save: takes no arguments");
		return USAGE;
	}
	if (saved_in_uci()) {
		error("save: at boot the configuration comes from " SAVED_UCI ": change it there");
		return FAILED;
	}
	if (!options->flag && trial_pending()) {
		error("save: a change waits for its confirmation: chatdnatctl confirm");
		return FAILED;
	}
	if (!module_open(&module, !options->flag))
		return FAILED;
	files[0].text = with_others(saved_render(&module.config), SAVED_OPTIONS);
	files[1].text = xstrdup("chatdnat\n");
	if (!unit)
		files[1].text = with_others(files[1].text, SAVED_LOAD);
	for (i = 0; i < 2; i++)
		follow(&files[i]);
	if (options->flag)
		for (i = 0; i < n && done; i++)
			done = preview(&files[i]);
	else
		done = write_files(files, n);
	if (unit && done && !options->flag)
		remove_autoload(files[1].text);
	for (i = 0; i < 2; i++)
		discard(&files[i]);
	module_free(&module);
	return done ? DONE : FAILED;
}

const struct command save_command = {
	.name = "save",
	.arguments = " [--dry-run]",
	.summary = "keep the active configuration across reboots",
	.help = "Writes the active configuration to\n\n"
		"  " SAVED_OPTIONS "       for modprobe\n"
		"  " SAVED_LOAD "   so that the module is loaded at boot\n\n"
		"and prints their names. Each file is replaced in one step; its comments and\n"
		"lines for other modules stay. The second is not written, and removed, where\n" BOOT_UNIT
		" is enabled, which loads the module.\n\n"
		"  --dry-run  print what would be written\n",
	.flag = "--dry-run",
	.run = save,
};
