// SPDX-License-Identifier: GPL-2.0
#include "json_common.h"

json_object *json_config(const struct config *config)
{
	json_object *object = json_object_new_object();
	size_t i;

	for (i = 0; i < config->n; i++)
		json_put(object, config->v[i].name, json_text(config->v[i].value));
	return object;
}

json_object *json_stats(const struct stats *stats)
{
	json_object *object = json_object_new_object();
	enum family family;
	size_t i;

	for (family = 0; family < FAMILIES; family++) {
		json_object *counters = json_object_new_object();

		for (i = 0; i < stats->n; i++)
			if (stats->v[i].have[family])
				json_put(counters, stats->v[i].name,
					 json_object_new_uint64(stats->v[i].value[family]));
		json_put(object, families[family].id, counters);
	}
	return object;
}

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
