// SPDX-License-Identifier: GPL-2.0
#include "checks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../host/neighbour.h"
#include "../host/sysfs.h"
#include "../lib/mem.h"

/* The bridge port of a relay. */
struct place {
	const struct link *bridge;
	const struct link *port; /* NULL: not known */
};

/* Whether br_netfilter is loaded, and passes bridged packets to iptables and nftables. */
static bool filtered(const struct link *bridge, enum family family)
{
	char path[64];
	long long all;

	snprintf(path, sizeof(path), "/proc/sys/net/bridge/bridge-nf-call-ip%stables",
		 family == V6 ? "6" : "");
	all = sysfs_read_number(path);
	return all > 0 || (!all && bridge->netfilter[family]);
}

/* False if the relay is not behind such a bridge. */
static bool find_place(struct place *place, const struct state *state, const struct relay *relay)
{
	const struct link *out = relay_link(state, relay);

	if (!out || strcmp(out->kind, "bridge") != 0 || !filtered(out, relay->family))
		return false;
	place->bridge = out;
	place->port = link_by_index(&state->links,
				    neighbour_port(out->index, relay->route.has_gateway ?
								       &relay->route.gateway :
								       &relay->address));
	return true;
}

/* The first port from `at` on that is not in hairpin mode; or NULL. */
static const struct link *next_off(const struct state *state, const struct link *bridge, size_t *at)
{
	while (*at < state->links.n) {
		const struct link *link = &state->links.v[(*at)++];

		if (link->master == bridge->index && link->hairpin == HAIRPIN_OFF)
			return link;
	}
	return NULL;
}

static void fix_port(struct findings *f, const struct link *port, const char *comment)
{
	fix(f, "bridge link set dev %s hairpin on%s", word(f, port->name), comment);
}

static void check_place(struct findings *f, const struct state *state, const struct relay *relay,
			const struct place *place)
{
	const struct link *port = place->port;
	size_t at = 0;

	if (port ? port->hairpin != HAIRPIN_OFF : !next_off(state, place->bridge, &at))
		return;
	finding(f, WARNING, "bridge-hairpin-off",
		"The relay %s is behind %s%s of the bridge %s, and br_netfilter is on: the bridge sends no packet out of the port "
		"that it arrived on, unless that port is in hairpin mode. The relay, and hosts behind the same port, do not reach "
		"it under this host's public address.",
		relay->text, port ? "the port " : "one of the ports", port ? port->name : "",
		place->bridge->name);
	if (port) {
		fix_port(f, port, "");
		return;
	}
	at = 0;
	while ((port = next_off(state, place->bridge, &at)))
		fix_port(f, port, "    # if this is the relay's port");
}

void check_bridge(struct findings *f, const struct state *state)
{
	struct place *places = xcalloc(state->relays.n + 1, sizeof(*places));
	size_t i, j;

	check_begin_setting(f, "hairpin");
	if (!setting_exists(state, "hairpin"))
		skipped(f, "This version of the module has no setting hairpin.");
	for (i = 0; setting_is(state, "hairpin", "1") && i < state->relays.n; i++) {
		if (!find_place(&places[i], state, &state->relays.v[i]))
			continue;
		/* The relays of both families are usually one host. */
		for (j = 0; j < i && (places[j].bridge != places[i].bridge ||
				      places[j].port != places[i].port);
		     j++)
			;
		if (j == i)
			check_place(f, state, &state->relays.v[i], &places[i]);
	}
	check_end(f, setting_is(state, "hairpin", "1") ?
			     "No relay is behind a port of a bridge that would need hairpin mode." :
			     "hairpin is off.");
	free(places);
}
