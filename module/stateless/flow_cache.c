// SPDX-License-Identifier: GPL-2.0
/*
 * Flow cache of the fast path: translation, next hop and MSS of the segments
 * between two addresses, looked up once and valid for a while.
 */
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/kmemleak.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/netdevice.h>
#include <linux/percpu.h>
#include <linux/slab.h>
#include <linux/tcp.h>
#include <linux/topology.h>
#include <net/checksum.h>
#include <net/route.h>

#include "../core/peers.h"
#include "flow_cache.h"

/* Of all memory, at most one part in so many. */
#define CHATDNAT_FLOW_CACHE_SHARE 64

/* Sets of one CPU: for 10,000 clients, most of which find a set of their own. */
#define CHATDNAT_FLOW_CACHE_MIN BIT(6)
#define CHATDNAT_FLOW_CACHE_MAX BIT(14)

DEFINE_PER_CPU(struct chatdnat_flow_cache_ref, chatdnat_flow_cache);

static size_t chatdnat_flow_cache_sets(void)
{
	u64 bytes = (u64)totalram_pages() << PAGE_SHIFT;
	u32 set = CHATDNAT_FLOW_CACHE_WAYS * sizeof(struct chatdnat_flow_entry);
	u64 sets;

	sets = div_u64(div_u64(bytes, CHATDNAT_FLOW_CACHE_SHARE),
		       set * num_possible_cpus());
	sets = clamp_t(u64, sets, CHATDNAT_FLOW_CACHE_MIN,
		       CHATDNAT_FLOW_CACHE_MAX);
	return rounddown_pow_of_two(sets);
}

/**
 * chatdnat_flow_cache_allocate() - allocate the flow cache of each CPU, once
 *
 * Context: Process context, may sleep, chatdnat_config_lock held.
 * Return: False if out of memory.
 */
bool chatdnat_flow_cache_allocate(void)
{
	size_t sets = chatdnat_flow_cache_sets();
	struct chatdnat_flow_cache_ref *ref;
	struct chatdnat_flow_cache *cache;
	int cpu;

	for_each_possible_cpu(cpu) {
		ref = per_cpu_ptr(&chatdnat_flow_cache, cpu);
		if (ref->cache)
			continue;
		cache = kvzalloc_node(struct_size(cache, entry,
						  sets * CHATDNAT_FLOW_CACHE_WAYS),
				      GFP_KERNEL, cpu_to_node(cpu));
		if (!cache)
			return false;
		/* What the entries point to is held elsewhere. */
		kmemleak_no_scan(cache);
		ref->cache = cache;
		ref->shift = 64 - ilog2(sets);
	}
	return true;
}

/**
 * chatdnat_flow_cache_exit() - free the flow cache of each CPU
 *
 * Context: Process context, may sleep, when no packet uses it.
 */
void chatdnat_flow_cache_exit(void)
{
	int cpu;

	for_each_possible_cpu(cpu)
		kvfree(per_cpu(chatdnat_flow_cache, cpu).cache);
}

/* The next hop to a relay is looked up once for all its clients. */
static const struct chatdnat_relay_nexthop *
chatdnat_flow_cache_relay_hop(const struct chatdnat_settings *settings,
			      const struct chatdnat_bindings *bindings,
			      enum chatdnat_family family,
			      const struct chatdnat_binding *binding, u32 kind)
{
	struct chatdnat_relay_nexthop *relay_hop;

	kind |= CHATDNAT_FLOW_FROM_WAN;
	relay_hop = this_cpu_read(chatdnat_flow_cache.cache)->relay_hop[family];
	relay_hop += binding - bindings->binding[family];
	if (relay_hop->kind == kind &&
	    chatdnat_validity_check(&relay_hop->validity))
		return relay_hop;

	relay_hop->kind = kind;
	chatdnat_validity_begin(&relay_hop->validity);
	chatdnat_nexthop_learn(&relay_hop->nexthop, &settings->wan, family,
			       &binding->relay, kind & CHATDNAT_FLOW_TOS);
	if (!chatdnat_nexthop_ready(&relay_hop->nexthop))
		chatdnat_validity_end(&relay_hop->validity);
	return relay_hop;
}

/* Whether the next hops satisfy "wan", "via" and the binding. */
static bool chatdnat_flow_cache_good(const struct chatdnat_bindings *bindings,
				     const struct chatdnat_binding *binding,
				     const struct chatdnat_nexthop *relay,
				     const struct chatdnat_nexthop *client)
{
	return relay->dev && client->dev && !relay->wan &&
	       (!bindings->via || bindings->via == relay->dev->ifindex) &&
	       (!binding->ifindex || binding->ifindex == client->dev->ifindex);
}

/* RFC 6691: the MSS is the MTU less the headers without options. */
static u16 chatdnat_flow_cache_mss(const struct chatdnat_settings *settings,
				   enum chatdnat_family family, unsigned int mtu)
{
	unsigned int headers = sizeof(struct tcphdr);

