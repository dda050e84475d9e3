// SPDX-License-Identifier: GPL-2.0
/* Lookups of local addresses and of routes. */
#include <linux/inetdevice.h>
#include <linux/ipv6.h>
#include <linux/netfilter.h>
#include <net/addrconf.h>
#include <net/ip.h>
#include <net/ip_fib.h>
#include <net/ip6_fib.h>
#include <net/ip6_route.h>
#include <net/l3mdev.h>
#include <net/route.h>
#include <net/xfrm.h>

#include "compat.h"
#include "lookup.h"

/*
 * The settings may have IPv6 relays on a host that was booted without IPv6,
 * where the tables of its stack do not exist.
 */
static bool chatdnat_family_enabled(enum chatdnat_family family)
{
	return family == CHATDNAT_IPV4 || ipv6_mod_enabled();
}

/*
 * Same result as the routing table lookup for most addresses, several times
 * faster.
 */
static bool chatdnat_ipv4_is_local(const struct chatdnat_addr *addr,
				   const struct net_device *dev)
{
	const struct net_device *addr_dev;
	bool is;

	rcu_read_lock();
	addr_dev = __ip_dev_find(&init_net, addr->word[0], false);
	is = addr_dev && (addr_dev->flags & IFF_UP) &&
	     l3mdev_master_ifindex_rcu(addr_dev) ==
		     l3mdev_master_ifindex_rcu(dev);
	rcu_read_unlock();
	return is;
}

static enum chatdnat_addr_type
chatdnat_ipv4_addr_type(const struct chatdnat_addr *addr,
			const struct net_device *dev)
{
	if (chatdnat_ipv4_is_local(addr, dev))
		return CHATDNAT_ADDR_LOCAL;

	switch (inet_addr_type_dev_table(&init_net, dev, addr->word[0])) {
	case RTN_LOCAL:
		return CHATDNAT_ADDR_LOCAL;
	case RTN_BROADCAST:
	case RTN_ANYCAST:
	case RTN_MULTICAST:
		return CHATDNAT_ADDR_GROUP;
	default:
		return CHATDNAT_ADDR_UNICAST;
	}
}

#if IS_ENABLED(CONFIG_IPV6)
static struct in6_addr chatdnat_in6(const struct chatdnat_addr *addr)
{
	struct in6_addr in6;

	memcpy(&in6, addr->word, sizeof(in6));
	return in6;
}

static enum chatdnat_addr_type
chatdnat_ipv6_addr_type(const struct chatdnat_addr *addr,
			const struct net_device *dev)
{
	struct in6_addr in6 = chatdnat_in6(addr);
	struct dst_entry *dst;
	u32 flags;

	if (ipv6_chk_addr_and_flags(&init_net, &in6, dev, true, 0,
				    IFA_F_TENTATIVE))
		return CHATDNAT_ADDR_LOCAL;

	/* Not an interface address, but local: ip -6 route add local ... */
	dst = chatdnat_lookup_route(CHATDNAT_IPV6, NULL, addr, 0, 0);
	if (!dst)
		return CHATDNAT_ADDR_UNICAST;
	flags = container_of(dst, struct rt6_info, dst)->rt6i_flags;
	dst_release(dst);

	if (flags & RTF_ANYCAST)
		return CHATDNAT_ADDR_GROUP;
	return flags & RTF_LOCAL ? CHATDNAT_ADDR_LOCAL : CHATDNAT_ADDR_UNICAST;
}
#else
static enum chatdnat_addr_type
chatdnat_ipv6_addr_type(const struct chatdnat_addr *addr,
			const struct net_device *dev)
{
	return CHATDNAT_ADDR_UNICAST;
}
#endif

/**
 * chatdnat_lookup_addr_type() - look up the type of an address
 * @family: IPv4 or IPv6
 * @addr: the address, network byte order
 * @dev: look in the VRF of this device; NULL: in no VRF
 *
 * Context: Process context or softirq; on the packet path. RCU read lock held,
 * if @dev is not NULL.
 * Return: The type of the address according to the routing table.
 */
