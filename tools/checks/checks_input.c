// SPDX-License-Identifier: GPL-2.0
/* Chains of others on the way to this host itself: they may close the port of the tunnel, or what `allow` names. */
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include <linux/netfilter.h>

#include "../host/wireguard.h"
#include "../lib/mem.h"
#include "../nft/nft_eval.h"
#include "checks_tunnel.h"
#include "fix_rule.h"

/* An ordinary client, for rules that match addresses; nothing is sent there. */
static const char *const somebody[FAMILIES] = { [V4] = "193.0.0.1", [V6] = "2001:67c:2e8::1" };

/* A chain that drops packets to a port, for each family. */
struct closed {
	const struct nft_chain *base[FAMILIES];
	size_t families, tried;
	bool unsure;
};

static bool on_the_way(const struct nft_chain *chain, enum family family)
{
	return chain->base && strcmp(chain->type, "nat") != 0 &&
	       (chain->family == NFPROTO_INET ||
		chain->family == (family == V4 ? NFPROTO_IPV4 : NFPROTO_IPV6)) &&
	       (chain->hook == NF_INET_LOCAL_IN || chain->hook == NF_INET_PRE_ROUTING);
}

static void try_family(struct closed *closed, const struct state *state, const struct link *wan,
		       enum family family, enum protocol protocol, uint16_t port)
{
	struct packet packet = {
		.in = wan,
		.dst = *link_address(wan, family),
		.protocol = protocol == TCP ? IPPROTO_TCP : IPPROTO_UDP,
		.sport = 50123,
		.dport = port,
		.to_host = true,
	};
	size_t i;

	address_parse(&packet.src, family, somebody[family]);
	closed->tried++;
	for (i = 0; i < state->ruleset.n; i++) {
		const struct nft_chain *chain = &state->ruleset.v[i];
		struct outcome outcome;

		if (!on_the_way(chain, family))
			continue;
		packet.tracked = chain->hook == NF_INET_LOCAL_IN ||
				 chain->priority > -200 /* NF_IP_PRI_CONNTRACK */;
		outcome = chain_outcome(&state->ruleset, chain, &packet);
		if (outcome.fate != DROPPED)
			continue;
		closed->base[family] = chain;
		closed->unsure |= outcome.unsure;
		closed->families++;
		return;
	}
}

/* Whether no family that the WAN interfaces have addresses of gets through. */
static bool find_closed(struct closed *closed, const struct state *state, enum protocol protocol,
			uint16_t port)
{
	enum family family;
	size_t i;

	*closed = (struct closed){ 0 };
	for (family = 0; family < FAMILIES; family++) {
		for (i = 0; i < state->links.n; i++) {
			const struct link *link = &state->links.v[i];

			if (!wan_of(state, link) || link->loopback || !link_address(link, family))
				continue;
			try_family(closed, state, link, family, protocol, port);
			break;
		}
	}
	return closed->families && closed->families == closed->tried;
}

static bool has_chain(const struct state *state, const struct nft_chain *base, const char *name)
{
	return chain_find(&state->ruleset, base->family, base->table, name);
}

static bool by_iptables(const struct nft_chain *chain)
{
	return (chain->family == NFPROTO_IPV4 || chain->family == NFPROTO_IPV6) &&
	       !strcmp(chain->table, "filter") && !strcmp(chain->name, "INPUT");
}

/* ufw and firewalld open both families with one command. */
static bool fix_both(struct findings *f, const struct state *state, const struct nft_chain *base,
		     const char *protocol, uint16_t port)
{
	if (has_chain(state, base, "ufw-user-input") || has_chain(state, base, "ufw6-user-input")) {
		fix(f, "ufw allow %u/%s", port, protocol);
		return true;
	}
	if (!strcmp(base->table, "firewalld")) {
		fix(f, "firewall-cmd --permanent --add-port=%u/%s", port, protocol);
		fix(f, "firewall-cmd --reload");
		return true;
	}
	return false;
}

static void fix_port(struct findings *f, const struct nft_chain *base, const char *protocol,
		     uint16_t port)
{
	char *words = xasprintf("%s dport %u", protocol, port);
	char *json =
		xasprintf("{\"match\":{\"op\":\"==\",\"left\":{\"payload\":{\"protocol\":\"%s\",\"field\":\"dport\"}},\"right\":%u}}",
			  protocol, port);

	fix_rule(f, base, words, json);
	free(json);
	free(words);
}

