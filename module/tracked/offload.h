/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Offloaded connections: established connections whose packets take the fast
 * path. Connection tracking keeps them, and is told what it has to know.
 */
#ifndef CHATDNAT_OFFLOAD_H
#define CHATDNAT_OFFLOAD_H

#include <linux/cache.h>
#include <linux/list.h>
#include <linux/rculist.h>
#include <net/netfilter/nf_conntrack.h>

#include "../net/chains.h"
#include "../net/translation.h"
#include "../policy/addr.h"

/* Four IPv6 addresses. */
#define CHATDNAT_OFFLOAD_WORDS 16
#define CHATDNAT_OFFLOAD_PORTS 256

/* Whether connections of a family may be offloaded. */
enum chatdnat_offload_mode {
	CHATDNAT_OFFLOAD_CLOSED,
	CHATDNAT_OFFLOAD_OPEN,
	CHATDNAT_OFFLOAD_WATCH, /* as long as no hook is registered or removed */
};

/**
 * struct chatdnat_offload - a direction of an offloaded connection; immutable,
 *			     except for the time of its translation's validity,
 *			     and @sourced
 * @node: in a bucket
 * @ports: source and destination port, as in the header of its packets
 * @iif: index of their input device
 * @kind: CHATDNAT_OFFLOAD_KIND()
 * @tos: TOS without ECN, IPv4
 * @priority: skb->priority for that TOS; negative: it is left as it is
 * @rp_filter: reverse path filter of the input device, IPv4
 * @dir: its direction in @ct
 * @sourced: the route back to the source uses the input device
 * @counts: @ct counts packets (nf_conntrack_acct)
 * @ct: the connection, referenced
 * @translation: what to do with its packets
 * @dst: their route, referenced
 * @cookie: for dst_check()
 * @addr: addresses, of one or four words: source and destination as in the
 *	  header, then the new source and destination
 * @rcu: to free it
 *
 * For IPv4, all that a packet needs is in the first 128 bytes.
 */
struct chatdnat_offload {
	struct hlist_node node;
	__be32 ports;
	int iif;
	u16 kind;
	u8 tos;
	s8 priority;
	u8 rp_filter;
	u8 dir;
	bool sourced;
	bool counts;
	struct nf_conn *ct;
	struct chatdnat_translation translation;
	struct dst_entry *dst;
	u32 cookie;
	__be32 addr[CHATDNAT_OFFLOAD_WORDS];
	struct rcu_head rcu;
};

#ifdef CONFIG_64BIT
static_assert(offsetof(struct chatdnat_offload, addr[4]) <= 128);
#endif

/**
 * struct chatdnat_offload_table - all offloaded connections
 * @bucket: the buckets; NULL before the first connection may be offloaded
 * @shift: 64 less the binary logarithm of their number
 * @mode: whether connections of a family may be offloaded
 * @secret: of the hash: for ports, and for IPv4
 * @chains: the hooks for which @mode was decided
 * @secret_ipv6: of the hash, for IPv6
 *
 * For IPv4, all that a packet needs is in the first 64 bytes.
 */
struct chatdnat_offload_table {
	struct hlist_head *bucket;
	unsigned int shift;
	u8 mode[CHATDNAT_FAMILIES];
	u64 secret[2];
	struct chatdnat_chains chains[CHATDNAT_FAMILIES];
	u64 secret_ipv6[4];
} ____cacheline_aligned;

static_assert(offsetof(struct chatdnat_offload_table, chains[CHATDNAT_IPV6]) <=
	      64);

extern struct chatdnat_offload_table chatdnat_offload_table;

#define CHATDNAT_OFFLOAD_KIND(family, protonum) ((family) << 8 | (protonum))

/**
 * chatdnat_offload_protonum() - protocol of an offloaded connection
 * @offload: its direction
 *
 * Context: Any; on the packet path.
 * Return: IPPROTO_TCP or IPPROTO_UDP.
 */
static inline u8 chatdnat_offload_protonum(const struct chatdnat_offload *offload)
{
	return offload->kind & 0xff;
}

/**
 * chatdnat_offload_family() - family of an offloaded connection
 * @offload: its direction
 *
 * Context: Any; on the packet path.
 * Return: IPv4 or IPv6.
 */
static inline enum chatdnat_family
chatdnat_offload_family(const struct chatdnat_offload *offload)
{
	return offload->kind >> 8;
}

/**
 * chatdnat_offload_words() - number of words of an address
 * @family: IPv4 or IPv6
 *
 * Context: Any.
 * Return: The number.
 */
static inline unsigned int chatdnat_offload_words(enum chatdnat_family family)
{
	return family == CHATDNAT_IPV6 ? 4 : 1;
}

/**
 * chatdnat_offload_is_open() - whether connections may be offloaded
 * @family: IPv4 or IPv6
 *
 * Context: Softirq or process context; on the packet path.
 * Return: True if the settings allow it, and nobody registers hooks.
 */
