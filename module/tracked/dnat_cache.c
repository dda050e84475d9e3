// SPDX-License-Identifier: GPL-2.0
/*
 * Cache of DNAT decisions. Connections to the same address and port by the same
 * interface get the same relay, the same route and, by the same output
 * interface, the same decision about their source. An entry is valid for a
 * second, or until the settings, an address, a device or a route change.
 */
#include <linux/hash.h>
#include <linux/inetdevice.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/percpu.h>
#include <net/dst.h>
#include <net/ip.h>
#include <net/ip6_fib.h>
#include <net/ip_fib.h>

#include "../core/nfct_snapshot.h"
#include "../net/compat.h"
#include "../net/nfct.h"
#include "../net/path_mtu.h"
#include "dnat_cache.h"

#define CHATDNAT_DNAT_CACHE_SHIFT 4

/* The cache of one CPU, indexed by a hash of address, port and protocol. */
struct chatdnat_dnat_cache {
	struct chatdnat_dnat_entry entry[CHATDNAT_FAMILIES]
					[BIT(CHATDNAT_DNAT_CACHE_SHIFT)];
};

static struct chatdnat_dnat_cache __percpu *chatdnat_dnat_cache;

/*
 * Port and protocol of a destination. With the direction, which is always 0
 * here, they are a whole word in memory that the compiler may load at once.
 */
static __always_inline u32
chatdnat_dnat_cache_service(const struct nf_conntrack_tuple *tuple)
{
	return (__force u16)tuple->dst.u.all | tuple->dst.protonum << 16 |
	       tuple->dst.dir << 24;
}

/*
 * NULL for other protocols, outside softirq, and where softirqs can preempt each
 * other.
 */
static __always_inline struct chatdnat_dnat_entry *
chatdnat_dnat_cache_at(const struct nf_conntrack_tuple *tuple)
{
	const struct chatdnat_addr *daddr = chatdnat_addr_of(&tuple->dst.u3);
	u32 key = (__force u32)(daddr->word[0] ^ daddr->word[3]) ^
		  chatdnat_dnat_cache_service(tuple);

	if (CHATDNAT_SOFTIRQ_PREEMPTED || !in_softirq() ||
	    (tuple->dst.protonum != IPPROTO_TCP &&
	     tuple->dst.protonum != IPPROTO_UDP))
		return NULL;
	return this_cpu_ptr(chatdnat_dnat_cache)
		       ->entry[chatdnat_family_of(tuple->src.l3num)] +
	       hash_32(key, CHATDNAT_DNAT_CACHE_SHIFT);
}

static __always_inline struct chatdnat_dnat_entry *
chatdnat_dnat_cache_look_up(const struct chatdnat_snapshot *snapshot,
			    const struct nf_conntrack_tuple *tuple)
{
	struct chatdnat_dnat_entry *entry = chatdnat_dnat_cache_at(tuple);

	return entry && entry->snapshot == snapshot &&
			       entry->service ==
				       chatdnat_dnat_cache_service(tuple) &&
			       chatdnat_addr_equal(&entry->daddr,
						   chatdnat_addr_of(&tuple->dst
									     .u3)) &&
			       chatdnat_validity_check(&entry->validity) ?
		       entry :
		       NULL;
}

/**
 * chatdnat_dnat_cache_find() - find the decision about a connection
 * @snapshot: the active snapshot
 * @tuple: original tuple of the connection
 *
 * Context: RCU read lock held; on the packet path.
 * Return: The entry, or NULL if there is none or it is not valid.
 */
struct chatdnat_dnat_entry *
chatdnat_dnat_cache_find(const struct chatdnat_snapshot *snapshot,
			 const struct nf_conntrack_tuple *tuple)
{
	return chatdnat_dnat_cache_look_up(snapshot, tuple);
}

/**
 * chatdnat_dnat_cache_by() - find the snapshot that translated a connection
 * @ct: the connection
 * @entry: set to the cache entry of its destination, or to NULL
 *
 * Context: RCU read lock held; on the packet path.
 * Return: The active one, or the previous one for a packet that is still in
 * flight; NULL if the connection is not forwarded by the module.
 */
