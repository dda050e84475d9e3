/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNATCTL_STATS_H
#define CHATDNATCTL_STATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../lib/family.h"

struct counter {
	char *name;
	bool have[FAMILIES];
	uint64_t value[FAMILIES];
};

/* All counters of the module, in the order in which a connection increments them. */
struct stats {
	struct counter *v;
	size_t n;
};

void stats_read(struct stats *stats);
void stats_free(struct stats *stats);
bool stats_get(const struct stats *stats, enum family family, const char *name, uint64_t *value);

#endif
