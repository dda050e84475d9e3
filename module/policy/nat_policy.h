/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNAT_NAT_POLICY_H
#define CHATDNAT_NAT_POLICY_H

#include <linux/types.h>

#include "settings.h"

enum chatdnat_addr_type {
	CHATDNAT_ADDR_UNKNOWN, /* not looked up */
	CHATDNAT_ADDR_LOCAL,   /* of this host */
	CHATDNAT_ADDR_UNICAST, /* of another host */
	CHATDNAT_ADDR_GROUP,   /* broadcast, multicast, anycast */
};

enum chatdnat_socket {
	CHATDNAT_SOCKET_UNKNOWN, /* not looked up yet */
	CHATDNAT_SOCKET_NONE,
	CHATDNAT_SOCKET_BOUND,
};

/**
 * struct chatdnat_dst_packet - first packet of a connection, before routing
 * @flow: addresses and ports
 * @midstream: a TCP segment that is no SYN, of a connection without conntrack
 *	       entry
 * @in: input interface; NULL: locally generated
 * @daddr_type: type of the destination address
 * @daddr_dev: interface with that address; empty: none; NULL: not looked up yet
 * @socket: whether a local socket would receive it
 */
struct chatdnat_dst_packet {
	struct chatdnat_flow flow;
	bool midstream;
	const char *in;
	enum chatdnat_addr_type daddr_type;
	const char *daddr_dev;
	enum chatdnat_socket socket;
};

enum chatdnat_dst_decision {
	CHATDNAT_DST_LEAVE,	     /* does not match: leave */
	CHATDNAT_DST_LOOK_UP_ADDR,   /* decide again with the type of daddr */
	CHATDNAT_DST_LOOK_UP_DEV,    /* decide again with the device of daddr */
	CHATDNAT_DST_LOOK_UP_SOCKET, /* decide again with the socket */
	CHATDNAT_DST_DRAIN,	     /* matches, but enabled=0: leave */
	CHATDNAT_DST_TRANSLATE,
};

/**
 * struct chatdnat_src_packet - the same packet, in POST_ROUTING
 * @in: input interface; NULL: locally generated
 * @out: output interface
 * @from_wan: received on a WAN interface, and not from an IPsec tunnel; not set
 *	      if @translated
 * @saddr_type: type of the source address
 * @translated: the module translated its destination (DNAT to the relay)
 * @transformed: an IPsec policy will encrypt it
 */
struct chatdnat_src_packet {
	const char *in;
	const char *out;
	bool from_wan;
	enum chatdnat_addr_type saddr_type;
	bool translated;
	bool transformed;
};

enum chatdnat_src_decision {
	CHATDNAT_SRC_LEAVE,
	CHATDNAT_SRC_LOOK_UP, /* decide again with the type of saddr */
	CHATDNAT_SRC_MASQUERADE,
};

enum chatdnat_dst_decision
chatdnat_nat_policy_dst(const struct chatdnat_settings *settings,
			const struct chatdnat_dst_packet *packet,
			const struct chatdnat_addr **relay);
bool chatdnat_nat_policy_heeds_socket(const struct chatdnat_settings *settings,
				      const struct chatdnat_flow *flow);
enum chatdnat_src_decision
chatdnat_nat_policy_src(const struct chatdnat_settings *settings,
			const struct chatdnat_src_packet *packet);

#endif /* CHATDNAT_NAT_POLICY_H */
