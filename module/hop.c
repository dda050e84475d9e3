// SPDX-License-Identifier: GPL-2.0
/*
 * The next hops of the shortcut, as the stack would find them. Whatever makes a
 * route more than a device and a neighbour is left to the stack.
 */
#include <linux/ip.h>
#include <linux/netdevice.h>
#include <net/ip6_fib.h>
#include <net/ip_fib.h>
#include <net/ipv6_stubs.h>
#include <net/nexthop.h>

#include "compat.h"
#include "hop.h"

/* For what changes without a word, or a moment behind it. */
#define CHATDNAT_HOP_LIFE	HZ

/* Never 0, which is what hops begin with. */
atomic_t chatdnat_hop_gen = ATOMIC_INIT(1);

/**
 * chatdnat_hop_forget() - have all hops learnt anew
 *
 * Context: Any.
 */
void chatdnat_hop_forget(void)
{
	if (!atomic_inc_return(&chatdnat_hop_gen))
		atomic_inc(&chatdnat_hop_gen);
}

static void chatdnat_hop_begin(struct chatdnat_hop *hop,
			       const struct chatdnat_addr *addr)
{
	/* What changes while this is learnt makes it void. */
	hop->gen = atomic_read_acquire(&chatdnat_hop_gen);
	hop->until = jiffies + CHATDNAT_HOP_LIFE;
	hop->addr = *addr;
	hop->next = *addr;
	hop->dev = NULL;
}

/**
 * chatdnat_hop_learn_ipv4() - learn where packets to an address go next
 * @hop: filled in, but for @hop->wan
 * @addr: the address, network byte order, and behind it the type of service
 *
 * Context: Softirq, RCU read lock held; on the packet path.
 */
void chatdnat_hop_learn_ipv4(struct chatdnat_hop *hop,
			     const struct chatdnat_addr *addr)
{
	struct flowi4 fl4 = { .daddr = addr->word[0] };
	const struct fib_nh_common *nhc;
	struct fib_result res;

	chatdnat_hop_begin(hop, addr);
	chatdnat_flow_tos(&fl4, (__force u32)addr->word[3]);
	if (fib4_has_custom_rules(&init_net) ||
	    READ_ONCE(init_net.ipv4.sysctl_ip_fwd_use_pmtu) ||
	    fib_lookup(&init_net, &fl4, &res, 0) || res.type != RTN_UNICAST ||
	    fib_info_num_path(res.fi) != 1)
		return;
	nhc = res.nhc;
	if (nhc->nhc_lwtstate || nhc->nhc_gw_family == AF_INET6 ||
	    rcu_access_pointer(nhc->nhc_exceptions))
		return;

	if (nhc->nhc_gw_family && nhc->nhc_scope == RT_SCOPE_LINK)
		hop->next.word[0] = nhc->nhc_gw.ipv4;
	hop->mtu = res.fi->fib_mtu ?: READ_ONCE(nhc->nhc_dev->mtu);
	hop->dev = nhc->nhc_dev;
}

#if IS_ENABLED(CONFIG_IPV6)
/**
 * chatdnat_hop_learn_ipv6() - learn where packets to an address go next
 * @hop: filled in, but for @hop->wan
 * @addr: the address, network byte order
 *
 * Context: Softirq, RCU read lock held; on the packet path.
 */
void chatdnat_hop_learn_ipv6(struct chatdnat_hop *hop,
			     const struct chatdnat_addr *addr)
{
	struct fib6_result res = {};
	struct inet6_dev *idev;
	struct flowi6 fl6 = {};

	chatdnat_hop_begin(hop, addr);
	memcpy(&fl6.daddr, addr->word, sizeof(fl6.daddr));
	if (fib6_has_custom_rules(&init_net) ||
	    fib6_routes_require_src(&init_net) ||
	    ipv6_stub->fib6_lookup(&init_net, 0, &fl6, &res, 0) ||
	    res.fib6_type != RTN_UNICAST ||
	    (res.fib6_flags & (RTF_REJECT | RTF_LOCAL | RTF_ANYCAST)) ||
	    res.f6i->nh || READ_ONCE(res.f6i->fib6_nsiblings) ||
	    res.f6i->fib6_metrics != &dst_default_metrics ||
	    res.nh->fib_nh_lws ||
	    rcu_access_pointer(res.nh->rt6i_exception_bucket))
		return;
	idev = __in6_dev_get(res.nh->fib_nh_dev);
	if (!idev)
		return;

	if (res.nh->fib_nh_gw_family)
		memcpy(hop->next.word, &res.nh->fib_nh_gw6,
		       sizeof(hop->next.word));
	hop->mtu = READ_ONCE(idev->cnf.mtu6);
	hop->dev = res.nh->fib_nh_dev;
}
#endif
