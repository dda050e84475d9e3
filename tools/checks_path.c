// SPDX-License-Identifier: GPL-2.0
#include "checks.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "sysfs.h"

/* More than this part of the connections went missing: not a few that were just under way. */
#define MANY(missing, of) ((missing) * 10 > (of))

static bool is(const struct state *state, const char *setting, const char *value)
{
	return !strcmp(config_text(&state->module.config, setting), value);
}

static const struct link *way_to(const struct state *state, const struct relay *relay)
{
	return relay->valid && !relay->route.err && !relay->route.local ?
		       link_by_index(&state->links, relay->route.oif) :
		       NULL;
}

static void by_wan(struct findings *f, const struct state *state, const struct relay *relay, const char *out)
{
	if (is(state, "masquerade", "off")) {
		finding(f, WARNING, "relay-by-wan",
			"The relay %s is reached by the WAN interface %s and masquerade is off: its replies come back "
			"through this host only if the relay routes them here.",
			relay->text, out);
		fix(f, "chatdnatctl set masquerade=wan");
	} else if (!is(state, "masquerade", "all")) {
		finding(f, NOTE, "relay-by-wan",
			"The relay %s is reached by the WAN interface %s: it sees this host's address in place of the "
			"clients', and counts limits and bans against it. A tunnel would keep the clients' addresses.",
			relay->text, out);
		fix(f, "ip route replace %s dev TUNNEL", relay->text);
	}
}

static void check_relay(struct findings *f, const struct state *state, const struct relay *relay)
{
	const struct family_info *family = &families[relay->family];
	const struct link *out;

	if (!relay->valid)
		return;
	if (relay->route.local) {
		finding(f, PROBLEM, "relay-local",
			"The relay %s is an address of this host: connections are sent to this host itself.", relay->text);
		fix(f, "chatdnatctl set %s=ADDRESS", family->setting);
		return;
	}
	if (relay->route.err) {
		finding(f, PROBLEM, "relay-no-route", "There is no route to the relay %s.", relay->text);
		fix(f, "ip route add %s dev TUNNEL", relay->text);
		return;
	}
	out = way_to(state, relay);
	if (out && wan_of(state, out))
		by_wan(f, state, relay, out->name);
}

/* Of several entries the first whose way is known stands for all in what is suggested. */
static const struct relay *first_relay(const struct state *state, enum family family)
{
	const struct relay *first = NULL;
	size_t i;

	for (i = 0; i < state->relays.n; i++) {
		const struct relay *r = &state->relays.v[i];

		if (r->family != family)
			continue;
		if (way_to(state, r))
			return r;
		first = first ? first : r;
	}
	return first;
}

static bool exists(const struct state *state, const char *interface)
{
	size_t i;

	for (i = 0; i < state->links.n; i++)
		if (!strcmp(state->links.v[i].name, interface))
			return true;
	return false;
}

static bool ufw_enabled(void)
{
	char *text = sysfs_read("/etc/ufw/ufw.conf");
	bool enabled = text && strstr(text, "ENABLED=yes");

	free(text);
	return enabled;
}

static void check_untranslated(struct findings *f, enum family family, uint64_t seen, uint64_t translated)
{
	if (translated >= seen || !MANY(seen - translated, seen))
		return;
	finding(f, translated ? WARNING : PROBLEM, "not-translated",
		"%s: of %" PRIu64 " connections seen %" PRIu64
		" were not translated: another table translates them first, or the kernel could not.",
		families[family].name, seen, seen - translated);
	fix(f, "nft list ruleset | grep -nE 'dnat|redirect'");
	fix(f, "%s -t nat -S PREROUTING", family == V4 ? "iptables" : "ip6tables");
}

static void check_unsent(struct findings *f, const struct state *state, enum family family, uint64_t translated,
			 uint64_t sent)
{
	const char *tables = family == V4 ? "iptables" : "ip6tables";
	const struct relay *relay = first_relay(state, family);
	const struct link *out = relay ? way_to(state, relay) : NULL;

	if (sent >= translated || !MANY(translated - sent, translated))
		return;
	finding(f, sent ? WARNING : PROBLEM, "not-sent",
		"%s: of %" PRIu64 " connections translated %" PRIu64
		" did not leave towards the relay: a firewall on this host drops them when they are forwarded. Let what "
		"was translated pass, in the table that drops it.",
		families[family].name, translated, translated - sent);
	if (ufw_enabled() && state->wan_n)
		fix(f, "ufw route allow in on %s out on %s", state->wan[0], out ? out->name : "TUNNEL");
	if (exists(state, "docker0"))
		fix(f, "%s -I DOCKER-USER -m conntrack --ctstate DNAT -j ACCEPT", tables);
	fix(f, "nft insert rule inet filter forward ct status dnat accept");
	fix(f, "%s -I FORWARD -m conntrack --ctstate DNAT -j ACCEPT", tables);
}

