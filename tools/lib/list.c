// SPDX-License-Identifier: GPL-2.0
#include "list.h"

#include <string.h>

#include "mem.h"

char **list_split(const char *text, size_t *n)
{
	size_t len = strlen(text), room = 2, i;
	char **list, *copy;

	for (i = 0; i < len; i++)
		room += text[i] == ',';
	list = xcalloc(1, room * sizeof(*list) + len + 1);
	copy = memcpy(list + room, text, len + 1);
	*n = 0;
	while (len && copy) {
		char *element = strsep(&copy, ",");

		list[(*n)++] = element;
	}
	return list;
}
