/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNATCTL_ROUTE_H
#define CHATDNATCTL_ROUTE_H

#include "../lib/family.h"

struct route {
	int err; /* 0, or the errno of "there is none" */
	bool local;
	bool from_ra; /* learnt from a router advertisement */
	unsigned int oif;
	bool has_gateway;
	struct address gateway;
	unsigned int mtu; /* of the route itself, 0: the interface's */
};

/* The route of this host to `to`; with `from`, for this source address. */
void route_get(struct route *route, const struct address *to, const struct address *from);

#endif
