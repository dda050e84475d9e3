// SPDX-License-Identifier: GPL-2.0
#include "checks_firewall.h"
#include "checks_tunnel.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "../host/sysfs.h"
#include "../host/wireguard.h"
#include "../lib/mem.h"

/* More than this share of the connections is missing: not only a few in flight. */
#define MANY(missing, of) ((missing)*10 > (of))

static bool ufw_enabled(void)
{
	char *text = sysfs_read("/etc/ufw/ufw.conf");
	bool enabled = text && strstr(text, "ENABLED=yes");

	free(text);
	return enabled;
}

static void check_untranslated(struct findings *f, enum family family, uint64_t seen,
			       uint64_t translated)
{
	if (translated >= seen || !MANY(seen - translated, seen))
		return;
	finding(f, translated ? WARNING : PROBLEM, "not-translated",
		"%s: of %" PRIu64 " connections seen %" PRIu64
		" were not translated: another table translated them first, or the translation failed.",
		families[family].name, seen, seen - translated);
	fix(f, "nft list ruleset | grep -nE 'dnat|redirect'");
	fix(f, "%s -t nat -S PREROUTING", family == V4 ? "iptables" : "ip6tables");
}

/* For any firewall: no rule that drops was found, so it cannot be inspected. */
static void fix_some_firewall(struct findings *f, const struct state *state, enum family family,
			      const struct link *out)
{
	const char *tables = family == V4 ? "iptables" : "ip6tables";

	if (ufw_enabled() && state->wan_n)
		fix(f, "ufw route allow in on %s out on %s", word(f, state->wan[0]),
		    out ? word(f, out->name) : "TUNNEL");
	if (link_by_name(&state->links, "docker0"))
		fix(f, "%s -I DOCKER-USER -m conntrack --ctstate DNAT -j ACCEPT", tables);
	fix(f, "nft insert rule inet filter forward ct status dnat accept");
	fix(f, "%s -I FORWARD -m conntrack --ctstate DNAT -j ACCEPT", tables);
}

static void check_unsent(struct findings *f, const struct state *state, enum family family,
			 uint64_t translated, uint64_t sent)
{
	const struct relay *relay = first_relay(state, family);
	const struct link *out = relay ? relay_link(state, relay) : NULL;
	struct obstacle *obstacles;
	size_t i, n, met;

	if (sent >= translated || !MANY(translated - sent, translated))
		return;
	met = obstacles_find(state, family, INWARD, &obstacles, &n);
	for (i = 0; i < n && (obstacles[i].fate != DROPPED || obstacles[i].stopped == PASS_BY); i++)
		;
	/* The counters include problems that have been fixed since. */
	if (i == n && !state->ruleset.err && !state->ruleset.legacy && (met || sent)) {
		finding(f, NOTE, "not-sent",
			"%s: of %" PRIu64 " connections translated %" PRIu64
			" were not sent to the relay. No firewall's rules drop them now; if more are lost, a rule "
			"may limit them.",
			families[family].name, translated, translated - sent);
		fix(f, "chatdnatctl show stats    # sent must not lag behind translated");
		obstacles_free(obstacles, n);
		return;
	}
	finding(f, sent ? WARNING : PROBLEM, "not-sent",
		"%s: of %" PRIu64 " connections translated %" PRIu64
		" were not sent to the relay: %s drops them when they are forwarded%s%s%s%s%s%s. Accept translated "
		"connections%s.",
		families[family].name, translated, translated - sent,
		i < n ? "the firewall" : "a firewall on this host", i < n ? ", in the table " : "",
		i < n ? nft_family_name(obstacles[i].base->family) : "", i < n ? " " : "",
		i < n ? obstacles[i].base->table : "", i < n ? ", chain " : "",
		i < n ? obstacles[i].base->name : "", i < n ? "" : ", in the table that drops them");
	if (i < n)
		fix_obstacle(f, state, family, INWARD, &obstacles[i]);
	else
		fix_some_firewall(f, state, family, out);
	obstacles_free(obstacles, n);
}

static void fix_relay_side(struct findings *f, const struct link *out, const struct relay *relay)
{
	const char *ip = relay->family == V4 ? "ip" : "ip -6";

	if (wireguard_kind(out->kind))
		fix(f, "%s set WG peer THIS-HOSTS-KEY allowed-ips 0.0.0.0/0,::/0    # on the relay",
		    wireguard_program(out->kind));
	fix(f, "%s route add default dev %s table 100    # on the relay", ip,
	    wireguard_kind(out->kind) ? "WG" : "TUNNEL");
	fix(f, "%s rule add from %s table 100    # on the relay", ip, word(f, relay->text));
}

