// SPDX-License-Identifier: GPL-2.0
#include "checks_host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../host/sysctl.h"
#include "../lib/mem.h"

#define IPV6_MIN_MTU 1280
#define ETHERNET_MTU 1500

static const char *via_of(const struct state *state)
{
	return config_text(&state->module.config, "via");
}

static void by_wan(struct findings *f, const struct state *state, const struct relay *relay,
		   const struct link *out)
{
	const struct address *own = link_address(out, relay->family);

	/* A neighbour in a hoster's private network is normal; the internet has no private addresses. */
	if (address_private(&relay->address) && relay->route.has_gateway &&
	    !(own && address_private(own))) {
		finding(f, PROBLEM, "relay-leaks",
			"The relay's private address %s is routed to the WAN interface %s, where it does not exist: the tunnel is "
			"down, or its route is missing.",
			relay->text, out->name);
		fix(f, "ip route replace %s dev TUNNEL", relay->text);
		if (setting_exists(state, "via"))
			fix_set(f, "via=TUNNEL    # drops packets instead of leaking them");
	} else if (setting_is(state, "masquerade", "off")) {
		finding(f, WARNING, "relay-by-wan",
			"The relay %s is reached by the WAN interface %s and masquerade is off: its replies come back "
			"through this host only if the relay routes them here.",
			relay->text, out->name);
		fix_set(f, "masquerade=wan");
	} else if (!setting_is(state, "masquerade", "all")) {
		finding(f, NOTE, "relay-by-wan",
			"The relay %s is reached by the WAN interface %s: it sees this host's address instead of the "
			"clients', and counts limits and bans against it. A tunnel would keep the clients' addresses.",
			relay->text, out->name);
		fix(f, "ip route replace %s dev TUNNEL", relay->text);
	}
}

static void check_relay(struct findings *f, const struct state *state, const struct relay *relay)
{
	const struct family_info *family = &families[relay->family];
	const char *via = via_of(state);
	const struct link *out;
	char *route;

	check_begin(f, "route");
	if (!relay->valid) {
		skipped(f, "The relay %s is not understood.", relay->text);
		return;
	}
	if (relay->route.local) {
		finding(f, PROBLEM, "relay-local",
			"The relay %s is an address of this host: connections are sent to this host itself.",
			relay->text);
		fix_set(f, "%s=ADDRESS", family->setting);
		return;
	}
	if (relay->route.err) {
		finding(f, PROBLEM, "relay-no-route", "There is no route to the relay %s.",
			relay->text);
		fix(f, "ip route add %s dev %s", relay->text, *via ? word(f, via) : "TUNNEL");
		return;
	}
	out = relay_link(state, relay);
	/* An interface that is missing has a finding of its own. */
	if (*via && !link_by_name(&state->links, via)) {
		skipped(f, "The interface %s (via) is missing.", via);
	} else if (*via && (!out || strcmp(out->name, via) != 0)) {
		finding(f, PROBLEM, "relay-not-via",
			"The relay %s is reached by %s, not by %s (via): connections to it are dropped.",
			relay->text, out ? out->name : "another interface", via);
		fix(f, "ip route replace %s dev %s", relay->text, word(f, via));
	} else if (out && wan_of(state, out)) {
		by_wan(f, state, relay, out);
	}
	route = route_describe(state, &relay->route);
	check_end(f, "The relay %s is reached %s.", relay->text, route);
	free(route);
}

/* An interface towards the internet is no tunnel, even if it is missing in `wan`. */
static bool may_be_via(const struct state *state, const struct link *link)
{
	return link && !wan_of(state, link) && link != default_link(state);
}

/* Through which interface a relay is reached, if that may be a tunnel. */
static const struct link *tunnel_link(const struct state *state)
{
	size_t i;

	for (i = 0; i < state->relays.n; i++) {
		const struct link *out = relay_link(state, &state->relays.v[i]);

		if (may_be_via(state, out))
			return out;
	}
	return NULL;
}

static void fix_missing_via(struct findings *f, const struct state *state, const char *via)
{
	char *file = xasprintf("/etc/wireguard/%s.conf", via);
	const struct link *other = nearest_link(state, via);

	if (tunnel_link(state))
		other = tunnel_link(state);
	if (!strchr(via, '/') && access(file, F_OK) == 0)
		fix(f, "wg-quick up %s", word(f, via));
	else if (may_be_via(state, other))
		fix_set(f, "via=%s", word(f, other->name));
	else
		fix(f,
		    "wg-quick up %s    # or what sets it up; WireGuard needs a file in /etc/wireguard",
		    word(f, via));
	free(file);
}

