// SPDX-License-Identifier: GPL-2.0
/*
 * Path MTU of both directions of a connection. The forward route is the
 * packet's dst; the route in the reverse direction is looked up and cached.
 */
#include <linux/hash.h>
#include <linux/percpu.h>
#include <net/dst.h>
#include <net/route.h>
#include <net/xfrm.h>

#include "compat.h"
#include "lookup.h"
#include "path_mtu.h"
#include "validity.h"

#define CHATDNAT_PATH_MTU_SHIFT 6

struct chatdnat_path_mtu_entry {
	struct chatdnat_addr addr;
	u32 mark;
	unsigned int mtu;
	bool foreign;
	struct chatdnat_validity validity;
};

/* The cache of one CPU, indexed by a hash of the address. */
struct chatdnat_path_mtu_cache {
	struct chatdnat_path_mtu_entry entry[CHATDNAT_FAMILIES]
					    [BIT(CHATDNAT_PATH_MTU_SHIFT)];
};

static struct chatdnat_path_mtu_cache __percpu *chatdnat_path_mtu_cache;

#ifdef CONFIG_XFRM
static bool chatdnat_path_mtu_has_policies(void)
{
	return init_net.xfrm.policy_count[XFRM_POLICY_OUT];
}

/* MTU of a route after IPsec policies; consumes the reference to dst. */
static unsigned int
chatdnat_path_mtu_transformed(struct dst_entry *dst,
			      const struct chatdnat_flow_addrs *addrs, u32 mark)
{
	struct flowi fl = {
		.flowi_oif = dst->dev->ifindex,
		.flowi_mark = mark,
		.flowi_proto = IPPROTO_TCP,
	};
	unsigned int mtu = dst_mtu(dst);

	if (addrs->family == CHATDNAT_IPV6) {
		memcpy(&fl.u.ip6.saddr, addrs->saddr->word,
		       sizeof(fl.u.ip6.saddr));
		memcpy(&fl.u.ip6.daddr, addrs->daddr->word,
		       sizeof(fl.u.ip6.daddr));
		fl.u.ip6.fl6_sport = addrs->sport;
		fl.u.ip6.fl6_dport = addrs->dport;
	} else {
		fl.u.ip4.saddr = addrs->saddr->word[0];
		fl.u.ip4.daddr = addrs->daddr->word[0];
		fl.u.ip4.fl4_sport = addrs->sport;
		fl.u.ip4.fl4_dport = addrs->dport;
	}

	dst = xfrm_lookup(&init_net, dst, &fl, NULL, 0);
	if (IS_ERR(dst))
		return mtu;
	mtu = dst_mtu(dst);
	dst_release(dst);
	return mtu;
}

static unsigned int
chatdnat_path_mtu_reverse_transformed(const struct chatdnat_flow_addrs *addrs,
				      u32 mark)
{
	const struct chatdnat_flow_addrs reply = {
		.family = addrs->family,
		.saddr = addrs->daddr,
		.daddr = addrs->saddr,
		.sport = addrs->dport,
		.dport = addrs->sport,
	};
	struct dst_entry *dst;

	dst = chatdnat_lookup_route(addrs->family, NULL, addrs->saddr, 0, mark);
	return dst ? chatdnat_path_mtu_transformed(dst, &reply, mark) : U32_MAX;
}
#endif

/**
 * chatdnat_path_mtu_forward() - path MTU in forward direction
 * @skb: the packet, routed
 * @addrs: addresses and ports of the packet
 *
 * Context: Softirq, RCU read lock held; on the packet path.
 * Return: The MTU in bytes, headers included.
 */
unsigned int chatdnat_path_mtu_forward(const struct sk_buff *skb,
				       const struct chatdnat_flow_addrs *addrs)
{
	struct dst_entry *dst = skb_dst(skb);

#ifdef CONFIG_XFRM
	if (chatdnat_path_mtu_has_policies() && dst_hold_safe(dst))
		return chatdnat_path_mtu_transformed(dst, addrs, skb->mark);
#endif
	return dst_mtu(dst);
}

static void chatdnat_path_mtu_find(struct chatdnat_path_mtu_entry *reverse,
				   enum chatdnat_family family,
				   const struct chatdnat_addr *addr, u32 mark)
{
	struct dst_entry *dst = chatdnat_lookup_route(family, NULL, addr, 0,
						      mark);

	reverse->addr = *addr;
	reverse->mark = mark;
	reverse->mtu = U32_MAX;
	reverse->foreign = false;
	if (!dst)
		return;
	reverse->mtu = dst_mtu(dst);
	if (family == CHATDNAT_IPV4)
		reverse->foreign =
			container_of(dst, struct rtable, dst)->rt_type ==
				RTN_UNICAST &&
			chatdnat_addr_is_common(family, addr);
	dst_release(dst);
}

