/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNATCTL_LIST_H
#define CHATDNATCTL_LIST_H

#include <stddef.h>

/* The elements of a comma-separated list, NULL at the end. One free() frees it all. */
char **list_split(const char *text, size_t *n);

#endif
