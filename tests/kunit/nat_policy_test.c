// SPDX-License-Identifier: GPL-2.0
/* What becomes of a connection's addresses. */
#include "chatdnat_test.h"
#include "module/policy/nat_policy.h"

#define V4	"wan=eth0 v4=10.9.0.2"
#define V6	"wan=eth0 v6=fd00::2"
#define TURN	V4 " ports=chatmail,22,turn,49152-65535/udp"

#define CLIENT	"203.0.113.9"
#define OWN	"192.0.2.1"
#define RELAY	"10.9.0.2"

#define LOCAL	CHATDNAT_ADDR_LOCAL
#define UNICAST	CHATDNAT_ADDR_UNICAST
#define GROUP	CHATDNAT_ADDR_GROUP
#define UNKNOWN	CHATDNAT_ADDR_UNKNOWN

#define TCP	CHATDNAT_TCP
#define UDP	CHATDNAT_UDP

/* @in: NULL: this host; @dev: NULL: not looked up; @middle: it opens nothing */
static const struct dst_row {
	const char *name;
	const char *settings;
	enum chatdnat_proto proto;
	const char *saddr;
	const char *daddr;
	u16 dport;
	const char *in;
	enum chatdnat_addr_type type;
	const char *dev;
	enum chatdnat_dst_decision decision;
	enum chatdnat_socket socket;
	bool middle;
} arrivals[] = {
	{ "from WAN, first asks whose the address is", V4, TCP, CLIENT, OWN, 25,
	  "eth0", UNKNOWN, NULL, CHATDNAT_DST_LOOK_UP_ADDR },
	{ "from WAN, to this host", V4, TCP, CLIENT, OWN, 25,
	  "eth0", LOCAL, NULL, CHATDNAT_DST_TRANSLATE },
	{ "from WAN, to the last port", V4, TCP, CLIENT, OWN, 993,
	  "eth0", LOCAL, NULL, CHATDNAT_DST_TRANSLATE },
	{ "another port asks nothing", V4, TCP, CLIENT, OWN, 994,
	  "eth0", UNKNOWN, NULL, CHATDNAT_DST_LEAVE },
	{ "the port, but of UDP", V4, UDP, CLIENT, OWN, 25,
	  "eth0", UNKNOWN, NULL, CHATDNAT_DST_LEAVE },
	{ "SSH is not ours by default", V4, TCP, CLIENT, OWN, 22,
	  "eth0", LOCAL, NULL, CHATDNAT_DST_LEAVE },
	{ "SSH, when it is sent on", TURN, TCP, CLIENT, OWN, 22,
	  "eth0", LOCAL, NULL, CHATDNAT_DST_TRANSLATE },
	{ "SSH, in the middle", TURN, TCP, CLIENT, OWN, 22,
	  "eth0", LOCAL, NULL, CHATDNAT_DST_LEAVE,
	  CHATDNAT_SOCKET_UNKNOWN, true },
	{ "SMTP, in the middle", V4, TCP, CLIENT, OWN, 25,
	  "eth0", LOCAL, NULL, CHATDNAT_DST_TRANSLATE,
	  CHATDNAT_SOCKET_UNKNOWN, true },
	{ "another interface asks nothing", V4, TCP, CLIENT, OWN, 25,
	  "eth1", UNKNOWN, NULL, CHATDNAT_DST_LEAVE },
	{ "this host itself", V4, TCP, CLIENT, OWN, 25,
	  NULL, UNKNOWN, NULL, CHATDNAT_DST_LEAVE },
	{ "no family's relay", V6, TCP, CLIENT, OWN, 25,
	  "eth0", UNKNOWN, NULL, CHATDNAT_DST_LEAVE },
	{ "no relay at all", "wan=eth0", TCP, CLIENT, OWN, 25,
	  "eth0", LOCAL, NULL, CHATDNAT_DST_LEAVE },
	{ "to the relay itself", V4, TCP, CLIENT, RELAY, 25,
	  "eth0", UNICAST, NULL, CHATDNAT_DST_LEAVE },
	{ "to another host", V4, TCP, CLIENT, "198.51.100.1", 25,
	  "eth0", UNICAST, NULL, CHATDNAT_DST_LEAVE },
	{ "to another host, any scope", V4 " scope=any", TCP, CLIENT,
	  "198.51.100.1", 25, "eth0", UNICAST, NULL, CHATDNAT_DST_TRANSLATE },
	{ "of the relay, to another host, any scope", V4 " scope=any", TCP,
	  RELAY, "198.51.100.1", 25, "eth0", UNICAST, NULL,
	  CHATDNAT_DST_LEAVE },
	{ "of the relay, to this host", V4, TCP, RELAY, OWN, 25,
	  "eth0", LOCAL, NULL, CHATDNAT_DST_TRANSLATE },
	{ "from WAN, to a loopback address", V4, TCP, CLIENT, "127.0.0.1", 25,
	  "eth0", LOCAL, NULL, CHATDNAT_DST_LEAVE },
	{ "to a group", V4, TCP, CLIENT, "192.0.2.255", 25,
	  "eth0", GROUP, NULL, CHATDNAT_DST_LEAVE },
	{ "to a group, any scope", V4 " scope=any", TCP, CLIENT, "192.0.2.255",
	  25, "eth0", GROUP, NULL, CHATDNAT_DST_LEAVE },
	{ "draining", V4 " enabled=0", TCP, CLIENT, OWN, 25,
	  "eth0", LOCAL, NULL, CHATDNAT_DST_DRAIN },
	{ "draining asks, too", V4 " enabled=0", TCP, CLIENT, OWN, 25,
	  "eth0", UNKNOWN, NULL, CHATDNAT_DST_LOOK_UP_ADDR },
	{ "a prefix of names", "wan=ppp+ v4=10.9.0.2", TCP, CLIENT, OWN, 25,
	  "ppp3", LOCAL, NULL, CHATDNAT_DST_TRANSLATE },
	{ "for another own address", "wan=eth0 v4=10.9.0.2@192.0.2.7", TCP,
	  CLIENT, OWN, 25, "eth0", LOCAL, NULL, CHATDNAT_DST_LEAVE },
	{ "named, nobody asks whose it is", "wan=eth0 v4=10.9.0.2@192.0.2.1",
	  TCP, CLIENT, OWN, 25, "eth0", UNKNOWN, NULL, CHATDNAT_DST_TRANSLATE },
	{ "named, another host has it", "wan=eth0 v4=10.9.0.2@192.0.2.1", TCP,
	  CLIENT, OWN, 25, "eth0", UNICAST, NULL, CHATDNAT_DST_TRANSLATE },
	{ "named, but not from WAN", "wan=eth0 v4=10.9.0.2@192.0.2.1", TCP,
	  "10.9.0.7", OWN, 25, "eth1", UNKNOWN, NULL, CHATDNAT_DST_LEAVE },
	{ "named, and draining", "wan=eth0 v4=10.9.0.2@192.0.2.1 enabled=0",
	  TCP, CLIENT, OWN, 25, "eth0", UNKNOWN, NULL, CHATDNAT_DST_DRAIN },
	{ "every other is no name", V4, TCP, CLIENT, "0.0.0.0", 25,
	  "eth0", UNKNOWN, NULL, CHATDNAT_DST_LOOK_UP_ADDR },
	/* Hairpin: from inside, to where the world would go. */
	{ "hairpin, first asks whose the address is", V4 " hairpin=1", TCP,
	  "10.9.0.7", OWN, 25, "eth1", UNKNOWN, NULL,
	  CHATDNAT_DST_LOOK_UP_ADDR },
	{ "hairpin, then which device's", V4 " hairpin=1", TCP, "10.9.0.7", OWN,
	  25, "eth1", LOCAL, NULL, CHATDNAT_DST_LOOK_UP_DEV },
	{ "hairpin, the WAN device's", V4 " hairpin=1", TCP, "10.9.0.7", OWN,
	  25, "eth1", LOCAL, "eth0", CHATDNAT_DST_TRANSLATE },
	{ "hairpin, another device's", V4 " hairpin=1", TCP, "10.9.0.7",
	  "10.9.0.1", 25, "eth1", LOCAL, "eth1", CHATDNAT_DST_LEAVE },
	{ "hairpin, no device's", V4 " hairpin=1", TCP, "10.9.0.7", OWN, 25,
	  "eth1", LOCAL, "", CHATDNAT_DST_LEAVE },
	{ "hairpin, every device is a WAN one, but none has it",
	  "wan=+ v4=10.9.0.2 hairpin=1", TCP, CLIENT, OWN, 25,
	  NULL, LOCAL, "", CHATDNAT_DST_LEAVE },
	{ "hairpin, named with a relay", "wan=eth0 v4=10.9.0.2@192.0.2.1 hairpin=1",
	  TCP, "10.9.0.7", OWN, 25, "eth1", UNKNOWN, NULL,
	  CHATDNAT_DST_TRANSLATE },
	{ "hairpin, this host itself", V4 " hairpin=1", TCP, OWN, OWN, 25,
	  NULL, LOCAL, "eth0", CHATDNAT_DST_TRANSLATE },
	{ "hairpin, from WAN needs no device", V4 " hairpin=1", TCP, CLIENT,
	  OWN, 25, "eth0", LOCAL, NULL, CHATDNAT_DST_TRANSLATE },
	{ "hairpin and draining", V4 " hairpin=1 enabled=0", TCP, "10.9.0.7",
	  OWN, 25, "eth1", LOCAL, "eth0", CHATDNAT_DST_DRAIN },
	/* A range of ephemeral ports of UDP: a socket here goes first. */
	{ "ephemeral, asks for the socket", TURN, UDP, CLIENT, OWN, 50000,
	  "eth0", LOCAL, NULL, CHATDNAT_DST_LOOK_UP_SOCKET },
	{ "ephemeral, a socket waits", TURN, UDP, CLIENT, OWN, 50000,
	  "eth0", LOCAL, NULL, CHATDNAT_DST_LEAVE, CHATDNAT_SOCKET_BOUND },
	{ "ephemeral, no socket", TURN, UDP, CLIENT, OWN, 50000,
	  "eth0", LOCAL, NULL, CHATDNAT_DST_TRANSLATE, CHATDNAT_SOCKET_NONE },
	{ "ephemeral, draining, a socket waits", TURN " enabled=0", UDP, CLIENT,
	  OWN, 50000, "eth0", LOCAL, NULL, CHATDNAT_DST_LEAVE,
	  CHATDNAT_SOCKET_BOUND },
	{ "ephemeral, draining, no socket", TURN " enabled=0", UDP, CLIENT,
	  OWN, 50000, "eth0", LOCAL, NULL, CHATDNAT_DST_DRAIN,
	  CHATDNAT_SOCKET_NONE },
	{ "ephemeral, by itself", V4 " ports=50000/udp", UDP, CLIENT, OWN,
	  50000, "eth0", LOCAL, NULL, CHATDNAT_DST_TRANSLATE,
	  CHATDNAT_SOCKET_BOUND },
	{ "ephemeral, of TCP", V4 " ports=49152-65535", TCP, CLIENT, OWN, 50000,
	  "eth0", LOCAL, NULL, CHATDNAT_DST_TRANSLATE, CHATDNAT_SOCKET_BOUND },
	{ "the last that is not ephemeral", V4 " ports=32000-33000/udp", UDP,
	  CLIENT, OWN, 32767, "eth0", LOCAL, NULL, CHATDNAT_DST_TRANSLATE },
	{ "the first that is ephemeral", V4 " ports=32000-33000/udp", UDP,
	  CLIENT, OWN, 32768, "eth0", LOCAL, NULL,
	  CHATDNAT_DST_LOOK_UP_SOCKET },
	{ "TURN's own port", TURN, UDP, CLIENT, OWN, 3478,
	  "eth0", LOCAL, NULL, CHATDNAT_DST_TRANSLATE },
	/* IPv6 */
	{ "IPv6, to this host", V6, TCP, "2001:db8::9", "2001:db8::1", 25,
	  "eth0", LOCAL, NULL, CHATDNAT_DST_TRANSLATE },
	{ "IPv6, from a link-local address", V6, TCP, "fe80::9", "2001:db8::1",
	  25, "eth0", UNKNOWN, NULL, CHATDNAT_DST_LEAVE },
	{ "IPv6, to a link-local address", V6, TCP, "2001:db8::9", "fe80::1",
	  25, "eth0", UNKNOWN, NULL, CHATDNAT_DST_LEAVE },
	{ "IPv6, from WAN, to the loopback address", V6, TCP, "2001:db8::9",
	  "::1", 25, "eth0", LOCAL, NULL, CHATDNAT_DST_LEAVE },
	{ "IPv6, to the relay itself", V6, TCP, "2001:db8::9", "fd00::2", 25,
	  "eth0", UNICAST, NULL, CHATDNAT_DST_LEAVE },
	{ "IPv4, link-local is routed", V4, TCP, "169.254.1.1", OWN, 25,
	  "eth0", LOCAL, NULL, CHATDNAT_DST_TRANSLATE },
};
KUNIT_ARRAY_PARAM_DESC(arrivals, arrivals, name);