/* Why no answer of the relay has passed this host. */
static const char *why_unanswered(bool masqueraded, bool stateless, bool probed)
{
	if (masqueraded)
		return "the relay is down, or a firewall on the path or on the relay drops them";
	if (stateless && probed)
		return "it does answer this host itself, so its replies to clients take another route. Without state they may "
		       "leave by another proxy that serves the same addresses. If there is none, the relay must route them into "
		       "the tunnel, and the tunnel must let any client's address pass";
	if (stateless)
		return "the relay is down, or its replies do not come back through this host. Without state they may leave by "
		       "another proxy that serves the same addresses. If there is none, the relay must route them into the "
		       "tunnel, and the tunnel must let any client's address pass";
	if (probed)
		return "it does answer this host itself, so its replies to clients do not come back through this host. It must "
		       "route them into the tunnel, and the tunnel must let any client's address pass";
	return "the relay is down, or its replies do not come back through this host. It must route them into the tunnel, and the "
	       "tunnel must let any client's address pass";
}

/* A stateless relay that replies through another proxy looks like one that is down. */
static enum severity unanswered_severity(bool stateless, bool probed, uint64_t answered)
{
	if (stateless)
		return probed ? NOTE : WARNING;
	return answered ? WARNING : PROBLEM;
}

/* More than half: some have only just been sent. */
static bool lagging(uint64_t sent, uint64_t answered)
{
	return answered < sent && (sent - answered) * 2 > sent;
}

bool mostly_unanswered(const struct state *state, enum family family)
{
	uint64_t sent, answered;

	return stats_get(&state->stats, family, "sent", &sent) &&
	       stats_get(&state->stats, family, "answered", &answered) && lagging(sent, answered);
}

/* After an outage the counters lag for as long as the module is loaded. */
static bool answers_now(const struct state *state, enum family family)
{
	size_t i;

	for (i = 0; i < state->relays.n; i++) {
		const struct relay *r = &state->relays.v[i];

		if (r->family == family && r->answered &&
		    (handshake_of(state, r) == FRESH || handshake_of(state, r) == NO_TUNNEL))
			return true;
	}
	return false;
}

static bool tunnel_is_dead(const struct state *state, const struct relay *relay)
{
	enum handshake handshake = handshake_of(state, relay);

	return handshake == NEVER || handshake == SILENT;
}

static void check_unanswered(struct findings *f, const struct state *state, enum family family,
			     uint64_t sent, uint64_t answered)
{
	const struct relay *relay = first_relay(state, family);
	const struct link *out = relay ? relay_link(state, relay) : NULL;
	bool masqueraded, stateless, probed = probes_connected(&state->probes, family) > 0;

	/* A tunnel without a handshake has a finding of its own. */
	if (!lagging(sent, answered) || !relay || tunnel_is_dead(state, relay))
		return;
	if (answers_now(state, family)) {
		finding(f, NOTE, "not-answered",
			"%s: of %" PRIu64 " connections sent to the relay %" PRIu64
			" were never answered, but the relay answers now: these are of the past.",
			families[family].name, sent, sent - answered);
		return;
	}
	masqueraded = out && (setting_is(state, "masquerade", "all") ||
			      (setting_is(state, "masquerade", "wan") && wan_of(state, out)));
	stateless = !masqueraded && relay_served(state, family, true);
	finding(f, unanswered_severity(stateless, probed, answered), "not-answered",
		"%s: of %" PRIu64 " connections sent to the relay %" PRIu64
		" were never answered: %s.",
		families[family].name, sent, sent - answered,
		why_unanswered(masqueraded, stateless, probed));
	if (stateless && !state->probes.asked)
		fix(f, "chatdnatctl check --probe    # whether the relay answers this host");
	if (out && !masqueraded) {
		fix_relay_side(f, out, relay);
		/* engine=stateless refuses it. */
		if (!setting_is(state, "engine", "stateless"))
			fix_set(f, "masquerade=all    # instead; hides the clients' addresses");
	}
	fix(f, "ping -c 3 %s", word(f, relay->text));
}

static uint64_t counter(const struct state *state, enum family family, const char *name)
{
	uint64_t n = 0;

	stats_get(&state->stats, family, name, &n);
	return n;
}

/* What is dropped at present for a counter's reason: counters never decrease. */
static bool no_source(struct findings *f, const struct state *state, enum family family)
{
	const struct relay *relay = first_relay(state, family);
	const struct link *out = relay ? relay_link(state, relay) : NULL;
	bool any = false;
	size_t i;

	for (i = 0; i < state->links.n; i++) {
		const struct link *link = &state->links.v[i];
		bool leaves = (wan_of(state, link) && !setting_is(state, "masquerade", "off")) ||
			      (link == out && setting_is(state, "masquerade", "all"));

		if (!leaves || !link->up || link_has(link, family))
			continue;
		if (f)
			fix(f, "ip address add ADDRESS/PREFIX dev %s", word(f, link->name));
		any = true;
	}
	return any;
}

