// SPDX-License-Identifier: GPL-2.0
/*
 * What the kernel tells the tool: interfaces, routes, sockets, connections,
 * tunnels, neighbours, IPsec, and others' firewalls, whose rules are then gone
 * through. Input: which; then answers (tool.c).
 */
#include "../../tools/state/conntrack.h"

#include <linux/in.h>
#include <string.h>

#include "../../tools/host/link.h"
#include "../../tools/host/neighbour.h"
#include "../../tools/host/wireguard.h"
#include "../../tools/host/xfrm.h"
#include "../../tools/nft/nft_eval.h"
#include "../../tools/state/sockets.h"
#include "tool.h"

static void read_links(void)
{
	struct links links;
	size_t i;

	links_read(&links);
	for (i = 0; i < links.n; i++) {
		CHECK(strlen(links.v[i].name) < 16 && strlen(links.v[i].kind) < 16);
		CHECK(link_by_index(&links, links.v[i].index) && link_by_name(&links, links.v[i].name));
		CHECK(links.v[i].hairpin <= HAIRPIN_ON);
		CHECK(!links.v[i].tunnel.has_remote || links.v[i].tunnel.remote.family < FAMILIES);
		CHECK(link_has(&links.v[i], V4) == (link_address(&links.v[i], V4) != NULL));
	}
	links_free(&links);
}

static void read_routes(const struct address *to)
{
	struct route route;
	char text[64];

	route_get(&route, to, NULL);
	if (route.has_gateway)
		CHECK(address_format(&route.gateway, text, sizeof(text)));
}

static void read_connections(void)
{
	static struct ports ports;
	struct relays relays = { 0 };
	size_t i;

	CHECK(ports_parse(&ports, "1-65535,1-65535/udp"));
	relays_parse(&relays, V4, "10.9.0.2,10.9.0.3@203.0.113.1");
	relays_parse(&relays, V6, "fd00:9::2");
	conntrack_count(&relays, &ports);
	for (i = 0; i < relays.n; i++)
		CHECK(relays.v[i].connections < 65536);
	relays_free(&relays);
}

static void read_sockets(void)
{
	struct sockets sockets;
	size_t i;

	sockets_read(&sockets);
	for (i = 0; i < sockets.n; i++)
		CHECK(sockets.v[i].port && (!sockets.v[i].both || sockets.v[i].any));
	CHECK(!sockets.raw_n || sockets.raw);
	sockets_free(&sockets);
}

static void read_wireguard(const struct address *to, const char *kind)
{
	const struct wireguard_peer *peer;
	struct wireguard wg;

	CHECK(wireguard_kind(kind));
	wireguard_read(&wg, "wg0", kind);
	peer = wireguard_peer_of(&wg, to);
	CHECK(!peer || (peer >= wg.peers && peer < wg.peers + wg.peers_n));
	wireguard_free(&wg);
}

static void read_ipsec(void)
{
	struct xfrm_states states;
	size_t i;

	xfrm_read(&states);
	for (i = 0; i < states.n; i++)
		CHECK((states.v[i].protocol == IPPROTO_ESP || states.v[i].protocol == IPPROTO_AH) &&
		      states.v[i].from.family == states.v[i].to.family);
	xfrm_free(&states);
}

static void read_firewall(const struct address *src, const struct address *dst, uint8_t facts)
{
	struct link in = { .name = "eth0", .index = 2 }, out = { .name = "wg0", .index = 3 };
	struct packet packet = {
		.in = &in, .out = facts & 1 ? &out : NULL, .src = *src, .dst = *dst,
		.protocol = facts & 2 ? IPPROTO_UDP : IPPROTO_TCP, .sport = 40000, .dport = 25,
		.tracked = facts & 4, .untracked = !(facts & 4) && facts & 8, .established = facts & 16,
		.translated = facts & 32, .to_host = facts & 64, .anybody = facts & 128,
	};
	struct ruleset ruleset;
	size_t i;

	ruleset_read(&ruleset);
	for (i = 0; i < ruleset.n; i++) {
		struct outcome outcome = chain_outcome(&ruleset, &ruleset.v[i], &packet);

		CHECK(outcome.chain >= ruleset.v && outcome.chain < ruleset.v + ruleset.n);
		CHECK(outcome.fate <= TAKEN);
	}
	ruleset_free(&ruleset);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char loaded[] = "@/proc/modules\nnf_tables 1 0 - Live 0x0\nxfrm_user 1 0 - Live 0x0\n";
	struct input input = { data, size };
	uint8_t which = take_u8(&input), facts = take_u8(&input);
	struct address src, dst;

	CHECK(address_parse(&src, facts & 1 ? V6 : V4, facts & 1 ? "2001:db8::1" : "198.51.100.1"));
	CHECK(address_parse(&dst, facts & 1 ? V6 : V4, facts & 1 ? "fd00:9::2" : "10.9.0.2"));
	host_begin(loaded, sizeof(loaded) - 1);
	host_answers(&input);
	switch (which % 8) {
	case 0:
		read_links();
		break;
	case 1:
		read_routes(&dst);
		break;
	case 2:
		read_connections();
		break;
	case 3:
		read_sockets();
		break;
	case 4:
		read_wireguard(&dst, facts & 2 ? "amneziawg" : "wireguard");
		break;
	case 5:
		read_firewall(&src, &dst, facts);
		break;
	case 6:
		neighbour_port(5, &dst);
		break;
	case 7:
		read_ipsec();
		break;
	}
	host_end();
	return 0;
}
