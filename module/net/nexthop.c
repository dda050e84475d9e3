// SPDX-License-Identifier: GPL-2.0
/*
 * Next hops of the fast path: the stack's choice for a packet, or looked up
 * here. Only routes that consist of a device and a neighbour qualify; the stack
 * handles all others.
 */
#include <linux/bitmap.h>
#include <linux/hash.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/netdevice.h>
#include <net/addrconf.h>
#include <net/arp.h>
#include <net/ip6_fib.h>
#include <net/ip_fib.h>
#include <net/ndisc.h>
#include <net/nexthop.h>
#include <net/route.h>

#include "compat.h"
#include "lookup.h"
#include "nexthop.h"
#include "validity.h"

#define CHATDNAT_NEXTHOP_NEIGHS_SHIFT 12

/*
 * Neighbours that may be in the cache of a CPU, as a bitmap indexed by a hash
 * of their pointers. Bits are never cleared: the next hops are few. The bitmap
 * avoids invalidating all caches for neighbours that were never cached, like
 * unresolved ones.
 */
static DECLARE_BITMAP(chatdnat_nexthop_neighs,
		      BIT(CHATDNAT_NEXTHOP_NEIGHS_SHIFT));

/* Returns the neighbour if it is valid, otherwise NULL. */
static struct neighbour *chatdnat_nexthop_usable(struct neighbour *neigh)
{
	if (!neigh || !(READ_ONCE(neigh->nud_state) & NUD_VALID))
		return NULL;
	set_bit(hash_ptr(neigh, CHATDNAT_NEXTHOP_NEIGHS_SHIFT),
		chatdnat_nexthop_neighs);
	/* Pairs with chatdnat_nexthop_neigh_gone(): one of the two sees the other. */
	smp_mb__after_atomic();
	return READ_ONCE(neigh->dead) ? NULL : neigh;
}

/**
 * chatdnat_nexthop_neigh_gone() - invalidate caches for a removed neighbour
 * @neigh: the neighbour, marked dead
 *
 * Neighbours that are not cached come and go too, by thousands during a network
 * scan.
 *
 * Context: Any, before an RCU grace period at whose end @neigh is freed.
 */
void chatdnat_nexthop_neigh_gone(const struct neighbour *neigh)
{
	/* Pairs with chatdnat_nexthop_usable(). */
	smp_mb();
	if (test_bit(hash_ptr(neigh, CHATDNAT_NEXTHOP_NEIGHS_SHIFT),
		     chatdnat_nexthop_neighs))
		chatdnat_validity_end_all();
}

static u16 chatdnat_nexthop_headroom(const struct net_device *dev)
{
	return min_t(unsigned int, LL_RESERVED_SPACE(dev), U16_MAX);
}

/*
 * Whether an exception changes the route to an address. An exception applies to
 * one destination, but any host can cause one. Tunnels create one for each
 * destination with the MTU of the route, which changes nothing.
 */
static bool chatdnat_nexthop_excepted_ipv4(const struct flowi4 *fl4,
					   unsigned int mtu)
{
	struct flowi fl = { .u.ip4 = *fl4 };
	const struct rtable *rt;
	struct dst_entry *dst;
	bool excepted = true;

	dst = chatdnat_lookup_flow_route(CHATDNAT_IPV4, &fl);
	if (dst) {
		rt = container_of(dst, struct rtable, dst);
		excepted = (rt->rt_pmtu && rt->rt_pmtu < mtu) ||
			   (rt->rt_flags & RTCF_REDIRECTED);
	}
	dst_release(dst);
	return excepted;
}

/*
 * Look up the route to an address; @next is set to the address of the next hop.
 */
static void chatdnat_nexthop_route_ipv4(struct chatdnat_nexthop *nexthop,
					__be32 addr, u8 tos, __be32 *next)
{
	struct flowi4 fl4 = { .daddr = addr };
	const struct fib_nh_common *nhc;
	struct fib_result res;
	unsigned int mtu;

	chatdnat_flow_tos(&fl4, tos);
	if (fib4_has_custom_rules(&init_net) ||
	    READ_ONCE(init_net.ipv4.sysctl_ip_fwd_use_pmtu) ||
	    fib_lookup(&init_net, &fl4, &res, 0) || res.type != RTN_UNICAST ||
	    fib_info_num_path(res.fi) != 1)
		return;
	nhc = res.nhc;
	mtu = res.fi->fib_mtu ?: READ_ONCE(nhc->nhc_dev->mtu);
	if (nhc->nhc_lwtstate || nhc->nhc_gw_family == AF_INET6 ||
	    (rcu_access_pointer(nhc->nhc_exceptions) &&
	     chatdnat_nexthop_excepted_ipv4(&fl4, mtu)))
		return;

	*next = nhc->nhc_gw_family && nhc->nhc_scope == RT_SCOPE_LINK ?
			nhc->nhc_gw.ipv4 :
			addr;
	nexthop->mtu = mtu;
	nexthop->dev = nhc->nhc_dev;
}

static void chatdnat_nexthop_learn_ipv4(struct chatdnat_nexthop *nexthop,
					__be32 addr, u8 tos)
{
	struct neighbour *neigh;
	__be32 next;

	chatdnat_nexthop_route_ipv4(nexthop, addr, tos, &next);
	if (nexthop->dev && nexthop->dev->header_ops) {
		neigh = __ipv4_neigh_lookup_noref(nexthop->dev,
						  (__force u32)next);
		nexthop->neigh = chatdnat_nexthop_usable(neigh);
	}
}

