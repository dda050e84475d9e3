// SPDX-License-Identifier: GPL-2.0
/*
 * Table of offloaded connections. Entries are freed after a grace period; until
 * then each holds its connection and its route. What holds them too long is
 * removed within a second: a connection that has ended, a route that may have
 * changed.
 */
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/random.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <net/dst.h>
#include <net/netfilter/nf_conntrack.h>

#include "offload.h"

/* Of all memory, at most one part in so many is for offloaded connections. */
#define CHATDNAT_OFFLOAD_SHARE 64
#define CHATDNAT_OFFLOAD_MIN BIT(10)
#define CHATDNAT_OFFLOAD_MAX BIT(18)

/* A longer chain would cost more than the stack does. */
#define CHATDNAT_OFFLOAD_CHAIN 16

/* Without packets for so long, a connection is left to the stack. */
#define CHATDNAT_OFFLOAD_IDLE (30 * HZ)

struct chatdnat_offload_table chatdnat_offload_table __read_mostly;

/* Protects the buckets and the number of entries of each family. */
static DEFINE_SPINLOCK(chatdnat_offload_lock);
static unsigned int chatdnat_offload_n[CHATDNAT_FAMILIES];
static unsigned int chatdnat_offload_max;

static bool chatdnat_offload_is_full(void)
{
	return chatdnat_offload_count(CHATDNAT_IPV4) +
		       chatdnat_offload_count(CHATDNAT_IPV6) >=
	       chatdnat_offload_max;
}

/**
 * chatdnat_offload_new() - allocate an entry
 *
 * Context: Any, chatdnat_offload_is_open() has been true; on the packet path.
 * Return: The entry, zeroed, or NULL if out of memory, or if the table is full.
 */
struct chatdnat_offload *chatdnat_offload_new(void)
{
	/* Not for each packet of all connections that it has no room for. */
	if (unlikely(chatdnat_offload_is_full()))
		return NULL;
	return kzalloc(sizeof(struct chatdnat_offload),
		       GFP_ATOMIC | __GFP_NOWARN);
}

/**
 * chatdnat_offload_discard() - free an entry that is not in the table
 * @offload: the entry
 *
 * Context: Any.
 */
void chatdnat_offload_discard(struct chatdnat_offload *offload)
{
	if (offload->ct)
		nf_ct_put(offload->ct);
	dst_release(offload->dst);
	kfree(offload);
}

static void chatdnat_offload_free(struct rcu_head *rcu)
{
	chatdnat_offload_discard(container_of(rcu, struct chatdnat_offload,
					      rcu));
}

static void chatdnat_offload_remove(struct chatdnat_offload *offload)
{
	lockdep_assert_held(&chatdnat_offload_lock);

	hlist_del_rcu(&offload->node);
	chatdnat_offload_n[chatdnat_offload_family(offload)]--;
	call_rcu(&offload->rcu, chatdnat_offload_free);
}

/* Whether an entry is of no use any more. */
static bool chatdnat_offload_is_over(const struct chatdnat_offload *offload)
{
	const struct chatdnat_validity *validity = &offload->translation.validity;

	return !chatdnat_offload_is_open(chatdnat_offload_family(offload)) ||
	       nf_ct_is_dying(offload->ct) ||
	       validity->gen != atomic_read(&chatdnat_validity_gen) ||
	       time_after(jiffies,
			  READ_ONCE(validity->until) + CHATDNAT_OFFLOAD_IDLE);
}

/* Make room in a bucket; removes another entry of the same packets too. */
static bool chatdnat_offload_fits(struct hlist_head *bucket,
				  const struct chatdnat_offload *new)
{
	enum chatdnat_family family = chatdnat_offload_family(new);
	struct chatdnat_offload *offload;
	struct hlist_node *next;
	unsigned int n = 0;

	hlist_for_each_entry_safe(offload, next, bucket, node) {
		if (chatdnat_offload_is_over(offload) ||
		    chatdnat_offload_is(offload, family, new->addr, new->ports,
					chatdnat_offload_protonum(new),
					new->iif))
			chatdnat_offload_remove(offload);
		else
			n++;
	}
	return n < CHATDNAT_OFFLOAD_CHAIN && !chatdnat_offload_is_full();
}

