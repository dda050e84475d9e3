// SPDX-License-Identifier: GPL-2.0
#include "checks_guard.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../host/wireguard.h"
#include "../host/xfrm.h"
#include "../lib/mem.h"
#include "../module/protocol.h"

/* Not in any header. */
enum { IPPROTO_VRRP = 112 };

/* Each command includes the previous ones: they may all be run, one after the other. */
static void fix_allow(struct guard *g, const char *element)
{
	char *longer = xasprintf("%s%s%s", g->wanted, *g->wanted ? "," : "", element);

	free(g->wanted);
	g->wanted = longer;
	fix_set(g->f, "allow=%s", word(g->f, g->wanted));
}

/* Whether packets that arrive on this interface are judged. */
static bool judged(const struct guard *g, const struct link *link)
{
	return g->strict ? !link->loopback : wan_of(g->state, link) != NULL;
}

/* The other end, usually at home behind a NAT, opens the tunnel. */
static void check_wireguard_port(struct guard *g, const struct link *link)
{
	struct wireguard wg;
	int err = wireguard_read(&wg, link->name, link->kind);
	char element[16];

	if (err) {
		skipped(g->f, "The port of %s cannot be read: %s.", link->name, reason(err));
	} else if (!ports_contain(g->allow, UDP, (uint16_t)wg.port)) {
		finding(g->f, WARNING, "tunnel-locked-out",
			"guard=%s blocks port %d/udp from the internet, where %s listens: the other end cannot open the tunnel.",
			g->value, wg.port, link->name);
		snprintf(element, sizeof(element), "%d/udp", wg.port);
		fix_allow(g, element);
	}
	wireguard_free(&wg);
}

/* Whether packets of a peer arrive on an interface that is judged: the one of its route. */
static bool judged_from(const struct guard *g, const struct address *peer)
{
	const struct link *out;
	struct route route;

	route_get(&route, peer, NULL);
	out = route.err || route.local ? NULL : link_by_index(&g->state->links, route.oif);
	return out && judged(g, out);
}

static void tunnel_dropped(struct guard *g, uint8_t protocol, const char *what, const char *which)
{
	char *name = protocol_describe(protocol), *element = protocol_word(protocol);

	finding(g->f, WARNING, "tunnel-locked-out",
		"guard=%s drops %s, which %s %s uses: the other end cannot send before this one does.",
		g->value, name, what, which);
	fix_allow(g, element);
	free(element);
	free(name);
}

static void check_tunnel_protocol(struct guard *g, const struct link *link)
{
	const struct tunnel *tunnel = &link->tunnel;

	if ((!tunnel->has_remote || judged_from(g, &tunnel->remote)) &&
	    !ports_contain_protocol(g->allow, tunnel->protocol))
		tunnel_dropped(g, tunnel->protocol, "the tunnel", link->name);
}

static void check_ipsec(struct guard *g)
{
	bool told[256] = { false };
	struct xfrm_states states;
	char peer[INET6_ADDRSTRLEN];
	size_t i;

	xfrm_read(&states);
	if (states.err)
		skipped(g->f, "The states of IPsec cannot be read: %s.", reason(states.err));
	for (i = 0; i < states.n; i++) {
		const struct xfrm_state *s = &states.v[i];

		if (told[s->protocol] || ports_contain_protocol(g->allow, s->protocol) ||
		    !own_address(g->state, &s->to) || !judged_from(g, &s->from) ||
		    !address_format(&s->from, peer, sizeof(peer)))
			continue;
		told[s->protocol] = true;
		tunnel_dropped(g, s->protocol, "IPsec with", peer);
	}
	xfrm_free(&states);
}

static void check_tunnels(struct guard *g)
{
	size_t i;

	for (i = 0; i < g->state->links.n; i++) {
		const struct link *link = &g->state->links.v[i];

		if (link->up && wireguard_kind(link->kind))
			check_wireguard_port(g, link);
		else if (link->up && link->tunnel.protocol)
			check_tunnel_protocol(g, link);
	}
}

