// SPDX-License-Identifier: GPL-2.0
#include "checks.h"

#include <stdlib.h>
#include <string.h>

#include "../host/sysctl.h"

/* Whether clients of an address of this family, or of just this one, are forwarded to a relay. */
static bool sent_on(const struct state *state, enum family family, const struct address *own)
{
	size_t i;

	for (i = 0; i < state->relays.n; i++) {
		const struct relay *r = &state->relays.v[i];

		if (r->family == family && r->valid &&
		    (!own || !r->own_text || address_equal(&r->own, own)))
			return true;
	}
	return false;
}

static bool shadowed(const void *context, const struct listener *l)
{
	const struct state *state = context;

	if (!ports_contain(&state->ports, l->protocol, l->port))
		return false;
	if (!l->any)
		return wan_has_address(state, &l->address) &&
		       sent_on(state, l->address.family, &l->address);
	return sent_on(state, l->address.family, NULL) || (l->both && sent_on(state, V4, NULL));
}

static void check_shadowed(struct findings *f, const struct state *state)
{
	enum protocol protocol;
	size_t n;
	char *ports;

	check_begin(f, "listeners");
	for (protocol = 0; protocol < PROTOCOLS; protocol++)
		if (state->sockets.err[protocol])
			skipped(f, "The %s sockets of this host cannot be listed: %s.",
				protocol == TCP ? "TCP" : "UDP",
				strerror(-state->sockets.err[protocol]));
	ports = sockets_list(&state->sockets, shadowed, state, &n);
	if (ports) {
		finding(f, WARNING, "shadowed",
			"This host itself listens on %s, but connections from the internet are forwarded to the relay.",
			ports);
		fix(f, "ss -lntup    # which programs listen");
		fix_set(f, "ports=PORTS    # without %s", n == 1 ? "it" : "them");
	}
	free(ports);
	check_end(f, "No service of this host is hidden by the forwarded ports.");
}

/* Harmless: a connection of this host itself is known before its answer arrives. */
static void check_ephemeral(struct findings *f, const struct state *state)
{
	unsigned int first, last, port, overlap = 0;

	check_begin(f, "local-ports");
	if (!sysctl_local_ports(&first, &last)) {
		skipped(f, "The range of this host's ephemeral ports cannot be read.");
		return;
	}
	for (port = first; port <= last; port++)
		overlap += ports_contain(&state->ports, UDP, (uint16_t)port);
	if (overlap)
		check_end(f,
			  "%u forwarded UDP ports are also ephemeral ports of this host (%u-%u); its own queries still get their "
			  "answers.",
			  overlap, first, last);
	check_end(f, "No forwarded UDP port is an ephemeral port of this host (%u-%u).", first,
		  last);
}

void check_listeners(struct findings *f, const struct state *state)
{
	check_shadowed(f, state);
	check_ephemeral(f, state);
}
