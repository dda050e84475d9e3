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

/* Entries of each family. Each client uses two, one for each direction. */
#define CHATDNAT_FLOW_CACHE_SHIFT 7

/* Flag in chatdnat_flow_entry.tos_dir, next to the DSCP bits of the TOS. */
#define CHATDNAT_FLOW_FROM_WAN BIT(0)

/**
 * struct chatdnat_flow_entry - flow cache entry of segments from one address to
 *				another
 * @addr: source and destination address, adjacent as in the IP header
 * @tos_dir: TOS, for IPv4, and CHATDNAT_FLOW_FROM_WAN
 * @priority: skb->priority for that TOS
 * @mss: MSS to clamp to, for the path MTU of both directions; 0: do not clamp
 * @diff: checksum difference of the translation
 * @diff_ipv4: the same for the IPv4 header, including the decremented TTL
 * @to: the new address, in a binding
 * @validity: validity of the entry
 * @nexthop: the next hop; an MTU of 0 passes the segments to the stack
 * @reverse_dev: device of the next hop to the source, for source validation
 */
struct chatdnat_flow_entry {
	__be32 addr[8];
	u8 tos_dir;
	u8 priority;
	u16 mss;
	__be16 diff;
	__be16 diff_ipv4;
	const struct chatdnat_addr *to;
	struct chatdnat_validity validity;
	struct chatdnat_nexthop nexthop;
	const struct net_device *reverse_dev;
};

/* The next hop to a relay, shared by all clients. */
struct chatdnat_relay_nexthop {
	u8 tos;
	struct chatdnat_validity validity;
	struct chatdnat_nexthop nexthop;
};

/**
 * struct chatdnat_flow_cache - flow cache of one CPU
 * @entry: indexed by a hash of the addresses
 * @relay_hop: next hops to relays, indexed like the bindings
 */
struct chatdnat_flow_cache {
	struct chatdnat_flow_entry entry[CHATDNAT_FAMILIES]
					[BIT(CHATDNAT_FLOW_CACHE_SHIFT)];
	struct chatdnat_relay_nexthop relay_hop[CHATDNAT_FAMILIES]
					       [CHATDNAT_RELAYS_MAX];
};

/**
 * chatdnat_flow_cache_pair() - combine two words of addresses
 * @a: a word
 * @b: the following word
 *
 * Context: Any; on the packet path.
 * Return: A value to be compared and hashed only.
 */
static inline u64 chatdnat_flow_cache_pair(__be32 a, __be32 b)
{
	return (__force u32)a | (u64)(__force u32)b << 32;
}

/**
 * chatdnat_flow_cache_key_ipv4() - hash key of an IPv4 flow
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
 * chatdnat_flow_cache_key_ipv6() - hash key of an IPv6 flow
 * @from: the source address, network byte order
 * @to: the destination address, network byte order
 *
 * Context: Any; on the packet path.
 * Return: The key.
 */
static inline u64 chatdnat_flow_cache_key_ipv6(const __be32 *from,
					       const __be32 *to)
{
	return chatdnat_flow_cache_pair(from[0], from[1]) ^
	       chatdnat_flow_cache_pair(from[2], from[3]) ^
	       chatdnat_flow_cache_pair(to[2], to[3]);
}

/**
 * chatdnat_flow_cache_at() - find the entry of a key
 * @bindings: the bindings
 * @family: IPv4 or IPv6
 * @key: hash key of the addresses
 *
 * Context: Softirq; on the packet path.
 * Return: The entry, which may be of other addresses.
 */
static inline struct chatdnat_flow_entry *
chatdnat_flow_cache_at(const struct chatdnat_bindings *bindings,
		       enum chatdnat_family family, u64 key)
{
	struct chatdnat_flow_entry *entry =
		this_cpu_ptr(bindings->flow_cache)->entry[family];

	entry += hash_64(key, CHATDNAT_FLOW_CACHE_SHIFT);
	/* Keep the compiler from recomputing the address at each use. */
	OPTIMIZER_HIDE_VAR(entry);
	return entry;
}

/**
 * chatdnat_flow_cache_route() - route to the relay of an entry
 * @entry: an entry with CHATDNAT_FLOW_FROM_WAN
 * @family: IPv4 or IPv6
 *
 * Context: Softirq, RCU read lock held; on the packet path.
 * Return: The route, or NULL.
 */
static inline struct dst_entry *
chatdnat_flow_cache_route(const struct chatdnat_flow_entry *entry,
			  enum chatdnat_family family)
{
	return chatdnat_binding_route(container_of(entry->to,
						   struct chatdnat_binding,
						   relay),
				      family);
}

struct chatdnat_flow_cache __percpu *chatdnat_flow_cache_new(void);
bool chatdnat_flow_cache_learn(struct chatdnat_flow_entry *entry,
			       const struct chatdnat_settings *settings,
			       const struct chatdnat_bindings *bindings,
			       enum chatdnat_family family, const void *addr,
			       u8 tos_dir);
void chatdnat_flow_cache_forget(const struct chatdnat_bindings *bindings,
				enum chatdnat_family family,
				const struct chatdnat_addr *from,
				const struct chatdnat_addr *to);

#endif /* CHATDNAT_FLOW_CACHE_H */
