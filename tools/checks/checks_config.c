// SPDX-License-Identifier: GPL-2.0
#include "checks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../module/saved.h"

#define TURN_PORT 3478

static bool wan_has(const struct state *state, enum family family)
{
	size_t i;

	for (i = 0; i < state->links.n; i++)
		if (wan_of(state, &state->links.v[i]) && link_has(&state->links.v[i], family))
			return true;
	return false;
}

static void check_wan(struct findings *f, const struct state *state)
{
	const struct link *out = link_by_index(&state->links,
					       state->world[V4].err ? 0 : state->world[V4].oif);

	if (state->wan_n)
		return;
	check_begin(f, "wan");
	finding(f, PROBLEM, "idle", "No WAN interface is set: nothing is forwarded to the relay.");
	fix(f, "chatdnatctl set wan=%s", out ? word(f, out->name) : "INTERFACE");
}

static void check_relays(struct findings *f, const struct state *state)
{
	enum family family;

	check_begin(f, "families");
	if (!state->relays.n) {
		finding(f, PROBLEM, "no-relay", "No relay is set: nothing is forwarded.");
		fix(f, "chatdnatctl set v4=ADDRESS v6=ADDRESS");
		return;
	}
	for (family = 0; family < FAMILIES; family++) {
		if (relays_of(&state->relays, family) || !wan_has(state, family))
			continue;
		finding(f, WARNING, "half-configured",
			"The WAN interface has an %s address, but no %s relay is set: clients that find that address in the DNS "
			"reach this host, not the relay.",
			families[family].name, families[family].name);
		fix(f, "chatdnatctl set %s=ADDRESS", families[family].setting);
	}
	check_end(f, "Each family that the WAN interfaces have addresses of has a relay.");
}

/* A service address may come and go, for example with VRRP. */
static void check_named_addresses(struct findings *f, const struct state *state)
{
	size_t i, named = 0;

	check_begin(f, "named-addresses");
	for (i = 0; i < state->relays.n; i++) {
		const struct relay *relay = &state->relays.v[i];

		named += relay->own_text != NULL;
		if (!relay_standby(state, relay))
			continue;
		finding(f, NOTE, "named-address-absent",
			"The address %s, named in %s, is not on this host at the moment, as on a standby. Connections to it "
			"are forwarded to the relay %s whenever they arrive here.",
			relay->own_text, families[relay->family].setting, relay->text);
		fix(f, "ip address show to %s    # prints the interface once it is here",
		    word(f, relay->own_text));
	}
	check_end(f, named ? "Each address after '@' in v4 and v6 is on this host." :
			     "v4 and v6 have no address after '@'.");
}

/* The module may have been loaded so, or addresses and routes have changed since. */
static void check_engine(struct findings *f, const struct state *state)
{
	const struct relay *relay = refused_relay(state);

	check_begin(f, "engine");
	if (!setting_exists(state, "engine"))
		skipped(f, "This version of the module has no setting engine.");
	if (relay) {
		finding(f, WARNING, "stateless-refused",
			"engine=stateless, but the relay %s is tracked: %s. Until that is resolved, the kernel refuses all changes.",
			relay->text, relay->engine_why);
		fix(f, "%s    # stateless where that is possible", change_command(state));
	}
	check_end(f, "engine=%s can serve each relay.",
		  config_text(&state->module.config, "engine"));
}

static void check_modes(struct findings *f, const struct state *state)
{
	check_begin(f, "enabled");
	if (setting_is(state, "enabled", "0")) {
		finding(f, WARNING, "draining",
			"New connections are not forwarded (enabled=0); live ones continue.");
		fix(f, "%s enabled=1", change_command(state));
	}
	check_end(f, "New connections are forwarded.");
	check_begin(f, "masquerade");
	if (setting_is(state, "masquerade", "all")) {
		finding(f, WARNING, "masquerade-all",
			"masquerade=all: the relay sees this host's address instead of each client's. Limits per address "
			"hit all clients together, fail2ban bans this host, and a relay that trusts this address is open to "
			"everybody.");
		fix(f, "chatdnatctl set masquerade=wan");
	}
	check_end(f,
		  "The relay sees the addresses of its clients, unless it is reached through a WAN interface.");
}

/* A TURN server hands out a port of its own for each call: two adjacent ports are a range. */
static bool udp_range(const struct ports *ports)
{
	unsigned int port;

	for (port = 1024; port < 65535; port++)
		if (port != TURN_PORT && port + 1 != TURN_PORT &&
		    ports_contain(ports, UDP, (uint16_t)port) &&
		    ports_contain(ports, UDP, (uint16_t)(port + 1)))
			return true;
	return false;
}

static void check_calls(struct findings *f, const struct state *state)
{
	check_begin(f, "calls");
	if (!ports_contain(&state->ports, UDP, TURN_PORT)) {
		check_end(f, "No TURN server is among the ports.");
	} else if (!udp_range(&state->ports)) {
		finding(f, WARNING, "calls-without-range",
			"ports has %d/udp (TURN), but no range of UDP ports: calls ring, and nothing is heard. The range is in the "
			"configuration of the TURN server.",
			TURN_PORT);
		fix(f, "%s ports=%s,49152-65535/udp", change_command(state),
		    word(f, config_text(&state->module.config, "ports")));
	}
	check_end(f,
		  "TURN and a range of UDP ports are forwarded; the TURN server must announce this host's address.");
}

static void check_refusal(struct findings *f, const struct state *state)
{
	check_begin(f, "last-change");
	if (state->module.last_error && *state->module.last_error) {
		finding(f, WARNING, "last-error",
			"The kernel refused the last change, and nothing changed: %s",
			state->module.last_error);
		fix(f, "chatdnatctl set NAME=VALUE");
	} else if (!state->module.last_error) {
		skipped(f, "%s",
			state->loaded ? "This version of the module does not report it." :
					"The module is not loaded.");
	}
	check_end(f, "The kernel accepted the last change.");
}

static void check_saved(struct findings *f, const struct state *state)
{
	char *names;

	check_begin(f, "saved");
	if (state->saved_found < 0) {
		finding(f, WARNING, "saved-unreadable", "%s cannot be read: %s", SAVED_OPTIONS,
			strerror(-state->saved_found));
		fix(f, "chatdnatctl save");
		return;
	}
	if (!state->loaded) {
		skipped(f,
			"The module is not loaded: there is no active configuration to compare with.");
		return;
	}
	if (saved_in_uci()) {
		skipped(f, "At boot the configuration comes from " SAVED_UCI ".");
		return;
	}
	if (!state->saved_found) {
		finding(f, NOTE, "not-saved",
			"The configuration is not saved: it is lost at the next reboot.");
		fix(f, "chatdnatctl save");
		return;
	}
	names = saved_differences(&state->saved, &state->module.config);
	if (*names) {
		finding(f, NOTE, "saved-differs",
			"The saved configuration differs from the active one: %s.", names);
		fix(f, "chatdnatctl save");
	}
	free(names);
	check_end(f, "The saved configuration is the active one.");
}

void check_config(struct findings *f, const struct state *state)
{
	check_saved(f, state);
	check_refusal(f, state);
	if (!state->loaded && state->saved_found <= 0) {
		check_begin(f, "wan");
		skipped(f, "Nothing is configured: the module is not loaded, and nothing is saved.");
		return;
	}
	check_wan(f, state);
	check_relays(f, state);
	check_named_addresses(f, state);
	check_engine(f, state);
	check_modes(f, state);
	check_calls(f, state);
}
