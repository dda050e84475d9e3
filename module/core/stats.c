// SPDX-License-Identifier: GPL-2.0
#include <linux/cpumask.h>

#include "../net/compat.h"
#include "stats.h"

const char *const chatdnat_counter_names[CHATDNAT_COUNTERS_MAX] = {
#define CHATDNAT_COUNTER_NAME(id, name) #name,
	CHATDNAT_COUNTERS(CHATDNAT_COUNTER_NAME)
#undef CHATDNAT_COUNTER_NAME
};

DEFINE_PER_CPU(struct chatdnat_stats, chatdnat_stats);

/**
 * chatdnat_stats_init() - initialise the counters
 *
 * Context: Process context, before anything is counted.
 */
void chatdnat_stats_init(void)
{
	int cpu;

	for_each_possible_cpu(cpu)
		u64_stats_init(&per_cpu_ptr(&chatdnat_stats, cpu)->sync);
}

static u64 chatdnat_stats_read(const struct chatdnat_stats *stats,
			       enum chatdnat_family family,
			       enum chatdnat_counter counter)
{
	unsigned int start;
	u64 value;

	do {
		start = chatdnat_stats_fetch_begin(&stats->sync);
		value = READ_ONCE(stats->count[family][counter]);
	} while (chatdnat_stats_fetch_retry(&stats->sync, start));
	return value;
}

/**
 * chatdnat_stats_sum() - sum of a counter over all CPUs
 * @family: IPv4 or IPv6
 * @counter: the counter
 *
 * Context: Any.
 * Return: The sum.
 */
u64 chatdnat_stats_sum(enum chatdnat_family family,
		       enum chatdnat_counter counter)
{
	u64 sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += chatdnat_stats_read(per_cpu_ptr(&chatdnat_stats, cpu),
					   family, counter);
	return sum;
}