/*
 * The cache entry of an address; NULL outside softirq, and where softirqs can
 * preempt each other.
 */
static __always_inline struct chatdnat_path_mtu_entry *
chatdnat_path_mtu_at(enum chatdnat_family family,
		     const struct chatdnat_addr *addr)
{
	u32 key = (__force u32)(addr->word[0] ^ addr->word[1] ^ addr->word[2] ^
				addr->word[3]);

	if (CHATDNAT_SOFTIRQ_PREEMPTED || !in_softirq())
		return NULL;
	return this_cpu_ptr(chatdnat_path_mtu_cache)->entry[family] +
	       hash_32(key, CHATDNAT_PATH_MTU_SHIFT);
}

static __always_inline bool
chatdnat_path_mtu_is_valid(const struct chatdnat_path_mtu_entry *reverse,
			   const struct chatdnat_addr *addr, u32 mark)
{
	return reverse && reverse->mark == mark &&
	       chatdnat_addr_equal(&reverse->addr, addr) &&
	       chatdnat_validity_check(&reverse->validity);
}

static noinline unsigned int
chatdnat_path_mtu_learn(struct chatdnat_path_mtu_entry *reverse,
			enum chatdnat_family family,
			const struct chatdnat_addr *addr, u32 mark)
{
	struct chatdnat_path_mtu_entry once;

	if (!reverse)
		reverse = &once;
	chatdnat_validity_begin(&reverse->validity);
	chatdnat_path_mtu_find(reverse, family, addr, mark);
	return reverse->mtu;
}

/**
 * chatdnat_path_mtu_reverse() - path MTU in reverse direction
 * @addrs: addresses and ports of the packet
 * @mark: the packet's mark
 *
 * A change of the MTU of that route, as by path MTU discovery, takes effect
 * when the cache entry expires, within a second.
 *
 * Context: RCU read lock held; on the packet path.
 * Return: The MTU in bytes, headers included; U32_MAX if there is no route.
 */
unsigned int chatdnat_path_mtu_reverse(const struct chatdnat_flow_addrs *addrs,
				       u32 mark)
{
	struct chatdnat_path_mtu_entry *reverse;

#ifdef CONFIG_XFRM
	if (chatdnat_path_mtu_has_policies())
		return chatdnat_path_mtu_reverse_transformed(addrs, mark);
#endif
	reverse = chatdnat_path_mtu_at(addrs->family, addrs->saddr);
	if (likely(chatdnat_path_mtu_is_valid(reverse, addrs->saddr, mark)))
		return reverse->mtu;
	return chatdnat_path_mtu_learn(reverse, addrs->family, addrs->saddr,
				       mark);
}

/**
 * chatdnat_path_mtu_is_foreign() - whether an address belongs to another host
 * @addr: the address, IPv4, network byte order
 * @mark: the packet's mark
 *
 * Context: Softirq, RCU read lock held; on the packet path.
 * Return: True if the route to it is unicast, by any interface; false also if
 * the cache cannot be used.
 */
bool chatdnat_path_mtu_is_foreign(const struct chatdnat_addr *addr, u32 mark)
{
	struct chatdnat_path_mtu_entry *reverse;

	reverse = chatdnat_path_mtu_at(CHATDNAT_IPV4, addr);
	if (!reverse)
		return false;
	if (unlikely(!chatdnat_path_mtu_is_valid(reverse, addr, mark)))
		chatdnat_path_mtu_learn(reverse, CHATDNAT_IPV4, addr, mark);
	return reverse->foreign;
}

/**
 * chatdnat_path_mtu_init() - allocate the cache
 *
 * Context: Process context, may sleep.
 * Return: 0 or -ENOMEM.
 */
int chatdnat_path_mtu_init(void)
{
	chatdnat_path_mtu_cache = alloc_percpu(struct chatdnat_path_mtu_cache);
	return chatdnat_path_mtu_cache ? 0 : -ENOMEM;
}

/**
 * chatdnat_path_mtu_exit() - free the cache
 *
 * Context: Process context, may sleep, after the last packet.
 */
void chatdnat_path_mtu_exit(void)
{
	free_percpu(chatdnat_path_mtu_cache);
}
