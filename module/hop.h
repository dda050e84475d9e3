/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNAT_HOP_H
#define CHATDNAT_HOP_H

#include <linux/atomic.h>
#include <linux/jiffies.h>
#include <linux/netdevice.h>
#include <linux/types.h>
#include <net/neighbour.h>

#include "addr.h"
#include "ifset.h"

/**
 * struct chatdnat_lease - for how long what was learnt of the stack holds
 * @until: when to ask again, jiffies
 * @gen: the generation of routes and neighbours that it was learnt in; 0: not
 *	 even for a moment
 */
struct chatdnat_lease {
	unsigned long until;
	int gen;
};

/**
 * struct chatdnat_hop - where packets to an address go next
 * @dev: the device that they leave by; NULL: only the stack can tell
 * @neigh: the neighbour that they are handed to; NULL: @dev has none, or it is
 *	   not known yet
 * @mtu: what fits without fragments
 * @wan: @dev is a WAN interface
 *
 * Neither device nor neighbour is held, but they do not go without a new
 * generation, nor before the RCU read lock is released.
 */
struct chatdnat_hop {
	struct net_device *dev;
	struct neighbour *neigh;
	unsigned int mtu;
	bool wan;
};

/*
 * What a processor keeps for itself is for one softirq at a time. With
 * PREEMPT_RT another may come in between, unless it holds a lock for that.
 */
#define CHATDNAT_SOFTIRQ_PREEMPTED		\
	(IS_ENABLED(CONFIG_PREEMPT_RT) &&	\
	 !IS_ENABLED(CONFIG_PREEMPT_RT_NEEDS_BH_LOCK))

extern atomic_t chatdnat_hop_gen;

/**
 * chatdnat_lease_holds() - whether what was learnt still holds
 * @lease: its lease
 *
 * Context: Softirq, RCU read lock held; on the packet path.
 * Return: True if nothing has changed since, and it is not too old.
 */
static inline bool chatdnat_lease_holds(const struct chatdnat_lease *lease)
{
	return READ_ONCE(lease->gen) == atomic_read(&chatdnat_hop_gen) &&
	       time_before(jiffies, lease->until);
}

/**
 * chatdnat_lease_end() - have something learnt anew
 * @lease: its lease
 *
 * Context: Any, also on another processor than the lease's; on the packet path.
 */
static inline void chatdnat_lease_end(struct chatdnat_lease *lease)
{
	WRITE_ONCE(lease->gen, 0);
}

/**
 * chatdnat_hop_ready() - whether a packet can be handed to a next hop
 * @hop: the next hop
 *
 * Context: RCU read lock held; on the packet path.
 * Return: True if its neighbour is valid, or its device needs none.
 */
static inline bool chatdnat_hop_ready(const struct chatdnat_hop *hop)
{
	if (likely(hop->neigh))
		return READ_ONCE(hop->neigh->nud_state) & NUD_VALID;
	return hop->dev && !hop->dev->header_ops;
}

void chatdnat_lease_begin(struct chatdnat_lease *lease);

void chatdnat_hop_learn(struct chatdnat_hop *hop,
			const struct chatdnat_ifset *wan,
			enum chatdnat_family family,
			const struct chatdnat_addr *addr, u8 tos);

void chatdnat_hop_forget(void);
void chatdnat_hop_neigh_gone(const struct neighbour *neigh);

#endif /* CHATDNAT_HOP_H */
