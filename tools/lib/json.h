/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNATCTL_JSON_H
#define CHATDNATCTL_JSON_H

#include <json-c/json.h>

/* All take over or make new objects; a NULL string becomes null. */
json_object *json_text(const char *s);
void json_put(json_object *object, const char *key, json_object *value);
json_object *json_list(const char *comma_separated);

void json_print(json_object *object);

#endif
