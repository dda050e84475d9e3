// SPDX-License-Identifier: GPL-2.0
/*
 * Counts connections that a relay answered, without looking at its packets:
 * conntrack notes the first reply in the connection's own status. New
 * connections wait here, each with a reference, until their status tells how
 * they went. A hook that saw the replies would run for every packet of every
 * established connection, and would have nowhere to note that it has counted.
 */
#include <linux/jiffies.h>
#include <linux/percpu.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>
#include <net/netfilter/nf_conntrack.h>

#include "answers.h"
#include "ct.h"
#include "stats.h"

#define CHATDNAT_WAITING_MAX	256u

struct chatdnat_waiting {
	struct nf_conn *ct;
	unsigned long since;		/* jiffies */
};

/* Oldest first, in a ring. */
struct chatdnat_answers {
	spinlock_t lock;		/* covers all below */
	unsigned int first;
	unsigned int n;
	unsigned long swept;		/* jiffies */
	struct chatdnat_waiting waiting[CHATDNAT_WAITING_MAX];
};

static struct chatdnat_answers __percpu *chatdnat_answers;

/* How many may wait on each processor. */
static unsigned int chatdnat_answers_room;

static void chatdnat_answers_work(struct work_struct *work);
static DECLARE_DELAYED_WORK(chatdnat_answers_dwork, chatdnat_answers_work);

/* A dead entry that waits takes room in conntrack's table: never over 1/8. */
static void chatdnat_answers_fit(void)
{
	unsigned int share = READ_ONCE(nf_conntrack_max) / 8 / num_online_cpus();

	WRITE_ONCE(chatdnat_answers_room,
		   clamp(share, 1u, CHATDNAT_WAITING_MAX));
}

static struct chatdnat_waiting *
chatdnat_answers_slot(struct chatdnat_answers *answers, unsigned int i)
{
	return &answers->waiting[(answers->first + i) % CHATDNAT_WAITING_MAX];
}

static bool chatdnat_answers_done(const struct chatdnat_waiting *waiting)
{
	const struct nf_conn *ct = waiting->ct;

	if (test_bit(IPS_SEEN_REPLY_BIT, &ct->status)) {
		chatdnat_count(chatdnat_family_of(nf_ct_l3num(ct)),
			       CHATDNAT_ANSWERED);
		return true;
	}

	/* What is not confirmed by now was dropped on its way out. */
	return nf_ct_is_dying(ct) ||
	       (!nf_ct_is_confirmed(ct) &&
		time_after(jiffies, waiting->since + HZ));
}

static void chatdnat_answers_sweep(struct chatdnat_answers *answers)
{
	unsigned int i, kept = 0;

	lockdep_assert_held(&answers->lock);

	for (i = 0; i < answers->n; i++) {
		struct chatdnat_waiting *waiting;

		waiting = chatdnat_answers_slot(answers, i);
		if (chatdnat_answers_done(waiting))
			nf_ct_put(waiting->ct);
		else
			*chatdnat_answers_slot(answers, kept++) = *waiting;
	}
	answers->n = kept;
	answers->swept = jiffies;
}

static void chatdnat_answers_drop_first(struct chatdnat_answers *answers)
{
	nf_ct_put(chatdnat_answers_slot(answers, 0)->ct);
	answers->first++;
	answers->n--;
}

/**
 * chatdnat_answers_await() - count a connection once the relay answers it
 * @ct: the connection, new
 *
 * When too many wait, the oldest is given up and stays uncounted.
 *
 * Context: On the packet path, process context or softirq.
 */
void chatdnat_answers_await(struct nf_conn *ct)
{
	unsigned int room = READ_ONCE(chatdnat_answers_room);
	struct chatdnat_answers *answers;
	struct chatdnat_waiting *slot;

	local_bh_disable();
	answers = this_cpu_ptr(chatdnat_answers);
	spin_lock(&answers->lock);

	/* The common case: answers come in the order of the questions. */
	while (answers->n &&
	       chatdnat_answers_done(chatdnat_answers_slot(answers, 0)))
		chatdnat_answers_drop_first(answers);
	/* Else once a jiffy, so that a silent relay does not cost more. */
	if (answers->n >= room && time_after(jiffies, answers->swept))
		chatdnat_answers_sweep(answers);
	while (answers->n >= room)
		chatdnat_answers_drop_first(answers);

	nf_conntrack_get(&ct->ct_general);
	slot = chatdnat_answers_slot(answers, answers->n++);
	slot->ct = ct;
	slot->since = jiffies;

	spin_unlock(&answers->lock);
	local_bh_enable();

	if (!delayed_work_pending(&chatdnat_answers_dwork))
		schedule_delayed_work(&chatdnat_answers_dwork, HZ);
}

/**
 * chatdnat_answers_settle() - count all that has been answered by now
 *
 * Context: Process context.
 */
void chatdnat_answers_settle(void)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		struct chatdnat_answers *answers;

		answers = per_cpu_ptr(chatdnat_answers, cpu);
		spin_lock_bh(&answers->lock);
		chatdnat_answers_sweep(answers);
		spin_unlock_bh(&answers->lock);
	}
}

static bool chatdnat_answers_idle(void)
{
	int cpu;

	for_each_possible_cpu(cpu)
		if (READ_ONCE(per_cpu_ptr(chatdnat_answers, cpu)->n))
			return false;
	return true;
}

static void chatdnat_answers_work(struct work_struct *work)
{
	chatdnat_answers_fit();
	chatdnat_answers_settle();
	if (!chatdnat_answers_idle())
		schedule_delayed_work(&chatdnat_answers_dwork, HZ);
}

/**
 * chatdnat_answers_init() - make room for connections that wait
 *
 * Context: Process context, may sleep.
 * Return: 0 or -ENOMEM.
 */
int chatdnat_answers_init(void)
{
	int cpu;

	chatdnat_answers = alloc_percpu(struct chatdnat_answers);
	if (!chatdnat_answers)
		return -ENOMEM;

	for_each_possible_cpu(cpu)
		spin_lock_init(&per_cpu_ptr(chatdnat_answers, cpu)->lock);
	chatdnat_answers_fit();
	return 0;
}

/**
 * chatdnat_answers_exit() - let go of all that still waits
 *
 * Context: Process context, may sleep, after the last packet.
 */
void chatdnat_answers_exit(void)
{
	int cpu;

	cancel_delayed_work_sync(&chatdnat_answers_dwork);

	for_each_possible_cpu(cpu) {
		struct chatdnat_answers *answers;

		answers = per_cpu_ptr(chatdnat_answers, cpu);
		spin_lock_bh(&answers->lock);
		while (answers->n)
			chatdnat_answers_drop_first(answers);
		spin_unlock_bh(&answers->lock);
	}
	free_percpu(chatdnat_answers);
}
