/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNAT_STATS_H
#define CHATDNAT_STATS_H

#include <linux/percpu.h>
#include <linux/u64_stats_sync.h>

#include "../policy/addr.h"

/* In the order in which a connection increments them. */
/* clang-format off */
#define CHATDNAT_COUNTERS(COUNTER)		\
	COUNTER(SEEN, seen)			\
	COUNTER(TRANSLATED, translated)		\
	COUNTER(SENT, sent)			\
	COUNTER(ANSWERED, answered)		\
	COUNTER(OUTBOUND, outbound)		\
	COUNTER(MASQUERADED, masqueraded)	\
	COUNTER(CLAMPED, clamped)		\
	COUNTER(DROPPED_NAT, dropped_nat)	\
	COUNTER(DROPPED_SOURCE, dropped_source)	\
	COUNTER(DROPPED_STALE, dropped_stale)	\
	COUNTER(DROPPED_VIA, dropped_via)	\
	COUNTER(DROPPED_FORWARD, dropped_forward) \
	COUNTER(DROPPED_INPUT, dropped_input)	\
	COUNTER(DROPPED_ECHO, dropped_echo)	\
	COUNTER(DROPPED_INVALID, dropped_invalid)

enum chatdnat_counter {
#define CHATDNAT_COUNTER_ENUM(id, name) CHATDNAT_##id,
	CHATDNAT_COUNTERS(CHATDNAT_COUNTER_ENUM)
#undef CHATDNAT_COUNTER_ENUM
	CHATDNAT_COUNTERS_MAX,
};
/* clang-format on */

/**
 * struct chatdnat_stats - counters of one CPU
 * @count: by family and counter
 * @sync: for consistent reads of 64-bit counters on 32-bit machines
 */
struct chatdnat_stats {
	u64 count[CHATDNAT_FAMILIES][CHATDNAT_COUNTERS_MAX];
	struct u64_stats_sync sync;
};

extern const char *const chatdnat_counter_names[CHATDNAT_COUNTERS_MAX];

DECLARE_PER_CPU(struct chatdnat_stats, chatdnat_stats);

/**
 * chatdnat_count() - count one event
 * @family: IPv4 or IPv6
 * @counter: the counter
 *
 * Context: Any; on the packet path.
 */
static inline void chatdnat_count(enum chatdnat_family family,
				  enum chatdnat_counter counter)
{
#if BITS_PER_LONG == 64
	this_cpu_inc(chatdnat_stats.count[family][counter]);
#else
	struct chatdnat_stats *stats;
	unsigned long flags;

	/* u64_stats writers must not nest, and a softirq may interrupt this. */
	local_irq_save(flags);
	stats = this_cpu_ptr(&chatdnat_stats);
	u64_stats_update_begin(&stats->sync);
	stats->count[family][counter]++;
	u64_stats_update_end(&stats->sync);
	local_irq_restore(flags);
#endif
}

void chatdnat_stats_init(void);
u64 chatdnat_stats_sum(enum chatdnat_family family,
		       enum chatdnat_counter counter);

#endif /* CHATDNAT_STATS_H */