	if (settings->mss != CHATDNAT_MSS_AUTO)
		return settings->mss;
	headers += family == CHATDNAT_IPV6 ? sizeof(struct ipv6hdr) :
					     sizeof(struct iphdr);
	return min(mtu - headers, (unsigned int)U16_MAX);
}

/* Set next hop and MSS from the next hops to the relay and to the client. */
static void
chatdnat_flow_cache_nexthops(struct chatdnat_flow_entry *entry,
			     const struct chatdnat_settings *settings,
			     const struct chatdnat_bindings *bindings,
			     enum chatdnat_family family,
			     const struct chatdnat_binding *binding,
			     const struct chatdnat_addr *client)
{
	bool entering = entry->kind & CHATDNAT_FLOW_FROM_WAN;
	const struct chatdnat_relay_nexthop *relay_hop;
	struct chatdnat_nexthop client_hop;

	relay_hop = chatdnat_flow_cache_relay_hop(settings, bindings, family,
						  binding, entry->kind);
	chatdnat_nexthop_learn(&client_hop, &settings->wan, family, client,
			       entry->kind & CHATDNAT_FLOW_TOS);

	entry->translation.nexthop = entering ? relay_hop->nexthop : client_hop;
	entry->reverse_dev = entering ? client_hop.dev : relay_hop->nexthop.dev;
	entry->mss = chatdnat_flow_cache_mss(settings, family,
					     min(relay_hop->nexthop.mtu,
						 client_hop.mtu));
	if (!chatdnat_flow_cache_good(bindings, binding, &relay_hop->nexthop,
				      &client_hop) ||
	    !chatdnat_addr_is_common(family, client) ||
	    (!entering && !client_hop.wan))
		entry->translation.nexthop.mtu = 0;
	/* The oldest part: the next hop to the relay was looked up before. */
	entry->translation.validity = relay_hop->validity;
}

/**
 * chatdnat_flow_cache_learn() - look up a flow and fill in its entry
 * @entry: filled in
 * @settings: the settings
 * @bindings: the bindings
 * @addr: source and destination address, adjacent as in the IP header
 * @kind: what becomes its kind
 *
 * Context: Softirq, RCU read lock held; on the packet path.
 * Return: @entry; NULL if there is no binding for the addresses, it is unchanged
 * then.
 */
struct chatdnat_flow_entry *
chatdnat_flow_cache_learn(struct chatdnat_flow_entry *entry,
			  const struct chatdnat_settings *settings,
			  const struct chatdnat_bindings *bindings,
			  const void *addr, u32 kind)
{
	enum chatdnat_family family = kind & CHATDNAT_FLOW_IPV6 ?
					      CHATDNAT_IPV6 :
					      CHATDNAT_IPV4;
	size_t size = family == CHATDNAT_IPV6 ? sizeof(struct in6_addr) :
						sizeof(struct in_addr);
	struct chatdnat_addr from = {}, to = {};
	bool entering = kind & CHATDNAT_FLOW_FROM_WAN;
	const struct chatdnat_binding *binding;

	memcpy(from.word, addr, size);
	memcpy(to.word, addr + size, size);
	binding = entering ?
			  chatdnat_bindings_by_local(bindings, family, &to) :
			  chatdnat_bindings_by_relay(bindings, family, &from);
	if (!binding)
		return NULL;

	memcpy(entry->addr, addr, 2 * size);
	entry->kind = kind;
	entry->priority = rt_tos2priority(kind & CHATDNAT_FLOW_TOS);
	entry->to = entering ? &binding->relay : &binding->local;
	if (family == CHATDNAT_IPV4)
		entry->addr[2] = entry->to->word[0];
	chatdnat_translation_sums(&entry->translation,
				  entering ? binding->diff : ~binding->diff, 0);
	chatdnat_flow_cache_nexthops(entry, settings, bindings, family, binding,
				     entering ? &from : &to);

	/* Pairs with chatdnat_peers_add(): one of the two sees the other. */
	smp_mb();
	if (entering && chatdnat_peers_has(&to, &from))
		entry->translation.nexthop.mtu = 0;
	return entry;
}

/**
 * chatdnat_flow_cache_forget() - invalidate the set of two addresses on all CPUs
 * @family: IPv4 or IPv6
 * @from: the source address, network byte order
 * @to: the destination address, network byte order
 *
 * Context: RCU read lock held, with bindings in effect; on the path of locally
 * generated packets.
 */
void chatdnat_flow_cache_forget(enum chatdnat_family family,
				const struct chatdnat_addr *from,
				const struct chatdnat_addr *to)
{
	struct chatdnat_flow_entry *set;
	unsigned int i;
	u64 key;
	int cpu;

	key = family == CHATDNAT_IPV6 ?
		      chatdnat_flow_cache_key_ipv6(from->word, to->word) :
		      chatdnat_flow_cache_key_ipv4(from->word[0], to->word[0]);
	for_each_possible_cpu(cpu) {
		set = chatdnat_flow_cache_set(per_cpu_ptr(&chatdnat_flow_cache,
							  cpu),
					      key);
		for (i = 0; i < CHATDNAT_FLOW_CACHE_WAYS; i++)
			chatdnat_validity_end(&set[i].translation.validity);
	}
}
