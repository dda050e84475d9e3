/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNAT_HOP_H
#define CHATDNAT_HOP_H

#include <linux/jiffies.h>
#include <linux/types.h>

#include "addr.h"
#include "relays.h"

struct net_device;

/* A power of two; so many clients may be busy at once without further cost. */
#define CHATDNAT_HOPS		128

/**
 * struct chatdnat_hop - where packets to an address go next
 * @addr: the address, network byte order; of IPv4, with the type of service
 *	  in the last word
 * @next: that of the next hop
 * @dev: the device that they leave by, not held; NULL: only the stack can tell
 * @mtu: what fits without fragments
 * @wan: @dev is a WAN interface
 * @gen: the generation of routes that this was learnt in
 * @until: when to ask again, jiffies
 */
struct chatdnat_hop {
	struct chatdnat_addr addr;
	struct chatdnat_addr next;
	struct net_device *dev;
	unsigned int mtu;
	bool wan;
	int gen;
	unsigned long until;
};

/**
 * struct chatdnat_hops - the next hops that one processor knows
 * @relay: of each relay, by its binding
 * @client: of clients, by a hash of their address
 */
struct chatdnat_hops {
	struct chatdnat_hop relay[CHATDNAT_FAMILIES][CHATDNAT_RELAYS_MAX];
	struct chatdnat_hop client[CHATDNAT_FAMILIES][CHATDNAT_HOPS];
};

extern atomic_t chatdnat_hop_gen;

/**
 * chatdnat_hop_holds() - whether what is known of an address still holds
 * @hop: what is known
 * @addr: the address, network byte order
 *
 * A device is not held, but it does not go without a new generation, nor
 * before the RCU read lock is released.
 *
 * Context: Softirq, RCU read lock held; on the packet path.
 */
static inline bool chatdnat_hop_holds(const struct chatdnat_hop *hop,
				      const struct chatdnat_addr *addr)
{
	return hop->gen == atomic_read(&chatdnat_hop_gen) &&
	       chatdnat_addr_equal(&hop->addr, addr) &&
	       time_before(jiffies, hop->until);
}

void chatdnat_hop_learn_ipv4(struct chatdnat_hop *hop,
			     const struct chatdnat_addr *addr);
void chatdnat_hop_learn_ipv6(struct chatdnat_hop *hop,
			     const struct chatdnat_addr *addr);

void chatdnat_hop_forget(void);

#endif /* CHATDNAT_HOP_H */