#if IS_ENABLED(CONFIG_IPV6)
static bool chatdnat_nexthop_excepted_ipv6(const struct flowi6 *fl6)
{
	struct flowi fl = { .u.ip6 = *fl6 };
	struct dst_entry *dst;
	bool excepted = true;

	dst = chatdnat_lookup_flow_route(CHATDNAT_IPV6, &fl);
	if (dst)
		excepted = container_of(dst, struct rt6_info, dst)->rt6i_flags &
			   RTF_CACHE;
	dst_release(dst);
	return excepted;
}

static void chatdnat_nexthop_route_ipv6(struct chatdnat_nexthop *nexthop,
					const struct in6_addr *addr,
					struct in6_addr *next)
{
	struct flowi6 fl6 = { .daddr = *addr };
	struct fib6_result res = {};
	struct inet6_dev *idev;

	if (fib6_has_custom_rules(&init_net) ||
	    fib6_routes_require_src(&init_net) ||
	    chatdnat_fib6_lookup(&fl6, &res) || res.fib6_type != RTN_UNICAST ||
	    (res.fib6_flags & (RTF_REJECT | RTF_LOCAL | RTF_ANYCAST)) ||
	    res.f6i->nh || READ_ONCE(res.f6i->fib6_nsiblings) ||
	    res.f6i->fib6_metrics != &dst_default_metrics ||
	    res.nh->fib_nh_lws ||
	    (rcu_access_pointer(res.nh->rt6i_exception_bucket) &&
	     chatdnat_nexthop_excepted_ipv6(&fl6)))
		return;
	idev = __in6_dev_get(res.nh->fib_nh_dev);
	if (!idev)
		return;

	*next = res.nh->fib_nh_gw_family ? res.nh->fib_nh_gw6 : *addr;
	nexthop->mtu = READ_ONCE(idev->cnf.mtu6);
	nexthop->dev = res.nh->fib_nh_dev;
}

static void chatdnat_nexthop_learn_ipv6(struct chatdnat_nexthop *nexthop,
					const struct in6_addr *addr)
{
	struct neighbour *neigh;
	struct in6_addr next;

	chatdnat_nexthop_route_ipv6(nexthop, addr, &next);
	if (nexthop->dev && nexthop->dev->header_ops) {
		neigh = chatdnat_neigh6_noref(nexthop->dev, &next);
		nexthop->neigh = chatdnat_nexthop_usable(neigh);
	}
}
#endif

/**
 * chatdnat_nexthop_learn() - look up the next hop to an address
 * @nexthop: filled in
 * @wan: the WAN interfaces
 * @family: IPv4 or IPv6
 * @addr: the address, network byte order
 * @tos: TOS of the packets, for IPv4
 *
 * Context: Softirq, RCU read lock held; on the packet path.
 */
void chatdnat_nexthop_learn(struct chatdnat_nexthop *nexthop,
			    const struct chatdnat_ifset *wan,
			    enum chatdnat_family family,
			    const struct chatdnat_addr *addr, u8 tos)
{
	*nexthop = (struct chatdnat_nexthop){};
	if (family == CHATDNAT_IPV4)
		chatdnat_nexthop_learn_ipv4(nexthop, addr->word[0], tos);
#if IS_ENABLED(CONFIG_IPV6)
	else
		chatdnat_nexthop_learn_ipv6(nexthop, (const void *)addr->word);
#endif
	if (nexthop->dev) {
		nexthop->headroom = chatdnat_nexthop_headroom(nexthop->dev);
		nexthop->wan = chatdnat_ifset_has(wan, nexthop->dev->name);
	}
}

static struct neighbour *chatdnat_nexthop_neigh_of(enum chatdnat_family family,
						   struct dst_entry *dst,
						   const struct sk_buff *skb)
{
	const struct rtable *rt;

#if IS_ENABLED(CONFIG_IPV6)
	if (family == CHATDNAT_IPV6) {
		struct rt6_info *rt6 = container_of(dst, struct rt6_info, dst);
		struct in6_addr daddr = ipv6_hdr(skb)->daddr;

		return chatdnat_neigh6_noref(dst->dev, rt6_nexthop(rt6, &daddr));
	}
#endif
	rt = container_of(dst, struct rtable, dst);
	if (rt->rt_gw_family == AF_INET6)
		return NULL;
	return __ipv4_neigh_lookup_noref(dst->dev,
					 (__force u32)
						 rt_nexthop(rt,
							    ip_hdr(skb)->daddr));
}

/**
 * chatdnat_nexthop_from_dst() - the next hop of a packet that the stack has
 *				 routed
 * @nexthop: filled in; without a neighbour if that is not resolved
 * @family: IPv4 or IPv6
 * @dst: the packet's route, unicast
 * @skb: the packet
 *
 * Context: RCU read lock held; on the packet path.
 * Return: The cookie of @dst, for dst_check().
 */
u32 chatdnat_nexthop_from_dst(struct chatdnat_nexthop *nexthop,
			      enum chatdnat_family family,
			      struct dst_entry *dst, const struct sk_buff *skb)
{
	*nexthop = (struct chatdnat_nexthop){
		.dev = dst->dev,
		.mtu = dst_mtu(dst),
		.headroom = chatdnat_nexthop_headroom(dst->dev),
	};
	if (dst->dev->header_ops)
		nexthop->neigh =
			chatdnat_nexthop_usable(chatdnat_nexthop_neigh_of(family,
									  dst,
									  skb));
#if IS_ENABLED(CONFIG_IPV6)
	if (family == CHATDNAT_IPV6)
		return rt6_get_cookie(container_of(dst, struct rt6_info, dst));
#endif
	return 0;
}