static void fix_closed(struct findings *f, const struct state *state, const struct closed *closed,
		       enum protocol protocol, uint16_t port)
{
	const char *name = protocol == TCP ? "tcp" : "udp";
	enum family family;

	for (family = 0; family < FAMILIES; family++) {
		const struct nft_chain *base = closed->base[family];

		if (!base || (family == V6 && base == closed->base[V4]))
			continue;
		if (fix_both(f, state, base, name, port))
			return;
		if (by_iptables(base))
			fix(f, "%s -I INPUT -p %s --dport %u -j ACCEPT",
			    family == V4 ? "iptables" : "ip6tables", name, port);
		else if (base->hook == NF_INET_LOCAL_IN)
			fix_port(f, base, name, port);
		else
			fix_list(f, base);
	}
}

static const struct nft_chain *first_of(const struct closed *closed)
{
	return closed->base[V4] ? closed->base[V4] : closed->base[V6];
}

/* Replies to packets that this end sends pass, so that the tunnel often works until the next boot. */
static void check_tunnel_port(struct findings *f, const struct state *state, const struct link *link)
{
	const struct nft_chain *base;
	struct closed closed;
	struct wireguard wg;

	if (!wireguard_read(&wg, link->name, link->kind) && wg.port &&
	    find_closed(&closed, state, UDP, (uint16_t)wg.port)) {
		base = first_of(&closed);
		finding(f, tunnel_fresh(state, link) || closed.unsure ? WARNING : PROBLEM,
			"tunnel-port-closed",
			"The table %s %s, chain %s, %sdrops packets from the internet to port %d/udp, where %s listens: the other end "
			"cannot open the tunnel, after a reboot at the latest.",
			nft_family_name(base->family), base->table, base->name,
			closed.unsure ? "apparently " : "", wg.port, link->name);
		fix_closed(f, state, &closed, UDP, (uint16_t)wg.port);
	}
	wireguard_free(&wg);
}

static void check_allowed(struct findings *f, const struct state *state)
{
	struct ports *allow = xcalloc(1, sizeof(*allow)), *told = xcalloc(1, sizeof(*told));
	const struct sockets *sockets = &state->sockets;
	size_t i;

	ports_parse(allow, config_text(&state->module.config, "allow"));
	for (i = 0; i < sockets->n; i++) {
		const struct listener *l = &sockets->v[i];
		const char *protocol = l->protocol == TCP ? "tcp" : "udp";
		const struct nft_chain *base;
		struct closed closed;

		if ((!l->any && !wan_has_address(state, &l->address)) ||
		    !ports_contain(allow, l->protocol, l->port) ||
		    ports_contain(told, l->protocol, l->port) ||
		    !find_closed(&closed, state, l->protocol, l->port))
			continue;
		ports_add(told, l->protocol, l->port);
		base = first_of(&closed);
		finding(f, WARNING, "allow-closed",
			"allow has port %u/%s, and this host listens there, but the table %s %s, chain %s, %sdrops packets to it from "
			"the internet: both firewalls must accept them.",
			l->port, protocol, nft_family_name(base->family), base->table, base->name,
			closed.unsure ? "apparently " : "");
		fix_closed(f, state, &closed, l->protocol, l->port);
	}
	free(told);
	free(allow);
}

void check_input(struct findings *f, const struct state *state)
{
	bool guarded = setting_is(state, "guard", "full") || setting_is(state, "guard", "strict");
	size_t i;

	check_begin(f, "input");
	if (state->ruleset.err) {
		skipped(f, "The rules of nftables cannot be read: %s.", reason(state->ruleset.err));
		return;
	}
	for (i = 0; i < state->links.n; i++)
		if (state->links.v[i].up && wireguard_kind(state->links.v[i].kind))
			check_tunnel_port(f, state, &state->links.v[i]);
	if (guarded)
		check_allowed(f, state);
	check_end(f, "No other chain closes a tunnel's port%s.",
		  guarded ? ", or a port in allow where this host listens" : "");
}
