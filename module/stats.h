/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNAT_STATS_H
#define CHATDNAT_STATS_H

#include <linux/percpu.h>

#include "addr.h"

/* In the order in which a connection meets them. */
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

struct chatdnat_stats {
	u64 count[CHATDNAT_FAMILIES][CHATDNAT_COUNTERS_MAX];
};

extern const char *const chatdnat_counter_names[CHATDNAT_COUNTERS_MAX];

DECLARE_PER_CPU(struct chatdnat_stats, chatdnat_stats);

/**
 * chatdnat_count() - count one event
 * @family: the family it belongs to
 * @counter: what happened
 *
 * Context: Any; on the packet path.
 */
static inline void chatdnat_count(enum chatdnat_family family,
				  enum chatdnat_counter counter)
{
	this_cpu_inc(chatdnat_stats.count[family][counter]);
}

u64 chatdnat_stats_sum(enum chatdnat_family family,
		       enum chatdnat_counter counter);

#endif /* CHATDNAT_STATS_H */
