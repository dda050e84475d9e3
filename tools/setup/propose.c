// SPDX-License-Identifier: GPL-2.0
#include "propose.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/list.h"
#include "../lib/mem.h"
#include "../lib/text.h"
#include "ssh.h"
#include "tunnel.h"

static bool is_name(const char *text)
{
	size_t len = strlen(text), label = 0;

	/* An address that was mistyped, 10.9.0.300, is no name: names do not end in digits alone. */
	if (!len || len > 253 || !strchr(text, '.') ||
	    !strpbrk(strrchr(text, '.'), "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"))
		return false;
	for (; *text; text++) {
		if (*text == '.') {
			if (!label)
				return false;
			label = 0;
		} else if (!isalnum((unsigned char)*text) && *text != '-' && *text != '_') {
			return false;
		} else if (++label > 63) {
			return false;
		}
	}
	return true;
}

/* Addresses, one of each family at most. */
static bool take_address(bool *have, struct address *addresses, const char *text)
{
	enum family family;

	for (family = 0; family < FAMILIES; family++) {
		struct address a;

		if (have[family] || !address_parse(&a, family, text))
			continue;
		addresses[family] = a;
		have[family] = true;
		return true;
	}
	return false;
}

/* Of one machine, which is not this one. */
static bool is_unicast(const struct address *a)
{
	static const unsigned char zero[15];
	const unsigned char *b = a->bytes;

	if (a->family == V4)
		return b[0] != 0 && b[0] != 127 && b[0] < 224;
	return memcmp(b, zero, sizeof(zero)) != 0 && b[0] != 0xff &&
	       !(b[0] == 0xfe && (b[1] & 0xc0) == 0x80);
}

/* As the address of a machine at the end of a tunnel. */
static bool is_host(const struct address *a)
{
	const unsigned char *b = a->bytes;

	return is_unicast(a) &&
	       (a->family == V4 ? b[3] != 0 && b[3] != 255 : b[0] != 0 && b[15] != 0);
}

static bool take_relay(struct plan *plan, const char *text)
{
	size_t n, i;
	char **list = list_split(text, &n);
	bool ok = n > 0;

	for (i = 0; i < n && ok; i++) {
		size_t len = strlen(list[i]);

		if (take_address(plan->inside, plan->relay, list[i]))
			continue;
		/* "relay.example." is the same name, as the DNS writes it. */
		if (len && list[i][len - 1] == '.')
			list[i][len - 1] = '\0';
		ok = !plan->name && is_name(list[i]);
		if (ok)
			plan->name = xstrdup(list[i]);
	}
	for (i = 0; i < FAMILIES && ok; i++)
		ok = !plan->inside[i] || is_host(&plan->relay[i]);
	if (!ok)
		error("setup: --relay: '%s' is not a name, an IPv4 address and an IPv6 address, of each one at most, separated by commas, as in relay.example,10.9.0.2",
		      text);
	free(list);
	return ok;
}

static bool take_public(struct plan *plan, const char *text)
{
	size_t n, i;
	char **list = list_split(text, &n);
	bool ok = n > 0;

	for (i = 0; i < n && ok; i++)
		ok = take_address(plan->outside, plan->public, list[i]);
	for (i = 0; i < FAMILIES && ok; i++)
		ok = !plan->outside[i] || is_unicast(&plan->public[i]);
	if (!ok)
		error("setup: --address: '%s' is not an IPv4 address, an IPv6 address, or both, separated by a comma",
		      text);
	free(list);
	return ok;
}

static bool take_port(struct plan *plan, const char *text)
{
	size_t len = strlen(text);
	long port = len && len < 6 && strspn(text, "0123456789") == len ? strtol(text, NULL, 10) : 0;

	if (port < 1 || port > 65535) {
		error("setup: --port: '%s' is not a port, 1 to 65535", text);
		return false;
	}
	plan->port = (uint16_t)port;
	return true;
}

/* The interface with the default route, IPv4 first. */
static const struct link *find_wan(struct plan *plan, const struct state *state, const char *wish)
{
	const struct link *link = NULL;
	enum family family;

	if (wish && !plan_interface("wan", wish))
		return NULL;
	if (wish) {
		link = link_by_name(&state->links, wish);
		if (!link)
			error("setup: --wan: there is no interface '%s'", wish);
	} else {
		for (family = 0; family < FAMILIES && !link; family++)
			if (!state->world[family].err)
				link = link_by_index(&state->links, state->world[family].oif);
		if (!link)
			error("setup: there is no default route, so the WAN interface is unknown: --wan INTERFACE");
		else if (!plan_interface("wan", link->name))
			link = NULL;
	}
	if (link) {
		memcpy(plan->wan, link->name, sizeof(plan->wan));
		plan->accept_ra = !state->world[V6].err && state->world[V6].from_ra &&
				  state->world[V6].oif == link->index;
	}
	return link;
}

static bool find_public(struct plan *plan, const struct link *wan, const char *wish)
{
	enum family family;

	if (wish)
		return take_public(plan, wish);
	for (family = 0; family < FAMILIES; family++) {
		const struct address *a = link_address(wan, family);

		if (!a)
			continue;
		if (address_private(a)) {
			error("setup: %s has the address %s, which the internet does not reach; if the hoster translates a public one to it: --address ADDRESS",
			      wan->name, plan_address(a).text);
			return false;
		}
		plan->public[family] = *a;
		plan->outside[family] = true;
	}
	if (!plan->outside[V4] && !plan->outside[V6])
		error("setup: %s has no address: --wan INTERFACE, or --address ADDRESS", wan->name);
	return plan->outside[V4] || plan->outside[V6];
}

bool plan_propose(struct plan *plan, const struct state *state, const char *const *wishes,
		  const char *ours)
{
	struct session session;
	const struct link *wan;
	enum family family;
	bool served = false;

	*plan = (struct plan){ 0 };
	if (wishes[WISH_RELAY] && !take_relay(plan, wishes[WISH_RELAY]))
		return false;
	if (wishes[WISH_PORT] && !take_port(plan, wishes[WISH_PORT]))
		return false;
	wan = find_wan(plan, state, wishes[WISH_WAN]);
	if (!wan || !find_public(plan, wan, wishes[WISH_ADDRESS]) ||
	    !tunnel_propose(plan, state, wishes, ours))
		return false;
	for (family = 0; family < FAMILIES; family++)
		served |= plan->inside[family] && plan->outside[family];
	if (!served) {
		error("setup: the relay has no address of a family that the internet reaches this host by");
		return false;
	}
	session = ssh_session(state);
	plan->allow = ssh_allow(state, &session, wishes[WISH_ALLOW], plan->port);
	plan->session_port = session.port;
	if (session.link && session.link != wan && session.link->kind[0] && !session.tunnel)
		memcpy(plan->session, session.link->name, sizeof(plan->session));
	return plan->allow;
}
