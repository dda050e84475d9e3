// SPDX-License-Identifier: GPL-2.0
/* What this host knows: its addresses and routes. */
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
 * Settings may name IPv6 on a host that was booted without it, where what its
 * stack would look up is not there.
 */
static bool chatdnat_family_enabled(enum chatdnat_family family)
{
	return family == CHATDNAT_IPV4 || ipv6_mod_enabled();
}

/* What a routing table would say too, at several times the cost. */
static bool chatdnat_ipv4_is_own(const struct chatdnat_addr *addr,
				 const struct net_device *dev)
{
	const struct net_device *own;
	bool is;

	rcu_read_lock();
	own = __ip_dev_find(&init_net, addr->word[0], false);
	is = own && (own->flags & IFF_UP) &&
	     l3mdev_master_ifindex_rcu(own) == l3mdev_master_ifindex_rcu(dev);
	rcu_read_unlock();
	return is;
}

static enum chatdnat_addr_type
chatdnat_ipv4_addr_type(const struct chatdnat_addr *addr,
			const struct net_device *dev)
{
	if (chatdnat_ipv4_is_own(addr, dev))
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

	/* Local without being an interface's: ip -6 route add local ... */
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
 * chatdnat_lookup_addr_type() - whose an address is
 * @family: which kind of address
 * @addr: the address, network byte order
 * @dev: a device, in whose VRF to look; NULL: in none
 *
 * Context: Process context or softirq; on the packet path. RCU read lock held,
 * if @dev is not NULL.
 * Return: The address's type as the routing table has it.
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
	return family == CHATDNAT_IPV6 ? chatdnat_ipv6_addr_type(addr, dev)
				       : chatdnat_ipv4_addr_type(addr, dev);
}

/**
 * chatdnat_lookup_indev() - the device that a packet entered this host by
 * @skb: the packet
 * @state: the hook's
 *
 * Once a VRF has taken a packet, hooks see the VRF's device in the place of
 * the interface.
 *
 * Context: RCU read lock held; on the packet path.
 * Return: The device, not held, or NULL: this host sent the packet.
 */
const struct net_device *
chatdnat_lookup_indev(const struct sk_buff *skb,
		      const struct nf_hook_state *state)
{
	const struct net_device *dev = NULL;

	if (state->in && netif_is_l3_master(state->in))
		dev = dev_get_by_index_rcu(&init_net,
					   state->pf == NFPROTO_IPV6 ?
					   inet6_sdif(skb) :
					   chatdnat_inet_sdif(skb));
	return dev ? : state->in;
}

/**
 * chatdnat_lookup_from_wan() - whether a packet was sent from the WAN side
 * @settings: the settings
 * @skb: the packet
 * @state: the hook's
 * @in: what chatdnat_lookup_indev() returns for it
 *
 * A packet that was decrypted by an IPsec policy has the interface of its outer
 * packet. It was sent by whoever holds the keys. @settings may name a VRF.
 *
 * Context: RCU read lock held; on the packet path.
 * Return: True if the sender is on the WAN side.
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
 * @family: which kind of address
 * @addr: the address, network byte order
 *
 * Context: RCU read lock held; on the packet path.
 * Return: The device, not held, or NULL when no device has the address.
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
 * With an interface to leave by, the stack takes for its neighbour whom it has
 * no route to.
 */
static bool chatdnat_ipv4_has_route(const struct flowi4 *fl4)
{
	struct flowi4 lookup = *fl4;
	struct fib_result res;

	return !fib_lookup(&init_net, &lookup, &res, FIB_LOOKUP_NOREF);
}

/**
 * chatdnat_lookup_flow_route() - how this host would send a flow
 * @family: the flow's
 * @fl: the flow; if it names an interface, it leaves by that one or not at all
 *
 * Context: Process context or softirq; on the packet path.
 * Return: The route, the caller's to release, or NULL.
 */
struct dst_entry *chatdnat_lookup_flow_route(enum chatdnat_family family,
					     struct flowi *fl)
{
	struct dst_entry *dst;
	int err;

	if (!chatdnat_family_enabled(family))
		return NULL;

	/* Where IPv6 is a module, its operations are under RCU. */
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
 * chatdnat_lookup_route() - how this host would send to an address
 * @family: which kind of address
 * @saddr: from where, network byte order; NULL: wherever
 * @daddr: where to, network byte order
 * @oif: index of the interface to leave by; 0: any
 * @mark: the packet's mark
 *
 * Context: Process context or softirq; on the packet path.
 * Return: The route, the caller's to release, or NULL.
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
 * chatdnat_lookup_route_as() - how this host would send in another host's name
 * @flow: from where to where
 * @protocol: its number
 * @oif: index of the interface to leave by; 0: any
 *
 * Context: Process context or softirq.
 * Return: The route, with the IPsec transformations that policies ask for, the
 * caller's to release, or NULL.
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
	/* IPv4's route has been through the IPsec policies already. */
	if (dst && flow->family == CHATDNAT_IPV6)
		dst = xfrm_lookup(&init_net, dst, &fl, NULL, 0);
	return IS_ERR(dst) ? NULL : dst;
}
