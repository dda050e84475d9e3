// SPDX-License-Identifier: GPL-2.0
#include "obstacles.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include <linux/netfilter.h>
#include <linux/netfilter_ipv4.h>

#include "../host/sysctl.h"
#include "../lib/mem.h"

/*
 * Where the module translates destinations, see module/tracked/nat.c: just before the usual priority of other tables.
 */
#define OUR_PRIORITY (NF_IP_PRI_NAT_DST - 1)

/* The priority of the stateless engine, see module/hooks/hooks.c. */
#define STATELESS_PRIORITY (NF_IP_PRI_CONNTRACK - 1)

/* SSH: always tracked, so that sessions with this host continue. */
#define SSH 22

#define PORTS_MAX 64

/* Addresses of an ordinary client and of an ordinary server, for rules that match them; nothing is sent there. */
static const char *const somebody[FAMILIES] = { [V4] = "193.0.0.1", [V6] = "2001:67c:2e8::1" };

struct search {
	const struct state *state;
	enum family family;
	enum direction direction;
	const struct relay *relay;
	const struct link *tunnel;
	struct address client;
	unsigned int local_first, local_last; /* this host's own ports, which are always tracked */
	bool again;			      /* for packets of the stateless engine */
	struct obstacle *v;
	size_t n, chains, stops;
};