static void check_via(struct findings *f, const struct state *state)
{
	const char *via = via_of(state);
	const struct link *link = link_by_name(&state->links, via);

	check_begin_setting(f, "via");
	if (!setting_exists(state, "via")) {
		skipped(f, "This version of the module has no setting via.");
	} else if (!*via) {
		check_end(f, "via is not set: the routes decide which interface connections use.");
	} else if (!link) {
		finding(f, PROBLEM, "via-missing",
			"There is no interface %s (via): connections are dropped.", via);
		fix_missing_via(f, state, via);
	} else if (!link->up) {
		finding(f, PROBLEM, "via-down",
			"The interface %s (via) is down: connections are dropped.", via);
		fix(f, "ip link set dev %s up", word(f, via));
	} else if (!link->carrier) {
		finding(f, WARNING, "via-no-carrier", "The interface %s (via) has no carrier.", via);
		fix(f, "ip link show dev %s", word(f, via));
	} else if (!link->n) {
		finding(f, WARNING, "via-no-address",
			"The interface %s (via) has no address: this host itself does not reach the relay.",
			via);
		fix(f, "ip address add ADDRESS/PREFIX dev %s", word(f, via));
	}
	check_end(f, "The interface %s (via) is up.", via);
}

/* The WAN interface with the smallest MTU, or NULL. */
static const struct link *narrowest_wan(const struct state *state)
{
	const struct link *narrowest = NULL;
	size_t i;

	for (i = 0; i < state->links.n; i++) {
		const struct link *link = &state->links.v[i];

		if (wan_of(state, link) && link->mtu && (!narrowest || link->mtu < narrowest->mtu))
			narrowest = link;
	}
	return narrowest;
}

static void fix_mss(struct findings *f, const struct state *state)
{
	if (setting_exists(state, "mss"))
		fix_set(f, "mss=auto");
	else
		fix(f,
		    "nft insert rule inet filter forward tcp flags syn tcp option maxseg size set rt mtu");
}

/* The kernel takes IPv6 away from an interface with a smaller MTU, and so the route: `via` shows which one it was. */
static bool too_small_for_ipv6(struct findings *f, const struct state *state,
			       const struct relay *relay, const struct link *out)
{
	const struct link *via = link_by_name(&state->links, via_of(state));

	if (via && via->mtu && via->mtu < IPV6_MIN_MTU)
		out = via;
	if (out && out->mtu < IPV6_MIN_MTU) {
		finding(f, PROBLEM, "mtu-too-small",
			"The MTU of %s is %u: IPv6 needs %d, and the kernel disables it there.",
			out->name, out->mtu, IPV6_MIN_MTU);
		fix(f, "ip link set dev %s mtu %d", word(f, out->name), IPV6_MIN_MTU);
		fix(f, "ip -6 address add ADDRESS/PREFIX dev %s    # removed with IPv6",
		    word(f, out->name));
		return true;
	}
	if (out && relay->route.mtu && relay->route.mtu < IPV6_MIN_MTU) {
		finding(f, PROBLEM, "mtu-too-small",
			"The MTU of the route to %s is %u: IPv6 needs %d.", relay->text,
			relay->route.mtu, IPV6_MIN_MTU);
		fix(f, "ip -6 route replace %s dev %s mtu %d", word(f, relay->text),
		    word(f, out->name), IPV6_MIN_MTU);
		return true;
	}
	return false;
}

static void check_mtu(struct findings *f, const struct state *state, enum family family)
{
	const char *name = families[family].name;
	unsigned int headers = family == V4 ? 40 : 60, mtu, narrow, wide;
	const struct relay *relay = first_relay(state, family);
	const struct link *out = relay ? relay_link(state, relay) : NULL,
			  *wan = narrowest_wan(state), *at;
	long mss = strtol(config_text(&state->module.config, "mss"), NULL, 10);

	check_begin(f, "mtu");
	if (family == V6 && relay && too_small_for_ipv6(f, state, relay, out))
		return;
	if (!out || !wan) {
		skipped(f, "%s: there is no WAN interface, or no route to the relay.", name);
		return;
	}
	mtu = relay->route.mtu && relay->route.mtu < out->mtu ? relay->route.mtu : out->mtu;
	at = mtu < wan->mtu ? out : wan;
	narrow = mtu < wan->mtu ? mtu : wan->mtu;
	/* A relay elsewhere on the internet, and its clients, are on Ethernet for all that they know. */
	wide = wan_of(state, out) ? ETHERNET_MTU : mtu > wan->mtu ? mtu : wan->mtu;
	if (narrow < wide && (!setting_exists(state, "mss") || setting_is(state, "mss", "off"))) {
		finding(f, WARNING, "mss-not-clamped",
			"%s: the MTU of %s is %u, that of the WAN interface %s %u, and the MSS is not clamped: where ICMP is "
			"filtered, large mails hang and small ones pass.",
			name, out->name, mtu, wan->name, wan->mtu);
		fix_mss(f, state);
	} else if (mss > 0 && (unsigned long)mss + headers > narrow) {
		finding(f, WARNING, "mss-too-large",
			"%s: mss=%ld and the headers do not fit into the MTU of %s, %u.", name, mss,
			at->name, narrow);
		fix_mss(f, state);
	}
	check_end(f, "%s: the MTU of %s is %u, that of the WAN interface %s %u%s.", name, out->name,
		  mtu, wan->name, wan->mtu, narrow < wide ? ", and the MSS is clamped" : "");
}

