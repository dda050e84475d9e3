// SPDX-License-Identifier: GPL-2.0
#include "json_finding.h"

void json_finding(json_object *object, const struct finding *finding)
{
	json_object *fixes = json_object_new_array();
	size_t i;

	for (i = 0; i < finding->fixes; i++)
		json_object_array_add(fixes, json_text(finding->fix[i]));
	json_put(object, "check", json_text(finding->check));
	json_put(object, "id", json_text(finding->id));
	json_put(object, "text", json_text(finding->text));
	json_put(object, "fix", fixes);
}
