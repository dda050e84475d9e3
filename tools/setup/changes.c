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

static char *read_now(const struct made *made)
{
	return made->link ? file_read_link(made->path) : file_read(made->path);
}

/* 0 if there is no such file. @follow: of a link's target instead of the link. */
static mode_t mode_of(const char *path, bool follow)
{
	struct stat st;

	return (follow ? stat(path, &st) : lstat(path, &st)) < 0 ? 0 : st.st_mode;
}

static bool is_text_of(const struct made *made, const char *text)
{
	return made &&
	       (!strcmp(text, made->text) || (made->earlier && !strcmp(text, made->earlier)));
}

/* Compares an existing file with the one that setup is to write. A symbolic link to a file is always foreign. */
static enum standing standing(const struct made *want, const struct manifest *was)
{
	const struct made *before = manifest_find(was, want->path);
	mode_t mode = mode_of(want->path, false);
	enum standing result = FOREIGN;
	char *now = read_now(want);

	if (!mode)
		result = NEW;
	else if (now && !strcmp(now, want->text) &&
		 (want->link || (mode_of(want->path, true) & 0777) == want->mode))
		result = SAME;
	else if (now && S_ISLNK(mode) == want->link &&
		 (!strcmp(now, want->text) || is_text_of(before, now)))
		result = OURS;
	free(now);
	return result;
}

/* Whether a file that is not wanted any more is as setup has written it. */
static enum standing leftover(const struct made *made)
{
	mode_t mode = mode_of(made->path, false);
	enum standing result = FOREIGN;
	char *now = read_now(made);

	if (!mode)
		result = NEW;
	else if (now && S_ISLNK(mode) == made->link && is_text_of(made, now))
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

bool changes_wishes(const struct changes *c)
{
	size_t i;

	for (i = 0; i < WISHES; i++) {
		const char *before = c->was->wishes[i], *after = c->will->wishes[i];

		if (!before != !after || (before && strcmp(before, after) != 0))
			return true;
	}
	return false;
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
		now = read_now(want);
		if (want->link)
			text_line("symbolic link %s to %s", want->path, want->text);
		else
			print_diff(want->path, now, want->text);
		free(now);
	}
	for (i = 0; i < c->was->n; i++) {
		const struct made *made = &c->was->v[i];

		if (!manifest_find(c->will, made->path) && leftover(made) == OURS)
			print_diff(made->path, made->text, made->former_link ? NULL : made->former);
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

/* Keeps the contents of a file, or the target of a link, that --replace replaces. */
static bool read_former(struct made *want)
{
	want->former = file_read_link(want->path);
	want->former_link = want->former;
	want->former_mode = mode_of(want->path, false) & 0777;
	if (!want->former)
		want->former = file_read(want->path);
	return want->former || complain("keep, and so to replace,", want->path, -errno);
}

/* Keeps replaced files for --undo, across several runs and interrupted ones. */
static bool keep_former(struct changes *c)
{
	size_t i;

	for (i = 0; i < c->will->n; i++) {
		struct made *want = &c->will->v[i];
		const struct made *before = manifest_find(c->was, want->path);
		enum standing there = standing(want, c->was);

		if (there == OURS)
			want->earlier = read_now(want);
		if (before && before->former) {
			want->former = xstrdup(before->former);
			want->former_link = before->former_link;
			want->former_mode = before->former_mode;
		} else if (there == FOREIGN && !read_former(want)) {
			return false;
		}
	}
	return true;
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

/* A file that was edited since stays. The one that setup had replaced is restored beside it. */
static bool keep(const struct made *made)
{
	char *now = made->former_link ? file_read_link(made->path) : file_read(made->path), *path;
	bool restored = now && made->former && !strcmp(now, made->former);
	int err;

	free(now);
	/* By an undo that did not come to an end. */
	if (restored)
		return true;
	if (!made->former || made->former_link) {
		text_line("kept %s, which was changed since setup has written it%s%s", made->path,
			  made->former ? "; before, it was a symbolic link to " : "",
			  made->former ? made->former : "");
		return true;
	}
	path = xasprintf("%s.before-setup", made->path);
	err = mode_of(path, false) ? -EEXIST : file_write(path, made->former, made->former_mode);
	if (err)
		complain("write", path, err);
	else
		text_line("kept %s, which was changed since setup has written it; what was there before is in %s",
			  made->path, path);
	free(path);
	return !err;
}

static bool take_back(const struct made *made)
{
	enum standing there = leftover(made);
	int err = 0;

	if (there == NEW)
		return true;
	if (there == FOREIGN)
		return keep(made);
	if (made->former && !made->former_link)
		err = file_write(made->path, made->former, made->former_mode);
	else if (unlink(made->path) < 0)
		err = -errno;
	else if (made->former)
		err = file_link(made->path, made->former);
	if (err)
		return complain("remove", made->path, err);
	text_line("%s %s", made->former ? "restored" : "removed", made->path);
	return true;
}

/* Until they are removed, the manifest has the files that are not wanted any more, too. */
static void add_leftovers(struct changes *c)
{
	size_t i;

	for (i = 0; i < c->was->n; i++)
		if (!manifest_find(c->will, c->was->v[i].path))
			manifest_copy(c->will, &c->was->v[i]);
}

static bool write_manifest(const struct manifest *m)
{
	int err = m->n ? manifest_write(m) : 0;

	return !err || complain("write", MANIFEST, err);
}

bool changes_make(struct changes *c)
{
	/* The leftovers follow the wanted files in the manifest; without wanted files, all are to be removed. */
	const struct manifest *gone = c->will->n ? c->will : c->was;
	size_t wanted = c->will->n, i;
	bool done = keep_former(c);

	/* The manifest is written first, so that an interrupted run can be undone. */
	if (wanted)
		add_leftovers(c);
	done = done && write_manifest(c->will);
	for (i = 0; i < wanted && done; i++)
		done = make(&c->will->v[i], c->was);
	for (i = gone->n; i-- > wanted && done;)
		done = take_back(&gone->v[i]);
	if (done && !wanted && unlink(MANIFEST) < 0)
		return complain("remove", MANIFEST, -errno);
	if (done && wanted < c->will->n) {
		manifest_shorten(c->will, wanted);
		done = write_manifest(c->will);
	}
	return done;
}
