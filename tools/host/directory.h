/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNATCTL_DIRECTORY_H
#define CHATDNATCTL_DIRECTORY_H

#include <stddef.h>

/* The names in a directory, sorted; those in `first` lead, in that order. One free() for each and one for the list. */
char **directory_names(const char *path, const char *const *first, size_t *n);
void names_free(char **names, size_t n);

#endif
