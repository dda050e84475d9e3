// SPDX-License-Identifier: GPL-2.0
/*
 * Counts connections with a reply from the relay, without a hook for replies:
 * conntrack sets IPS_SEEN_REPLY in the status of the connection. New
 * connections are queued here until their status shows the result. A hook would
 * run for every packet of every established connection, and would have no place
 * to mark a connection as counted.
 *
 * We store the tuple, not a reference: nfnetlink_queue drops packets of an
 * unconfirmed connection that has another reference.
 */
#include <linux/jiffies.h>
#include <linux/percpu.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>
#include <net/netfilter/nf_conntrack.h>
#include <net/netfilter/nf_conntrack_core.h>
#include <net/netfilter/nf_conntrack_zones.h>

#include "../core/stats.h"
#include "../net/nfct.h"
#include "reply_count.h"

#define CHATDNAT_WAITING_MAX 256u

/* Maximum time between two sweeps of a queue with few replies. */
#define CHATDNAT_WAITING_PAUSE (HZ / 8 + 1ul)

/* Time in which a first packet leaves and is confirmed, queues included. */
#define CHATDNAT_WAITING_LEAVE (HZ / 8)

struct chatdnat_waiting {
	struct nf_conntrack_tuple tuple; /* original direction */
	struct nf_conntrack_zone zone;
	unsigned long since; /* jiffies */
	unsigned long until; /* its timeout, jiffies */
	bool met;	     /* it was found in the table */
};

/* A ring, oldest first. */
struct chatdnat_reply_count {
	spinlock_t lock; /* protects all members below */
	unsigned int first;
	unsigned int n;
	unsigned long swept; /* jiffies */
	unsigned long pause; /* jiffies until the next sweep */
	struct chatdnat_waiting waiting[CHATDNAT_WAITING_MAX];
};

static struct chatdnat_reply_count __percpu *chatdnat_reply_count;

static void chatdnat_reply_count_work(struct work_struct *work);
static DECLARE_DELAYED_WORK(chatdnat_reply_count_dwork,
			    chatdnat_reply_count_work);

static struct chatdnat_waiting *
chatdnat_reply_count_slot(struct chatdnat_reply_count *queue, unsigned int i)
{
	return &queue->waiting[(queue->first + i) % CHATDNAT_WAITING_MAX];
}

/*
 * An entry that is gone before its timeout was closed by a reset, which is a
 * reply. Before the first packet has left, the entry is not in the table.
 */
static bool chatdnat_reply_count_done(struct chatdnat_waiting *waiting,
				      bool *answered)
{
	struct nf_conntrack_tuple_hash *hash;
	struct nf_conn *ct;

	hash = nf_conntrack_find_get(&init_net, &waiting->zone, &waiting->tuple);
	if (!hash) {
		*answered = waiting->tuple.dst.protonum == IPPROTO_TCP &&
			    (!waiting->met ||
			     time_before(jiffies, waiting->until));
		return waiting->met ||
		       time_after(jiffies,
				  waiting->since + CHATDNAT_WAITING_LEAVE);
	}

	ct = nf_ct_tuplehash_to_ctrack(hash);
	waiting->met = true;
	waiting->until = jiffies + nf_ct_expires(ct);
	*answered = test_bit(IPS_SEEN_REPLY_BIT, &ct->status);
	nf_ct_put(ct);
	return *answered;
}

static void chatdnat_reply_count_add(const struct chatdnat_waiting *waiting)
{
	chatdnat_count(chatdnat_family_of(waiting->tuple.src.l3num),
		       CHATDNAT_ANSWERED);
}

static void chatdnat_reply_count_sweep(struct chatdnat_reply_count *queue)
{
	unsigned int i, kept = 0;
	bool answered;

	lockdep_assert_held(&queue->lock);

	for (i = 0; i < queue->n; i++) {
		struct chatdnat_waiting *waiting =
			chatdnat_reply_count_slot(queue, i);

		if (!chatdnat_reply_count_done(waiting, &answered))
			*chatdnat_reply_count_slot(queue, kept++) = *waiting;
		else if (answered)
			chatdnat_reply_count_add(waiting);
	}
	WRITE_ONCE(queue->n, kept);
}

/*
 * Make room for one more connection, by dropping the oldest if necessary. A
 * sweep costs a lookup for each queued connection. If it finds few replies, as
 * in a SYN flood or if the relay is down, the time until the next sweep is
 * doubled, so that unanswered connections do not cost more than others.
 */
