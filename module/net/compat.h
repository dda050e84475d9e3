/* SPDX-License-Identifier: GPL-2.0 */
/* Kernel compatibility shims. */
#ifndef CHATDNAT_COMPAT_H
#define CHATDNAT_COMPAT_H

#include <linux/kconfig.h>

#if !IS_ENABLED(CONFIG_NF_CONNTRACK)
#error "chatdnat needs a kernel with connection tracking: CONFIG_NF_CONNTRACK"
#endif
#if !IS_ENABLED(CONFIG_NF_NAT)
#error "chatdnat needs a kernel with NAT: CONFIG_NF_NAT"
#endif
#if !IS_ENABLED(CONFIG_NF_NAT_MASQUERADE)
#error "chatdnat needs a kernel with masquerading: CONFIG_NF_NAT_MASQUERADE"
#endif
#if !IS_ENABLED(CONFIG_NF_REJECT_IPV4) || \
	(IS_ENABLED(CONFIG_IPV6) && !IS_ENABLED(CONFIG_NF_REJECT_IPV6))
#error "chatdnat needs a kernel with packet rejection: CONFIG_NF_REJECT_IPV4, CONFIG_NF_REJECT_IPV6"
#endif
#if !IS_ENABLED(CONFIG_SYSFS)
#error "chatdnat needs a kernel with sysfs: CONFIG_SYSFS"
#endif

/* After the checks above: the headers do not compile without these options. */
#include <linux/ip.h>
#include <linux/netfilter.h>
#include <linux/skbuff.h>
#include <linux/u64_stats_sync.h>
#include <linux/xfrm.h>
#include <net/inet6_hashtables.h>
#include <net/inet_hashtables.h>
#include <net/netfilter/ipv4/nf_reject.h>
#include <net/netfilter/ipv6/nf_reject.h>
#include <net/netfilter/nf_conntrack.h>
#include <net/ip.h>
#include <net/ip6_fib.h>
#include <net/ip6_route.h>
#include <net/ndisc.h>
#include <net/route.h>
#ifdef CHATDNAT_HAVE_GSO_H
#include <net/gso.h>
#endif
#ifdef CHATDNAT_HAVE_IPV6_STUBS
#include <net/ipv6_stubs.h>
#endif

/**
 * chatdnat_nfct_cleanup() - delete the conntrack entries that a callback
 *			     selects
 * @net: network namespace
 * @iter: called for each confirmed entry; non-zero deletes it
 * @data: passed to @iter
 *
 * Context: Process context, may sleep. @iter runs under a conntrack bucket
 * lock with bottom halves off.
 */
static inline void
chatdnat_nfct_cleanup(struct net *net,
		      int (*iter)(struct nf_conn *ct, void *data), void *data)
{
#ifdef CHATDNAT_HAVE_NF_CT_ITER_DATA
	const struct nf_ct_iter_data iter_data = {
		.net = net,
		.data = data,
	};

	nf_ct_iterate_cleanup_net(iter, &iter_data);
#else
	nf_ct_iterate_cleanup_net(net, iter, data, 0, 0);
#endif
}

/* The socket lookups are built only for these users. */
#if IS_ENABLED(CONFIG_NF_SOCKET_IPV4) || IS_ENABLED(CONFIG_NF_TPROXY_IPV4)
#define CHATDNAT_HAVE_UDP4_LIB_LOOKUP
#endif
#if IS_ENABLED(CONFIG_NF_SOCKET_IPV6) || IS_ENABLED(CONFIG_NF_TPROXY_IPV6)
#define CHATDNAT_HAVE_UDP6_LIB_LOOKUP
#endif

/**
 * chatdnat_lookup_established() - look up a TCP connection of this host
 * @saddr: the peer's address, network byte order
 * @sport: the peer's port, network byte order
 * @daddr: this host's address, network byte order
 * @dport: this host's port, host byte order
 * @dif: index of the interface, or of its VRF
 * @sdif: index of the interface in a VRF; 0: it is in none
 *
 * Context: RCU read lock held; on the packet path.
 * Return: The socket, to be released by sock_gen_put(), or NULL.
 */
static inline struct sock *chatdnat_lookup_established(__be32 saddr,
						       __be16 sport,
						       __be32 daddr, u16 dport,
						       int dif, int sdif)
{
#ifdef CHATDNAT_HAVE_LOOKUP_HASHINFO
	return __inet_lookup_established(&init_net,
					 init_net.ipv4.tcp_death_row.hashinfo,
					 saddr, sport, daddr, dport, dif, sdif);
#else
	return __inet_lookup_established(&init_net, saddr, sport, daddr, dport,
					 dif, sdif);
#endif
}

