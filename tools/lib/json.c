// SPDX-License-Identifier: GPL-2.0
#include "json.h"

#include <stdio.h>
#include <stdlib.h>

#include "list.h"
#include "text.h"

json_object *json_text(const char *s)
{
	json_object *text;
	char *clean;

	if (!s)
		return NULL;
	/* JSON must be UTF-8 throughout; an interface's name need not be. */
	clean = text_clean(s);
	text = json_object_new_string(clean);
	free(clean);
	return text;
}

void json_put(json_object *object, const char *key, json_object *value)
{
	char *clean = text_clean(key);

	json_object_object_add(object, clean, value);
	free(clean);
}

json_object *json_list(const char *comma_separated)
{
	json_object *array = json_object_new_array();
	size_t n, i;
	char **list = list_split(comma_separated, &n);

	for (i = 0; i < n; i++)
		json_object_array_add(array, json_text(list[i]));
	free(list);
	return array;
}

void json_print(json_object *object)
{
	puts(json_object_to_json_string_ext(object, JSON_C_TO_STRING_PRETTY |
							    JSON_C_TO_STRING_SPACED |
							    JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(object);
}
