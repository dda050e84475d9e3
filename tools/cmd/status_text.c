// SPDX-License-Identifier: GPL-2.0
#include "status.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/list.h"
#include "../lib/mem.h"
#include "../lib/text.h"
#include "../lib/version.h"

#define LABEL 14

#define field(label, ...) text_field(CYAN, 0, label, LABEL, __VA_ARGS__)

/* Joins with a separator; frees both. */
static char *join(char *a, const char *separator, char *b)
{
	char *s = xasprintf("%s%s%s", a, *a ? separator : "", b);

	free(a);
	free(b);
	return s;
}

static void print_head(const struct state *state)
{
	const char *version = state->module.version;
	const char *doing = !state->wan_n || !state->relays.n ? "idle" :
			    !strcmp(config_text(&state->module.config, "enabled"), "0") ?
								"draining" :
								"forwarding connections";

	text_heading("chatdnat %s, loaded, %s", version ? version : "(unknown version)", doing);
	putchar('\n');
}

static char *describe_link(const struct link *link)
{
	char *s = xstrdup(!link->up	? "down" :
			  link->carrier ? "up" :
					  "up, no carrier"),
	     address[INET6_ADDRSTRLEN];
	size_t i;

	for (i = 0; i < link->n; i++)
		if (link->addresses[i].global &&
		    address_format(&link->addresses[i].address, address, sizeof(address)))
			s = join(s, ", ", xasprintf("%s/%u", address, link->addresses[i].prefix));
	return link->n ? s : join(s, ", ", xstrdup("no address"));
}

static void print_wan(const struct state *state)
{
	size_t i, j;

	if (!state->wan_n)
		field("wan", "none");
	for (i = 0; i < state->wan_n; i++) {
		bool wildcard = *state->wan[i] && state->wan[i][strlen(state->wan[i]) - 1] == '+',
		     found = false;

		for (j = 0; j < state->links.n; j++) {
			const struct link *link = &state->links.v[j];
			char *is;

			if (!wan_matches(state->wan[i], link->name))
				continue;
			is = describe_link(link);
			if (wildcard)
				field(i || found ? "" : "wan", "%s (%s) %s", link->name,
				      state->wan[i], is);
			else
				field(i || found ? "" : "wan", "%s %s", link->name, is);
			free(is);
			found = true;
		}
		if (!found)
			field(i ? "" : "wan", "%s %s", state->wan[i],
			      state->links_err ? strerror(-state->links_err) : "no such interface");
	}
}

/* ", stateless", ", tracked: ..."; nothing where the module does not say. */
static char *describe_engine(const struct relay *relay)
{
	if (!relay->engine)
		return xstrdup("");
	if (relay->engine_own && !relay->own_text)
		return xasprintf(", %s for %s", relay->engine, relay->engine_own);
	return xasprintf(", %s%s%s", relay->engine, relay->engine_why ? ": " : "",
			 relay->engine_why ? relay->engine_why : "");
}

static void print_relays(const struct state *state)
{
	enum family family;
	size_t i;

	for (family = 0; family < FAMILIES; family++) {
		const char *label = family == V4 ? "relay IPv4" : "relay IPv6";

		if (!relays_of(&state->relays, family))
			field(label, "none");
		for (i = 0; i < state->relays.n; i++) {
			const struct relay *r = &state->relays.v[i];
			char *route, *engine;

			if (r->family != family)
				continue;
			route = r->valid ? route_describe(state, &r->route) :
					   xstrdup("not understood");
			engine = describe_engine(r);
			field(label, "%s%s%s%s, %s%s", r->text, r->own_text ? " for " : "",
			      r->own_text ? r->own_text : "",
			      relay_standby(state, r) ? " (not here now)" : "", route, engine);
			free(engine);
			free(route);
			label = "";
		}
	}
}

static void print_ports(const struct state *state)
{
	size_t n, i;
	char **list = list_split(config_text(&state->module.config, "ports"), &n), *s = xstrdup("");

	for (i = 0; i < n; i++)
		s = join(s, ", ", n <= 12 ? ports_describe(list[i]) : xstrdup(list[i]));
	text_list(CYAN, "ports", LABEL, s);
	free(s);
	free(list);
}

