// SPDX-License-Identifier: GPL-2.0
#include "checks.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "sysctl.h"
#include "wireguard.h"

#define LISTED_MAX 8

static bool on_wan(const struct state *state, const struct address *address)
{
	size_t i, j;

	for (i = 0; i < state->links.n; i++) {
		const struct link *link = &state->links.v[i];

		for (j = 0; wan_of(state, link) && j < link->n; j++)
			if (address_equal(&link->addresses[j].address, address))
				return true;
	}
	return false;
}

/* Whether clients of an address of this family, or of just this one, are sent on. */
static bool sent_on(const struct state *state, enum family family, const struct address *own)
{
	size_t i;

	for (i = 0; i < state->relays.n; i++) {
		const struct relay *r = &state->relays.v[i];

		if (r->family == family && r->valid && (!own || !r->own_text || address_equal(&r->own, own)))
			return true;
	}
	return false;
}

static bool shadowed(const struct state *state, const struct listener *l)
{
	if (!ports_contain(&state->ports, l->protocol, l->port))
		return false;
	if (!l->any)
		return on_wan(state, &l->address) && sent_on(state, l->address.family, &l->address);
	return sent_on(state, l->address.family, NULL) || (l->both && sent_on(state, V4, NULL));
}

/* One list of "443/tcp" for all that `is` says of; NULL if there is none. */
static char *list(const struct state *state, bool (*is)(const struct state *state, const struct listener *l), size_t *n)
{
	const struct sockets *sockets = &state->sockets;
	char *text = NULL, *longer;
	size_t i, j;

	*n = 0;
	for (i = 0; i < sockets->n; i++) {
		const struct listener *l = &sockets->v[i];

		if (!is(state, l))
			continue;
		for (j = 0; j < i; j++)
			if (sockets->v[j].port == l->port && sockets->v[j].protocol == l->protocol && is(state, &sockets->v[j]))
				break;
		if (j < i || ++*n > LISTED_MAX)
			continue;
		longer = xasprintf("%s%s%u/%s", text ? text : "", text ? ", " : "", l->port,
				   l->protocol == TCP ? "tcp" : "udp");
		free(text);
		text = longer;
	}
	if (*n > LISTED_MAX) {
		longer = xasprintf("%s and %zu more", text, *n - LISTED_MAX);
		free(text);
		text = longer;
	}
	return text;
}

static void check_shadowed(struct findings *f, const struct state *state)
{
	enum protocol protocol;
	size_t n;
	char *ports;

	check_begin(f, "listeners");
	for (protocol = 0; protocol < PROTOCOLS; protocol++)
		if (state->sockets.err[protocol])
			skipped(f, "The %s sockets of this host cannot be listed: %s.", protocol == TCP ? "TCP" : "UDP",
				strerror(-state->sockets.err[protocol]));
	ports = list(state, shadowed, &n);
	if (ports) {
		finding(f, WARNING, "shadowed",
			"This host itself listens on %s, but clients from the internet are sent on to the relay.", ports);
		fix(f, "ss -lntup    # who listens");
		fix(f, "chatdnatctl set ports=PORTS    # without %s", n == 1 ? "it" : "them");
	}
	free(ports);
	check_end(f, "No service of this host is hidden by the ports that are sent on.");
}

/* The other end, at home behind a NAT as a rule, is the one to open the tunnel. */
static void check_tunnel_port(struct findings *f, const struct ports *allow, const char *text, const struct link *link)
{
	struct wireguard wg;
	int err = wireguard_read(&wg, link->name);

	if (err) {
		skipped(f, "The port of %s cannot be read: %s.", link->name, reason(err));
	} else if (!ports_contain(allow, UDP, (uint16_t)wg.port)) {
		finding(f, WARNING, "tunnel-locked-out",
			"guard=full keeps port %d/udp from the internet, where %s listens: the other end cannot open the tunnel.",
			wg.port, link->name);
		fix(f, "chatdnatctl set allow=%s%s%d/udp", *text ? word(f, text) : "", *text ? "," : "", wg.port);
	}
	wireguard_free(&wg);
}

static void check_guard(struct findings *f, const struct state *state)
{
	const char *text = config_text(&state->module.config, "allow"), *guard = config_text(&state->module.config, "guard");
	struct ports *allow = xcalloc(1, sizeof(*allow));
	size_t i;

	check_begin(f, "guard");
	if (!setting_exists(state, "guard")) {
		skipped(f, "This version of the module has no setting guard.");
	} else if (!strcmp(guard, "full") && !ports_parse(allow, text)) {
		skipped(f, "allow=%s is not understood.", text);
	} else if (!strcmp(guard, "full")) {
		for (i = 0; i < state->links.n; i++)
			if (!strcmp(state->links.v[i].kind, "wireguard") && state->links.v[i].up)
				check_tunnel_port(f, allow, text, &state->links.v[i]);
		if (!ports_contain(allow, TCP, 22)) {
			finding(f, NOTE, "no-ssh", "guard=full keeps port 22 from the internet: SSH is not in allow.");
			fix(f, "chatdnatctl set allow=%s%sssh", *text ? word(f, text) : "", *text ? "," : "");
		}
	}
	free(allow);
	check_end(f, "guard=%s locks out nothing that is known to be needed.", guard);
}

/* Harmless: a connection of this host itself is known before an answer to it comes in. */
static void check_ephemeral(struct findings *f, const struct state *state)
{
	unsigned int first, last, port, overlap = 0;

	check_begin(f, "local-ports");
	if (!sysctl_local_ports(&first, &last)) {
		skipped(f, "The range of this host's own ports cannot be read.");
		return;
	}
	for (port = first; port <= last; port++)
		overlap += ports_contain(&state->ports, UDP, (uint16_t)port);
	if (overlap)
		check_end(f, "%u UDP ports that are sent on are also this host's own (%u-%u); its own queries still get their "
			     "answers.",
			  overlap, first, last);
	check_end(f, "No UDP port that is sent on is one of this host's own (%u-%u).", first, last);
}

void check_listeners(struct findings *f, const struct state *state)
{
	check_shadowed(f, state);
	check_guard(f, state);
	check_ephemeral(f, state);
}