static bool is_before_routing(const struct nft_chain *chain)
{
	/* An ingress chain of the family inet has this hook's number, too. */
	return chain->family == NFPROTO_NETDEV || chain->hook == NF_INET_PRE_ROUTING ||
	       chain->hook == NF_INET_INGRESS;
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

static bool meets(const struct nft_chain *chain, enum family family, enum direction direction)
{
	bool nat = !strcmp(chain->type, "nat");

	if (!chain->base || (chain->family != NFPROTO_INET && chain->family != NFPROTO_NETDEV &&
			     chain->family != (family == V4 ? NFPROTO_IPV4 : NFPROTO_IPV6)))
		return false;
	if (is_before_routing(chain)) {
		if (chain->family == NFPROTO_NETDEV && chain->hook != 0)
			return false;
		/* Packets from the tunnel are hardly ever filtered at prerouting, and never translated there. */
		return direction == INWARD && !(nat && chain->priority > OUR_PRIORITY);
	}
	return !nat && (chain->hook == NF_INET_FORWARD || chain->hook == NF_INET_POST_ROUTING);
}

static bool make_packet(const struct search *s, const struct nft_chain *chain,
			const struct link *wan, enum protocol protocol, uint16_t port,
			bool stateless, struct packet *p)
{
	const struct address *own = link_address(wan, s->family);
	int32_t priority = stateless ? STATELESS_PRIORITY : OUR_PRIORITY;
	bool early = is_before_routing(chain), ours = !early || chain->priority > priority;

	*p = (struct packet){
		.in = wan,
		.out = s->tunnel,
		.src = s->client,
		.dst = s->relay->address,
		.protocol = protocol == TCP ? IPPROTO_TCP : IPPROTO_UDP,
		.sport = 50123,
		.dport = port,
		.tracked = true,
	};
	if (s->direction == INWARD && early) {
		p->out = NULL;
		p->tracked = !is_ingress(chain) && chain->priority > NF_IP_PRI_CONNTRACK;
		p->translated = ours && !is_ingress(chain);
		if (!p->translated && !own)
			return false;
		if (!p->translated)
			p->dst = *own;
		p->to_host = !p->translated;
	} else if (s->direction == INWARD) {
		p->translated = true;
	} else {
		p->in = s->tunnel;
		p->out = wan;
		p->src = s->relay->address;
		p->dst = s->client;
		p->established = p->translated = s->direction == ANSWER;
		p->sport = s->direction == ANSWER ? port : 50123;
		p->dport = s->direction == ANSWER ? 50123 : port;
	}
	p->untracked = stateless && ours;
	if (p->untracked)
		p->tracked = false;
	return true;
}

static struct obstacle *known(const struct search *s, const struct nft_chain *base, enum fate fate,
			      enum stopped stopped)
{
	size_t i;

	for (i = 0; i < s->n; i++)
		if (s->v[i].base == base && s->v[i].fate == fate && s->v[i].stopped == stopped)
			return &s->v[i];
	return NULL;
}

static void record(struct search *s, const struct nft_chain *base, const struct packet *packet,
		   const struct outcome *outcome, enum protocol protocol, uint16_t port,
		   enum stopped stopped)
{
	struct obstacle *o = known(s, base, outcome->fate, stopped);

	if (!o) {
		s->v = xgrow(s->v, s->n, sizeof(*s->v));
		o = &s->v[s->n++];
		o->base = base;
		o->chain = outcome->chain;
		o->fate = outcome->fate;
		o->stopped = stopped;
		o->in = packet->in;
		o->out = s->direction == INWARD ? s->tunnel : packet->out;
		o->unsure = true;
		o->port = xasprintf("%u/%s", port, protocol == TCP ? "tcp" : "udp");
	}
	o->unsure &= outcome->unsure;
	o->ports++;
	s->stops++;
}

static void try_tracked(struct search *s, const struct nft_chain *base, const struct link *wan,
			enum protocol protocol, uint16_t port)
{
	struct outcome outcome;
	struct packet packet;

	if (!make_packet(s, base, wan, protocol, port, false, &packet))
		return;
	outcome = chain_outcome(&s->state->ruleset, base, &packet);
	if (outcome.fate == DROPPED || (outcome.fate == TAKEN && is_before_routing(base)))
		record(s, base, &packet, &outcome, protocol, port, ALL);
}

static bool drops(const struct search *s, const struct nft_chain *base, struct packet *packet,
		  bool anybody, struct outcome *outcome)
{
	packet->anybody = anybody;
	*outcome = chain_outcome(&s->state->ruleset, base, packet);
	return outcome->fate == DROPPED;
}

/* A ban matches the connections of some clients, or some of their packets. */
static void try_stateless(struct search *s, const struct nft_chain *base, const struct link *wan,
			  uint16_t port)
{
	struct packet untracked, tracked;
	struct outcome outcome;

	if (!make_packet(s, base, wan, TCP, port, true, &untracked) ||
	    !make_packet(s, base, wan, TCP, port, false, &tracked))
		return;
	if (drops(s, base, &untracked, false, &outcome))
		record(s, base, &untracked, &outcome, TCP, port, REST);
	else if (drops(s, base, &untracked, true, &outcome) ||
		 (!drops(s, base, &tracked, false, &outcome) &&
		  drops(s, base, &tracked, true, &outcome)))
		record(s, base, &untracked, &outcome, TCP, port, PASS_BY);
}

static void try(struct search *s, const struct nft_chain *base, const struct link *wan,
		enum protocol protocol, uint16_t port)
{
	bool local = port == SSH || (port >= s->local_first && port <= s->local_last);
	bool engines_differ = protocol == TCP && s->direction != OUTWARD && !local &&
			      !is_ingress(base);

	if (engines_differ && relay_stateless(s->relay))
		try_stateless(s, base, wan, port);
	else if (engines_differ || !s->again)
		try_tracked(s, base, wan, protocol, port);
}

/* Each port by itself, and the first of a range: filters usually match ports as they are configured. */
static void try_ports(struct search *s, const struct nft_chain *base, const struct link *wan)
{
	enum protocol protocol;
	size_t tried = 0;
	uint32_t port;

	if (s->direction == OUTWARD) {
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
		if (!wan_of(s->state, &links->v[i]) ||
		    (base->devices_n && !on_device(base, &links->v[i])))
			continue;
		met = true;
		before = s->stops;
		try_ports(s, base, &links->v[i]);
		/* The other WAN interfaces would give the same result. */
		if (s->stops > before)
			break;
	}
	s->chains += met;
}

static void try_relay(struct search *s, const struct relay *relay)
{
	size_t i;

	s->relay = relay;
	s->tunnel = relay ? relay_link(s->state, relay) : NULL;
	for (i = 0; s->tunnel && i < s->state->ruleset.n; i++)
		if (meets(&s->state->ruleset.v[i], s->family, s->direction))
			try_chain(s, &s->state->ruleset.v[i]);
}

size_t obstacles_find(const struct state *state, enum family family, enum direction direction,
		      struct obstacle **found, size_t *n)
{
	const struct relay *first = first_relay(state, family);
	struct search s = { .state = state, .family = family, .direction = direction };

	if (!sysctl_local_ports(&s.local_first, &s.local_last))
		s.local_first = s.local_last = 0;
	address_parse(&s.client, family, somebody[family]);
	try_relay(&s, first);
	s.again = true;
	if (first)
		try_relay(&s, relay_served(state, family, !relay_stateless(first)));
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