#if IS_ENABLED(CONFIG_IPV6)
/**
 * chatdnat_lookup_established6() - look up a TCP connection of this host, IPv6
 * @saddr: the peer's address
 * @sport: the peer's port, network byte order
 * @daddr: this host's address
 * @dport: this host's port, host byte order
 * @dif: index of the interface, or of its VRF
 * @sdif: index of the interface in a VRF; 0: it is in none
 *
 * Context: RCU read lock held; on the packet path.
 * Return: The socket, to be released by sock_gen_put(), or NULL.
 */
static inline struct sock *
chatdnat_lookup_established6(const struct in6_addr *saddr, __be16 sport,
			     const struct in6_addr *daddr, u16 dport, int dif,
			     int sdif)
{
#ifdef CHATDNAT_HAVE_LOOKUP_HASHINFO
	return __inet6_lookup_established(&init_net,
					  init_net.ipv4.tcp_death_row.hashinfo,
					  saddr, sport, daddr, dport, dif, sdif);
#else
	return __inet6_lookup_established(&init_net, saddr, sport, daddr, dport,
					  dif, sdif);
#endif
}

/**
 * chatdnat_fib6_lookup() - look up an address in the IPv6 routing tables
 * @fl6: the flow
 * @res: the result
 *
 * If IPv6 can be a module, this goes through ipv6_stub. Later kernels export
 * fib6_lookup(), but only if nft_fib_ipv6 is a module, and it must not be
 * called if the kernel was booted without IPv6. Without the export the entry is
 * taken from the dst of ip6_route_input_lookup(), which never returns NULL.
 *
 * Context: RCU read lock held; on the packet path.
 * Return: 0 or an errno.
 */
static inline int chatdnat_fib6_lookup(struct flowi6 *fl6,
				       struct fib6_result *res)
{
#ifdef CHATDNAT_HAVE_IPV6_STUBS
	return ipv6_stub->fib6_lookup(&init_net, 0, fl6, res, 0);
#elif IS_MODULE(CONFIG_NFT_FIB_IPV6)
	if (!ipv6_mod_enabled())
		return -EAFNOSUPPORT;
	return fib6_lookup(&init_net, 0, fl6, res, 0);
#else
	struct dst_entry *dst;

	if (!ipv6_mod_enabled())
		return -EAFNOSUPPORT;
	dst = ip6_route_input_lookup(&init_net, init_net.loopback_dev, fl6,
				     NULL, RT6_LOOKUP_F_DST_NOREF);
	res->f6i = rcu_dereference(container_of(dst, struct rt6_info, dst)->from);
	if (dst->error || !res->f6i || res->f6i->nh)
		return -ENETUNREACH;
	res->nh = res->f6i->fib6_nh;
	res->fib6_type = res->f6i->fib6_type;
	res->fib6_flags = res->f6i->fib6_flags;
	return 0;
#endif
}

/**
 * chatdnat_neigh6_noref() - find an IPv6 neighbour
 * @dev: the device of the neighbour
 * @addr: its address
 *
 * Context: RCU read lock held, chatdnat_fib6_lookup() has found @dev; on the
 * packet path.
 * Return: The neighbour, not held, or NULL.
 */
static inline struct neighbour *
chatdnat_neigh6_noref(struct net_device *dev, const struct in6_addr *addr)
{
#ifdef CHATDNAT_HAVE_IPV6_STUBS
	return __ipv6_neigh_lookup_noref_stub(dev, addr);
#else
	return __ipv6_neigh_lookup_noref(dev, addr);
#endif
}
#endif

/**
 * chatdnat_inet_sdif() - index of the interface that a packet entered its VRF
 *			  by, IPv4
 * @skb: the packet; not changed, though inet_sdif() is not const on some
 *	 kernels
 *
 * Context: Any.
 * Return: The index; 0 if the interface is not in a VRF.
 */
static inline int chatdnat_inet_sdif(const struct sk_buff *skb)
{
	return inet_sdif((struct sk_buff *)skb);
}

/**
 * chatdnat_send_reset() - answer a TCP segment with a reset
 * @state: the state of the current hook
 * @skb: the segment, IPv4
 *
 * Context: Softirq or process context, RCU read lock held.
 */
static inline void chatdnat_send_reset(const struct nf_hook_state *state,
				       struct sk_buff *skb)
{
#ifdef CHATDNAT_HAVE_SEND_RESET_SK
	nf_send_reset(state->net, state->sk, skb, state->hook);
#else
	nf_send_reset(state->net, skb, state->hook);
#endif
}