static bool no_memory(struct findings *f, const struct state *state, enum family family)
{
	char *text = sysfs_read("/proc/meminfo"), *total = text ? strstr(text, "MemTotal:") : NULL;
	char *available = text ? strstr(text, "\nMemAvailable:") : NULL;
	bool low = total && available &&
		   strtoull(available + 14, NULL, 10) < strtoull(total + 9, NULL, 10) / 20;

	(void)state;
	(void)family;
	free(text);
	if (low && f)
		fix(f, "free -m    # and what uses it: top -o %%MEM");
	return low;
}

static bool not_by_via(struct findings *f, const struct state *state, enum family family)
{
	const char *via = config_text(&state->module.config, "via");
	bool any = false;
	size_t i;

	for (i = 0; *via && i < state->relays.n; i++) {
		const struct relay *relay = &state->relays.v[i];
		const struct link *out = relay_link(state, relay);

		if (relay->family != family || !relay->valid || (out && !strcmp(out->name, via)))
			continue;
		if (f)
			fix(f, "ip route replace %s dev %s", word(f, relay->text), word(f, via));
		any = true;
	}
	return any;
}

static const struct drop {
	const char *counter, *id, *text;
	/* Whether the cause still exists; with findings, adds its fix to the latest. */
	bool (*still)(struct findings *f, const struct state *state, enum family family);
} drops[] = {
	{ "dropped_source", "dropped-source",
	  "connections were dropped because their outgoing interface had no address, or no free port, for them",
	  no_source },
	{ "dropped_nat", "dropped-nat",
	  "connections were dropped because there was no memory for their translation", no_memory },
	{ "dropped_via", "dropped-via",
	  "packets were dropped because their route to the relay did not use the interface via",
	  not_by_via },
};

/* Present drops are a finding; earlier ones a sentence to append. To be freed. */
static char *check_drops(struct findings *f, const struct state *state, enum family family)
{
	char *past = xstrdup(""), *longer;
	size_t i;

	/* A family without a relay is left alone. */
	for (i = 0; relays_of(&state->relays, family) && i < sizeof(drops) / sizeof(drops[0]); i++) {
		uint64_t n = counter(state, family, drops[i].counter);

		if (n && drops[i].still(NULL, state, family)) {
			finding(f, WARNING, drops[i].id, "%s: %" PRIu64 " %s, and still are.",
				families[family].name, n, drops[i].text);
			drops[i].still(f, state, family);
		} else if (n) {
			longer = xasprintf("%s Earlier %" PRIu64 " %s.", past, n, drops[i].text);
			free(past);
			past = longer;
		}
	}
	return past;
}

static void check_family(struct findings *f, const struct state *state, enum family family)
{
	const struct relay *relay = first_relay(state, family);
	uint64_t seen, translated, sent, answered, kept;
	char *past;

	check_begin(f, "counters");
	if (!stats_get(&state->stats, family, "seen", &seen) ||
	    !stats_get(&state->stats, family, "translated", &translated) ||
	    !stats_get(&state->stats, family, "sent", &sent) ||
	    !stats_get(&state->stats, family, "answered", &answered)) {
		skipped(f, "%s: the module is not loaded, or lacks some counters.",
			families[family].name);
		return;
	}
	/* While draining nothing is translated. */
	if (!setting_is(state, "enabled", "0"))
		check_untranslated(f, family, seen, translated);
	/* Forwarding that is off, a missing route, and the module's own drops have their own findings. */
	kept = counter(state, family, "dropped_via") + counter(state, family, "dropped_source");
	if (state->forwarding[family] != 0 && (!relay || relay_link(state, relay)))
		check_unsent(f, state, family, translated > kept ? translated - kept : 0, sent);
	check_unanswered(f, state, family, sent, answered);
	past = check_drops(f, state, family);
	if (relay && !seen && findings_clean(f, f->begun))
		skipped(f, "%s: no connection has arrived yet.", families[family].name);
	if (relay)
		check_end(f,
			  "%s: of %" PRIu64 " connections that arrived, %" PRIu64
			  " were forwarded and %" PRIu64 " answered.%s",
			  families[family].name, seen, sent, answered, past);
	free(past);
}

void check_counters(struct findings *f, const struct state *state)
{
	enum family family;

	for (family = 0; family < FAMILIES; family++)
		check_family(f, state, family);
}
