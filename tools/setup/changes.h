/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNATCTL_CHANGES_H
#define CHATDNATCTL_CHANGES_H

#include "manifest.h"

/* From the files of an earlier run to the wanted ones; no wanted files: everything is undone. */
struct changes {
	struct manifest *was, *will;
	bool replace; /* also files that are somebody else's */
};

/* The number of files that would change. */
size_t changes_count(const struct changes *changes);

/* Whether the words of the operator are others than those that the manifest has. */
bool changes_wishes(const struct changes *changes);

/* Whether a file is to be another one than an earlier setup has made. */
bool changes_between(const struct changes *changes, const char *path);

/* Prints a diff of each, without keys. */
void changes_print(const struct changes *changes);

/* False, after a message for each, if files are not setup's or were edited. */
bool changes_allowed(const struct changes *changes);

/* Makes them, the manifest first, and prints their names. */
bool changes_make(struct changes *changes);

#endif
