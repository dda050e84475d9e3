/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNAT_VERDICT_H
#define CHATDNAT_VERDICT_H

#include <linux/types.h>

#include "settings.h"

enum chatdnat_addr_type {
	CHATDNAT_ADDR_UNKNOWN,		/* not looked up yet */
	CHATDNAT_ADDR_LOCAL,		/* this host's */
	CHATDNAT_ADDR_UNICAST,		/* another host's */
	CHATDNAT_ADDR_GROUP,		/* broadcast, multicast, anycast */
};

/* A packet that opens a connection, before it is routed. */
struct chatdnat_arrival {
	struct chatdnat_flow flow;
	const char *in;			/* interface name */
	enum chatdnat_addr_type daddr_type;
};

enum chatdnat_dst_decision {
	CHATDNAT_DST_LEAVE,		/* not ours */
	CHATDNAT_DST_LOOK_UP,		/* decide again with the type of daddr */
	CHATDNAT_DST_DRAIN,		/* ours, but no new ones are sent on */
	CHATDNAT_DST_TRANSLATE,
};

/* The same packet, after it was routed. */
struct chatdnat_departure {
	const char *in;			/* NULL: sent by this host */
	const char *out;
	enum chatdnat_addr_type saddr_type;
	bool translated;		/* sent on to the relay by us */
};

enum chatdnat_src_decision {
	CHATDNAT_SRC_LEAVE,
	CHATDNAT_SRC_LOOK_UP,		/* decide again with the type of saddr */
	CHATDNAT_SRC_MASQUERADE,
};

enum chatdnat_dst_decision
chatdnat_decide_dst(const struct chatdnat_settings *settings,
		    const struct chatdnat_arrival *arrival,
		    const struct chatdnat_addr **relay);
enum chatdnat_src_decision
chatdnat_decide_src(const struct chatdnat_settings *settings,
		    const struct chatdnat_departure *departure);

#endif /* CHATDNAT_VERDICT_H */
