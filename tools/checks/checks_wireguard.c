// SPDX-License-Identifier: GPL-2.0
#include "checks_tunnel.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../host/wireguard.h"
#include "../lib/mem.h"

/* WireGuard drops its keys after so long (REJECT_AFTER_TIME): no packet passes without another handshake. */
#define HANDSHAKE_MAX 180

/* Whether the route to a relay uses this tunnel. */
static bool by(const struct state *state, const struct relay *relay, const struct link *link)
{
	return relay_link(state, relay) == link;
}

static void append(char **text, const struct address *address, unsigned int prefix)
{
	char one[INET6_ADDRSTRLEN], *longer;

	address_format(address, one, sizeof(one));
	longer = xasprintf("%s%s%s/%u", *text ? *text : "", *text ? "," : "", one, prefix);
	free(*text);
	*text = longer;
}

/* The AllowedIPs of the only peer: its present ones, and all relays behind the tunnel. */
static char *allowed_ips(const struct state *state, const struct wireguard *wg,
			 const struct link *link)
{
	char *text = NULL;
	size_t i;

	for (i = 0; i < wg->allowed_n; i++)
		append(&text, &wg->allowed[i].address, wg->allowed[i].prefix);
	for (i = 0; i < state->relays.n; i++) {
		const struct relay *relay = &state->relays.v[i];

		if (by(state, relay, link) && !wireguard_peer_of(wg, &relay->address))
			append(&text, &relay->address,
			       (unsigned int)families[relay->family].size * 8);
	}
	return text;
}

static void fix_allowed_ips(struct findings *f, const struct state *state,
			    const struct wireguard *wg, const struct link *link,
			    const struct relay *relay)
{
	const char *name = word(f, link->name), *program = wireguard_program(link->kind);
	char *list;

	if (wg->peers_n == 1) {
		list = allowed_ips(state, wg, link);
		fix(f,
		    "%s set %s peer \"$(%s show %s peers)\" allowed-ips %s    # and AllowedIPs in its file",
		    program, name, program, name, list);
		free(list);
	} else if (wg->peers_n) {
		fix(f, "%s show %s allowed-ips    # which peer is the relay?", program, name);
		fix(f,
		    "%s set %s peer RELAYS-PUBLIC-KEY allowed-ips ITS-PRESENT-ONES,%s/%zu    # and AllowedIPs in its file",
		    program, name, relay->text, families[relay->family].size * 8);
	} else {
		fix(f,
		    "%s set %s peer RELAYS-PUBLIC-KEY allowed-ips %s/%zu    # and a [Peer] in its file",
		    program, name, relay->text, families[relay->family].size * 8);
	}
}

static enum handshake handshake(const struct wireguard_peer *peer)
{
	return !peer->handshake					     ? NEVER :
	       (int64_t)time(NULL) - peer->handshake > HANDSHAKE_MAX ? SILENT :
								       FRESH;
}

enum handshake handshake_of(const struct state *state, const struct relay *relay)
{
	const struct link *out = relay_link(state, relay);
	const struct wireguard_peer *peer = NULL;
	enum handshake result = NO_TUNNEL;
	struct wireguard wg;

	if (!out || !wireguard_kind(out->kind))
		return NO_TUNNEL;
	if (!wireguard_read(&wg, out->name, out->kind))
		peer = wireguard_peer_of(&wg, &relay->address);
	if (peer)
		result = handshake(peer);
	wireguard_free(&wg);
	return result;
}

bool tunnel_fresh(const struct state *state, const struct link *link)
{
	size_t i;

	for (i = 0; i < state->relays.n; i++)
		if (by(state, &state->relays.v[i], link) &&
		    handshake_of(state, &state->relays.v[i]) == FRESH)
			return true;
	return false;
}

static void check_handshake(struct findings *f, const struct state *state, const struct link *link,
			    const struct wireguard *wg, const struct wireguard_peer *peer,
			    const struct relay *relay)
{
	/* Connections that get no answer are then explained. */
	enum severity severity = mostly_unanswered(state, relay->family) ? PROBLEM : WARNING;
	const char *program = wireguard_program(link->kind);
	int64_t age = (int64_t)time(NULL) - peer->handshake;

	if (!peer->handshake)
		finding(f, severity, "tunnel-never-up",
			"%s: there was no handshake yet with the peer that has %s: the relay's end is down, has another key or "
			"endpoint, or a firewall blocks port %d/udp.",
			link->name, relay->text, wg->port);
	else if (age > HANDSHAKE_MAX)
		finding(f, severity, "tunnel-silent",
			"%s: the latest handshake with the peer that has %s was %" PRId64
			" s ago: the tunnel is idle, or the relay's end is down. The interface stays up, so via does not notice.",
			link->name, relay->text, age);
	else
		return;
	fix(f, "ping -c 3 %s    # a tunnel that is merely idle wakes up", word(f, relay->text));
	fix(f,
	    "%s set WG peer THIS-HOSTS-KEY persistent-keepalive 25    # on the relay, which keeps it awake",
	    program);
	fix(f, "%s-quick up WG    # on the relay", program);
}

/* The relays of both families are usually one peer, which is reported once. */
static bool told(const struct state *state, const struct wireguard *wg, const struct link *link,
		 size_t relay)
{
	const struct wireguard_peer *peer = wireguard_peer_of(wg, &state->relays.v[relay].address);
	size_t i;

	for (i = 0; peer && i < relay; i++)
		if (by(state, &state->relays.v[i], link) &&
		    wireguard_peer_of(wg, &state->relays.v[i].address) == peer)
			return true;
	return false;
}

static void check_tunnel_of(struct findings *f, const struct state *state, const struct link *link)
{
	const struct wireguard_peer *peer;
	struct wireguard wg;
	int err;
	size_t i;

	err = wireguard_read(&wg, link->name, link->kind);
	if (err)
		skipped(f, "The peers of %s cannot be read: %s.", link->name, reason(err));
	for (i = 0; !err && i < state->relays.n; i++) {
		const struct relay *relay = &state->relays.v[i];

		if (!by(state, relay, link) || told(state, &wg, link, i))
			continue;
		peer = wireguard_peer_of(&wg, &relay->address);
		if (peer) {
			check_handshake(f, state, link, &wg, peer, relay);
			continue;
		}
		finding(f, PROBLEM, "no-peer",
			"%s: the relay %s is in no peer's AllowedIPs: WireGuard sends it nothing, and drops packets from it.",
			link->name, relay->text);
		fix_allowed_ips(f, state, &wg, link, relay);
	}
	wireguard_free(&wg);
}

void check_wireguard(struct findings *f, const struct state *state)
{
	bool any = false;
	size_t i, j;

	check_begin(f, "wireguard");
	for (i = 0; i < state->links.n; i++) {
		const struct link *link = &state->links.v[i];

		/* An interface that is down has its own finding. */
		if (!wireguard_kind(link->kind) || !link->up)
			continue;
		for (j = 0; j < state->relays.n && !by(state, &state->relays.v[j], link); j++)
			;
		if (j == state->relays.n)
			continue;
		any = true;
		check_tunnel_of(f, state, link);
	}
	check_end(f,
		  any ? "Each relay behind WireGuard belongs to a peer, and its tunnel is in use." :
			"No relay is reached by a tunnel of WireGuard.");
}