#if IS_ENABLED(CONFIG_IPV6)
/**
 * chatdnat_send_reset6() - answer a TCP segment with a reset
 * @state: the state of the current hook
 * @skb: the segment, IPv6
 *
 * Context: Softirq or process context, RCU read lock held.
 */
static inline void chatdnat_send_reset6(const struct nf_hook_state *state,
					struct sk_buff *skb)
{
#ifdef CHATDNAT_HAVE_SEND_RESET6_SK
	nf_send_reset6(state->net, state->sk, skb, state->hook);
#else
	nf_send_reset6(state->net, skb, state->hook);
#endif
}
#endif

/**
 * chatdnat_route_input_ipv4() - route a received packet
 * @skb: the packet; its dst is set, or stays empty on an error
 *
 * Context: Softirq or process context, RCU read lock held.
 */
static inline void chatdnat_route_input_ipv4(struct sk_buff *skb)
{
	const struct iphdr *iph = ip_hdr(skb);

#ifdef CHATDNAT_HAVE_ROUTE_INPUT_DSCP
	ip_route_input_noref(skb, iph->daddr, iph->saddr, ip4h_dscp(iph),
			     skb->dev);
#else
	ip_route_input_noref(skb, iph->daddr, iph->saddr, iph->tos, skb->dev);
#endif
}

/**
 * chatdnat_multipath_ipv4() - whether a packet's route is a multipath route
 * @skb: the packet, routed by chatdnat_route_input_ipv4()
 *
 * Context: Any.
 * Return: True also if the kernel cannot tell.
 */
static inline bool chatdnat_multipath_ipv4(const struct sk_buff *skb)
{
#ifdef IPSKB_MULTIPATH
	return IPCB(skb)->flags & IPSKB_MULTIPATH;
#else
	return IS_ENABLED(CONFIG_IP_ROUTE_MULTIPATH);
#endif
}

/**
 * chatdnat_clear_tstamp() - clear the receive time of a packet before it is
 *			     sent
 * @skb: the packet
 *
 * Context: Any.
 */
static inline void chatdnat_clear_tstamp(struct sk_buff *skb)
{
#ifdef CHATDNAT_HAVE_CLEAR_TSTAMP
	skb_clear_tstamp(skb);
#else
	skb->tstamp = 0;
#endif
}

/*
 * Up to 6.2, 32-bit uniprocessor kernels need the _irq variants, because a
 * writer may interrupt the reader.
 */
#ifdef CHATDNAT_HAVE_U64_STATS_FETCH_IRQ
#define chatdnat_stats_fetch_begin u64_stats_fetch_begin_irq
#define chatdnat_stats_fetch_retry u64_stats_fetch_retry_irq
#else
#define chatdnat_stats_fetch_begin u64_stats_fetch_begin
#define chatdnat_stats_fetch_retry u64_stats_fetch_retry
#endif

/**
 * chatdnat_xfrm_default_blocks() - whether IPsec blocks packets without a
 *				    policy
 *
 * The first kernels with this feature have a bitmap of blocked directions,
 * later ones an array with an action for each direction.
 *
 * Context: Any.
 * Return: True if the default for forwarded or outgoing packets is to block.
 */
static inline bool chatdnat_xfrm_default_blocks(void)
{
#if defined(CONFIG_XFRM) && defined(XFRM_USERPOLICY_ACCEPT)
	const u8 *policy = (const void *)&init_net.xfrm.policy_default;

	if (sizeof(init_net.xfrm.policy_default) == 1)
		return *policy;
	return policy[XFRM_POLICY_FWD] != XFRM_USERPOLICY_ACCEPT ||
	       policy[XFRM_POLICY_OUT] != XFRM_USERPOLICY_ACCEPT;
#else
	return false;
#endif
}

/**
 * chatdnat_flow_tos() - set the TOS of a route lookup
 * @fl4: the flow
 * @tos: TOS or DSCP of the packet
 *
 * Context: Any.
 */
static inline void chatdnat_flow_tos(struct flowi4 *fl4, u8 tos)
{
#if defined(flowi4_dscp)
	fl4->flowi4_dscp = inet_dsfield_to_dscp(tos);
#elif defined(IPTOS_RT_MASK)
	fl4->flowi4_tos = tos & IPTOS_RT_MASK;
#else
	fl4->flowi4_tos = tos & INET_DSCP_MASK;
#endif
}

#endif /* CHATDNAT_COMPAT_H */