/* Protocols that a guard accepts, or that have ports; 255 only sends. */
static bool needs_no_protocol(uint8_t protocol)
{
	switch (protocol) {
	case IPPROTO_IP:
	case IPPROTO_ICMP:
	case IPPROTO_IGMP:
	case IPPROTO_TCP:
	case IPPROTO_UDP:
	case IPPROTO_ICMPV6:
	case IPPROTO_RAW:
		return true;
	default:
		return false;
	}
}

/* Whether packets for the socket arrive on an interface that is judged. A VRF and its interfaces are judged alike. */
static bool receives_judged(const struct guard *g, const struct raw_socket *raw)
{
	const struct links *links = &g->state->links;
	const struct link *bound = raw->bound ? link_by_index(links, raw->bound) : NULL, *master;
	size_t i;

	if (!bound || judged(g, bound))
		return true;
	master = bound->master ? link_by_index(links, bound->master) : NULL;
	if (master && !strcmp(master->kind, "vrf") && judged(g, master))
		return true;
	for (i = 0; !strcmp(bound->kind, "vrf") && i < links->n; i++)
		if (links->v[i].master == bound->index && judged(g, &links->v[i]))
			return true;
	return false;
}

static bool has_raw_socket(const struct guard *g, uint8_t protocol)
{
	const struct sockets *sockets = &g->state->sockets;
	size_t i;

	for (i = 0; i < sockets->raw_n; i++)
		if (sockets->raw[i].protocol == protocol && receives_judged(g, &sockets->raw[i]))
			return true;
	return false;
}

static void check_raw_sockets(struct guard *g)
{
	unsigned int protocol;
	char *name, *element;

	if (g->state->sockets.raw_err)
		skipped(g->f,
			"The raw sockets of this host, such as VRRP's and OSPF's, cannot be listed: %s.",
			g->state->sockets.raw_err == -ENOENT ? "this kernel has no raw_diag" :
							       strerror(-g->state->sockets.raw_err));
	for (protocol = 0; protocol <= UINT8_MAX; protocol++) {
		uint8_t n = (uint8_t)protocol;

		if (needs_no_protocol(n) || ports_contain_protocol(g->allow, n) ||
		    !has_raw_socket(g, n))
			continue;
		name = protocol_describe(n);
		element = protocol_word(n);
		finding(g->f, PROBLEM, "protocol-locked-out",
			"guard=%s drops %s, for which a program on this host has a raw socket: it receives nothing from its peers.%s",
			g->value, name,
			n != IPPROTO_VRRP ?
				"" :
				" A backup then takes the address beside a master that is alive.");
		fix_allow(g, element);
		fix(g->f, "ss -awp    # which program it is");
		free(element);
		free(name);
	}
}

static void check_ssh(struct guard *g)
{
	if (ports_contain(g->allow, TCP, 22))
		return;
	finding(g->f, WARNING, "no-ssh", "guard=%s blocks port 22 from %s: SSH is not in allow.",
		g->value,
		g->strict ? "the internet and from the networks behind this host" : "the internet");
	fix_allow(g, "ssh");
}

static void look(struct guard *g)
{
	check_raw_sockets(g);
	check_tunnels(g);
	check_ipsec(g);
	check_ssh(g);
	if (g->strict)
		check_guard_inside(g);
}

void check_guard(struct findings *f, const struct state *state)
{
	const char *text = config_text(&state->module.config, "allow"),
		   *value = config_text(&state->module.config, "guard");
	struct guard g = {
		.f = f, .state = state, .value = value, .strict = !strcmp(value, "strict")
	};

	check_begin_setting(f, "guard");
	g.allow = xcalloc(1, sizeof(*g.allow));
	g.wanted = xstrdup(text);
	if (!setting_exists(state, "guard"))
		skipped(f, "This version of the module has no setting guard.");
	else if (strcmp(value, "off") != 0 && strcmp(value, "forward") != 0 &&
		 strcmp(value, "full") != 0 && !g.strict)
		skipped(f, "guard=%s is not understood: the module is newer than chatdnatctl.",
			value);
	else if ((g.strict || !strcmp(value, "full")) && !ports_parse(g.allow, text))
		skipped(f, "allow=%s is not understood.", text);
	else if (g.strict || !strcmp(value, "full"))
		look(&g);
	check_end(f, "guard=%s blocks nothing that this host is known to need.", value);
	free(g.wanted);
	free(g.allow);
}