/* For a packet that leaves by the interface that it arrived on, the kernel looks for a redirect to send. */
static void check_redirects(struct findings *f, const struct state *state)
{
	const struct relay *relay = first_relay(state, V4);
	const struct link *out = relay ? relay_link(state, relay) : NULL;
	bool turning = out && wan_of(state, out);
	char *name;

	check_begin(f, "redirects");
	/* Either of the two sysctls is enough to send them. */
	if (turning && (sysctl_read(V4, "all", "send_redirects") > 0 ||
			sysctl_read(V4, out->name, "send_redirects") > 0)) {
		finding(f, NOTE, "send-redirects",
			"The relay %s is reached by the WAN interface %s, where its clients arrive: for each packet the kernel looks "
			"for a redirect to send, which costs time and may go to neighbours.",
			relay->text, out->name);
		name = sysctl_name(V4, out->name, "send_redirects");
		fix(f, "sysctl -w net.ipv4.conf.all.send_redirects=0 %s=0", word(f, name));
		fix(f, "echo net.ipv4.conf.all.send_redirects=0 >>/etc/sysctl.d/chatdnat.conf");
		fix(f, "echo %s=0 >>/etc/sysctl.d/chatdnat.conf", word(f, name));
		free(name);
	}
	check_end(f,
		  turning ?
			  "No redirects are sent." :
			  "No IPv4 relay is reached by a WAN interface: there is nothing to redirect.");
}

static long long rp_filter(const char *interface)
{
	return sysctl_read(V4, interface, "rp_filter");
}

static void fix_rp_filter(struct findings *f, const struct link *link)
{
	char *name = sysctl_name(V4, link->name, "rp_filter");

	fix(f, "sysctl -w %s=2", word(f, name));
	free(name);
}

/*
 * Strict: a packet must arrive on the interface of the route back. The kernel looks the source up as an answer from the
 * destination address, so that rules by that address count.
 */
static void check_rp_filter(struct findings *f, const struct state *state)
{
	long long all = rp_filter("all");
	size_t strict = 0, i;

	check_begin(f, "rp-filter");
	if (all < 0) {
		skipped(f, "rp_filter cannot be read.");
		return;
	}
	for (i = 0; i < state->links.n; i++) {
		const struct link *link = &state->links.v[i];
		const struct address *own = link_address(link, V4);
		long long value = rp_filter(link->name);
		struct address world;
		struct route route;

		/* The larger of the two counts. */
		if (!wan_of(state, link) || (value > all ? value : all) != 1)
			continue;
		strict++;
		address_parse(&world, V4, "192.88.99.0");
		route_get(&route, &world, own);
		if (!own || (!route.err && route.oif == link->index))
			continue;
		finding(f, WARNING, "rp-filter-strict",
			"%s: rp_filter is strict, and replies to the internet would use another interface: the kernel drops packets "
			"that arrive there.",
			link->name);
		fix_rp_filter(f, link);
	}
	check_end(f, "rp_filter is %s.",
		  strict ? "strict, and the routes fit it" : "not strict on a WAN interface");
}

void check_tunnel(struct findings *f, const struct state *state)
{
	enum family family;
	size_t i;

	check_via(f, state);
	for (i = 0; i < state->relays.n; i++)
		check_relay(f, state, &state->relays.v[i]);
	for (family = 0; family < FAMILIES; family++)
		if (relays_of(&state->relays, family))
			check_mtu(f, state, family);
	check_redirects(f, state);
	check_rp_filter(f, state);
}
