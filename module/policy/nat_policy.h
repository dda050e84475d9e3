/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNAT_NAT_POLICY_H
#define CHATDNAT_NAT_POLICY_H

#include <linux/types.h>

#include "settings.h"

enum chatdnat_addr_type {
	CHATDNAT_ADDR_UNKNOWN,		/* not looked up */
	CHATDNAT_ADDR_LOCAL,		/* this host's */
	CHATDNAT_ADDR_UNICAST,		/* another host's */
	CHATDNAT_ADDR_GROUP,		/* broadcast, multicast, anycast */
};

enum chatdnat_socket {
	CHATDNAT_SOCKET_UNKNOWN,	/* not looked up yet */
	CHATDNAT_SOCKET_NONE,
	CHATDNAT_SOCKET_BOUND,
};

/**
 * struct chatdnat_dst_packet - a packet that opens a connection, before it is
 *			     routed
 * @flow: from where to where
 * @opens: it does open it; else it is from the middle of a TCP connection that
 *	   conntrack did not know, or no longer
 * @in: name of the interface that it entered by; NULL: sent by this host
 * @daddr_type: whose the destination address is
 * @daddr_dev: name of the interface that has that address, empty: none;
 *	       NULL: not looked up yet
 * @socket: whether a socket of this host waits for it
 */
struct chatdnat_dst_packet {
	struct chatdnat_flow flow;
	bool opens;
	const char *in;
	enum chatdnat_addr_type daddr_type;
	const char *daddr_dev;
	enum chatdnat_socket socket;
};

enum chatdnat_dst_decision {
	CHATDNAT_DST_LEAVE,		/* not ours */
	CHATDNAT_DST_LOOK_UP_ADDR,	/* decide again with the type of daddr */
	CHATDNAT_DST_LOOK_UP_DEV,	/* decide again with the device of daddr */
	CHATDNAT_DST_LOOK_UP_SOCKET,	/* decide again with the socket */
	CHATDNAT_DST_DRAIN,		/* ours, but no new ones are sent on */
	CHATDNAT_DST_TRANSLATE,
};

/**
 * struct chatdnat_src_packet - the same packet, after it was routed
 * @in: name of the interface that it entered by; NULL: sent by this host
 * @out: name of the interface that it leaves by
 * @from_wan: it came in by a WAN interface, and not out of an IPsec tunnel; not
 *	      asked for if @translated
 * @saddr_type: whose the source address is
 * @translated: it is sent on to the relay by us
 * @transformed: IPsec takes it into a tunnel first
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
	CHATDNAT_SRC_LOOK_UP,		/* decide again with the type of saddr */
	CHATDNAT_SRC_MASQUERADE,
};

enum chatdnat_dst_decision
chatdnat_nat_policy_dst(const struct chatdnat_settings *settings,
			const struct chatdnat_dst_packet *packet,
			const struct chatdnat_addr **relay);
enum chatdnat_src_decision
chatdnat_nat_policy_src(const struct chatdnat_settings *settings,
			const struct chatdnat_src_packet *packet);

#endif /* CHATDNAT_NAT_POLICY_H */
