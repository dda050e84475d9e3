/* SPDX-License-Identifier: GPL-2.0 */
/* The only file that knows that kernels differ. */
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

/* After these: without what they name the headers do not compile. */
#include <linux/ip.h>
#include <linux/netfilter.h>
#include <linux/u64_stats_sync.h>
#include <net/inet6_hashtables.h>
#include <net/inet_hashtables.h>
#include <net/netfilter/ipv4/nf_reject.h>
#include <net/netfilter/ipv6/nf_reject.h>
#include <net/netfilter/nf_conntrack.h>
#include <net/ip.h>
#include <net/route.h>
#ifdef CHATDNAT_HAVE_GSO_H
#include <net/gso.h>
#endif

/**
 * chatdnat_ct_cleanup() - end the connections that a callback picks
 * @net: network namespace
 * @iter: called for each confirmed entry; true ends it
 * @data: passed to @iter
 *
 * Context: Process context, may sleep. @iter runs under a conntrack bucket
 * lock with bottom halves off.
 */
static inline void
chatdnat_ct_cleanup(struct net *net, int (*iter)(struct nf_conn *ct, void *data),
		    void *data)
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

/* Kernels without those that look sockets up do not offer the lookup itself. */
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
static inline struct sock *
chatdnat_lookup_established(__be32 saddr, __be16 sport, __be32 daddr, u16 dport,
			    int dif, int sdif)
{
	return __inet_lookup_established(&init_net,
					 init_net.ipv4.tcp_death_row.hashinfo,
					 saddr, sport, daddr, dport, dif, sdif);
}

#if IS_ENABLED(CONFIG_IPV6)
/**
 * chatdnat_lookup_established6() - the same over IPv6
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
	return __inet6_lookup_established(&init_net,
					  init_net.ipv4.tcp_death_row.hashinfo,
					  saddr, sport, daddr, dport, dif, sdif);
}
#endif

/**
 * chatdnat_send_reset() - answer a TCP segment with a reset
 * @state: the hook's that the segment is in
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
 * @state: the hook's that the segment is in
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
 * chatdnat_route_input_ipv4() - route a packet that has arrived
 * @skb: the packet, which gets its route; none when it is refused
 *
 * Context: Softirq, RCU read lock held.
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
 * chatdnat_multipath_ipv4() - whether a packet's next hop was one of several
 * @skb: the packet, routed by chatdnat_route_input_ipv4()
 *
 * Context: Any.
 * Return: True also where that cannot be told.
 */
static inline bool chatdnat_multipath_ipv4(const struct sk_buff *skb)
{
#ifdef CHATDNAT_HAVE_IPSKB_MULTIPATH
	return IPCB(skb)->flags & IPSKB_MULTIPATH;
#else
	return IS_ENABLED(CONFIG_IP_ROUTE_MULTIPATH);
#endif
}

/**
 * chatdnat_clear_tstamp() - forget when a packet arrived, before it is sent
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
 * Up to 6.2 a reader on a machine of one 32-bit processor says itself that
 * writers interrupt it.
 */
#ifdef CHATDNAT_HAVE_U64_STATS_FETCH_IRQ
#define chatdnat_stats_fetch_begin	u64_stats_fetch_begin_irq
#define chatdnat_stats_fetch_retry	u64_stats_fetch_retry_irq
#else
#define chatdnat_stats_fetch_begin	u64_stats_fetch_begin
#define chatdnat_stats_fetch_retry	u64_stats_fetch_retry
#endif

/**
 * chatdnat_xfrm_default_blocks() - whether IPsec forbids what no policy allows
 *
 * Context: Any.
 * Return: True if the default of a direction is to block.
 */
static inline bool chatdnat_xfrm_default_blocks(void)
{
#if defined(CONFIG_XFRM) && defined(CHATDNAT_HAVE_XFRM_DEFAULT)
	return init_net.xfrm.policy_default[XFRM_POLICY_FWD] !=
	       XFRM_USERPOLICY_ACCEPT ||
	       init_net.xfrm.policy_default[XFRM_POLICY_OUT] !=
	       XFRM_USERPOLICY_ACCEPT;
#else
	return false;
#endif
}

/**
 * chatdnat_flow_tos() - have a lookup look at what the routing table looks at
 * @fl4: the flow
 * @tos: of its packet
 *
 * Context: Any.
 */
static inline void chatdnat_flow_tos(struct flowi4 *fl4, u8 tos)
{
#if defined(CHATDNAT_HAVE_FLOWI4_DSCP)
	fl4->flowi4_dscp = inet_dsfield_to_dscp(tos);
#elif defined(IPTOS_RT_MASK)
	fl4->flowi4_tos = tos & IPTOS_RT_MASK;
#else
	fl4->flowi4_tos = tos & INET_DSCP_MASK;
#endif
}

#endif /* CHATDNAT_COMPAT_H */
