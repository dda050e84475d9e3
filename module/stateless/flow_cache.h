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

/*
 * Parts of chatdnat_flow_entry.kind: the lowest byte has these flags and, for
 * IPv4, the TOS without ECN; the others have the serial number of the bindings.
 */
#define CHATDNAT_FLOW_FROM_WAN BIT(0)
#define CHATDNAT_FLOW_IPV6 BIT(1)
#define CHATDNAT_FLOW_TOS 0xfc

/**
 * struct chatdnat_flow_entry - flow cache entry of segments from one address to
 *				another
 * @addr: source and destination address, adjacent as in the IP header; for IPv4,
 *	  the new address follows, as a packet would read another cache line
 *	  otherwise
 * @kind: the bindings, family, direction and TOS that the entry is for
 * @mss: MSS to clamp to, for the path MTU of both directions; 0: do not clamp
 * @priority: skb->priority for that TOS
 * @to: the new address, in a binding; valid together with these bindings
 * @translation: the rest of the translation; ports stay
 * @reverse_dev: device of the next hop to the source, for source validation
 *
 * Aligned, as a packet would touch a third cache line otherwise.
 */
struct chatdnat_flow_entry {
	__be32 addr[8];
	u32 kind;
	u16 mss;
	u8 priority;
	const struct chatdnat_addr *to;
	struct chatdnat_translation translation;
	const struct net_device *reverse_dev;
} __aligned(64);

/**
 * struct chatdnat_relay_nexthop - the next hop to a relay, shared by all clients
 * @kind: as that of an entry to the relay
 * @validity: validity of @nexthop
 * @nexthop: the next hop
 */
struct chatdnat_relay_nexthop {
	u32 kind;
	struct chatdnat_validity validity;
	struct chatdnat_nexthop nexthop;
};

/**
 * struct chatdnat_flow_cache - flow cache of one CPU, for all bindings
 * @turn: which entry of a set is replaced next
 * @relay_hop: next hops to relays, indexed like the bindings
 * @entry: sets of entries, indexed by a hash of the addresses
 */
struct chatdnat_flow_cache {
	unsigned int turn;
	struct chatdnat_relay_nexthop relay_hop[CHATDNAT_FAMILIES]
					       [CHATDNAT_RELAYS_MAX];
	struct chatdnat_flow_entry entry[];
};

/**
 * struct chatdnat_flow_cache_ref - what finds the flow cache of a CPU
 * @cache: the cache
 * @shift: 64 less the binary logarithm of the number of its sets
 *
 * Aligned, so that it is in one cache line.
 */
struct chatdnat_flow_cache_ref {
	struct chatdnat_flow_cache *cache;
	unsigned int shift;
} __aligned(16);

/*
 * Allocated before the first bindings take effect, freed when the module is
 * unloaded; used in softirq only.
 */
DECLARE_PER_CPU(struct chatdnat_flow_cache_ref, chatdnat_flow_cache);

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
chatdnat_flow_cache_set(const struct chatdnat_flow_cache_ref *ref, u64 key)
{
	return ref->cache->entry + ((key * GOLDEN_RATIO_64) >> ref->shift) *
					   CHATDNAT_FLOW_CACHE_WAYS;
}

/**
 * chatdnat_flow_cache_at() - find the set of a key
 * @key: hash key of the addresses
 *
 * Context: Softirq, with bindings in effect; on the packet path.
 * Return: The first of CHATDNAT_FLOW_CACHE_WAYS entries, each of which may be of
 * other addresses.
 */
static inline struct chatdnat_flow_entry *chatdnat_flow_cache_at(u64 key)
{
	struct chatdnat_flow_entry *set =
		chatdnat_flow_cache_set(this_cpu_ptr(&chatdnat_flow_cache), key);

	/* Keep the compiler from recomputing the address at each use. */
	OPTIMIZER_HIDE_VAR(set);
	return set;
}

/**
 * chatdnat_flow_cache_replaced() - the entry of a set that a new one replaces
 * @set: the set
 *
 * Context: Softirq; on the packet path.
 * Return: The first one, which is found soonest, if it is invalid; otherwise each
 * in turn.
 */
static inline struct chatdnat_flow_entry *
chatdnat_flow_cache_replaced(struct chatdnat_flow_entry *set)
{
	if (!chatdnat_validity_check(&set->translation.validity))
		return set;
	return set + this_cpu_read(chatdnat_flow_cache.cache)->turn++ %
			     CHATDNAT_FLOW_CACHE_WAYS;
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

bool chatdnat_flow_cache_allocate(void);
struct chatdnat_flow_entry *
chatdnat_flow_cache_learn(struct chatdnat_flow_entry *entry,
			  const struct chatdnat_settings *settings,
			  const struct chatdnat_bindings *bindings,
			  const void *addr, u32 kind);
void chatdnat_flow_cache_forget(enum chatdnat_family family,
				const struct chatdnat_addr *from,
				const struct chatdnat_addr *to);
void chatdnat_flow_cache_exit(void);

#endif /* CHATDNAT_FLOW_CACHE_H */
