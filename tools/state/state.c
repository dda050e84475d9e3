// SPDX-License-Identifier: GPL-2.0
#include "state.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../host/sysfs.h"
#include "../lib/list.h"
#include "../lib/mem.h"
#include "../module/saved.h"
#include "conntrack.h"

/* Only for route lookups, to find the default route; nothing is sent. */
static const char *const somewhere[FAMILIES] = { [V4] = "192.88.99.0", [V6] = "2000::" };

static void read_forwarding(struct state *state)
{
	state->forwarding[V4] = sysfs_read_number("/proc/sys/net/ipv4/ip_forward");
	state->forwarding[V6] = sysfs_read_number("/proc/sys/net/ipv6/conf/all/forwarding");
}

static void read_conntrack(struct state *state)
{
	state->ct_count = sysfs_read_number("/proc/sys/net/netfilter/nf_conntrack_count");
	state->ct_max = sysfs_read_number("/proc/sys/net/netfilter/nf_conntrack_max");
	state->counted = conntrack_count(&state->relays, &state->ports);
}

static void read_engines(struct state *state)
{
	char *text = state->loaded ? sysfs_read(MODULE_ENGINES) : NULL;

	if (text)
		relays_engines(&state->relays, text);
	free(text);
}

static void read_fastpath(struct state *state)
{
	char *text = state->loaded ? sysfs_read(MODULE_FASTPATH) : NULL;

	if (text)
		fastpath_parse(state->fast, text);
	free(text);
}

static void read_configured(struct state *state)
{
	enum family family;
	size_t i;

	state->wan = list_split(config_text(&state->module.config, "wan"), &state->wan_n);
	ports_parse(&state->ports, config_text(&state->module.config, "ports"));
	for (family = 0; family < FAMILIES; family++)
		relays_parse(&state->relays, family,
			     config_text(&state->module.config, families[family].setting));
	read_engines(state);
	read_fastpath(state);
	for (i = 0; i < state->relays.n; i++)
		if (state->relays.v[i].valid)
			route_get(&state->relays.v[i].route, &state->relays.v[i].address, NULL);
}

bool state_read(struct state *state)
{
	enum family family;

	*state = (struct state){ 0 };
	state->loaded = module_loaded();
	state->saved_found = saved_read(&state->saved);
	if (!state->loaded)
		saved_complete(&state->module.config, &state->saved);
	else if (!module_read(&state->module))
		return false;
	kernel_log_read(&state->log);
	stats_read(&state->stats);
	read_configured(state);
	state->links_err = links_read(&state->links);
	for (family = 0; family < FAMILIES; family++) {
		address_parse(&state->somewhere[family], family, somewhere[family]);
		route_get(&state->world[family], &state->somewhere[family], NULL);
	}
	read_conntrack(state);
	read_forwarding(state);
	ruleset_read(&state->ruleset);
	sockets_read(&state->sockets);
	return true;
}

void state_free(struct state *state)
{
	module_free(&state->module);
	stats_free(&state->stats);
	free(state->wan);
	relays_free(&state->relays);
	fastpath_free(state->fast);
	links_free(&state->links);
	config_free(&state->saved);
	kernel_log_free(&state->log);
	ruleset_free(&state->ruleset);
	sockets_free(&state->sockets);
	probes_free(&state->probes);
}

bool wan_matches(const char *pattern, const char *interface)
{
	size_t len = strlen(pattern);

	if (len && pattern[len - 1] == '+')
		return !strncmp(pattern, interface, len - 1);
	return !strcmp(pattern, interface);
}

const char *wan_of(const struct state *state, const struct link *link)
{
	size_t i;

	for (i = 0; link && i < state->wan_n; i++)
		if (wan_matches(state->wan[i], link->name))
			return state->wan[i];
	return NULL;
}

bool own_address(const struct state *state, const struct address *address)
{
	size_t i;

	for (i = 0; i < state->links.n; i++)
		if (link_has_address(&state->links.v[i], address))
			return true;
	return false;
}

bool wan_has_address(const struct state *state, const struct address *address)
{
	size_t i;

	for (i = 0; i < state->links.n; i++)
		if (wan_of(state, &state->links.v[i]) &&
		    link_has_address(&state->links.v[i], address))
			return true;
	return false;
}

char *route_describe(const struct state *state, const struct route *route)
{
	const struct link *link = link_by_index(&state->links, route->oif);
	const char *name = link ? link->name : "?";
	char gateway[INET6_ADDRSTRLEN];

	if (route->err == ENETUNREACH || route->err == EHOSTUNREACH)
		return xstrdup("no route");
	if (route->err)
		return xasprintf("no route (%s)", strerror(route->err));
	if (route->local)
		return xstrdup("an address of this host");
	if (route->has_gateway && address_format(&route->gateway, gateway, sizeof(gateway)))
		return xasprintf("via %s dev %s", gateway, name);
	return xasprintf("dev %s", name);
}

bool setting_is(const struct state *state, const char *setting, const char *value)
{
	return !strcmp(config_text(&state->module.config, setting), value);
}

bool setting_exists(const struct state *state, const char *setting)
{
	return config_get(&state->module.config, setting) != NULL;
}

const struct link *relay_link(const struct state *state, const struct relay *relay)
{
	return relay->valid && !relay->route.err && !relay->route.local ?
		       link_by_index(&state->links, relay->route.oif) :
		       NULL;
}

const struct relay *first_relay(const struct state *state, enum family family)
{
	const struct relay *first = NULL;
	size_t i;

	for (i = 0; i < state->relays.n; i++) {
		const struct relay *r = &state->relays.v[i];

		if (r->family != family)
			continue;
		if (relay_link(state, r))
			return r;
		first = first ? first : r;
	}
	return first;
}

bool relay_standby(const struct state *state, const struct relay *relay)
{
	/* With scope=any addresses that are routed here count. */
	if (!relay->valid || !relay->own_text || state->links_err ||
	    setting_is(state, "scope", "any"))
		return false;
	return !own_address(state, &relay->own);
}

const struct relay *relay_served(const struct state *state, enum family family, bool stateless)
{
	size_t i;

	for (i = 0; i < state->relays.n; i++)
		if (state->relays.v[i].family == family &&
		    relay_stateless(&state->relays.v[i]) == stateless)
			return &state->relays.v[i];
	return NULL;
}

const struct relay *refused_relay(const struct state *state)
{
	size_t i;

	for (i = 0; setting_is(state, "engine", "stateless") && i < state->relays.n; i++) {
		const struct relay *r = &state->relays.v[i];

		/* An address may come later: only that is accepted. */
		if (r->engine_why && !strstr(r->engine_why, "address for it yet"))
			return r;
	}
	return NULL;
}

bool address_private(const struct address *address)
{
	const unsigned char *b = address->bytes;

	if (address->family == V6)
		return (b[0] & 0xfe) == 0xfc;
	return b[0] == 10 || (b[0] == 172 && (b[1] & 0xf0) == 16) || (b[0] == 192 && b[1] == 168) ||
	       (b[0] == 100 && (b[1] & 0xc0) == 64);
}

unsigned long connections_of(const struct state *state, enum family family)
{
	unsigned long n = 0;
	size_t i;

	for (i = 0; i < state->relays.n; i++)
		if (state->relays.v[i].family == family)
			n += state->relays.v[i].connections;
	return n;
}
