// SPDX-License-Identifier: GPL-2.0
#include "status.h"

#include <arpa/inet.h>
#include <stdio.h>

#include "../lib/json.h"
#include "../lib/version.h"
#include "../module/saved.h"
#include "json_common.h"

static json_object *number(long long n)
{
	return n < 0 ? NULL : json_object_new_int64(n);
}

static json_object *link_json(const struct link *link)
{
	json_object *object = json_object_new_object(), *addresses = json_object_new_array();
	char address[INET6_ADDRSTRLEN], text[INET6_ADDRSTRLEN + 8];
	size_t i;

	for (i = 0; i < link->n; i++) {
		if (!link->addresses[i].global ||
		    !address_format(&link->addresses[i].address, address, sizeof(address)))
			continue;
		snprintf(text, sizeof(text), "%s/%u", address, link->addresses[i].prefix);
		json_object_array_add(addresses, json_text(text));
	}
	json_put(object, "name", json_text(link->name));
	json_put(object, "up", json_object_new_boolean(link->up));
	json_put(object, "carrier", json_object_new_boolean(link->carrier));
	json_put(object, "addresses", addresses);
	return object;
}

static json_object *wan_json(const struct state *state)
{
	json_object *array = json_object_new_array();
	size_t i, j;

	for (i = 0; i < state->wan_n; i++) {
		json_object *object = json_object_new_object(), *links = json_object_new_array();

		for (j = 0; j < state->links.n; j++)
			if (wan_matches(state->wan[i], state->links.v[j].name))
				json_object_array_add(links, link_json(&state->links.v[j]));
		json_put(object, "pattern", json_text(state->wan[i]));
		json_put(object, "interfaces", links);
		json_object_array_add(array, object);
	}
	return array;
}

static json_object *route_json(const struct state *state, const struct relay *relay)
{
	const struct link *link = link_by_index(&state->links, relay->route.oif);
	char gateway[INET6_ADDRSTRLEN];
	json_object *object;

	if (!relay->valid || relay->route.err)
		return NULL;
	object = json_object_new_object();
	json_put(object, "dev", json_text(link ? link->name : NULL));
	json_put(object, "gateway",
		 relay->route.has_gateway ?
			 json_text(address_format(&relay->route.gateway, gateway, sizeof(gateway))) :
			 NULL);
	json_put(object, "local", json_object_new_boolean(relay->route.local));
	return object;
}

static json_object *engine_json(const struct relay *relay)
{
	json_object *object;

	if (!relay->engine)
		return NULL;
	object = json_object_new_object();
	json_put(object, "name", json_text(relay->engine));
	json_put(object, "own", json_text(relay->engine_own));
	json_put(object, "reason", json_text(relay->engine_why));
	return object;
}

static json_object *relays_json(const struct state *state)
{
	json_object *array = json_object_new_array();
	size_t i;

	for (i = 0; i < state->relays.n; i++) {
		const struct relay *r = &state->relays.v[i];
		json_object *object = json_object_new_object();

		json_put(object, "family", json_text(families[r->family].id));
		json_put(object, "relay", json_text(r->text));
		json_put(object, "own", json_text(r->own_text));
		json_put(object, "standby", json_object_new_boolean(relay_standby(state, r)));
		json_put(object, "route", route_json(state, r));
		json_put(object, "engine", engine_json(r));
		json_put(object, "connections",
			 state->counted ? NULL : number((long long)r->connections));
		json_object_array_add(array, object);
	}
	return array;
}

static json_object *families_json(const struct state *state)
{
	json_object *object = json_object_new_object();
	enum family family;

	for (family = 0; family < FAMILIES; family++)
		json_put(object, families[family].id,
			 state->counted ? NULL : number((long long)connections_of(state, family)));
	return object;
}

static json_object *fastpath_json(const struct state *state)
{
	json_object *object = json_object_new_object(), *each;
	enum family family;

	for (family = 0; family < FAMILIES; family++) {
		const struct fastpath *fast = &state->fast[family];

		each = fast->known ? json_object_new_object() : NULL;
		json_put(object, families[family].id, each);
		if (!each)
			continue;
		json_put(each, "on", json_object_new_boolean(fast->on));
		json_put(each, "directions", fast->on ? number((long long)fast->directions) : NULL);
		json_put(each, "reason", json_text(fast->why));
	}
	return object;
}

static json_object *findings_json(const struct findings *findings)
{
	static const char *const severity[] = {
		[PROBLEM] = "problem", [WARNING] = "warning", [NOTE] = "note"
	};
	json_object *array = json_object_new_array();
	size_t i;

	for (i = 0; i < findings->n && findings->v[i].severity < SKIPPED; i++) {
		json_object *object = json_object_new_object();

		json_put(object, "severity", json_text(severity[findings->v[i].severity]));
		json_finding(object, &findings->v[i]);
		json_object_array_add(array, object);
	}
	return array;
}

static json_object *conntrack_json(const struct state *state)
{
	json_object *object = json_object_new_object();

	json_put(object, "count", number(state->ct_count));
	json_put(object, "max", number(state->ct_max));
	return object;
}

void status_json(const struct state *state, const struct findings *findings)
{
	json_object *object = json_object_new_object();

	json_put(object, "loaded", json_object_new_boolean(true));
	json_put(object, "tool_version", json_text(tool_version));
	json_put(object, "module_version", json_text(state->module.version));
	json_put(object, "settings", json_config(&state->module.config));
	json_put(object, "wan", wan_json(state));
	json_put(object, "relays", relays_json(state));
	json_put(object, "ports", json_list(config_text(&state->module.config, "ports")));
	json_put(object, "connections", families_json(state));
	json_put(object, "conntrack", conntrack_json(state));
	json_put(object, "fastpath", fastpath_json(state));
	json_put(object, "stats", json_stats(&state->stats));
	json_put(object, "last_error", json_text(state->module.last_error));
	json_put(object, "saved", state->saved_found > 0 ? json_config(&state->saved) : NULL);
	json_put(object, "findings", findings_json(findings));
	json_print(object);
}
