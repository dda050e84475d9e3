// SPDX-License-Identifier: GPL-2.0
#include "checks_host.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../host/sysctl.h"
#include "../host/sysfs.h"

static void check_forwarding(struct findings *f, const struct state *state, enum family family)
{
	const struct link *ra = family == V6 ? ra_link(state) : NULL;
	const struct family_info *info = &families[family];

	if (state->forwarding[family] == 0) {
		finding(f, PROBLEM, "forwarding-off",
			"%s forwarding is off: the kernel drops packets to the relay.%s%s%s",
			info->name,
			ra ? " The default route comes from router advertisements on " : "",
			ra ? ra->name : "",
			ra ? ", which a forwarding host ignores unless accept_ra is 2." : "");
		if (ra)
			fix_ra(f, ra);
		fix(f, "sysctl -w %s=1", info->forwarding);
		fix(f, "echo %s=1 >>/etc/sysctl.d/chatdnat.conf", info->forwarding);
	} else if (state->forwarding[family] > 0 && ra) {
		finding(f, WARNING, "router-advertisements",
			"The IPv6 default route comes from router advertisements on %s, which a forwarding host ignores "
			"unless accept_ra is 2: the route is lost when it expires.%s",
			ra->name, ra_manager(ra));
		fix_ra(f, ra);
	}
}

/* The sysctl of the input interface decides. */
static void check_interface_forwarding(struct findings *f, const struct state *state,
				       enum family family, const struct link *link)
{
	char *name;

	if (family != V4 || state->forwarding[family] <= 0 ||
	    sysctl_read(family, link->name, "forwarding") != 0)
		return;
	name = sysctl_name(family, link->name, "forwarding");
	finding(f, PROBLEM, "forwarding-off", "%s forwarding is off for %s.", families[family].name,
		link->name);
	fix(f, "sysctl -w %s=1", word(f, name));
	free(name);
}

static bool has_relay(const struct state *state, enum family family, const struct link *link)
{
	size_t i;

	for (i = 0; i < state->relays.n; i++)
		if (state->relays.v[i].family == family &&
		    relay_link(state, &state->relays.v[i]) == link)
			return true;
	return false;
}

/*
 * Whether a rule for the address ("ip rule add from ...") leads to the internet and the main table does not. That
 * is enough for this host's own connections. A relay's reply is routed while it still has the relay's address.
 */
static bool own_table(struct route *route, const struct state *state, const struct link *link,
		      enum family family)
{
	const struct address *own = link_address(link, family);

	route_get(route, &state->somewhere[family], own);
	return !route->err && route->oif == link->index;
}

static void fix_default_route(struct findings *f, enum family family, const struct link *link,
			      const struct route *route)
{
	char gateway[INET6_ADDRSTRLEN] = "GATEWAY";

	if (route->has_gateway)
		address_format(&route->gateway, gateway, sizeof(gateway));
	if (!route->has_gateway && !route->err)
		fix(f, "ip %sroute add default dev %s", family == V6 ? "-6 " : "",
		    word(f, link->name));
	else
		fix(f, "ip %sroute add default via %s dev %s", family == V6 ? "-6 " : "", gateway,
		    word(f, link->name));
}

/* A forwarding host with accept_ra=1 loses the route, and then nothing shows its origin. */
static void check_default_route(struct findings *f, const struct state *state, enum family family)
{
	const struct link *first = NULL;
	struct route route;
	size_t i;

	check_begin(f, "default-route");
	for (i = 0; i < state->links.n && !first; i++)
		if (wan_of(state, &state->links.v[i]) && link_has(&state->links.v[i], family))
			first = &state->links.v[i];
	if (!first) {
		skipped(f, "%s: no WAN interface has an address.", families[family].name);
		return;
	}
	if (state->world[family].err && own_table(&route, state, first, family)) {
		finding(f, PROBLEM, "no-default-route",
			"%s: the addresses of %s have their own routing table, but the main table has no route to the internet. The "
			"relay's replies are routed by the main table, before they get this host's address, and are lost.",
			families[family].name, first->name);
		fix_default_route(f, family, first, &route);
	} else if (state->world[family].err) {
		finding(f, PROBLEM, "no-default-route",
			"There is no %s route to the internet: clients get no answers.%s%s",
			families[family].name,
			family == V6 ?
				" A forwarding host ignores router advertisements unless accept_ra is 2." :
				"",
			family == V6 ? ra_manager(first) : "");
		if (family == V6)
			fix_ra(f, first);
		fix_default_route(f, family, first, &route);
	}
	check_end(f, "There is an %s route to the internet.", families[family].name);
}

static void check_table(struct findings *f, const struct state *state)
{
	check_begin(f, "conntrack");
	if (state->ct_count < 0 || state->ct_max <= 0) {
		skipped(f, "The use of the connection tracking table cannot be read.");
		return;
	}
	if (state->ct_count * 5 > state->ct_max * 4) {
		finding(f, PROBLEM, "conntrack-full",
			"The connection tracking table is %lld %% full; once it is, new connections are dropped.",
			state->ct_count * 100 / state->ct_max);
		fix(f, "sysctl -w net.netfilter.nf_conntrack_max=%lld", state->ct_max * 2);
	}
	check_end(f, "%lld of %lld entries of the connection tracking table are in use.",
		  state->ct_count, state->ct_max);
}

/* IMAP clients renew IDLE after 29 minutes at the latest (RFC 2177), TURN clients their permissions after five. */
static void check_timeouts(struct findings *f)
{
	static const struct {
		const char *name, *what;
		long long least;
	} timeouts[] = {
		{ "nf_conntrack_tcp_timeout_established", "idle IMAP sessions end silently",
		  30 * 60 },
		{ "nf_conntrack_udp_timeout", "calls may break off", 30 },
		{ "nf_conntrack_udp_timeout_stream", "calls may break off", 60 },
	};
	bool any = false;
	size_t i;

	check_begin(f, "timeouts");
	for (i = 0; i < sizeof(timeouts) / sizeof(timeouts[0]); i++) {
		char path[96];
		long long value;

		snprintf(path, sizeof(path), "/proc/sys/net/netfilter/%s", timeouts[i].name);
		value = sysfs_read_number(path);
		any |= value >= 0;
		if (value < 0 || value >= timeouts[i].least)
			continue;
		finding(f, WARNING, "short-timeout", "%s is %lld s, less than %lld: %s.",
			timeouts[i].name, value, timeouts[i].least, timeouts[i].what);
		fix(f, "sysctl -w net.netfilter.%s=%lld", timeouts[i].name,
		    i ? timeouts[i].least : 432000);
	}
	if (!any)
		skipped(f, "The timeouts of connection tracking cannot be read.");
	check_end(f, "The timeouts of connection tracking are long enough for idle sessions.");
}

void check_host(struct findings *f, const struct state *state)
{
	enum family family;
	size_t i;

	check_wans(f, state);
	for (family = 0; family < FAMILIES; family++) {
		if (!relays_of(&state->relays, family))
			continue;
		check_default_route(f, state, family);
		check_begin(f, "forwarding");
		if (state->forwarding[family] < 0)
			skipped(f, "Whether %s forwarding is on cannot be read.",
				families[family].name);
		check_forwarding(f, state, family);
		for (i = 0; i < state->links.n; i++)
			if (wan_of(state, &state->links.v[i]) ||
			    has_relay(state, family, &state->links.v[i]))
				check_interface_forwarding(f, state, family, &state->links.v[i]);
		check_end(f, "%s forwarding is on.", families[family].name);
	}
	check_table(f, state);
	check_timeouts(f);
}