/**
 * chatdnat_offload_add() - put an entry into the table, or free it
 * @offload: the entry; takes the place of another one for the same packets
 *
 * A connection for which there is no room goes on through the stack.
 *
 * Context: Softirq or process context, chatdnat_offload_is_open() has been
 * true; on the packet path.
 */
void chatdnat_offload_add(struct chatdnat_offload *offload)
{
	enum chatdnat_family family = chatdnat_offload_family(offload);
	struct hlist_head *bucket;
	bool fits;

	bucket = chatdnat_offload_bucket(family, offload->addr, offload->ports);
	spin_lock_bh(&chatdnat_offload_lock);
	fits = chatdnat_offload_fits(bucket, offload);
	if (fits) {
		hlist_add_head_rcu(&offload->node, bucket);
		chatdnat_offload_n[family]++;
	}
	spin_unlock_bh(&chatdnat_offload_lock);
	if (!fits)
		chatdnat_offload_discard(offload);
}

/**
 * chatdnat_offload_count() - number of offloaded directions
 * @family: IPv4 or IPv6
 *
 * Context: Any.
 * Return: The number, two for most connections.
 */
unsigned int chatdnat_offload_count(enum chatdnat_family family)
{
	return READ_ONCE(chatdnat_offload_n[family]);
}

static void chatdnat_offload_sweep_bucket(struct hlist_head *bucket)
{
	struct chatdnat_offload *offload;
	struct hlist_node *next;

	spin_lock_bh(&chatdnat_offload_lock);
	hlist_for_each_entry_safe(offload, next, bucket, node)
		if (chatdnat_offload_is_over(offload))
			chatdnat_offload_remove(offload);
	spin_unlock_bh(&chatdnat_offload_lock);
}

/**
 * chatdnat_offload_sweep() - remove entries that are of no use any more
 *
 * Context: Process context, may sleep, chatdnat_config_lock held.
 */
void chatdnat_offload_sweep(void)
{
	const struct chatdnat_offload_table *table = &chatdnat_offload_table;
	unsigned int i;

	for (i = 0; i < chatdnat_offload_max; i++) {
		if (!chatdnat_offload_count(CHATDNAT_IPV4) &&
		    !chatdnat_offload_count(CHATDNAT_IPV6))
			return;
		if (!hlist_empty(&table->bucket[i]))
			chatdnat_offload_sweep_bucket(&table->bucket[i]);
		if (!(i % 1024))
			cond_resched();
	}
}

/**
 * chatdnat_offload_allocate() - allocate the buckets, once
 *
 * Context: Process context, may sleep, chatdnat_config_lock held.
 * Return: False if out of memory: no connection can be offloaded.
 */
bool chatdnat_offload_allocate(void)
{
	struct chatdnat_offload_table *table = &chatdnat_offload_table;
	struct hlist_head *bucket;
	u64 bytes = (u64)totalram_pages() << PAGE_SHIFT;
	unsigned int max;

	if (table->bucket)
		return true;
	max = clamp_t(u64, div_u64(bytes, CHATDNAT_OFFLOAD_SHARE * 256),
		      CHATDNAT_OFFLOAD_MIN, CHATDNAT_OFFLOAD_MAX);
	max = rounddown_pow_of_two(max);
	bucket = kvcalloc(max, sizeof(*bucket), GFP_KERNEL);
	if (!bucket)
		return false;
	chatdnat_offload_max = max;
	table->shift = 64 - ilog2(max);
	table->bucket = bucket;
	return true;
}

/**
 * chatdnat_offload_init() - choose the secret
 *
 * Context: Process context.
 */
void chatdnat_offload_init(void)
{
	struct chatdnat_offload_table *table = &chatdnat_offload_table;

	get_random_bytes(table->secret, sizeof(table->secret));
	get_random_bytes(table->secret_ipv6, sizeof(table->secret_ipv6));
	/* Factors are odd. */
	table->secret[0] |= 1;
	table->secret[1] |= 1;
}

/**
 * chatdnat_offload_exit() - remove all entries, and free the table
 *
 * On return no connection is held.
 *
 * Context: Process context, may sleep, after the last packet; no family is
 * open.
 */
void chatdnat_offload_exit(void)
{
	chatdnat_offload_sweep();
	/* They are freed by a function of the module. */
	rcu_barrier();
	kvfree(chatdnat_offload_table.bucket);
}