enum chatdnat_addr_type
chatdnat_lookup_addr_type(enum chatdnat_family family,
			  const struct chatdnat_addr *addr,
			  const struct net_device *dev)
{
	if (chatdnat_addr_is_multicast(family, addr))
		return CHATDNAT_ADDR_GROUP;
	if (!chatdnat_family_enabled(family))
		return CHATDNAT_ADDR_UNICAST;
	return family == CHATDNAT_IPV6 ? chatdnat_ipv6_addr_type(addr, dev) :
					 chatdnat_ipv4_addr_type(addr, dev);
}

/**
 * chatdnat_lookup_indev() - the input device of a packet
 * @skb: the packet
 * @state: the state of the current hook
 *
 * After a packet has entered a VRF, hooks see the VRF device instead of the
 * interface.
 *
 * Context: RCU read lock held; on the packet path.
 * Return: The device, not held, or NULL if the packet is locally generated.
 */
const struct net_device *chatdnat_lookup_indev(const struct sk_buff *skb,
					       const struct nf_hook_state *state)
{
	const struct net_device *dev = NULL;

	if (state->in && netif_is_l3_master(state->in))
		dev = dev_get_by_index_rcu(&init_net,
					   state->pf == NFPROTO_IPV6 ?
						   inet6_sdif(skb) :
						   chatdnat_inet_sdif(skb));
	return dev ?: state->in;
}

/**
 * chatdnat_lookup_from_wan() - whether a packet was sent from the WAN side
 * @settings: the settings
 * @skb: the packet
 * @state: the state of the current hook
 * @in: the result of chatdnat_lookup_indev() for it
 *
 * A packet decrypted by IPsec still has the interface of its outer packet, but
 * its sender is the IPsec peer. @settings may name a VRF.
 *
 * Context: RCU read lock held; on the packet path.
 * Return: True if the packet is from the WAN side.
 */
bool chatdnat_lookup_from_wan(const struct chatdnat_settings *settings,
			      const struct sk_buff *skb,
			      const struct nf_hook_state *state,
			      const struct net_device *in)
{
	return in && !secpath_exists(skb) &&
	       (chatdnat_ifset_has(&settings->wan, in->name) ||
		chatdnat_ifset_has(&settings->wan, state->in->name));
}

/**
 * chatdnat_lookup_addr_dev() - the device that has an address
 * @family: IPv4 or IPv6
 * @addr: the address, network byte order
 *
 * Context: RCU read lock held; on the packet path.
 * Return: The device, not held, or NULL if no device has the address.
 */
struct net_device *chatdnat_lookup_addr_dev(enum chatdnat_family family,
					    const struct chatdnat_addr *addr)
{
	if (!chatdnat_family_enabled(family))
		return NULL;
#if IS_ENABLED(CONFIG_IPV6)
	if (family == CHATDNAT_IPV6) {
		struct in6_addr in6 = chatdnat_in6(addr);

		return ipv6_dev_find(&init_net, &in6, NULL);
	}
#endif
	return __ip_dev_find(&init_net, addr->word[0], false);
}

/*
 * With an output interface given, the route lookup succeeds even without a
 * route: the stack assumes that the destination is on the link.
 */
static bool chatdnat_ipv4_has_route(const struct flowi4 *fl4)
{
	struct flowi4 lookup = *fl4;
	struct fib_result res;

	return !fib_lookup(&init_net, &lookup, &res, FIB_LOOKUP_NOREF);
}

/**
 * chatdnat_lookup_flow_route() - look up the output route of a flow
 * @family: IPv4 or IPv6
 * @fl: the flow; if it has an output interface, no other is used
 *
 * Context: Process context or softirq; on the packet path.
 * Return: The route, to be released by dst_release(), or NULL.
 */
