/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNAT_NEXTHOP_H
#define CHATDNAT_NEXTHOP_H

#include <linux/netdevice.h>
#include <linux/types.h>
#include <net/neighbour.h>

#include "../policy/addr.h"
#include "../policy/ifset.h"

/**
 * struct chatdnat_nexthop - where packets to an address go next
 * @dev: the device that they leave by; NULL: only the stack can tell
 * @neigh: the neighbour that they are handed to; NULL: @dev has none, or it is
 *	   not known yet
 * @mtu: what fits without fragments
 * @wan: @dev is a WAN interface
 *
 * Neither device nor neighbour is held, but they do not go without a new
 * generation, nor before the RCU read lock is released.
 */
struct chatdnat_nexthop {
	struct net_device *dev;
	struct neighbour *neigh;
	unsigned int mtu;
	bool wan;
};

/**
 * chatdnat_nexthop_ready() - whether a packet can be handed to a next hop
 * @nexthop: the next hop
 *
 * Context: RCU read lock held; on the packet path.
 * Return: True if its neighbour is valid, or its device needs none.
 */
static inline bool chatdnat_nexthop_ready(const struct chatdnat_nexthop *nexthop)
{
	if (likely(nexthop->neigh))
		return READ_ONCE(nexthop->neigh->nud_state) & NUD_VALID;
	return nexthop->dev && !nexthop->dev->header_ops;
}

void chatdnat_nexthop_learn(struct chatdnat_nexthop *nexthop,
			    const struct chatdnat_ifset *wan,
			    enum chatdnat_family family,
			    const struct chatdnat_addr *addr, u8 tos);

void chatdnat_nexthop_neigh_gone(const struct neighbour *neigh);

#endif /* CHATDNAT_NEXTHOP_H */