static inline bool chatdnat_offload_is_open(enum chatdnat_family family)
{
	const struct chatdnat_offload_table *table = &chatdnat_offload_table;

	/* Pairs with chatdnat_gate_decide(): the buckets are there. */
	switch (smp_load_acquire(&table->mode[family])) {
	case CHATDNAT_OFFLOAD_WATCH:
		return chatdnat_chains_same(&table->chains[family], family);
	case CHATDNAT_OFFLOAD_OPEN:
		return true;
	default:
		return false;
	}
}

/* Two adjacent words of addresses, to be compared and hashed only. */
static inline u64 chatdnat_offload_pair(const __be32 *word)
{
	return (__force u32)word[0] | (u64)(__force u32)word[1] << 32;
}

/* The secret keeps others from choosing connections of one bucket. */
static inline struct hlist_head *
chatdnat_offload_bucket(enum chatdnat_family family, const __be32 *addr,
			__be32 ports)
{
	const struct chatdnat_offload_table *table = &chatdnat_offload_table;
	const u64 *secret = table->secret_ipv6;
	u64 hash = (__force u32)ports * table->secret[0];

	if (family == CHATDNAT_IPV6)
		hash += (chatdnat_offload_pair(addr) + secret[0]) *
				(chatdnat_offload_pair(addr + 2) + secret[1]) +
			(chatdnat_offload_pair(addr + 4) + secret[2]) *
				(chatdnat_offload_pair(addr + 6) + secret[3]);
	else
		hash += chatdnat_offload_pair(addr) * table->secret[1];
	return &table->bucket[hash >> table->shift];
}

static inline bool chatdnat_offload_is(const struct chatdnat_offload *offload,
				       enum chatdnat_family family,
				       const __be32 *addr, __be32 ports,
				       u8 protonum, int iif)
{
	if (offload->ports != ports || offload->iif != iif ||
	    offload->kind != CHATDNAT_OFFLOAD_KIND(family, protonum) ||
	    chatdnat_offload_pair(offload->addr) != chatdnat_offload_pair(addr))
		return false;
	return family == CHATDNAT_IPV4 ||
	       !((chatdnat_offload_pair(offload->addr + 2) ^
		  chatdnat_offload_pair(addr + 2)) |
		 (chatdnat_offload_pair(offload->addr + 4) ^
		  chatdnat_offload_pair(addr + 4)) |
		 (chatdnat_offload_pair(offload->addr + 6) ^
		  chatdnat_offload_pair(addr + 6)));
}

/**
 * chatdnat_offload_find() - find the offloaded connection of a packet
 * @family: IPv4 or IPv6
 * @addr: source and destination address, adjacent as in the header
 * @ports: source and destination port, as in the header
 * @protonum: IPPROTO_TCP or IPPROTO_UDP
 * @iif: index of the input device
 *
 * Context: RCU read lock held, chatdnat_offload_is_open() has been true; on the
 * packet path.
 * Return: The direction of the packet, which may be invalid; or NULL.
 */
static inline struct chatdnat_offload *
chatdnat_offload_find(enum chatdnat_family family, const __be32 *addr,
		      __be32 ports, u8 protonum, int iif)
{
	struct chatdnat_offload *offload;

	hlist_for_each_entry_rcu(offload,
				 chatdnat_offload_bucket(family, addr, ports),
				 node)
		if (chatdnat_offload_is(offload, family, addr, ports, protonum,
					iif))
			return offload;
	return NULL;
}

/**
 * chatdnat_offload_is_current() - whether a connection is alive, and nothing has
 *				   changed since its direction was learnt
 * @offload: its direction
 *
 * Context: RCU read lock held; on the packet path.
 * Return: False if the stack has to see the next packet.
 */
static inline bool
chatdnat_offload_is_current(const struct chatdnat_offload *offload)
{
	const struct chatdnat_validity *validity = &offload->translation.validity;

	return READ_ONCE(validity->gen) == atomic_read(&chatdnat_validity_gen) &&
	       !nf_ct_is_dying(offload->ct);
}

/**
 * chatdnat_offload_is_due() - whether a direction has to be looked after
 * @offload: the direction
 *
 * Context: Any; on the packet path.
 * Return: True once a second, and after a packet that took the path through the
 * stack.
 */
static inline bool chatdnat_offload_is_due(const struct chatdnat_offload *offload)
{
	return !time_before(jiffies,
			    READ_ONCE(offload->translation.validity.until));
}

struct chatdnat_offload *chatdnat_offload_new(void);
void chatdnat_offload_discard(struct chatdnat_offload *offload);
void chatdnat_offload_add(struct chatdnat_offload *offload);
bool chatdnat_offload_allocate(void);
void chatdnat_offload_sweep(void);
unsigned int chatdnat_offload_count(enum chatdnat_family family);
void chatdnat_offload_init(void);
void chatdnat_offload_exit(void);

#endif /* CHATDNAT_OFFLOAD_H */
