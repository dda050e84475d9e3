// SPDX-License-Identifier: GPL-2.0
#include "checks_guard.h"

#include <stdlib.h>
#include <string.h>

#include "../host/sysctl.h"
#include "../lib/mem.h"

static bool on_loopback(const struct address *address)
{
	struct address v6;

	if (address->family == V4)
		return address->bytes[0] == 127;
	return address_parse(&v6, V6, "::1") && address_equal(&v6, address);
}

/* A client socket, bound to an ephemeral port; a guard accepts DHCP answers. */
static bool is_client(const struct listener *l)
{
	unsigned int first, last;

	if (l->protocol != UDP)
		return false;
	return l->port == 68 || l->port == 546 ||
	       (sysctl_local_ports(&first, &last) && l->port >= first && l->port <= last);
}

/* A service that guard=full leaves open to inside hosts. */
static bool closed_inside(const void *context, const struct listener *l)
{
	const struct guard *g = context;

	if (ports_contain(g->allow, l->protocol, l->port) || is_client(l))
		return false;
	return l->any || (!on_loopback(&l->address) && !wan_has_address(g->state, &l->address));
}

/* By its address, or by its port: DNS and DHCP. */
static bool meant_for_inside(const void *context, const struct listener *l)
{
	return closed_inside(context, l) &&
	       (!l->any || l->port == 53 || l->port == 67 || l->port == 547);
}

static void check_services(struct guard *g)
{
	size_t n, meant_n;
	char *ports = sockets_list(&g->state->sockets, closed_inside, g, &n);
	char *meant = sockets_list(&g->state->sockets, meant_for_inside, g, &meant_n);

	if (ports) {
		finding(g->f, meant ? WARNING : NOTE, "inside-locked-out",
			"guard=strict also drops connections from inside to ports that this host listens on: %s.%s%s%s Ports in "
			"allow are open to the internet as well.",
			ports, meant && meant_n < n ? " Apparently services for the inside: " : "",
			meant && meant_n < n ? meant : "", meant && meant_n < n ? "." : "");
		fix(g->f, "ss -lntup    # which programs listen");
		fix_set(g->f, "guard=full    # judges the WAN interfaces only");
	}
	free(ports);
	free(meant);
}

static bool has_port(const struct state *state, const struct link *bridge)
{
	size_t i;

	for (i = 0; i < state->links.n; i++)
		if (state->links.v[i].master == bridge->index && state->links.v[i].carrier)
			return true;
	return false;
}

static bool leads_to_relay(const struct state *state, const struct link *link)
{
	size_t i;

	for (i = 0; i < state->relays.n; i++)
		if (relay_link(state, &state->relays.v[i]) == link)
			return true;
	return false;
}

/* A bridge of containers, virtual machines or a LAN, or an interface towards a LAN. */
static bool has_hosts(const struct state *state, const struct link *link)
{
	if (!link->up || !link->carrier || link->loopback || link->master || wan_of(state, link) ||
	    (!link_has(link, V4) && !link_has(link, V6)))
		return false;
	if (!strcmp(link->kind, "bridge"))
		return has_port(state, link);
	/* The network of a relay, for example at a hoster, has hosts that are not behind this one. */
	return (!*link->kind || !strcmp(link->kind, "vlan")) && !leads_to_relay(state, link);
}

static void check_hosts_behind(struct guard *g)
{
	enum severity severity = NOTE;
	char *names = NULL, *longer;
	size_t i;

	for (i = 0; i < g->state->links.n; i++) {
		const struct link *link = &g->state->links.v[i];

		if (!has_hosts(g->state, link))
			continue;
		/* A hoster's private network also has hosts, which do not need this one. */
		if (!strcmp(link->kind, "bridge"))
			severity = WARNING;
		longer = xasprintf("%s%s%s", names ? names : "", names ? ", " : "", link->name);
		free(names);
		names = longer;
	}
	if (names) {
		finding(g->f, severity, "inside-cut-off",
			"guard=strict forwards connections of hosts and containers behind %s to the relay only: they do not reach "
			"the internet, nor one another through this host.",
			names);
		fix_set(g->f, "guard=full    # judges the WAN interfaces only");
	}
	free(names);
}

void check_guard_inside(struct guard *g)
{
	check_services(g);
	check_hosts_behind(g);
}
