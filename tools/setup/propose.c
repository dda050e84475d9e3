// SPDX-License-Identifier: GPL-2.0
#include "propose.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../host/wireguard.h"
#include "../lib/list.h"
#include "../lib/mem.h"
#include "../lib/text.h"
#include "ssh.h"

/* Of the guide; the proxy's end is .1. */
static const char *const usual[FAMILIES] = { "10.9.0.2", "fd00:9::2" };

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

static bool is_interface(const char *option, const char *text)
{
	size_t len = strlen(text), i;

	for (i = 0; i < len; i++)
		if (!isalnum((unsigned char)text[i]) && !strchr("-_.", text[i]))
			break;
	if (len && len < 16 && i == len && text[0] != '-' && text[0] != '.')
		return true;
	error("setup: --%s: '%s' is not the name of an interface: up to 15 letters, digits, '-', '_' and '.'",
	      option, text);
	return false;
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

/* As the address of a machine at the end of a tunnel. */
static bool is_host(const struct address *a)
{
	const unsigned char *b = a->bytes;

	if (a->family == V4)
		return b[0] != 0 && b[0] != 127 && b[0] < 224 && b[3] != 0 && b[3] != 255;
	return b[0] != 0 && b[0] != 0xff && !(b[0] == 0xfe && (b[1] & 0xc0) == 0x80) && b[15] != 0;
}

static bool take_relay(struct plan *plan, const char *text)
{
	size_t n, i;
	char **list = list_split(text, &n);
	bool ok = n > 0;

	for (i = 0; i < n && ok; i++) {
		if (take_address(plan->inside, plan->relay, list[i]))
			continue;
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

	if (wish && !is_interface("wan", wish))
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
		else if (!is_interface("wan", link->name))
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

/* A tunnel that is there: the relay is the peer with a single address. */
static bool find_relay(struct plan *plan, const struct link *link)
{
	struct wireguard wg;
	int err = wireguard_kind(link->kind) ? wireguard_read(&wg, link->name, link->kind) : 0;
	size_t i;

	plan->tunnel_exists = true;
	if (!wireguard_kind(link->kind))
		wg = (struct wireguard){ .port = -1 };
	if (err)
		error("setup: cannot read the tunnel %s: %s", link->name, strerror(-err));
	if (wg.port > 0)
		plan->port = (uint16_t)wg.port;
	for (i = 0; i < wg.allowed_n && !plan->inside[V4] && !plan->inside[V6]; i++) {
		size_t j, peer = wg.allowed[i].peer;

		for (j = i; j < wg.allowed_n; j++) {
			const struct wireguard_allowed *a = &wg.allowed[j];

			if (a->peer != peer || plan->inside[a->address.family] ||
			    a->prefix != families[a->address.family].size * 8)
				continue;
			plan->relay[a->address.family] = a->address;
			plan->inside[a->address.family] = true;
		}
	}
	wireguard_free(&wg);
	if (!err && !plan->inside[V4] && !plan->inside[V6]) {
		error("setup: the interface %s exists, and has no peer whose AllowedIPs are single addresses; the relay's: --relay ADDRESS, or a new tunnel: --tunnel NAME",
		      link->name);
		return false;
	}
	return !err;
}

static bool same_network(const struct address *a, const struct address *b)
{
	return a->family == b->family && !memcmp(a->bytes, b->bytes, TUNNEL_PREFIX(a->family) / 8);
}

static bool network_is_free(const struct plan *plan, const struct state *state, enum family family)
{
	size_t i, j;

	for (i = 0; i < state->links.n; i++) {
		const struct link *link = &state->links.v[i];

		if (!strcmp(link->name, plan->tunnel))
			continue;
		for (j = 0; j < link->n; j++) {
			if (!same_network(&link->addresses[j].address, &plan->relay[family]))
				continue;
			error("setup: the network of the relay's address %s is that of %s on this host; take another one: --relay ADDRESS",
			      plan_address(&plan->relay[family]).text, link->name);
			return false;
		}
	}
	return true;
}

static bool new_tunnel(struct plan *plan, const struct state *state)
{
	bool none = !plan->inside[V4] && !plan->inside[V6];
	enum family family;

	for (family = 0; family < FAMILIES; family++) {
		unsigned char *last = &plan->proxy[family].bytes[families[family].size - 1];

		if (none && (family == V4 || access("/proc/net/if_inet6", F_OK) == 0))
			plan->inside[family] = address_parse(&plan->relay[family], family,
							     usual[family]);
		if (!plan->inside[family])
			continue;
		if (!network_is_free(plan, state, family))
			return false;
		plan->proxy[family] = plan->relay[family];
		*last = *last == 1 ? 2 : 1;
	}
	return true;
}

static bool find_tunnel(struct plan *plan, const struct state *state, const char *wish,
			const char *ours)
{
	const struct link *link = NULL;
	size_t i;

	if (!wish && ours)
		wish = ours;
	if (wish && !is_interface("tunnel", wish))
		return false;
	if (wish) {
		memcpy(plan->tunnel, wish, strlen(wish) + 1);
	} else {
		for (i = 0; i < state->links.n && !link; i++)
			if (wireguard_kind(state->links.v[i].kind))
				link = &state->links.v[i];
		if (link && !is_interface("tunnel", link->name))
			return false;
		memcpy(plan->tunnel, link ? link->name : "wg0",
		       link ? sizeof(link->name) : sizeof("wg0"));
	}
	link = link_by_name(&state->links, plan->tunnel);
	if (link && (!ours || strcmp(ours, plan->tunnel) != 0))
		return find_relay(plan, link);
	return new_tunnel(plan, state);
}

bool plan_propose(struct plan *plan, const struct state *state, const char *const *wishes,
		  const char *ours)
{
	const struct link *wan;
	enum family family;
	bool served = false;

	*plan = (struct plan){ .port = 51820 };
	if (wishes[WISH_RELAY] && !take_relay(plan, wishes[WISH_RELAY]))
		return false;
	if (wishes[WISH_PORT] && !take_port(plan, wishes[WISH_PORT]))
		return false;
	wan = find_wan(plan, state, wishes[WISH_WAN]);
	if (!wan || !find_public(plan, wan, wishes[WISH_ADDRESS]) ||
	    !find_tunnel(plan, state, wishes[WISH_TUNNEL], ours))
		return false;
	for (family = 0; family < FAMILIES; family++)
		served |= plan->inside[family] && plan->outside[family];
	if (!served) {
		error("setup: the relay has no address of a family that the internet reaches this host by");
		return false;
	}
	plan->allow = ssh_allow(state, wishes[WISH_ALLOW], plan->port);
	return plan->allow;
}
