/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNAT_VALIDITY_H
#define CHATDNAT_VALIDITY_H

#include <linux/atomic.h>
#include <linux/jiffies.h>
#include <linux/kconfig.h>

/**
 * struct chatdnat_validity - for how long what was learnt of the stack holds
 * @until: when to ask again, jiffies
 * @gen: the generation of routes and neighbours that it was learnt in; 0: not
 *	 even for a moment
 */
struct chatdnat_validity {
	unsigned long until;
	int gen;
};

/*
 * What a processor keeps for itself is for one softirq at a time. With
 * PREEMPT_RT another may come in between, unless it holds a lock for that.
 */
#define CHATDNAT_SOFTIRQ_PREEMPTED		\
	(IS_ENABLED(CONFIG_PREEMPT_RT) &&	\
	 !IS_ENABLED(CONFIG_PREEMPT_RT_NEEDS_BH_LOCK))

extern atomic_t chatdnat_validity_gen;

/**
 * chatdnat_validity_check() - whether what was learnt still holds
 * @validity: its lease
 *
 * Context: Softirq, RCU read lock held; on the packet path.
 * Return: True if nothing has changed since, and it is not too old.
 */
static inline bool chatdnat_validity_check(const struct chatdnat_validity *validity)
{
	return READ_ONCE(validity->gen) == atomic_read(&chatdnat_validity_gen) &&
	       time_before(jiffies, validity->until);
}

/**
 * chatdnat_validity_end() - have something learnt anew
 * @validity: its lease
 *
 * Context: Any, also on another processor than the lease's; on the packet path.
 */
static inline void chatdnat_validity_end(struct chatdnat_validity *validity)
{
	WRITE_ONCE(validity->gen, 0);
}

void chatdnat_validity_begin(struct chatdnat_validity *validity);
void chatdnat_validity_end_all(void);

#endif /* CHATDNAT_VALIDITY_H */