static void fix_relay_side(struct findings *f, const struct link *out, const struct relay *relay)
{
	const char *ip = relay->family == V4 ? "ip" : "ip -6";

	if (!strcmp(out->kind, "wireguard"))
		fix(f, "wg set WG peer THIS-HOSTS-KEY allowed-ips 0.0.0.0/0,::/0    # on the relay");
	fix(f, "%s route add default dev %s table 100    # on the relay", ip,
	    strcmp(out->kind, "wireguard") != 0 ? "TUNNEL" : "WG");
	fix(f, "%s rule add from %s table 100    # on the relay", ip, relay->text);
}

static void check_unanswered(struct findings *f, const struct state *state, enum family family, uint64_t sent,
			     uint64_t answered)
{
	const struct relay *relay = first_relay(state, family);
	const struct link *out = relay ? way_to(state, relay) : NULL;
	bool masqueraded;

	if (answered >= sent || !MANY((sent - answered) / 5, sent) || !relay)
		return;
	masqueraded = out && (is(state, "masquerade", "all") || (is(state, "masquerade", "wan") && wan_of(state, out)));
	finding(f, answered ? WARNING : PROBLEM, "not-answered",
		"%s: of %" PRIu64 " connections sent to the relay %" PRIu64 " were never answered: %s.", families[family].name,
		sent, sent - answered,
		masqueraded ? "the relay is down, or a firewall on the way or on the relay drops them" :
			      "the relay is down, or its replies do not come back through this host. It must route them "
			      "into the tunnel, and the tunnel must let any client's address pass");
	if (out && !masqueraded) {
		fix_relay_side(f, out, relay);
		fix(f, "chatdnatctl set masquerade=all    # instead; hides the clients' addresses");
	}
	fix(f, "ping -c 3 %s", relay->text);
}

static void check_drops(struct findings *f, const struct state *state, enum family family)
{
	uint64_t n;

	if (stats_get(&state->stats, family, "dropped_source", &n) && n) {
		finding(f, WARNING, "dropped-source",
			"%s: %" PRIu64
			" connections were dropped because the interface by which they leave had no address to take.",
			families[family].name, n);
		fix(f, "ip address show");
	}
	if (stats_get(&state->stats, family, "dropped_nat", &n) && n) {
		finding(f, WARNING, "dropped-nat",
			"%s: %" PRIu64 " connections were dropped because the kernel could not translate them.",
			families[family].name, n);
		fix(f, "dmesg | grep -E 'nf_conntrack|chatdnat'");
	}
}

static void check_counters(struct findings *f, const struct state *state, enum family family)
{
	uint64_t seen, translated, sent, answered;

	/* While draining nothing is translated; what is not forwarded at all has its own finding. */
	if (stats_get(&state->stats, family, "seen", &seen) &&
	    stats_get(&state->stats, family, "translated", &translated) && !is(state, "enabled", "0"))
		check_untranslated(f, family, seen, translated);
	if (stats_get(&state->stats, family, "translated", &translated) &&
	    stats_get(&state->stats, family, "sent", &sent) && state->forwarding[family] != 0 &&
	    (!first_relay(state, family) || way_to(state, first_relay(state, family))))
		check_unsent(f, state, family, translated, sent);
	if (stats_get(&state->stats, family, "sent", &sent) && stats_get(&state->stats, family, "answered", &answered))
		check_unanswered(f, state, family, sent, answered);
	check_drops(f, state, family);
}

void check_path(struct findings *f, const struct state *state)
{
	enum family family;
	size_t i;

	for (i = 0; i < state->relays.n; i++)
		check_relay(f, state, &state->relays.v[i]);
	for (family = 0; family < FAMILIES; family++)
		check_counters(f, state, family);
}