static void print_rest(const struct state *state)
{
	static const char *const shown[] = { "wan", "v4", "v6", "ports" };
	char *s = xstrdup("");
	size_t i, j;

	for (i = 0; i < state->module.config.n; i++) {
		const struct setting *setting = &state->module.config.v[i];

		for (j = 0;
		     j < sizeof(shown) / sizeof(shown[0]) && strcmp(shown[j], setting->name) != 0;
		     j++)
			;
		if (j == sizeof(shown) / sizeof(shown[0]))
			s = join(s, "  ",
				 xasprintf("%s=%s", setting->name,
					   setting->value ? setting->value : ""));
	}
	if (*s)
		field("settings", "%s", s);
	free(s);
}

/* Offloaded connections: each is an entry of either direction. */
static void print_fastpath(const struct state *state)
{
	char *s = xstrdup("");
	enum family family;

	for (family = 0; family < FAMILIES; family++) {
		const struct fastpath *fast = &state->fast[family];

		if (!fast->known)
			continue;
		s = join(s, "; ",
			 fast->on ? xasprintf("%s on, %lu connections", families[family].name,
					      (fast->directions + 1) / 2) :
				    xasprintf("%s off: %s", families[family].name, fast->why));
	}
	if (*s)
		field("fast path", "%s", s);
	free(s);
}

static void print_connections(const struct state *state)
{
	bool stateless = relay_served(state, V4, true) || relay_served(state, V6, true);

	if (!state->counted)
		field("connections", "%lu IPv4, %lu IPv6%s", connections_of(state, V4),
		      connections_of(state, V6),
		      stateless ? "; stateless ones are not counted" : "");
	else if (state->counted == -EPERM || state->counted == -EACCES)
		field("connections", "unknown: counting them needs root");
	else
		field("connections", "unknown: this kernel does not list them (%s)",
		      strerror(-state->counted));
	if (state->ct_count >= 0 && state->ct_max > 0)
		field("conntrack", "%lld of %lld entries in use, %lld %%", state->ct_count,
		      state->ct_max, state->ct_count * 100 / state->ct_max);
	else
		field("conntrack", "unknown");
}

static void print_counters(const struct state *state)
{
	char cell[FAMILIES][24];
	enum family family;
	size_t i;

	if (!state->stats.n)
		return;
	text_heading("%-20s%14s%14s", "counters", families[V4].name, families[V6].name);
	for (i = 0; i < state->stats.n; i++) {
		const struct counter *c = &state->stats.v[i];

		/* Drop counters that are 0 are left out. */
		if (!strncmp(c->name, "dropped_", 8) && !c->value[V4] && !c->value[V6])
			continue;
		for (family = 0; family < FAMILIES; family++) {
			if (c->have[family])
				snprintf(cell[family], sizeof(cell[family]), "%" PRIu64,
					 c->value[family]);
			else
				strcpy(cell[family], "-");
		}
		text_line("  %-18s%14s%14s", c->name, cell[V4], cell[V6]);
	}
}

static void print_findings(const struct findings *findings)
{
	static const struct {
		const char *word;
		enum colour colour;
	} severity[] = {
		[PROBLEM] = { "problem", RED }, [WARNING] = { "warning", YELLOW }, [NOTE] = { "note", CYAN }
	};
	size_t i, j;

	if (!findings->n || findings->v[0].severity >= NOTE) {
		putchar('\n');
		text_field(GREEN, 0, "ok", 9, "No problems found.");
	}
	for (i = 0; i < findings->n && findings->v[i].severity < SKIPPED; i++) {
		const struct finding *f = &findings->v[i];

		putchar('\n');
		text_field(severity[f->severity].colour, 0, severity[f->severity].word, 9, "%s",
			   f->text);
		for (j = 0; j < f->fixes; j++)
			text_command(11, f->fix[j]);
	}
}

void status_text(const struct state *state, const struct findings *findings)
{
	print_head(state);
	print_wan(state);
	print_relays(state);
	print_ports(state);
	print_rest(state);
	print_connections(state);
	print_fastpath(state);
	putchar('\n');
	print_counters(state);
	print_findings(findings);
}
