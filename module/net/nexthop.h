/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNAT_NEXTHOP_H
#define CHATDNAT_NEXTHOP_H

#include <linux/netdevice.h>
#include <linux/types.h>
#include <net/neighbour.h>

#include "../policy/addr.h"
#include "../policy/ifset.h"

struct dst_entry;
struct sk_buff;

/**
 * struct chatdnat_nexthop - next hop to an address
 * @dev: output device; NULL: the stack has to route the packets
 * @neigh: the neighbour; NULL if @dev has none, or if it is not resolved
 * @mtu: MTU of the route
 * @headroom: bytes that @dev asks for before a packet
 * @wan: @dev is a WAN interface
 *
 * There is no reference to device and neighbour. Before they are freed, a new
 * validity generation begins, and a grace period passes.
 */
struct chatdnat_nexthop {
	struct net_device *dev;
	struct neighbour *neigh;
	unsigned int mtu;
	u16 headroom;
	bool wan;
};

/**
 * chatdnat_nexthop_ready() - whether packets can be sent to a next hop
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

u32 chatdnat_nexthop_from_dst(struct chatdnat_nexthop *nexthop,
			      enum chatdnat_family family,
			      struct dst_entry *dst, const struct sk_buff *skb);

void chatdnat_nexthop_neigh_gone(const struct neighbour *neigh);

#endif /* CHATDNAT_NEXTHOP_H */
