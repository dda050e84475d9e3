/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNAT_VALIDITY_H
#define CHATDNAT_VALIDITY_H

#include <linux/atomic.h>
#include <linux/jiffies.h>
#include <linux/kconfig.h>

/**
 * struct chatdnat_validity - validity of a cached lookup
 * @until: time of expiry, jiffies
 * @gen: generation of routes and neighbours at the lookup; 0: invalid
 */
struct chatdnat_validity {
	unsigned long until;
	int gen;
};

/*
 * Per-CPU caches are used by one softirq at a time. With PREEMPT_RT, softirqs
 * of one CPU can preempt each other, unless the BH lock prevents it.
 */
#define CHATDNAT_SOFTIRQ_PREEMPTED        \
	(IS_ENABLED(CONFIG_PREEMPT_RT) && \
	 !IS_ENABLED(CONFIG_PREEMPT_RT_NEEDS_BH_LOCK))

extern atomic_t chatdnat_validity_gen;

/**
 * chatdnat_validity_check() - whether a cached lookup is valid
 * @validity: the validity of the entry
 *
 * Context: Softirq, RCU read lock held; on the packet path.
 * Return: True if nothing has changed since the lookup, and it has not expired.
 */
static inline bool
chatdnat_validity_check(const struct chatdnat_validity *validity)
{
	return READ_ONCE(validity->gen) == atomic_read(&chatdnat_validity_gen) &&
	       time_before(jiffies, validity->until);
}

/**
 * chatdnat_validity_end() - invalidate one cached lookup
 * @validity: the validity of the entry
 *
 * Context: Any, also on another CPU than the entry's; on the packet path.
 */
static inline void chatdnat_validity_end(struct chatdnat_validity *validity)
{
	WRITE_ONCE(validity->gen, 0);
}

void chatdnat_validity_begin(struct chatdnat_validity *validity);
void chatdnat_validity_end_all(void);

#endif /* CHATDNAT_VALIDITY_H */
