/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNAT_FLOW_CACHE_H
#define CHATDNAT_FLOW_CACHE_H

#include <linux/hash.h>
#include <linux/kernel.h>
#include <linux/percpu.h>
#include <linux/types.h>

#include "../core/bindings.h"
#include "../net/validity.h"
#include "../policy/settings.h"
#include "nexthop.h"

/* So many may be busy at once without further cost: half as many clients. */
#define CHATDNAT_FLOW_CACHE_SHIFT	7

/* In a mark, with the bits of a type of service that routes may look at. */
#define CHATDNAT_FLOW_FROM_WAN	BIT(0)

/**
 * struct chatdnat_flow_entry - where segments from one address to another go
 * @addr: the addresses, side by side as a header has them
 * @mark: their type of service, for IPv4, and whether they come from the world
 * @priority: what that type is to a queue
 * @mss: what fits both ways, and so may be announced; 0: whatever is
 * @diff: by what a sum changes in which @to takes its place
 * @diff_ipv4: the same of an IPv4 header, which also loses a hop
 * @to: the address that they get, of a binding
 * @validity: for how long all this holds
 * @nexthop: where they go next; with an MTU of 0 only the stack can tell
 * @back: the device that leads back to their source
 */
struct chatdnat_flow_entry {
	__be32 addr[8];
	u8 mark;
	u8 priority;
	u16 mss;
	__be16 diff;
	__be16 diff_ipv4;
	const struct chatdnat_addr *to;
	struct chatdnat_validity validity;
	struct chatdnat_nexthop nexthop;
	const struct net_device *back;
};

/* The next hop to a relay, whoever the client is. */
struct chatdnat_relay_nexthop {
	u8 tos;
	struct chatdnat_validity validity;
	struct chatdnat_nexthop nexthop;
};

/**
 * struct chatdnat_flow_cache - the ways that one processor knows
 * @entry: by a hash of their addresses
 * @relay_hop: by a relay's binding
 */
struct chatdnat_flow_cache {
	struct chatdnat_flow_entry entry[CHATDNAT_FAMILIES][BIT(CHATDNAT_FLOW_CACHE_SHIFT)];
	struct chatdnat_relay_nexthop relay_hop[CHATDNAT_FAMILIES][CHATDNAT_RELAYS_MAX];
};

/**
 * chatdnat_flow_cache_pair() - two words of addresses as one
 * @a: a word
 * @b: the word behind it
 *
 * Context: Any; on the packet path.
 * Return: The value, whose only use is to be compared and hashed.
 */
static inline u64 chatdnat_flow_cache_pair(__be32 a, __be32 b)
{
	return (__force u32)a | (u64)(__force u32)b << 32;
}

/**
 * chatdnat_flow_cache_key_ipv4() - by what a path of IPv4 is kept
 * @from: the source address, network byte order
 * @to: the destination address, network byte order
 *
 * Context: Any; on the packet path.
 * Return: The key.
 */
static inline u64 chatdnat_flow_cache_key_ipv4(__be32 from, __be32 to)
{
	return chatdnat_flow_cache_pair(from, to);
}

/**
 * chatdnat_flow_cache_key_ipv6() - by what a path of IPv6 is kept
 * @from: the source address, network byte order
 * @to: the destination address, network byte order
 *
 * Context: Any; on the packet path.
 * Return: The key.
 */
static inline u64 chatdnat_flow_cache_key_ipv6(const __be32 *from, const __be32 *to)
{
	return chatdnat_flow_cache_pair(from[0], from[1]) ^
	       chatdnat_flow_cache_pair(from[2], from[3]) ^
	       chatdnat_flow_cache_pair(to[2], to[3]);
}

/**
 * chatdnat_flow_cache_at() - where a path is kept
 * @bindings: what is translated without state
 * @family: IPv4 or IPv6
 * @key: made of its addresses
 *
 * Context: Softirq; on the packet path.
 * Return: The entry, of whatever addresses are kept there.
 */
static inline struct chatdnat_flow_entry *
chatdnat_flow_cache_at(const struct chatdnat_bindings *bindings,
		       enum chatdnat_family family, u64 key)
{
	struct chatdnat_flow_entry *entry = this_cpu_ptr(bindings->paths)->entry[family];

	entry += hash_64(key, CHATDNAT_FLOW_CACHE_SHIFT);
	/* Not to be worked out anew each time. */
	OPTIMIZER_HIDE_VAR(entry);
	return entry;
}

/**
 * chatdnat_flow_cache_route() - the route to a relay, for a device that looks at it
 * @entry: a path that comes from the world
 * @family: IPv4 or IPv6
 *
 * Context: Softirq, RCU read lock held; on the packet path.
 * Return: The route; NULL: there is none.
 */
static inline struct dst_entry *
chatdnat_flow_cache_route(const struct chatdnat_flow_entry *entry,
			  enum chatdnat_family family)
{
	return chatdnat_binding_route(container_of(entry->to,
						   struct chatdnat_binding,
						   relay), family);
}

struct chatdnat_flow_cache __percpu *chatdnat_flow_cache_new(void);
bool chatdnat_flow_cache_learn(struct chatdnat_flow_entry *entry,
			       const struct chatdnat_settings *settings,
			       const struct chatdnat_bindings *bindings,
			       enum chatdnat_family family, const void *addr, u8 mark);
void chatdnat_flow_cache_forget(const struct chatdnat_bindings *bindings,
				enum chatdnat_family family,
				const struct chatdnat_addr *from,
				const struct chatdnat_addr *to);

#endif /* CHATDNAT_FLOW_CACHE_H */
