// SPDX-License-Identifier: GPL-2.0
#include "stats.h"

#include <stdlib.h>
#include <string.h>

#include "../host/directory.h"
#include "../host/sysfs.h"
#include "../lib/mem.h"
#include "module.h"

/*
 * Also the order of reading: a connection that passes meanwhile then makes a later
 * counter larger, never a missing one.
 */
static const char *const counter_order[] = {
	"seen", "translated", "sent", "answered", "outbound", "masqueraded", "clamped", NULL,
};

static struct counter *counter_named(struct stats *stats, const char *name)
{
	size_t i;

	for (i = 0; i < stats->n; i++)
		if (!strcmp(stats->v[i].name, name))
			return &stats->v[i];
	stats->v = xgrow(stats->v, stats->n, sizeof(*stats->v));
	stats->v[stats->n].name = xstrdup(name);
	return &stats->v[stats->n++];
}

void stats_read(struct stats *stats)
{
	enum family family;

	*stats = (struct stats){ 0 };
	for (family = 0; family < FAMILIES; family++) {
		char *dir = xasprintf(MODULE_DIR "/stats/%s", families[family].id), **names;
		size_t n, i;

		names = directory_names(dir, counter_order, &n);
		for (i = 0; i < n; i++) {
			char *path = xasprintf("%s/%s", dir, names[i]), *text = sysfs_read(path);
			struct counter *c = counter_named(stats, names[i]);
			char *end = NULL;

			if (text && *text >= '0' && *text <= '9') {
				c->value[family] = strtoull(text, &end, 10);
				c->have[family] = !*end;
			}
			free(text);
			free(path);
		}
		names_free(names, n);
		free(dir);
	}
}

void stats_free(struct stats *stats)
{
	size_t i;

	for (i = 0; i < stats->n; i++)
		free(stats->v[i].name);
	free(stats->v);
	*stats = (struct stats){ 0 };
}

bool stats_get(const struct stats *stats, enum family family, const char *name, uint64_t *value)
{
	size_t i;

	for (i = 0; i < stats->n; i++) {
		if (!strcmp(stats->v[i].name, name) && stats->v[i].have[family]) {
			*value = stats->v[i].value[family];
			return true;
		}
	}
	return false;
}
