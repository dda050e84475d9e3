// SPDX-License-Identifier: GPL-2.0
#include <linux/cpumask.h>

#include "stats.h"

const char *const chatdnat_counter_names[CHATDNAT_COUNTERS_MAX] = {
#define CHATDNAT_COUNTER_NAME(id, name) #name,
	CHATDNAT_COUNTERS(CHATDNAT_COUNTER_NAME)
#undef CHATDNAT_COUNTER_NAME
};

DEFINE_PER_CPU(struct chatdnat_stats, chatdnat_stats);

/* A 32-bit machine reads a counter in two halves; the same twice is whole. */
static u64 chatdnat_stats_read(const u64 *count)
{
	u64 value;

	do {
		value = READ_ONCE(*count);
	} while (!IS_ENABLED(CONFIG_64BIT) && value != READ_ONCE(*count));
	return value;
}

/**
 * chatdnat_stats_sum() - what a counter has counted on all processors
 * @family: IPv4 or IPv6
 * @counter: which one
 *
 * Context: Any.
 */
u64 chatdnat_stats_sum(enum chatdnat_family family,
		       enum chatdnat_counter counter)
{
	u64 sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += chatdnat_stats_read(per_cpu_ptr(&chatdnat_stats.count[family][counter],
						       cpu));
	return sum;
}
