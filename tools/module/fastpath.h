/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNATCTL_FASTPATH_H
#define CHATDNATCTL_FASTPATH_H

#include "../lib/family.h"

/* Whether established tracked connections take the fast path, as the module reports. */
struct fastpath {
	bool known; /* the module reports it */
	bool on;
	unsigned long directions; /* of connections that take it: two for most connections */
	char *why;		  /* why none does; NULL if `on` */
};

/* Reads the module's file `fastpath`. */
void fastpath_parse(struct fastpath fastpath[FAMILIES], const char *text);
void fastpath_free(struct fastpath fastpath[FAMILIES]);

/* A chain at which the module has found a hook of others; false if that is not the reason. */
bool fastpath_chain(const struct fastpath *fastpath, char hook[16], int *priority);

#endif
