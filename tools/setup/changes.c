// SPDX-License-Identifier: GPL-2.0
#include "changes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../lib/diff.h"
#include "../lib/file.h"
#include "../lib/mem.h"
#include "../lib/text.h"

enum standing { NEW, SAME, OURS, FOREIGN };

static mode_t mode_of(const char *path)
{
	struct stat st;

	return lstat(path, &st) < 0 ? 0 : st.st_mode & 0777;
}

/* Compares a file that setup is to write with the one in its place. */
static enum standing standing(const struct made *want, const struct manifest *was)
{
	const struct made *before = manifest_find(was, want->path);
	enum standing result = FOREIGN;
	char *now = made_read(want);

	if (!now && errno == ENOENT)
		return NEW;
	if (now && !strcmp(now, want->text))
		result = want->link || mode_of(want->path) == want->mode ? SAME : OURS;
	else if (now && before && !strcmp(now, before->text))
		result = OURS;
	free(now);
	return result;
}

/* Whether a file that is not wanted any more is as setup has written it. */
static enum standing leftover(const struct made *made)
{
	char *now = made_read(made);
	enum standing result = FOREIGN;

	if (!now && errno == ENOENT)
		return NEW;
	if (now && !strcmp(now, made->text))
		result = OURS;
	free(now);
	return result;
}

size_t changes_count(const struct changes *c)
{
	size_t i, n = 0;

	for (i = 0; i < c->will->n; i++)
		n += standing(&c->will->v[i], c->was) != SAME;
	for (i = 0; i < c->was->n; i++)
		n += !manifest_find(c->will, c->was->v[i].path) && leftover(&c->was->v[i]) == OURS;
	return n;
}

bool changes_between(const struct changes *c, const char *path)
{
	const struct made *before = manifest_find(c->was, path),
			  *after = manifest_find(c->will, path);

	return before && after && strcmp(before->text, after->text) != 0;
}

/* The secret in a line of a tunnel's file, as wg-quick(8) reads it: names in any case, blanks or none. NULL: it has none. */
static char *secret_of(char *line)
{
	static const char *const names[] = { "PrivateKey", "PresharedKey" };
	size_t i;

	line += strspn(line, " \t");
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char *value = line + strlen(names[i]);

		if (strncasecmp(line, names[i], strlen(names[i])) != 0)
			continue;
		value += strspn(value, " \t");
		if (*value == '=')
			return value + 1 + strspn(value + 1, " \t");
	}
	return NULL;
}

/* Without keys, also in a file of somebody else. To be freed; NULL for NULL. */
static char *masked(const char *text)
{
	char *out, *line, *secret;

	if (!text)
		return NULL;
	out = xstrdup(text);
	for (line = out; *line; line += strcspn(line, "\n"), line += *line == '\n') {
		secret = secret_of(line + strspn(line, " \t#"));
		if (secret)
			memset(secret, '*', strcspn(secret, "\n"));
	}
	return out;
}

static void print_diff(const char *path, const char *from, const char *to)
{
	char *hidden_from = masked(from), *hidden_to = masked(to);

	diff_print(path, hidden_from, hidden_to);
	free(hidden_from);
	free(hidden_to);
}

void changes_print(const struct changes *c)
{
	size_t i;

	for (i = 0; i < c->will->n; i++) {
		const struct made *want = &c->will->v[i];
		char *now;

		if (standing(want, c->was) == SAME)
			continue;
		now = made_read(want);
		if (want->link)
			text_line("symbolic link %s to %s", want->path, want->text);
		else
			print_diff(want->path, now, want->text);
		free(now);
	}
	for (i = 0; i < c->was->n; i++) {
		const struct made *made = &c->was->v[i];

		if (!manifest_find(c->will, made->path) && leftover(made) == OURS)
			print_diff(made->path, made->text, made->former);
	}
}

bool changes_allowed(const struct changes *c)
{
	bool allowed = true;
	size_t i;

	for (i = 0; i < c->will->n; i++) {
		const char *path = c->will->v[i].path;

		if (standing(&c->will->v[i], c->was) != FOREIGN || c->replace)
			continue;
		error(manifest_find(c->was, path) ?
			      "setup: %s was changed since setup has written it; with --replace it is written anew" :
			      "setup: %s exists and is not of setup's; with --replace it is replaced, and --undo brings it back",
		      path);
		allowed = false;
	}
	if (!allowed)
		error("setup: nothing was changed");
	return allowed;
}

static bool complain(const char *what, const char *path, int err)
{
	error("setup: cannot %s %s: %s", what, path, strerror(-err));
	return false;
}

/* Replaced files come back with --undo: also across several runs. */
static void keep_former(struct changes *c)
{
	size_t i;

	for (i = 0; i < c->will->n; i++) {
		struct made *want = &c->will->v[i];
		const struct made *before = manifest_find(c->was, want->path);

		if (want->link)
			continue;
		if (before && before->former) {
			want->former = xstrdup(before->former);
			want->former_mode = before->former_mode;
		} else if (standing(want, c->was) == FOREIGN) {
			want->former = made_read(want);
			want->former_mode = mode_of(want->path);
		}
	}
}

static bool make(const struct made *want, const struct manifest *was)
{
	enum standing there = standing(want, was);
	int err;

	if (there == SAME)
		return true;
	if (want->link && there != NEW && unlink(want->path) < 0)
		return complain("replace", want->path, -errno);
	err = want->link ? file_link(want->path, want->text) :
			   file_write(want->path, want->text, want->mode);
	if (err)
		return complain("write", want->path, err);
	text_line("%s %s", there == NEW ? "wrote" : "replaced", want->path);
	return true;
}

static bool take_back(const struct made *made)
{
	enum standing there = leftover(made);
	int err = 0;

	if (there == NEW)
		return true;
	if (there == FOREIGN) {
		text_line("kept %s, which was changed since setup has written it", made->path);
		return true;
	}
	if (made->former)
		err = file_write(made->path, made->former, made->former_mode);
	else if (unlink(made->path) < 0)
		err = -errno;
	if (err)
		return complain("remove", made->path, err);
	text_line("%s %s", made->former ? "restored" : "removed", made->path);
	return true;
}

bool changes_make(struct changes *c)
{
	bool done = true;
	size_t i;
	int err;

	keep_former(c);
	/* First: what was begun can be taken back. */
	err = c->will->n ? manifest_write(c->will) : 0;
	if (err)
		return complain("write", MANIFEST, err);
	for (i = 0; i < c->will->n && done; i++)
		done = make(&c->will->v[i], c->was);
	for (i = c->was->n; i-- > 0 && done;)
		if (!manifest_find(c->will, c->was->v[i].path))
			done = take_back(&c->was->v[i]);
	if (done && !c->will->n && unlink(MANIFEST) < 0)
		return complain("remove", MANIFEST, -errno);
	return done;
}