struct dst_entry *chatdnat_lookup_flow_route(enum chatdnat_family family,
					     struct flowi *fl)
{
	struct dst_entry *dst;
	int err;

	if (!chatdnat_family_enabled(family))
		return NULL;

	/*
	 * If IPv6 is a module, nf_route() calls it through nf_ipv6_ops, under
	 * RCU.
	 */
	rcu_read_lock();
	if (family == CHATDNAT_IPV4 && fl->flowi_oif &&
	    !chatdnat_ipv4_has_route(&fl->u.ip4))
		err = -ENETUNREACH;
	else
		err = nf_route(&init_net, &dst, fl, fl->flowi_oif,
			       family == CHATDNAT_IPV6 ? AF_INET6 : AF_INET);
	rcu_read_unlock();
	return err ? NULL : dst;
}

/**
 * chatdnat_lookup_route() - look up the output route to an address
 * @family: IPv4 or IPv6
 * @saddr: source address, network byte order; NULL: any
 * @daddr: destination address, network byte order
 * @oif: index of the output interface; 0: any
 * @mark: the packet's mark
 *
 * Context: Process context or softirq; on the packet path.
 * Return: The route, to be released by dst_release(), or NULL.
 */
struct dst_entry *chatdnat_lookup_route(enum chatdnat_family family,
					const struct chatdnat_addr *saddr,
					const struct chatdnat_addr *daddr,
					int oif, u32 mark)
{
	struct flowi fl = {
		.flowi_oif = oif,
		.flowi_mark = mark,
	};

	if (family == CHATDNAT_IPV6) {
		memcpy(&fl.u.ip6.daddr, daddr->word, sizeof(fl.u.ip6.daddr));
		if (saddr)
			memcpy(&fl.u.ip6.saddr, saddr->word,
			       sizeof(fl.u.ip6.saddr));
	} else {
		fl.u.ip4.daddr = daddr->word[0];
		if (saddr)
			fl.u.ip4.saddr = saddr->word[0];
	}

	return chatdnat_lookup_flow_route(family, &fl);
}

/**
 * chatdnat_lookup_route_as() - look up the output route of a flow with a
 *				foreign source address
 * @flow: the flow
 * @protocol: IPPROTO_...
 * @oif: index of the output interface; 0: any
 *
 * Context: Process context or softirq.
 * Return: The route, with the IPsec transformations of matching policies, to be
 * released by dst_release(), or NULL.
 */
struct dst_entry *chatdnat_lookup_route_as(const struct chatdnat_flow *flow,
					   u8 protocol, int oif)
{
	struct flowi fl = {
		.flowi_oif = oif,
		.flowi_proto = protocol,
	};
	struct dst_entry *dst;

	if (flow->family == CHATDNAT_IPV6) {
		memcpy(&fl.u.ip6.daddr, flow->daddr.word,
		       sizeof(fl.u.ip6.daddr));
		memcpy(&fl.u.ip6.saddr, flow->saddr.word,
		       sizeof(fl.u.ip6.saddr));
		fl.u.ip6.fl6_sport = htons(flow->sport);
		fl.u.ip6.fl6_dport = htons(flow->dport);
	} else {
		fl.u.ip4.daddr = flow->daddr.word[0];
		fl.u.ip4.saddr = flow->saddr.word[0];
		fl.u.ip4.fl4_sport = htons(flow->sport);
		fl.u.ip4.fl4_dport = htons(flow->dport);
		fl.u.ip4.flowi4_flags = FLOWI_FLAG_ANYSRC;
	}

	dst = chatdnat_lookup_flow_route(flow->family, &fl);
	/* For IPv4, the route lookup has applied the IPsec policies. */
	if (dst && flow->family == CHATDNAT_IPV6)
		dst = xfrm_lookup(&init_net, dst, &fl, NULL, 0);
	return IS_ERR(dst) ? NULL : dst;
}
