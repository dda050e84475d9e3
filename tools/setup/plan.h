/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNATCTL_PLAN_H
#define CHATDNATCTL_PLAN_H

#include "../host/wireguard_set.h"
#include "../lib/family.h"

/* The words of the operator, by their options; NULL: left to setup. */
enum wish {
	WISH_RELAY,
	WISH_WAN,
	WISH_TUNNEL,
	WISH_KIND,
	WISH_PORT,
	WISH_ADDRESS,
	WISH_ALLOW,
	WISHES
};

extern const char *const wish_names[WISHES];

/* The proxy and the tunnel to set up. */
struct plan {
	char wan[16], tunnel[16];
	bool tunnel_exists; /* somebody else's, which is left as it is */
	char kind[16];	    /* WireGuard's or AmneziaWG's; empty: another one that exists */
	uint16_t port;	    /* UDP, of the tunnel; 0: nothing is known of one */

	/* The tunnel's ends, and the public addresses, of the families that have one. */
	bool inside[FAMILIES], outside[FAMILIES];
	struct address proxy[FAMILIES], relay[FAMILIES], public[FAMILIES];

	char *name;	       /* of the relay in the DNS, or NULL */
	char *allow;	       /* the setting */
	uint16_t session_port; /* of the SSH session that this runs in; 0: none */
	char session[16]; /* the interface that it comes by, if that may be a tunnel of which nothing is known; or "" */
	bool accept_ra; /* the WAN interface learns its route by router advertisements */
	struct wireguard_keys proxy_keys, relay_keys;
	struct amneziawg amneziawg; /* for both ends, if it is of that kind */
};

/* Whether it is a tunnel of AmneziaWG. */
bool plan_amneziawg(const struct plan *plan);

/* Whether an interface's name can be in all files without quotes. False after a message. */
bool plan_interface(const char *option, const char *text);

#define TUNNEL_PREFIX(family) ((family) == V4 ? 24U : 64U)

/* The text of one of the plan's addresses. */
struct plan_text {
	char text[64];
};

struct plan_text plan_address(const struct address *address);

/* "203.0.113.1:51820" */
struct plan_text plan_endpoint(const struct plan *plan);

void plan_free(struct plan *plan);

#endif