const struct chatdnat_snapshot *
chatdnat_dnat_cache_by(const struct nf_conn *ct,
		       struct chatdnat_dnat_entry **entry)
{
	const struct nf_conntrack_tuple *reply = nf_ct_tuple(ct,
							     IP_CT_DIR_REPLY);
	const struct chatdnat_snapshot *snapshot;

	*entry = NULL;
	snapshot = rcu_dereference(chatdnat_active);
	if (!snapshot || !(READ_ONCE(ct->status) & IPS_DST_NAT))
		return NULL;

	*entry = chatdnat_dnat_cache_look_up(snapshot,
					     nf_ct_tuple(ct,
							 IP_CT_DIR_ORIGINAL));
	if (*entry && (__force u16)reply->src.u.all == (u16)(*entry)->service &&
	    chatdnat_addr_equal((*entry)->relay,
				chatdnat_addr_of(&reply->src.u3)))
		return snapshot;

	*entry = NULL;
	return chatdnat_nfct_snapshot(ct);
}

/**
 * chatdnat_dnat_cache_add() - cache the decision about a connection
 * @validity: started before the decision
 * @snapshot: the active snapshot
 * @tuple: original tuple of the connection
 * @in: the input interface
 * @relay: the chosen relay, in @snapshot
 *
 * Only for decisions that depend on nothing else.
 *
 * Context: RCU read lock held; on the packet path.
 */
void chatdnat_dnat_cache_add(const struct chatdnat_validity *validity,
			     const struct chatdnat_snapshot *snapshot,
			     const struct nf_conntrack_tuple *tuple,
			     const struct net_device *in,
			     const struct chatdnat_addr *relay)
{
	struct chatdnat_dnat_entry *entry = chatdnat_dnat_cache_at(tuple);

	if (!entry)
		return;
	dst_release(entry->dst);
	*entry = (struct chatdnat_dnat_entry){
		.validity = *validity,
		.snapshot = snapshot,
		.daddr = *chatdnat_addr_of(&tuple->dst.u3),
		.service = chatdnat_dnat_cache_service(tuple),
		.in = in,
		.relay = relay,
	};
}

/* Replaces the source validation of the route lookup, which is skipped. */
static bool chatdnat_dnat_cache_source_valid_ipv4(const struct sk_buff *skb,
						  const struct net_device *in)
{
	struct in_device *in_dev = __in_dev_get_rcu(in);
	const struct chatdnat_addr saddr = {
		.word = { ip_hdr(skb)->saddr },
	};

	return in_dev && IN_DEV_FORWARD(in_dev) && !IN_DEV_RPFILTER(in_dev) &&
	       chatdnat_path_mtu_is_foreign(&saddr, skb->mark);
}

/* Another hook may have changed the destination since. */
static bool chatdnat_dnat_cache_is_for(const struct chatdnat_addr *relay,
				       const struct sk_buff *skb,
				       enum chatdnat_family family)
{
	if (family == CHATDNAT_IPV4)
		return ip_hdr(skb)->daddr == relay->word[0];
	return !memcmp(&ipv6_hdr(skb)->daddr, relay->word, sizeof(relay->word));
}

/* The TOS as used by the route lookup. */
static u8 chatdnat_dnat_cache_tos(const struct sk_buff *skb,
				  enum chatdnat_family family)
{
	return family == CHATDNAT_IPV4 ? ip_hdr(skb)->tos : 0;
}

/**
 * chatdnat_dnat_cache_route() - set the cached route of a packet
 * @entry: the cache entry of its destination
 * @skb: the packet, after DNAT
 * @family: IPv4 or IPv6
 * @in: the input interface
 *
 * Context: Softirq, RCU read lock held; on the packet path.
 * Return: True if the packet has a route now, to another host.
 */