static void chatdnat_reply_count_make_room(struct chatdnat_reply_count *queue)
{
	lockdep_assert_held(&queue->lock);

	if (jiffies - queue->swept >= queue->pause) {
		chatdnat_reply_count_sweep(queue);
		if (queue->n < CHATDNAT_WAITING_MAX / 2)
			queue->pause = 1;
		else
			queue->pause = min(2 * queue->pause,
					   CHATDNAT_WAITING_PAUSE);
		queue->swept = jiffies;
		if (queue->n < CHATDNAT_WAITING_MAX)
			return;
	}

	queue->first++;
	WRITE_ONCE(queue->n, queue->n - 1);
}

/**
 * chatdnat_reply_count_await() - count a connection once the relay has replied
 * @ct: the connection, new
 *
 * If the queue is full, the oldest connection is dropped uncounted.
 *
 * Context: On the packet path, process context or softirq.
 */
void chatdnat_reply_count_await(const struct nf_conn *ct)
{
	struct chatdnat_reply_count *queue;
	struct chatdnat_waiting *slot;

	local_bh_disable();
	queue = this_cpu_ptr(chatdnat_reply_count);
	spin_lock(&queue->lock);

	if (queue->n == CHATDNAT_WAITING_MAX)
		chatdnat_reply_count_make_room(queue);

	slot = chatdnat_reply_count_slot(queue, queue->n);
	slot->tuple = *nf_ct_tuple(ct, IP_CT_DIR_ORIGINAL);
	slot->zone = *nf_ct_zone(ct);
	slot->since = jiffies;
	slot->met = false;
	WRITE_ONCE(queue->n, queue->n + 1);

	spin_unlock(&queue->lock);
	local_bh_enable();

	if (!delayed_work_pending(&chatdnat_reply_count_dwork))
		schedule_delayed_work(&chatdnat_reply_count_dwork, HZ);
}

/**
 * chatdnat_reply_count_settle() - count all connections with a reply
 *
 * Context: Process context.
 */
void chatdnat_reply_count_settle(void)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		struct chatdnat_reply_count *queue;

		queue = per_cpu_ptr(chatdnat_reply_count, cpu);
		spin_lock_bh(&queue->lock);
		chatdnat_reply_count_sweep(queue);
		spin_unlock_bh(&queue->lock);
	}
}

/**
 * chatdnat_reply_count_forget() - empty the queue
 *
 * To be called before connections are ended: an entry that is gone before its
 * timeout would be counted as answered.
 *
 * Context: Process context.
 */
void chatdnat_reply_count_forget(void)
{
	int cpu;

	chatdnat_reply_count_settle();
	for_each_possible_cpu(cpu) {
		struct chatdnat_reply_count *queue;

		queue = per_cpu_ptr(chatdnat_reply_count, cpu);
		spin_lock_bh(&queue->lock);
		WRITE_ONCE(queue->n, 0);
		spin_unlock_bh(&queue->lock);
	}
}

static bool chatdnat_reply_count_idle(void)
{
	int cpu;

	for_each_possible_cpu(cpu)
		if (READ_ONCE(per_cpu_ptr(chatdnat_reply_count, cpu)->n))
			return false;
	return true;
}

static void chatdnat_reply_count_work(struct work_struct *work)
{
	chatdnat_reply_count_settle();
	if (!chatdnat_reply_count_idle())
		schedule_delayed_work(&chatdnat_reply_count_dwork, HZ);
}

/**
 * chatdnat_reply_count_init() - allocate the queues
 *
 * Context: Process context, may sleep.
 * Return: 0 or -ENOMEM.
 */
int chatdnat_reply_count_init(void)
{
	int cpu;

	chatdnat_reply_count = alloc_percpu(struct chatdnat_reply_count);
	if (!chatdnat_reply_count)
		return -ENOMEM;

	for_each_possible_cpu(cpu) {
		struct chatdnat_reply_count *queue;

		queue = per_cpu_ptr(chatdnat_reply_count, cpu);
		spin_lock_init(&queue->lock);
		queue->swept = jiffies;
		queue->pause = 1;
	}
	return 0;
}

/**
 * chatdnat_reply_count_exit() - free the queues
 *
 * Context: Process context, may sleep, after the last packet.
 */
void chatdnat_reply_count_exit(void)
{
	cancel_delayed_work_sync(&chatdnat_reply_count_dwork);
	free_percpu(chatdnat_reply_count);
}
