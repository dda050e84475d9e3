/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNATCTL_LINK_SET_H
#define CHATDNATCTL_LINK_SET_H

#include "../lib/family.h"

/* All: 0, or a negative errno. */
int link_add(const char *name, const char *kind);
int link_remove(const char *name);
int link_raise(const char *name);
int link_add_address(const char *name, const struct address *address, unsigned int prefix);

#endif