static void decide_dst(struct kunit *test)
{
	const struct dst_row *row = test->param_value;
	enum chatdnat_family family = chatdnat_test_family(row->saddr);
	const struct chatdnat_settings *settings;
	const struct chatdnat_addr *relay = NULL;
	struct chatdnat_addr want;
	struct chatdnat_dst_packet packet = {
		.flow = {
			.family = family,
			.proto = row->proto,
			.saddr = chatdnat_test_addr(test, row->saddr),
			.daddr = chatdnat_test_addr(test, row->daddr),
			.sport = 40000,
			.dport = row->dport,
		},
		.opens = !row->middle,
		.in = row->in,
		.daddr_type = row->type,
		.daddr_dev = row->dev,
		.socket = row->socket,
	};

	settings = chatdnat_test_settings(test, row->settings);
	KUNIT_EXPECT_EQ(test, row->decision,
			chatdnat_nat_policy_dst(settings, &packet, &relay));
	if (row->decision != CHATDNAT_DST_TRANSLATE)
		return;
	KUNIT_ASSERT_NOT_NULL(test, relay);
	want = chatdnat_test_addr(test, family == CHATDNAT_IPV6 ? "fd00::2" :
								  RELAY);
	KUNIT_EXPECT_MEMEQ(test, relay, &want, sizeof(want));
}

