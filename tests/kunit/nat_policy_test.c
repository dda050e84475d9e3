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

/* @in: NULL: this host; @dev: NULL: not looked up; @midstream: TCP without SYN */
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
	bool midstream;
} arrivals[] = {
	{ .name = "from WAN, first asks whose the address is", .settings = V4,
	  .proto = TCP, .saddr = CLIENT, .daddr = OWN, .dport = 25,
	  .in = "eth0", .type = UNKNOWN,
	  .decision = CHATDNAT_DST_LOOK_UP_ADDR },
	{ .name = "from WAN, to this host", .settings = V4, .proto = TCP,
	  .saddr = CLIENT, .daddr = OWN, .dport = 25, .in = "eth0",
	  .type = LOCAL, .decision = CHATDNAT_DST_TRANSLATE },
	{ .name = "from WAN, to the last port", .settings = V4, .proto = TCP,
	  .saddr = CLIENT, .daddr = OWN, .dport = 993, .in = "eth0",
	  .type = LOCAL, .decision = CHATDNAT_DST_TRANSLATE },
	{ .name = "another port asks nothing", .settings = V4, .proto = TCP,
	  .saddr = CLIENT, .daddr = OWN, .dport = 994, .in = "eth0",
	  .type = UNKNOWN, .decision = CHATDNAT_DST_LEAVE },
	{ .name = "the port, but of UDP", .settings = V4, .proto = UDP,
	  .saddr = CLIENT, .daddr = OWN, .dport = 25, .in = "eth0",
	  .type = UNKNOWN, .decision = CHATDNAT_DST_LEAVE },
	{ .name = "SSH is not ours by default", .settings = V4, .proto = TCP,
	  .saddr = CLIENT, .daddr = OWN, .dport = 22, .in = "eth0",
	  .type = LOCAL, .decision = CHATDNAT_DST_LEAVE },
	{ .name = "SSH, when it is forwarded", .settings = TURN, .proto = TCP,
	  .saddr = CLIENT, .daddr = OWN, .dport = 22, .in = "eth0",
	  .type = LOCAL, .decision = CHATDNAT_DST_TRANSLATE },
	{ .name = "SSH, in the middle", .settings = TURN, .proto = TCP,
	  .saddr = CLIENT, .daddr = OWN, .dport = 22, .in = "eth0",
	  .type = LOCAL, .decision = CHATDNAT_DST_LEAVE,
	  .socket = CHATDNAT_SOCKET_UNKNOWN, .midstream = true },
	{ .name = "SMTP, in the middle", .settings = V4, .proto = TCP,
	  .saddr = CLIENT, .daddr = OWN, .dport = 25, .in = "eth0",
	  .type = LOCAL, .decision = CHATDNAT_DST_TRANSLATE,
	  .socket = CHATDNAT_SOCKET_UNKNOWN, .midstream = true },
	{ .name = "another interface asks nothing", .settings = V4,
	  .proto = TCP, .saddr = CLIENT, .daddr = OWN, .dport = 25,
	  .in = "eth1", .type = UNKNOWN, .decision = CHATDNAT_DST_LEAVE },
	{ .name = "this host itself", .settings = V4, .proto = TCP,
	  .saddr = CLIENT, .daddr = OWN, .dport = 25, .type = UNKNOWN,
	  .decision = CHATDNAT_DST_LEAVE },
	{ .name = "no family's relay", .settings = V6, .proto = TCP,
	  .saddr = CLIENT, .daddr = OWN, .dport = 25, .in = "eth0",
	  .type = UNKNOWN, .decision = CHATDNAT_DST_LEAVE },
	{ .name = "no relay at all", .settings = "wan=eth0", .proto = TCP,
	  .saddr = CLIENT, .daddr = OWN, .dport = 25, .in = "eth0",
	  .type = LOCAL, .decision = CHATDNAT_DST_LEAVE },
	{ .name = "to the relay itself", .settings = V4, .proto = TCP,
	  .saddr = CLIENT, .daddr = RELAY, .dport = 25, .in = "eth0",
	  .type = UNICAST, .decision = CHATDNAT_DST_LEAVE },
	{ .name = "to another host", .settings = V4, .proto = TCP,
	  .saddr = CLIENT, .daddr = "198.51.100.1", .dport = 25, .in = "eth0",
	  .type = UNICAST, .decision = CHATDNAT_DST_LEAVE },
	{ .name = "to another host, any scope", .settings = V4 " scope=any",
	  .proto = TCP, .saddr = CLIENT, .daddr = "198.51.100.1", .dport = 25,
	  .in = "eth0", .type = UNICAST, .decision = CHATDNAT_DST_TRANSLATE },
	{ .name = "of the relay, to another host, any scope",
	  .settings = V4 " scope=any", .proto = TCP, .saddr = RELAY,
	  .daddr = "198.51.100.1", .dport = 25, .in = "eth0", .type = UNICAST,
	  .decision = CHATDNAT_DST_LEAVE },
	{ .name = "of the relay, to this host", .settings = V4, .proto = TCP,
	  .saddr = RELAY, .daddr = OWN, .dport = 25, .in = "eth0",
	  .type = LOCAL, .decision = CHATDNAT_DST_TRANSLATE },
	{ .name = "from WAN, to a loopback address", .settings = V4,
	  .proto = TCP, .saddr = CLIENT, .daddr = "127.0.0.1", .dport = 25,
	  .in = "eth0", .type = LOCAL, .decision = CHATDNAT_DST_LEAVE },
	{ .name = "to a group", .settings = V4, .proto = TCP, .saddr = CLIENT,
	  .daddr = "192.0.2.255", .dport = 25, .in = "eth0", .type = GROUP,
	  .decision = CHATDNAT_DST_LEAVE },
	{ .name = "to a group, any scope", .settings = V4 " scope=any",
	  .proto = TCP, .saddr = CLIENT, .daddr = "192.0.2.255", .dport = 25,
	  .in = "eth0", .type = GROUP, .decision = CHATDNAT_DST_LEAVE },
	{ .name = "draining", .settings = V4 " enabled=0", .proto = TCP,
	  .saddr = CLIENT, .daddr = OWN, .dport = 25, .in = "eth0",
	  .type = LOCAL, .decision = CHATDNAT_DST_DRAIN },
	{ .name = "draining asks, too", .settings = V4 " enabled=0",
	  .proto = TCP, .saddr = CLIENT, .daddr = OWN, .dport = 25,
	  .in = "eth0", .type = UNKNOWN,
	  .decision = CHATDNAT_DST_LOOK_UP_ADDR },
	{ .name = "a prefix of names", .settings = "wan=ppp+ v4=10.9.0.2",
	  .proto = TCP, .saddr = CLIENT, .daddr = OWN, .dport = 25,
	  .in = "ppp3", .type = LOCAL, .decision = CHATDNAT_DST_TRANSLATE },
	{ .name = "for another local address",
	  .settings = "wan=eth0 v4=10.9.0.2@192.0.2.7", .proto = TCP,
	  .saddr = CLIENT, .daddr = OWN, .dport = 25, .in = "eth0",
	  .type = LOCAL, .decision = CHATDNAT_DST_LEAVE },
	{ .name = "named, nobody asks whose it is",
	  .settings = "wan=eth0 v4=10.9.0.2@192.0.2.1", .proto = TCP,
	  .saddr = CLIENT, .daddr = OWN, .dport = 25, .in = "eth0",
	  .type = UNKNOWN, .decision = CHATDNAT_DST_TRANSLATE },
	{ .name = "named, another host has it",
	  .settings = "wan=eth0 v4=10.9.0.2@192.0.2.1", .proto = TCP,
	  .saddr = CLIENT, .daddr = OWN, .dport = 25, .in = "eth0",
	  .type = UNICAST, .decision = CHATDNAT_DST_TRANSLATE },
	{ .name = "named, but not from WAN",
	  .settings = "wan=eth0 v4=10.9.0.2@192.0.2.1", .proto = TCP,
	  .saddr = "10.9.0.7", .daddr = OWN, .dport = 25, .in = "eth1",
	  .type = UNKNOWN, .decision = CHATDNAT_DST_LEAVE },
	{ .name = "named, and draining",
	  .settings = "wan=eth0 v4=10.9.0.2@192.0.2.1 enabled=0", .proto = TCP,
	  .saddr = CLIENT, .daddr = OWN, .dport = 25, .in = "eth0",
	  .type = UNKNOWN, .decision = CHATDNAT_DST_DRAIN },
	{ .name = "every other is no name", .settings = V4, .proto = TCP,
	  .saddr = CLIENT, .daddr = "0.0.0.0", .dport = 25, .in = "eth0",
	  .type = UNKNOWN, .decision = CHATDNAT_DST_LOOK_UP_ADDR },
	/* Hairpin: from inside, to the address that clients use. */
	{ .name = "hairpin, first asks whose the address is",
	  .settings = V4 " hairpin=1", .proto = TCP, .saddr = "10.9.0.7",
	  .daddr = OWN, .dport = 25, .in = "eth1", .type = UNKNOWN,
	  .decision = CHATDNAT_DST_LOOK_UP_ADDR },
	{ .name = "hairpin, then which device's", .settings = V4 " hairpin=1",
	  .proto = TCP, .saddr = "10.9.0.7", .daddr = OWN, .dport = 25,
	  .in = "eth1", .type = LOCAL, .decision = CHATDNAT_DST_LOOK_UP_DEV },
	{ .name = "hairpin, the WAN device's", .settings = V4 " hairpin=1",
	  .proto = TCP, .saddr = "10.9.0.7", .daddr = OWN, .dport = 25,
	  .in = "eth1", .type = LOCAL, .dev = "eth0",
	  .decision = CHATDNAT_DST_TRANSLATE },
	{ .name = "hairpin, another device's", .settings = V4 " hairpin=1",
	  .proto = TCP, .saddr = "10.9.0.7", .daddr = "10.9.0.1", .dport = 25,
	  .in = "eth1", .type = LOCAL, .dev = "eth1",
	  .decision = CHATDNAT_DST_LEAVE },
	{ .name = "hairpin, no device's", .settings = V4 " hairpin=1",
	  .proto = TCP, .saddr = "10.9.0.7", .daddr = OWN, .dport = 25,
	  .in = "eth1", .type = LOCAL, .dev = "",
	  .decision = CHATDNAT_DST_LEAVE },
	{ .name = "hairpin, every device is a WAN one, but none has it",
	  .settings = "wan=+ v4=10.9.0.2 hairpin=1", .proto = TCP,
	  .saddr = CLIENT, .daddr = OWN, .dport = 25, .type = LOCAL, .dev = "",
	  .decision = CHATDNAT_DST_LEAVE },
	{ .name = "hairpin, named with a relay",
	  .settings = "wan=eth0 v4=10.9.0.2@192.0.2.1 hairpin=1", .proto = TCP,
	  .saddr = "10.9.0.7", .daddr = OWN, .dport = 25, .in = "eth1",
	  .type = UNKNOWN, .decision = CHATDNAT_DST_TRANSLATE },
	{ .name = "hairpin, this host itself", .settings = V4 " hairpin=1",
	  .proto = TCP, .saddr = OWN, .daddr = OWN, .dport = 25, .type = LOCAL,
	  .dev = "eth0", .decision = CHATDNAT_DST_TRANSLATE },
	{ .name = "hairpin, from WAN needs no device",
	  .settings = V4 " hairpin=1", .proto = TCP, .saddr = CLIENT,
	  .daddr = OWN, .dport = 25, .in = "eth0", .type = LOCAL,
	  .decision = CHATDNAT_DST_TRANSLATE },
	{ .name = "hairpin and draining", .settings = V4 " hairpin=1 enabled=0",
	  .proto = TCP, .saddr = "10.9.0.7", .daddr = OWN, .dport = 25,
	  .in = "eth1", .type = LOCAL, .dev = "eth0",
	  .decision = CHATDNAT_DST_DRAIN },
	/* A range of ephemeral ports of UDP: a socket here goes first. */
	{ .name = "ephemeral, asks for the socket", .settings = TURN,
	  .proto = UDP, .saddr = CLIENT, .daddr = OWN, .dport = 50000,
	  .in = "eth0", .type = LOCAL,
	  .decision = CHATDNAT_DST_LOOK_UP_SOCKET },
	{ .name = "ephemeral, a socket waits", .settings = TURN, .proto = UDP,
	  .saddr = CLIENT, .daddr = OWN, .dport = 50000, .in = "eth0",
	  .type = LOCAL, .decision = CHATDNAT_DST_LEAVE,
	  .socket = CHATDNAT_SOCKET_BOUND },
	{ .name = "ephemeral, no socket", .settings = TURN, .proto = UDP,
	  .saddr = CLIENT, .daddr = OWN, .dport = 50000, .in = "eth0",
	  .type = LOCAL, .decision = CHATDNAT_DST_TRANSLATE,
	  .socket = CHATDNAT_SOCKET_NONE },
	{ .name = "ephemeral, draining, a socket waits",
	  .settings = TURN " enabled=0", .proto = UDP, .saddr = CLIENT,
	  .daddr = OWN, .dport = 50000, .in = "eth0", .type = LOCAL,
	  .decision = CHATDNAT_DST_LEAVE, .socket = CHATDNAT_SOCKET_BOUND },
	{ .name = "ephemeral, draining, no socket",
	  .settings = TURN " enabled=0", .proto = UDP, .saddr = CLIENT,
	  .daddr = OWN, .dport = 50000, .in = "eth0", .type = LOCAL,
	  .decision = CHATDNAT_DST_DRAIN, .socket = CHATDNAT_SOCKET_NONE },
	{ .name = "ephemeral, by itself", .settings = V4 " ports=50000/udp",
	  .proto = UDP, .saddr = CLIENT, .daddr = OWN, .dport = 50000,
	  .in = "eth0", .type = LOCAL, .decision = CHATDNAT_DST_TRANSLATE,
	  .socket = CHATDNAT_SOCKET_BOUND },
	{ .name = "ephemeral, of TCP", .settings = V4 " ports=49152-65535",
	  .proto = TCP, .saddr = CLIENT, .daddr = OWN, .dport = 50000,
	  .in = "eth0", .type = LOCAL, .decision = CHATDNAT_DST_TRANSLATE,
	  .socket = CHATDNAT_SOCKET_BOUND },
	{ .name = "the last that is not ephemeral",
	  .settings = V4 " ports=32000-33000/udp", .proto = UDP,
	  .saddr = CLIENT, .daddr = OWN, .dport = 32767, .in = "eth0",
	  .type = LOCAL, .decision = CHATDNAT_DST_TRANSLATE },
	{ .name = "the first that is ephemeral",
	  .settings = V4 " ports=32000-33000/udp", .proto = UDP,
	  .saddr = CLIENT, .daddr = OWN, .dport = 32768, .in = "eth0",
	  .type = LOCAL, .decision = CHATDNAT_DST_LOOK_UP_SOCKET },
	{ .name = "TURN's own port", .settings = TURN, .proto = UDP,
	  .saddr = CLIENT, .daddr = OWN, .dport = 3478, .in = "eth0",
	  .type = LOCAL, .decision = CHATDNAT_DST_TRANSLATE },
	/* IPv6 */
	{ .name = "IPv6, to this host", .settings = V6, .proto = TCP,
	  .saddr = "2001:db8::9", .daddr = "2001:db8::1", .dport = 25,
	  .in = "eth0", .type = LOCAL, .decision = CHATDNAT_DST_TRANSLATE },
	{ .name = "IPv6, from a link-local address", .settings = V6,
	  .proto = TCP, .saddr = "fe80::9", .daddr = "2001:db8::1", .dport = 25,
	  .in = "eth0", .type = UNKNOWN, .decision = CHATDNAT_DST_LEAVE },
	{ .name = "IPv6, to a link-local address", .settings = V6, .proto = TCP,
	  .saddr = "2001:db8::9", .daddr = "fe80::1", .dport = 25, .in = "eth0",
	  .type = UNKNOWN, .decision = CHATDNAT_DST_LEAVE },
	{ .name = "IPv6, from WAN, to the loopback address", .settings = V6,
	  .proto = TCP, .saddr = "2001:db8::9", .daddr = "::1", .dport = 25,
	  .in = "eth0", .type = LOCAL, .decision = CHATDNAT_DST_LEAVE },
	{ .name = "IPv6, to the relay itself", .settings = V6, .proto = TCP,
	  .saddr = "2001:db8::9", .daddr = "fd00::2", .dport = 25, .in = "eth0",
	  .type = UNICAST, .decision = CHATDNAT_DST_LEAVE },
	{ .name = "IPv4, link-local is routed", .settings = V4, .proto = TCP,
	  .saddr = "169.254.1.1", .daddr = OWN, .dport = 25, .in = "eth0",
	  .type = LOCAL, .decision = CHATDNAT_DST_TRANSLATE },
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
		.midstream = row->midstream,
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
	{ .name = "out by WAN, first asks whose", .settings = V4, .in = "eth1",
	  .out = "eth0", .type = UNKNOWN, .decision = LOOK_UP },
	{ .name = "out by WAN, another host's", .settings = V4, .in = "eth1",
	  .out = "eth0", .type = UNICAST, .decision = TAKE },
	{ .name = "out by WAN, this host's", .settings = V4, .in = "eth1",
	  .out = "eth0", .type = LOCAL, .decision = LEAVE },
	{ .name = "out by WAN, a group's", .settings = V4, .in = "eth1",
	  .out = "eth0", .type = GROUP, .decision = TAKE },
	{ .name = "out by WAN, from WAN", .settings = V4, .in = "eth0",
	  .out = "eth0", .type = UNKNOWN, .decision = LEAVE, .from_wan = true },
	{ .name = "out by WAN, from WAN, all", .settings = ALL, .in = "eth0",
	  .out = "eth0", .type = UNICAST, .decision = LEAVE, .from_wan = true },
	{ .name = "out by WAN, out of IPsec", .settings = V4, .in = "eth0",
	  .out = "eth0", .type = UNICAST, .decision = TAKE },
	{ .name = "out by another", .settings = V4, .in = "eth0", .out = "eth1",
	  .type = UNKNOWN, .decision = LEAVE },
	{ .name = "between others", .settings = V4, .in = "eth1", .out = "eth2",
	  .type = UNKNOWN, .decision = LEAVE },
	{ .name = "sent by this host", .settings = V4, .out = "eth0",
	  .type = UNKNOWN, .decision = LEAVE },
	{ .name = "off", .settings = OFF, .in = "eth1", .out = "eth0",
	  .type = UNICAST, .decision = LEAVE },
	{ .name = "all, out by WAN", .settings = ALL, .in = "eth1",
	  .out = "eth0", .type = UNICAST, .decision = TAKE },
	{ .name = "all, out by another, not ours", .settings = ALL,
	  .in = "eth0", .out = "eth1", .type = UNICAST, .decision = LEAVE },
	{ .name = "into a tunnel of IPsec", .settings = V4, .in = "eth1",
	  .out = "eth0", .type = UNICAST, .decision = LEAVE,
	  .transformed = true },
	{ .name = "translated, inwards", .settings = V4, .in = "eth0",
	  .out = "eth1", .type = UNKNOWN, .decision = LEAVE,
	  .translated = true },
	{ .name = "translated, inwards, all", .settings = ALL, .in = "eth0",
	  .out = "eth1", .type = UNKNOWN, .decision = TAKE,
	  .translated = true },
	{ .name = "translated, inwards, off", .settings = OFF, .in = "eth0",
	  .out = "eth1", .type = UNKNOWN, .decision = LEAVE,
	  .translated = true },
	{ .name = "translated, out by WAN", .settings = V4, .in = "eth0",
	  .out = "eth0", .type = UNKNOWN, .decision = TAKE, .translated = true,
	  .from_wan = true },
	{ .name = "translated, out by WAN, off", .settings = OFF, .in = "eth0",
	  .out = "eth0", .type = UNKNOWN, .decision = LEAVE,
	  .translated = true },
	{ .name = "translated, by WAN and IPsec", .settings = V4, .in = "eth0",
	  .out = "eth0", .type = UNKNOWN, .decision = LEAVE, .translated = true,
	  .transformed = true },
	{ .name = "translated, by WAN and IPsec, all", .settings = ALL,
	  .in = "eth0", .out = "eth0", .type = UNKNOWN, .decision = TAKE,
	  .translated = true, .transformed = true },
	{ .name = "translated, turns back", .settings = V4 HAIRPIN,
	  .in = "eth1", .out = "eth1", .type = UNKNOWN, .decision = TAKE,
	  .translated = true },
	{ .name = "translated, turns back, off", .settings = OFF HAIRPIN,
	  .in = "eth1", .out = "eth1", .type = UNKNOWN, .decision = TAKE,
	  .translated = true },
	{ .name = "translated, between others", .settings = V4 HAIRPIN,
	  .in = "eth1", .out = "eth2", .type = UNKNOWN, .decision = LEAVE,
	  .translated = true },
	{ .name = "translated, sent by this host", .settings = V4,
	  .out = "eth1", .type = UNKNOWN, .decision = TAKE,
	  .translated = true },
	{ .name = "translated, sent by this host, off", .settings = OFF,
	  .out = "eth1", .type = UNKNOWN, .decision = TAKE,
	  .translated = true },
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
