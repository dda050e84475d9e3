/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNATCTL_MANIFEST_H
#define CHATDNATCTL_MANIFEST_H

#include <stdbool.h>
#include <sys/types.h>

#include "plan.h"

#define MANIFEST "/var/lib/chatdnat/setup.json"

/* A file of setup's. */
struct made {
	char *path;
	char *text; /* or the target of a symbolic link */
	bool link;
	mode_t mode;
	char *earlier; /* text of an earlier run, which the file still has if the last run was interrupted; or NULL */
	char *former; /* the text or target that --replace has replaced, or NULL */
	bool former_link;
	mode_t former_mode;
};

/* The files that setup has made, and its options. Only root can read it: it has the keys. */
struct manifest {
	char *wishes[WISHES];
	char *tunnel; /* NULL: somebody else's */
	bool has_keys;
	struct wireguard_keys proxy_keys, relay_keys;
	bool has_amneziawg;
	struct amneziawg amneziawg;
	struct made *v;
	size_t n;
};

/* 1, 0 if there is none, or a negative errno; -EINVAL if it is damaged. To be freed in each case. */
int manifest_read(struct manifest *manifest);
int manifest_write(const struct manifest *manifest);
void manifest_free(struct manifest *manifest);

/* Adds a file; takes over `text`. */
struct made *manifest_add(struct manifest *manifest, const char *path, char *text, mode_t mode);
struct made *manifest_add_link(struct manifest *manifest, const char *path, char *target);
void manifest_copy(struct manifest *manifest, const struct made *made);
/* Keeps the first ones. */
void manifest_shorten(struct manifest *manifest, size_t n);

const struct made *manifest_find(const struct manifest *manifest, const char *path);

#endif