#define ALL	V4 " masquerade=all"
#define OFF	V4 " masquerade=off"
#define HAIRPIN	" hairpin=1"

#define LEAVE	CHATDNAT_SRC_LEAVE
#define TAKE	CHATDNAT_SRC_MASQUERADE
#define LOOK_UP	CHATDNAT_SRC_LOOK_UP

static const struct src_row {
	const char *name;
	const char *settings;
	const char *in;
	const char *out;
	enum chatdnat_addr_type type;
	enum chatdnat_src_decision decision;
	bool translated;
	bool transformed;
	bool from_wan;
} departures[] = {
	{ "out by WAN, first asks whose", V4, "eth1", "eth0", UNKNOWN, LOOK_UP },
	{ "out by WAN, another host's", V4, "eth1", "eth0", UNICAST, TAKE },
	{ "out by WAN, this host's", V4, "eth1", "eth0", LOCAL, LEAVE },
	{ "out by WAN, a group's", V4, "eth1", "eth0", GROUP, TAKE },
	{ "out by WAN, from WAN", V4, "eth0", "eth0", UNKNOWN, LEAVE, false,
	  false, true },
	{ "out by WAN, from WAN, all", ALL, "eth0", "eth0", UNICAST, LEAVE,
	  false, false, true },
	{ "out by WAN, out of IPsec", V4, "eth0", "eth0", UNICAST, TAKE },
	{ "out by another", V4, "eth0", "eth1", UNKNOWN, LEAVE },
	{ "between others", V4, "eth1", "eth2", UNKNOWN, LEAVE },
	{ "sent by this host", V4, NULL, "eth0", UNKNOWN, LEAVE },
	{ "off", OFF, "eth1", "eth0", UNICAST, LEAVE },
	{ "all, out by WAN", ALL, "eth1", "eth0", UNICAST, TAKE },
	{ "all, out by another, not ours", ALL, "eth0", "eth1", UNICAST, LEAVE },
	{ "into a tunnel of IPsec", V4, "eth1", "eth0", UNICAST, LEAVE, false,
	  true },
	{ "translated, inwards", V4, "eth0", "eth1", UNKNOWN, LEAVE, true },
	{ "translated, inwards, all", ALL, "eth0", "eth1", UNKNOWN, TAKE, true },
	{ "translated, inwards, off", OFF, "eth0", "eth1", UNKNOWN, LEAVE, true },
	{ "translated, out by WAN", V4, "eth0", "eth0", UNKNOWN, TAKE, true,
	  false, true },
	{ "translated, out by WAN, off", OFF, "eth0", "eth0", UNKNOWN, LEAVE,
	  true },
	{ "translated, by WAN and IPsec", V4, "eth0", "eth0", UNKNOWN, LEAVE,
	  true, true },
	{ "translated, by WAN and IPsec, all", ALL, "eth0", "eth0", UNKNOWN,
	  TAKE, true, true },
	{ "translated, turns back", V4 HAIRPIN, "eth1", "eth1", UNKNOWN, TAKE,
	  true },
	{ "translated, turns back, off", OFF HAIRPIN, "eth1", "eth1", UNKNOWN,
	  TAKE, true },
	{ "translated, between others", V4 HAIRPIN, "eth1", "eth2", UNKNOWN,
	  LEAVE, true },
	{ "translated, sent by this host", V4, NULL, "eth1", UNKNOWN, TAKE,
	  true },
	{ "translated, sent by this host, off", OFF, NULL, "eth1", UNKNOWN,
	  TAKE, true },
};
KUNIT_ARRAY_PARAM_DESC(departures, departures, name);

static void decide_src(struct kunit *test)
{
	const struct src_row *row = test->param_value;
	const struct chatdnat_src_packet packet = {
		.in = row->in,
		.out = row->out,
		.saddr_type = row->type,
		.translated = row->translated,
		.transformed = row->transformed,
		.from_wan = row->from_wan,
	};
	const struct chatdnat_settings *settings;

	settings = chatdnat_test_settings(test, row->settings);
	KUNIT_EXPECT_EQ(test, row->decision,
			chatdnat_nat_policy_src(settings, &packet));
}

static struct kunit_case cases[] = {
	KUNIT_CASE_PARAM(decide_dst, arrivals_gen_params),
	KUNIT_CASE_PARAM(decide_src, departures_gen_params),
	{}
};

static struct kunit_suite suite = {
	.name = "chatdnat_nat_policy",
	.test_cases = cases,
};
kunit_test_suite(suite);
