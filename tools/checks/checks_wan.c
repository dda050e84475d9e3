// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>

#include "../lib/mem.h"
#include "../lib/text.h"
#include "checks_host.h"

/* The module takes no more. */
#define WAN_MAX 8

const struct link *default_link(const struct state *state)
{
	enum family family;

	for (family = 0; family < FAMILIES; family++)
		if (!state->world[family].err)
			return link_by_index(&state->links, state->world[family].oif);
	return NULL;
}

const struct link *nearest_link(const struct state *state, const char *name)
{
	const struct link *nearest = NULL;
	size_t best = 3, i, n;

	for (i = 0; i < state->links.n; i++) {
		const struct link *link = &state->links.v[i];

		n = text_distance(name, link->name);
		if (link->loopback || n >= best || n >= strlen(name))
			continue;
		best = n;
		nearest = link;
	}
	return nearest;
}

/* `wan` with an interface in place of one of its elements. To be freed. */
static char *wan_with(const struct state *state, const char *instead_of, const char *name)
{
	char *list = xstrdup(""), *longer;
	size_t i;

	for (i = 0; i < state->wan_n && i < WAN_MAX; i++) {
		const char *element = !strcmp(state->wan[i], instead_of) ? name : state->wan[i];

		longer = xasprintf("%s%s%s", list, *list ? "," : "", element);
		free(list);
		list = longer;
	}
	return list;
}

static void fix_wan(struct findings *f, const struct state *state, const char *instead_of,
		    const struct link *link)
{
	char *list = wan_with(state, instead_of, link ? link->name : "INTERFACE");

	fix_set(f, "wan=%s", word(f, list));
	free(list);
}

static bool guards(const struct state *state)
{
	return setting_exists(state, "guard") && !setting_is(state, "guard", "off");
}

/* The interface of the default route is what `wan` is for: under another name it is neither served nor guarded. */
static void check_missing(struct findings *f, const struct state *state, const char *pattern,
			  bool wildcard)
{
	const struct link *now = default_link(state), *nearest = nearest_link(state, pattern);
	const char *guard = config_text(&state->module.config, "guard");
	bool unserved = now && !now->loopback && !wan_of(state, now);
	char *where =
		!unserved ?
			xstrdup("") :
			xasprintf(" The default route is by %s now: what arrives there is not forwarded to the "
				  "relay%s%s%s.",
				  now->name, guards(state) ? ", and guard=" : "",
				  guards(state) ? guard : "",
				  guards(state) ? " does not guard it" : "");

	finding(f, wildcard ? WARNING : PROBLEM, "wan-missing",
		wildcard ?
			"No interface matches the WAN pattern %s; one that appears is used at once.%s" :
			"There is no interface %s; it is used as soon as it appears.%s",
		pattern, where);
	free(where);
	if (nearest && wan_of(state, nearest))
		nearest = NULL;
	fix_wan(f, state, pattern, unserved ? now : nearest);
}

static void check_loopback(struct findings *f, const struct state *state, const char *pattern,
			   const struct link *link)
{
	const struct link *now = default_link(state);

	finding(f, PROBLEM, "wan-loopback",
		"wan has %s, this host's loopback interface: nothing from the internet arrives there.",
		link->name);
	fix_wan(f, state, pattern, now && !now->loopback && !wan_of(state, now) ? now : NULL);
}

static void check_pattern(struct findings *f, const struct state *state, const char *pattern)
{
	bool wildcard = *pattern && pattern[strlen(pattern) - 1] == '+';
	size_t i, present = 0;

	for (i = 0; i < state->links.n; i++) {
		const struct link *link = &state->links.v[i];

		if (!wan_matches(pattern, link->name))
			continue;
		present++;
		if (link->loopback) {
			if (!wildcard)
				check_loopback(f, state, pattern, link);
		} else if (!link->up) {
			finding(f, wildcard ? WARNING : PROBLEM, "wan-down",
				"The WAN interface %s is down.", link->name);
			fix(f, "ip link set dev %s up", word(f, link->name));
		} else if (!link->carrier) {
			finding(f, WARNING, "wan-no-carrier",
				"The WAN interface %s has no carrier: no cable, or the other end is down.",
				link->name);
			fix(f, "ip link show dev %s", word(f, link->name));
		}
	}
	if (!present)
		check_missing(f, state, pattern, wildcard);
}

static bool all_standby(const struct state *state, enum family family)
{
	size_t i;

	for (i = 0; i < state->relays.n; i++)
		if (state->relays.v[i].family == family &&
		    !relay_standby(state, &state->relays.v[i]))
			return false;
	return true;
}

/* One up interface with an address is enough; if none is up, other findings say so. */
static void check_wan_address(struct findings *f, const struct state *state, enum family family)
{
	const struct link *first = NULL;
	size_t i;

	for (i = 0; i < state->links.n; i++) {
		const struct link *link = &state->links.v[i];

		if (!link->up || link->loopback || !wan_of(state, link))
			continue;
		if (link_has(link, family))
			return;
		first = first ? first : link;
	}
	if (!first)
		return;
	finding(f, WARNING, "wan-no-address",
		"An %s relay is configured, but no WAN interface has an %s address: there is nothing for clients to "
		"connect to.",
		families[family].name, families[family].name);
	fix(f, "ip address add ADDRESS/PREFIX dev %s", word(f, first->name));
}

/* Not a public address: the router that translates it has the one for the DNS. */
static bool behind_nat(const struct state *state)
{
	bool private = false;
	size_t i;

	for (i = 0; i < state->links.n; i++) {
		const struct link *link = &state->links.v[i];
		const struct address *a = wan_of(state, link) ? link_address(link, V4) : NULL;

		if (a && !address_private(a))
			return false;
		private |= a != NULL;
	}
	return private;
}

void check_wans(struct findings *f, const struct state *state)
{
	enum family family;
	size_t i;

	check_begin(f, "interfaces");
	if (state->links_err) {
		skipped(f, "The interfaces cannot be listed: %s.", strerror(-state->links_err));
		return;
	}
	for (i = 0; i < state->wan_n && i < WAN_MAX; i++)
		check_pattern(f, state, state->wan[i]);
	for (family = 0; family < FAMILIES; family++)
		if (relays_of(&state->relays, family) && !all_standby(state, family))
			check_wan_address(f, state, family);
	if (!state->wan_n)
		skipped(f, "No WAN interface is set.");
	check_end(f, "Each WAN interface is up%s.",
		  !behind_nat(state) ?
			  "" :
		  setting_is(state, "scope", "any") ?
			  "; their IPv4 addresses are private, so another router translates them" :
			  "; their IPv4 addresses are private, so another router translates them. scope=local is right for that: "
			  "the DNS holds the outer address");
}
