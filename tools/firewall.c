// SPDX-License-Identifier: GPL-2.0
#include "firewall.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include <linux/netfilter.h>
#include <linux/netfilter_ipv4.h>

#include "mem.h"

/* Where the module translates destinations, see module/nat.c: just ahead of everybody else's usual place. */
#define OUR_PRIORITY (NF_IP_PRI_NAT_DST - 1)

#define PORTS_MAX 64

/* Addresses of an ordinary client and of an ordinary server, for rules that ask; nothing is sent there. */
static const char *const somebody[FAMILIES] = { [V4] = "193.0.0.1", [V6] = "2001:67c:2e8::1" };

struct search {
	const struct state *state;
	enum family family;
	enum way way;
	const struct relay *relay;
	const struct link *tunnel;
	struct address client;
	struct obstacle *v;
	size_t n, chains;
};

static bool is_before_routing(const struct nft_chain *chain)
{
	/* An ingress chain of the family inet has this hook's number, too. */
	return chain->family == NFPROTO_NETDEV || chain->hook == NF_INET_PRE_ROUTING || chain->hook == NF_INET_INGRESS;
}

static bool is_ingress(const struct nft_chain *chain)
{
	return chain->family == NFPROTO_NETDEV ? chain->hook == 0 : chain->hook == NF_INET_INGRESS;
}

static bool on_device(const struct nft_chain *chain, const struct link *link)
{
	size_t i;

	for (i = 0; i < chain->devices_n; i++)
		if (!strcmp(chain->devices[i], link->name))
			return true;
	return false;
}

static bool meets(const struct nft_chain *chain, enum family family, enum way way)
{
	bool nat = !strcmp(chain->type, "nat");

	if (!chain->base || (chain->family != NFPROTO_INET && chain->family != NFPROTO_NETDEV &&
			     chain->family != (family == V4 ? NFPROTO_IPV4 : NFPROTO_IPV6)))
		return false;
	if (is_before_routing(chain)) {
		if (chain->family == NFPROTO_NETDEV && chain->hook != 0)
			return false;
		/* What comes from the tunnel is hardly ever filtered before routing, and never translated there. */
		return way == INWARD && !(nat && chain->priority > OUR_PRIORITY);
	}
	return !nat && (chain->hook == NF_INET_FORWARD || chain->hook == NF_INET_POST_ROUTING);
}

static bool make_packet(const struct search *s, const struct nft_chain *chain, const struct link *wan,
			enum protocol protocol, uint16_t port, struct packet *p)
{
	const struct address *own = link_address(wan, s->family);
	bool early = is_before_routing(chain), ours = !early || chain->priority > OUR_PRIORITY;

	*p = (struct packet){
		.in = wan, .out = s->tunnel, .src = s->client, .dst = s->relay->address,
		.protocol = protocol == TCP ? IPPROTO_TCP : IPPROTO_UDP, .sport = 50123, .dport = port, .tracked = true,
	};
	if (s->way == INWARD && early) {
		p->out = NULL;
		p->tracked = !is_ingress(chain) && chain->priority > NF_IP_PRI_CONNTRACK;
		p->translated = ours && !is_ingress(chain);
		if (!p->translated && !own)
			return false;
		if (!p->translated)
			p->dst = *own;
		p->to_host = !p->translated;
	} else if (s->way == INWARD) {
		p->translated = true;
	} else {
		p->in = s->tunnel;
		p->out = wan;
		p->src = s->relay->address;
		p->dst = s->client;
		p->established = p->translated = s->way == ANSWER;
		p->sport = s->way == ANSWER ? port : 50123;
		p->dport = s->way == ANSWER ? 50123 : port;
	}
	return true;
}

static void record(struct search *s, const struct nft_chain *base, const struct packet *packet,
		   const struct outcome *outcome, enum protocol protocol, uint16_t port)
{
	struct obstacle *o = s->n ? &s->v[s->n - 1] : NULL;

	if (!o || o->base != base || o->fate != outcome->fate) {
		s->v = xgrow(s->v, s->n, sizeof(*s->v));
		o = &s->v[s->n++];
		o->base = base;
		o->chain = outcome->chain;
		o->fate = outcome->fate;
		o->in = packet->in;
		o->out = s->way == INWARD ? s->tunnel : packet->out;
		o->unsure = true;
		o->port = xasprintf("%u/%s", port, protocol == TCP ? "tcp" : "udp");
	}
	o->unsure &= outcome->unsure;
	o->ports++;
}

static bool try(struct search *s, const struct nft_chain *base, const struct link *wan, enum protocol protocol,
		uint16_t port)
{
	struct outcome outcome;
	struct packet packet;

	if (!make_packet(s, base, wan, protocol, port, &packet))
		return true;
	outcome = chain_outcome(&s->state->ruleset, base, &packet);
	if (outcome.fate == PASSES || (outcome.fate == TAKEN && !is_before_routing(base)))
		return true;
	record(s, base, &packet, &outcome, protocol, port);
	return false;
}

/* Each port by itself, and of a range its first: who filters ports filters them as they are configured. */
static void try_ports(struct search *s, const struct nft_chain *base, const struct link *wan)
{
	enum protocol protocol;
	size_t tried = 0;
	uint32_t port;

	if (s->way == OUTWARD) {
		try(s, base, wan, TCP, 25);
		return;
	}
	for (protocol = 0; protocol < PROTOCOLS; protocol++)
		for (port = 1; port <= 65535 && tried < PORTS_MAX; port++)
			if (ports_contain(&s->state->ports, protocol, (uint16_t)port) &&
			    !ports_contain(&s->state->ports, protocol, (uint16_t)(port - 1))) {
				try(s, base, wan, protocol, (uint16_t)port);
				tried++;
			}
}

static void try_chain(struct search *s, const struct nft_chain *base)
{
	const struct links *links = &s->state->links;
	bool met = false;
	size_t i, before;

	for (i = 0; i < links->n; i++) {
		if (!wan_of(s->state, &links->v[i]) || (base->devices_n && !on_device(base, &links->v[i])))
			continue;
		met = true;
		before = s->n;
		try_ports(s, base, &links->v[i]);
		/* The other WAN interfaces would tell the same. */
		if (s->n > before)
			break;
	}
	s->chains += met;
}

size_t obstacles_find(const struct state *state, enum family family, enum way way, struct obstacle **found, size_t *n)
{
	struct search s = { .state = state, .family = family, .way = way, .relay = first_relay(state, family) };
	size_t i;

	*found = NULL;
	*n = 0;
	s.tunnel = s.relay ? relay_link(state, s.relay) : NULL;
	if (!s.tunnel)
		return 0;
	address_parse(&s.client, family, somebody[family]);
	for (i = 0; i < state->ruleset.n; i++)
		if (meets(&state->ruleset.v[i], family, way))
			try_chain(&s, &state->ruleset.v[i]);
	*found = s.v;
	*n = s.n;
	return s.chains;
}

void obstacles_free(struct obstacle *obstacles, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		free(obstacles[i].port);
	free(obstacles);
}
