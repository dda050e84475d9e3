/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNATCTL_STATE_H
#define CHATDNATCTL_STATE_H

#include "../host/link.h"
#include "../module/fastpath.h"
#include "../module/kernel_log.h"
#include "../module/module.h"
#include "../module/ports.h"
#include "../module/relay.h"
#include "../module/stats.h"
#include "../nft/nftables.h"
#include "probe.h"
#include "sockets.h"

/* All input of `status` and `check`, read once. */
struct state {
	bool loaded; /* if not, the saved configuration is used */
	struct module module;
	struct stats stats;
	struct ports ports;
	char **wan; /* patterns */
	size_t wan_n;
	struct relays relays;
	struct fastpath fast[FAMILIES];

	struct links links;
	int links_err;			    /* negative errno: links could not be listed */
	struct address somewhere[FAMILIES]; /* on the internet */
	struct route world[FAMILIES];	    /* to there */

	int counted;			/* of counting connections: 0, or a negative errno */
	long long ct_count, ct_max;	/* of the whole conntrack table, -1: unknown */
	long long forwarding[FAMILIES]; /* the global sysctl, -1: unknown */

	int saved_found; /* as saved_read() says */
	struct config saved;
	struct kernel_log log;

	struct ruleset ruleset;
	struct sockets sockets;
	struct probes probes; /* none unless they are asked for */
};

/* False, after an error message, if the module is loaded and cannot be read. */
bool state_read(struct state *state);
void state_free(struct state *state);

bool wan_matches(const char *pattern, const char *interface);

/* The pattern of `wan` that matches an interface, or NULL. */
const char *wan_of(const struct state *state, const struct link *link);

/* Whether any interface has the address, or a WAN interface. */
bool own_address(const struct state *state, const struct address *address);
bool wan_has_address(const struct state *state, const struct address *address);

/* "10.9.0.1 dev wg0", "no route", ... */
char *route_describe(const struct state *state, const struct route *route);

bool setting_is(const struct state *state, const char *setting, const char *value);
bool setting_exists(const struct state *state, const char *setting);

/* The interface by which a relay is reached, or NULL. */
const struct link *relay_link(const struct state *state, const struct relay *relay);

/* Of several relays the first with a route stands for all in suggested commands. */
const struct relay *first_relay(const struct state *state, enum family family);

/* A named local address that this host does not have: another proxy may have it at the moment. */
bool relay_standby(const struct state *state, const struct relay *relay);

/* The first stateless relay, or the first tracked one; or NULL. */
const struct relay *relay_served(const struct state *state, enum family family, bool stateless);

/* With engine=stateless, a relay that is tracked, for which the kernel refuses all changes; or NULL. */
const struct relay *refused_relay(const struct state *state);

/* An address that is not the internet's: private, shared, unique local, ... */
bool address_private(const struct address *address);

unsigned long connections_of(const struct state *state, enum family family);

#endif
