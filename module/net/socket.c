// SPDX-License-Identifier: GPL-2.0
/* Lookups of local sockets. */
#include <linux/netdevice.h>
#include <net/inet6_hashtables.h>
#include <net/inet_hashtables.h>
#include <net/l3mdev.h>
#include <net/sock.h>
#include <net/udp.h>

#include "compat.h"
#include "socket.h"

#if IS_ENABLED(CONFIG_IPV6)
static struct in6_addr chatdnat_socket_in6(const struct chatdnat_addr *addr)
{
	struct in6_addr in6;

	memcpy(&in6, addr->word, sizeof(in6));
	return in6;
}
#endif

static struct sock *chatdnat_socket_find_udp(const struct chatdnat_flow *flow,
					     int ifindex)
{
#ifdef CHATDNAT_HAVE_UDP4_LIB_LOOKUP
	if (flow->family == CHATDNAT_IPV4)
		return udp4_lib_lookup(&init_net, flow->saddr.word[0],
				       htons(flow->sport), flow->daddr.word[0],
				       htons(flow->dport), ifindex);
#endif
#ifdef CHATDNAT_HAVE_UDP6_LIB_LOOKUP
	if (flow->family == CHATDNAT_IPV6) {
		struct in6_addr saddr = chatdnat_socket_in6(&flow->saddr);
		struct in6_addr daddr = chatdnat_socket_in6(&flow->daddr);

		return udp6_lib_lookup(&init_net, &saddr, htons(flow->sport),
				       &daddr, htons(flow->dport), ifindex);
	}
#endif
	return NULL;
}

/**
 * chatdnat_socket_udp() - whether a UDP flow has a local socket
 * @flow: the flow, as received
 * @ifindex: the input interface
 *
 * Context: RCU read lock held; on the packet path.
 * Return: True if there is such a socket; false if the kernel does not have the
 * lookup.
 */
bool chatdnat_socket_udp(const struct chatdnat_flow *flow, int ifindex)
{
	struct sock *sk = chatdnat_socket_find_udp(flow, ifindex);

	if (!sk)
		return false;
	sock_put(sk);
	return true;
}

static struct sock *chatdnat_socket_find_tcp(const struct chatdnat_flow *flow,
					     int dif, int sdif)
{
#if IS_ENABLED(CONFIG_IPV6)
	if (flow->family == CHATDNAT_IPV6) {
		struct in6_addr saddr = chatdnat_socket_in6(&flow->saddr);
		struct in6_addr daddr = chatdnat_socket_in6(&flow->daddr);

		return chatdnat_lookup_established6(&saddr, htons(flow->sport),
						    &daddr, flow->dport, dif,
						    sdif);
	}
#endif
	return chatdnat_lookup_established(flow->saddr.word[0],
					   htons(flow->sport),
					   flow->daddr.word[0], flow->dport,
					   dif, sdif);
}

/**
 * chatdnat_socket_tcp() - whether a TCP segment has a local connection
 * @flow: addresses and ports of the segment, as received
 * @dev: the input interface
 *
 * Half-open and closing connections count, listening sockets do not.
 *
 * Context: RCU read lock held; on the packet path.
 * Return: True if a local socket has the connection.
 */
bool chatdnat_socket_tcp(const struct chatdnat_flow *flow,
			 const struct net_device *dev)
{
	int master = l3mdev_master_ifindex_rcu(dev);
	struct sock *sk;

	sk = chatdnat_socket_find_tcp(flow, master ?: dev->ifindex,
				      master ? dev->ifindex : 0);
	if (!sk)
		return false;
	sock_gen_put(sk);
	return true;
}
