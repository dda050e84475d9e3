// SPDX-License-Identifier: GPL-2.0
#include "checks.h"

#include <stdlib.h>
#include <string.h>

#include "../lib/list.h"
#include "../lib/mem.h"

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
	fix_set(f, "wan=%s", out ? word(f, out->name) : "INTERFACE");
}

static void check_relays(struct findings *f, const struct state *state)
{
	enum family family;

	check_begin_setting(f, "families");
	if (!state->relays.n) {
		finding(f, PROBLEM, "no-relay", "No relay is set: nothing is forwarded.");
		fix_set(f, "v4=ADDRESS v6=ADDRESS");
		return;
	}
	for (family = 0; family < FAMILIES; family++) {
		if (relays_of(&state->relays, family) || !wan_has(state, family))
			continue;
		finding(f, WARNING, "half-configured",
			"The WAN interface has an %s address, but no %s relay is set: clients that find that address in the DNS "
			"reach this host, not the relay.",
			families[family].name, families[family].name);
		fix_set(f, "%s=ADDRESS", families[family].setting);
	}
	check_end(f, "Each family that the WAN interfaces have addresses of has a relay.");
}

/* A service address may come and go, for example with VRRP. */
static void check_named_addresses(struct findings *f, const struct state *state)
{
	size_t i, named = 0;

	check_begin_setting(f, "named-addresses");
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

	check_begin_setting(f, "engine");
	if (!setting_exists(state, "engine"))
		skipped(f, "This version of the module has no setting engine.");
	if (relay) {
		finding(f, WARNING, "stateless-refused",
			"engine=stateless, but the relay %s is tracked: %s. Until that is resolved, the kernel refuses all changes.",
			relay->text, relay->engine_why);
		fix_set(f, "engine=auto    # stateless where that is possible");
	}
	check_end(f, "engine=%s can serve each relay.",
		  config_text(&state->module.config, "engine"));
}

static void check_modes(struct findings *f, const struct state *state)
{
	check_begin_setting(f, "enabled");
	if (setting_is(state, "enabled", "0")) {
		finding(f, WARNING, "draining",
			"New connections are not forwarded (enabled=0); live ones continue.");
		fix_set(f, "enabled=1");
	}
	check_end(f, "New connections are forwarded.");
	check_begin_setting(f, "masquerade");
	if (setting_is(state, "masquerade", "all")) {
		finding(f, WARNING, "masquerade-all",
			"masquerade=all: the relay sees this host's address instead of each client's. Limits per address "
			"hit all clients together, fail2ban bans this host, and a relay that trusts this address is open to "
			"everybody.");
		fix_set(f, "masquerade=wan");
	}
	check_end(f,
		  "The relay sees the addresses of its clients, unless it is reached through a WAN interface.");
}

/* The ports that Linux gives to sockets without one (net.ipv4.ip_local_port_range), unless told otherwise. */
#define EPHEMERAL "32768-60999"

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
	check_begin_setting(f, "calls");
	if (!ports_contain(&state->ports, UDP, TURN_PORT)) {
		check_end(f, "No TURN server is among the ports.");
	} else if (!udp_range(&state->ports)) {
		finding(f, WARNING, "calls-without-range",
			"ports has %d/udp (TURN), but no range of UDP ports: calls ring, and nothing is heard. The range is in the "
			"configuration of the TURN server; without one there, it is the relay's net.ipv4.ip_local_port_range.",
			TURN_PORT);
		fix_set(f, "ports=%s," EPHEMERAL "/udp",
			word(f, config_text(&state->module.config, "ports")));
	}
	check_end(f,
		  "TURN and a range of UDP ports are forwarded; the TURN server must announce this host's address.");
}

/* Without those of SSH. To be freed. */
static char *ports_without_ssh(const struct state *state)
{
	char *left = xstrdup(""), *longer, **list;
	size_t n, i;

	list = list_split(config_text(&state->module.config, "ports"), &n);
	for (i = 0; i < n; i++) {
		if (!strcmp(list[i], "22") || !strcmp(list[i], "22/tcp") ||
		    !strncmp(list[i], "ssh", 3))
			continue;
		longer = xasprintf("%s%s%s", left, *left ? "," : "", list[i]);
		free(left);
		left = longer;
	}
	free(list);
	return left;
}

static void check_ssh_forwarded(struct findings *f, const struct state *state)
{
	char *left;

	check_begin_setting(f, "ssh");
	if (ports_contain(&state->ports, TCP, 22)) {
		left = ports_without_ssh(state);
		finding(f, WARNING, "ssh-forwarded",
			"ports has 22/tcp: new SSH connections that arrive on the WAN interfaces reach the relay, not this host.");
		fix_set(f, "ports=%s", *left ? word(f, left) : "chatmail");
		free(left);
	}
	check_end(f, "SSH is not forwarded to the relay.");
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

void check_config(struct findings *f, const struct state *state)
{
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
	check_ssh_forwarded(f, state);
}