bool chatdnat_dnat_cache_route(const struct chatdnat_dnat_entry *entry,
			       struct sk_buff *skb, enum chatdnat_family family,
			       const struct net_device *in)
{
	if (!entry->dst || entry->in != in || entry->mark != skb->mark ||
	    entry->tos != chatdnat_dnat_cache_tos(skb, family) || skb_dst(skb) ||
	    !chatdnat_dnat_cache_is_for(entry->relay, skb, family) ||
	    !dst_check(entry->dst, entry->cookie) ||
	    (family == CHATDNAT_IPV4 &&
	     !chatdnat_dnat_cache_source_valid_ipv4(skb, in)))
		return false;
	skb_dst_set_noref(skb, entry->dst);
	return true;
}

/*
 * Whether a route does not depend on the source address or on a multipath hash.
 */
static bool chatdnat_dnat_cache_is_general_ipv4(const struct sk_buff *skb)
{
	return !fib4_has_custom_rules(&init_net) &&
	       !fib_num_tclassid_users(&init_net) &&
	       !chatdnat_multipath_ipv4(skb);
}

#if IS_ENABLED(CONFIG_IPV6)
static bool chatdnat_dnat_cache_is_general_ipv6(const struct dst_entry *dst)
{
	const struct rt6_info *rt = container_of(dst, struct rt6_info, dst);
	const struct fib6_info *from = rcu_dereference(rt->from);

	return !fib6_has_custom_rules(&init_net) &&
	       !fib6_routes_require_src(&init_net) && from && !from->nh &&
	       !READ_ONCE(from->fib6_nsiblings);
}
#endif

/**
 * chatdnat_dnat_cache_add_route() - cache the route of a packet
 * @entry: the cache entry of its destination
 * @skb: the packet, with a route to another host
 * @family: IPv4 or IPv6
 * @in: the input interface
 *
 * Context: Softirq, RCU read lock held; on the packet path.
 */
void chatdnat_dnat_cache_add_route(struct chatdnat_dnat_entry *entry,
				   const struct sk_buff *skb,
				   enum chatdnat_family family,
				   const struct net_device *in)
{
	struct dst_entry *dst = skb_dst(skb);
	bool general = entry->in == in && dst->dev != in &&
		       chatdnat_dnat_cache_is_for(entry->relay, skb, family);
	u32 cookie = 0;

	if (family == CHATDNAT_IPV4) {
		general = general && chatdnat_dnat_cache_is_general_ipv4(skb);
#if IS_ENABLED(CONFIG_IPV6)
	} else {
		general = general && chatdnat_dnat_cache_is_general_ipv6(dst);
		cookie = rt6_get_cookie(container_of(dst, struct rt6_info, dst));
#endif
	}

	dst_release(entry->dst);
	entry->dst = NULL;
	if (!general || !dst_hold_safe(dst))
		return;
	entry->dst = dst;
	entry->cookie = cookie;
	entry->mark = skb->mark;
	entry->tos = chatdnat_dnat_cache_tos(skb, family);
}

/**
 * chatdnat_dnat_cache_init() - allocate the cache
 *
 * Context: Process context, may sleep.
 * Return: 0 or -ENOMEM.
 */
int chatdnat_dnat_cache_init(void)
{
	chatdnat_dnat_cache = alloc_percpu(struct chatdnat_dnat_cache);
	return chatdnat_dnat_cache ? 0 : -ENOMEM;
}

/**
 * chatdnat_dnat_cache_exit() - free the cache
 *
 * Context: Process context, may sleep, after the last packet.
 */
void chatdnat_dnat_cache_exit(void)
{
	enum chatdnat_family family;
	struct chatdnat_dnat_entry *entry;
	int cpu, i;

	for_each_possible_cpu(cpu) {
		for (family = 0; family < CHATDNAT_FAMILIES; family++) {
			entry = per_cpu_ptr(chatdnat_dnat_cache, cpu)
					->entry[family];
			for (i = 0; i < BIT(CHATDNAT_DNAT_CACHE_SHIFT); i++)
				dst_release(entry[i].dst);
		}
	}
	free_percpu(chatdnat_dnat_cache);
}
