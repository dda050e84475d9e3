/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNAT_FLOW_CACHE_H
#define CHATDNAT_FLOW_CACHE_H

#include <linux/hash.h>
#include <linux/kernel.h>
#include <linux/percpu.h>
#include <linux/types.h>

#include "../core/bindings.h"
#include "../net/nexthop.h"
#include "../net/translation.h"
#include "../net/validity.h"
#include "../policy/settings.h"

/*
 * Entries of a set, any of which may be of the addresses that lead to it. Each
 * client uses two entries, one for each direction.
 */
#define CHATDNAT_FLOW_CACHE_WAYS 4

/* Flag in chatdnat_flow_entry.tos_dir, next to the DSCP bits of the TOS. */
#define CHATDNAT_FLOW_FROM_WAN BIT(0)

/**
 * struct chatdnat_flow_entry - flow cache entry of segments from one address to
 *				another
 * @addr: source and destination address, adjacent as in the IP header
 * @tos_dir: TOS, for IPv4, and CHATDNAT_FLOW_FROM_WAN
 * @priority: skb->priority for that TOS
 * @mss: MSS to clamp to, for the path MTU of both directions; 0: do not clamp
 * @to: the new address, in a binding
 * @translation: the rest of the translation; ports stay
 * @reverse_dev: device of the next hop to the source, for source validation
 *
 * Aligned, as a packet would touch a third cache line otherwise.
 */
struct chatdnat_flow_entry {
	__be32 addr[8];
	u8 tos_dir;
	u8 priority;
	u16 mss;
	const struct chatdnat_addr *to;
	struct chatdnat_translation translation;
	const struct net_device *reverse_dev;
} __aligned(64);

/* The next hop to a relay, shared by all clients. */
struct chatdnat_relay_nexthop {
	u8 tos;
	struct chatdnat_validity validity;
	struct chatdnat_nexthop nexthop;
};

/**
 * struct chatdnat_flow_cache - flow cache of one CPU
 * @turn: which entry of a set is replaced next
 * @relay_hop: next hops to relays, indexed like the bindings
 * @entry: sets of entries, indexed by a hash of the addresses; the first half
 *	   for IPv4, the second half for IPv6
 */
struct chatdnat_flow_cache {
	unsigned int turn;
	struct chatdnat_relay_nexthop relay_hop[CHATDNAT_FAMILIES]
					       [CHATDNAT_RELAYS_MAX];
	struct chatdnat_flow_entry entry[];
};

/* 64 less the binary logarithm of the number of sets. */
extern unsigned int chatdnat_flow_cache_shift;

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

/* The set of a key in the cache of one CPU. */
static inline struct chatdnat_flow_entry *
chatdnat_flow_cache_set(struct chatdnat_flow_cache *cache,
			enum chatdnat_family family, u64 key)
{
	u64 hash = key * GOLDEN_RATIO_64;

	if (family == CHATDNAT_IPV6)
		hash |= BIT_ULL(63);
	else
		hash &= ~BIT_ULL(63);
	return cache->entry +
	       (hash >> chatdnat_flow_cache_shift) * CHATDNAT_FLOW_CACHE_WAYS;
}

/**
 * chatdnat_flow_cache_at() - find the set of a key
 * @bindings: the bindings
 * @family: IPv4 or IPv6
 * @key: hash key of the addresses
 *
 * Context: Softirq; on the packet path.
 * Return: The first of CHATDNAT_FLOW_CACHE_WAYS entries, each of which may be of
 * other addresses.
 */
static inline struct chatdnat_flow_entry *
chatdnat_flow_cache_at(const struct chatdnat_bindings *bindings,
		       enum chatdnat_family family, u64 key)
{
	struct chatdnat_flow_entry *set =
		chatdnat_flow_cache_set(this_cpu_read(*bindings->flow_cache),
					family, key);

	/* Keep the compiler from recomputing the address at each use. */
	OPTIMIZER_HIDE_VAR(set);
	return set;
}

/**
 * chatdnat_flow_cache_replaced() - the entry of a set that a new one replaces
 * @bindings: the bindings
 * @set: the set
 *
 * Context: Softirq; on the packet path.
 * Return: The first one, which is found soonest, if it is invalid; otherwise each
 * in turn.
 */
static inline struct chatdnat_flow_entry *
chatdnat_flow_cache_replaced(const struct chatdnat_bindings *bindings,
			     struct chatdnat_flow_entry *set)
{
	struct chatdnat_flow_cache *cache;

	if (!chatdnat_validity_check(&set->validity))
		return set;
	cache = this_cpu_read(*bindings->flow_cache);
	return set + cache->turn++ % CHATDNAT_FLOW_CACHE_WAYS;
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

bool chatdnat_flow_cache_new(struct chatdnat_bindings *bindings);
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
