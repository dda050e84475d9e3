// SPDX-License-Identifier: GPL-2.0
#include "tunnel.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../host/wireguard.h"
#include "../lib/text.h"

/* Of the guide; the proxy's end is .1. */
static const char *const usual[FAMILIES] = { "10.9.0.2", "fd00:9::2" };

static bool is_single(const struct wireguard_allowed *a)
{
	return a->prefix == families[a->address.family].size * 8;
}

/* The relay is the peer with a single address. False, after a message, if there are several. */
static bool find_peer(struct plan *plan, const struct wireguard *wg)
{
	const struct wireguard_allowed *first = NULL;
	size_t i;

	for (i = 0; i < wg->allowed_n; i++) {
		const struct wireguard_allowed *a = &wg->allowed[i];

		if (!is_single(a))
			continue;
		if (!first)
			first = a;
		if (a->peer != first->peer) {
			error("setup: %s has several peers with a single address, such as %s and %s; the relay's: --relay NAME,ADDRESS",
			      plan->tunnel, plan_address(&first->address).text,
			      plan_address(&a->address).text);
			return false;
		}
		if (plan->inside[a->address.family])
			continue;
		plan->relay[a->address.family] = a->address;
		plan->inside[a->address.family] = true;
	}
	return true;
}

/* A tunnel that is there. */
static bool find_relay(struct plan *plan, const struct link *link)
{
	struct wireguard wg;
	int err = wireguard_kind(link->kind) ? wireguard_read(&wg, link->name, link->kind) : 0;
	bool known = plan->inside[V4] || plan->inside[V6], found;

	plan->tunnel_exists = true;
	memcpy(plan->kind, link->kind, sizeof(plan->kind));
	if (!wireguard_kind(link->kind)) {
		wg = (struct wireguard){ .port = -1 };
		plan->kind[0] = '\0';
	}
	if (err)
		error("setup: cannot read the tunnel %s: %s", link->name, strerror(-err));
	if (wg.port > 0)
		plan->port = (uint16_t)wg.port;
	found = !err && (known || find_peer(plan, &wg));
	wireguard_free(&wg);
	if (found && !plan->inside[V4] && !plan->inside[V6]) {
		error("setup: the interface %s exists, and has no peer whose AllowedIPs are single addresses; the relay's: --relay ADDRESS, or a new tunnel: --tunnel NAME",
		      link->name);
		return false;
	}
	return found;
}

static bool same_network(const struct address *a, const struct address *b)
{
	return a->family == b->family && !memcmp(a->bytes, b->bytes, TUNNEL_PREFIX(a->family) / 8);
}

static bool network_is_free(const struct plan *plan, const struct state *state, enum family family)
{
	size_t i, j;

	for (i = 0; i < state->links.n; i++) {
		const struct link *link = &state->links.v[i];

		if (!strcmp(link->name, plan->tunnel))
			continue;
		for (j = 0; j < link->n; j++) {
			if (!same_network(&link->addresses[j].address, &plan->relay[family]))
				continue;
			error("setup: the network of the relay's address %s is that of %s on this host; take another one: --relay ADDRESS",
			      plan_address(&plan->relay[family]).text, link->name);
			return false;
		}
	}
	return true;
}

static bool new_tunnel(struct plan *plan, const struct state *state)
{
	bool none = !plan->inside[V4] && !plan->inside[V6];
	enum family family;

	if (!plan->port)
		plan->port = 51820;
	if (!link_by_name(&state->links, plan->tunnel) &&
	    sockets_have(&state->sockets, UDP, plan->port)) {
		error("setup: the UDP port %u is in use on this host; another one for the tunnel: --port PORT",
		      plan->port);
		return false;
	}
	for (family = 0; family < FAMILIES; family++) {
		unsigned char *last = &plan->proxy[family].bytes[families[family].size - 1];

		if (none && (family == V4 || access("/proc/net/if_inet6", F_OK) == 0))
			plan->inside[family] = address_parse(&plan->relay[family], family,
							     usual[family]);
		if (!plan->inside[family])
			continue;
		if (!network_is_free(plan, state, family))
			return false;
		plan->proxy[family] = plan->relay[family];
		*last = *last == 1 ? 2 : 1;
	}
	return true;
}

/* The only tunnel of this host, of the kind that is wished for. False, after a message, if there are several. */
static bool find_tunnel(struct plan *plan, const struct state *state, const char *kind)
{
	const struct link *link = NULL;
	size_t i;

	for (i = 0; i < state->links.n; i++) {
		if (!wireguard_kind(state->links.v[i].kind) ||
		    (kind && strcmp(kind, state->links.v[i].kind) != 0))
			continue;
		if (link) {
			error("setup: there are several tunnels, such as %s and %s; the relay's: --tunnel NAME",
			      link->name, state->links.v[i].name);
			return false;
		}
		link = &state->links.v[i];
	}
	if (link && !plan_interface("tunnel", link->name))
		return false;
	snprintf(plan->tunnel, sizeof(plan->tunnel), "%s",
		 link		      ? link->name :
		 plan_amneziawg(plan) ? "awg0" :
					"wg0");
	return true;
}

bool tunnel_propose(struct plan *plan, const struct state *state, const char *const *wishes,
		    const char *ours)
{
	const char *wish = wishes[WISH_TUNNEL], *kind = wishes[WISH_KIND];
	const struct link *link;
	bool foreign;

	if (kind && !wireguard_kind(kind)) {
		error("setup: --kind: '%s' is not " WG_GENL_NAME " or " AMNEZIAWG, kind);
		return false;
	}
	snprintf(plan->kind, sizeof(plan->kind), "%s", kind ? kind : WG_GENL_NAME);
	if (!wish && ours)
		wish = ours;
	if (wish && !plan_interface("tunnel", wish))
		return false;
	if (wish)
		memcpy(plan->tunnel, wish, strlen(wish) + 1);
	else if (!find_tunnel(plan, state, kind))
		return false;
	link = link_by_name(&state->links, plan->tunnel);
	foreign = link && (!ours || strcmp(ours, plan->tunnel) != 0);
	if (foreign && kind && strcmp(kind, link->kind) != 0) {
		error("setup: --kind: the interface %s exists and is not of the kind %s; another name for a new tunnel: --tunnel NAME",
		      link->name, kind);
		return false;
	}
	return foreign ? find_relay(plan, link) : new_tunnel(plan, state);
}
