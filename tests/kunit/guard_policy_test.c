// SPDX-License-Identifier: GPL-2.0
/* Whom the guard lets in. */
#include <linux/in.h>

#include "chatdnat_test.h"
#include "module/policy/guard_policy.h"

#define SETTINGS "wan=eth0 v4=10.9.0.2 v6=fd00::2 ports=chatmail,turn guard=full allow=22,5000-5010/udp,gre"

#define NEW		CHATDNAT_TRACK_NEW
#define UNTRACKED	CHATDNAT_TRACK_UNTRACKED
#define INVALID		CHATDNAT_TRACK_INVALID

#define ADMIT		CHATDNAT_ADMIT
#define SOME		CHATDNAT_ADMIT_SOME
#define REFUSE		CHATDNAT_REFUSE
#define AS_INVALID	CHATDNAT_REFUSE_INVALID
#define LOOK_UP		CHATDNAT_ADMIT_LOOK_UP_SOCKET

#define NONE		CHATDNAT_SOCKET_NONE
#define BOUND		CHATDNAT_SOCKET_BOUND

#define TCP		IPPROTO_TCP
#define UDP		IPPROTO_UDP

/*
 * @middle: a TCP segment without SYN; @inside: it entered by no WAN interface;
 * @to_wan: it leaves by one; @continues: it has no SYN, and flags that exist;
 * @own_source: its source is an address of this host
 */
static const struct packet {
	const char *name;
	enum chatdnat_track track;
	u8 protocol;
	const char *saddr;
	u16 sport;
	const char *daddr;
	u16 dport;
	enum chatdnat_admission forward;
	enum chatdnat_admission input;
	bool middle;
	enum chatdnat_socket socket;
	bool settling;
	bool inside;
	bool to_wan;
	bool continues;
	bool own_source;
} entrants[] = {
	{ "a served port of the relay", NEW, TCP, "203.0.113.9", 40000,
	  "10.9.0.2", 25, ADMIT, REFUSE },
	{ "a served port of UDP", NEW, UDP, "203.0.113.9", 40000, "10.9.0.2",
	  3478, ADMIT, REFUSE },
	{ "that port of TCP", NEW, TCP, "203.0.113.9", 40000, "10.9.0.2", 3478,
	  REFUSE, REFUSE },
	{ "another port of the relay", NEW, TCP, "203.0.113.9", 40000,
	  "10.9.0.2", 26, REFUSE, REFUSE },
	{ "a served port of another host", NEW, TCP, "203.0.113.9", 40000,
	  "10.9.0.3", 25, REFUSE, REFUSE },
	{ "a served port, as source", NEW, TCP, "203.0.113.9", 25, "10.9.0.2",
	  40000, REFUSE, REFUSE },
	{ "SSH to the relay", NEW, TCP, "203.0.113.9", 40000, "10.9.0.2", 22,
	  REFUSE, ADMIT },
	{ "SSH to this host", NEW, TCP, "203.0.113.9", 40000, "192.0.2.1", 22,
	  REFUSE, ADMIT },
	{ "SSH's number of UDP", NEW, UDP, "203.0.113.9", 40000, "192.0.2.1",
	  22, REFUSE, REFUSE },
	{ "an allowed range of UDP", NEW, UDP, "203.0.113.9", 40000,
	  "192.0.2.1", 5010, REFUSE, ADMIT },
	{ "behind that range", NEW, UDP, "203.0.113.9", 40000, "192.0.2.1",
	  5011, REFUSE, REFUSE },
	{ "invalid, to a served port", INVALID, TCP, "203.0.113.9", 40000,
	  "10.9.0.2", 25, AS_INVALID, AS_INVALID },
	{ "invalid, to an allowed port", INVALID, TCP, "203.0.113.9", 40000,
	  "192.0.2.1", 22, AS_INVALID, AS_INVALID },
	{ "invalid, in the middle", INVALID, TCP, "203.0.113.9", 40000,
	  "192.0.2.1", 22, AS_INVALID, AS_INVALID, true },
	{ "invalid, continues a served port", INVALID, TCP, "203.0.113.9", 40000,
	  "10.9.0.2", 25, ADMIT, AS_INVALID, true, .continues = true },
	{ "invalid, continues a served port, IPv6", INVALID, TCP, "2001:db8::9",
	  40000, "fd00::2", 25, ADMIT, AS_INVALID, true, .continues = true },
	{ "invalid, in the middle, to a served port", INVALID, TCP,
	  "203.0.113.9", 40000, "10.9.0.2", 25, AS_INVALID, AS_INVALID, true },
	{ "invalid, continues another port", INVALID, TCP, "203.0.113.9", 40000,
	  "10.9.0.2", 26, AS_INVALID, AS_INVALID, true, .continues = true },
	{ "invalid, continues a served port of UDP", INVALID, TCP,
	  "203.0.113.9", 40000, "10.9.0.2", 3478, AS_INVALID, AS_INVALID, true,
	  .continues = true },
	{ "invalid, continues an allowed port", INVALID, TCP, "203.0.113.9",
	  40000, "192.0.2.1", 22, AS_INVALID, AS_INVALID, true,
	  .continues = true },
	{ "invalid, continues a served port of another host", INVALID, TCP,
	  "203.0.113.9", 40000, "10.9.0.3", 25, AS_INVALID, AS_INVALID, true,
	  .continues = true },
	{ "invalid, continues, the relay's", INVALID, TCP, "10.9.0.2", 25,
	  "203.0.113.9", 40000, ADMIT, AS_INVALID, true, NONE, false, true,
	  true, true },
	{ "invalid, continues, the relay's, translated", INVALID, TCP,
	  "192.0.2.1", 25, "203.0.113.9", 40000, ADMIT, AS_INVALID, true, NONE,
	  false, true, true, true, true },
	{ "invalid, in this host's name from the WAN", INVALID, TCP,
	  "192.0.2.1", 25, "203.0.113.9", 40000, AS_INVALID, AS_INVALID, true,
	  NONE, false, false, true, true, true },
	{ "invalid, another inside host's", INVALID, TCP, "10.9.0.7", 25,
	  "203.0.113.9", 40000, AS_INVALID, AS_INVALID, true, NONE, false, true,
	  true, true },
	{ "untracked, continues a served port", UNTRACKED, TCP, "203.0.113.9",
	  40000, "10.9.0.2", 25, AS_INVALID, AS_INVALID, true,
	  .continues = true },
	{ "continues another port", NEW, TCP, "203.0.113.9", 40000, "10.9.0.2",
	  26, REFUSE, REFUSE, true, NONE, .continues = true },
	{ "untracked, to a served port", UNTRACKED, TCP, "203.0.113.9", 40000,
	  "10.9.0.2", 25, AS_INVALID, AS_INVALID },
	{ "untracked, to an allowed port", UNTRACKED, TCP, "203.0.113.9", 40000,
	  "192.0.2.1", 22, AS_INVALID, ADMIT },
	{ "untracked, in the middle", UNTRACKED, TCP, "203.0.113.9", 40000,
	  "192.0.2.1", 999, AS_INVALID, AS_INVALID, true },
	{ "in the middle, to any port", NEW, TCP, "203.0.113.9", 40000,
	  "10.9.0.7", 999, REFUSE, LOOK_UP, true },
	{ "in the middle, IPv6", NEW, TCP, "2001:db8::9", 40000, "fd00::7", 999,
	  REFUSE, LOOK_UP, true },
	{ "in the middle, of no socket", NEW, TCP, "203.0.113.9", 40000,
	  "192.0.2.1", 999, REFUSE, REFUSE, true, NONE },
	{ "in the middle, of a socket", NEW, TCP, "203.0.113.9", 40000,
	  "192.0.2.1", 999, REFUSE, ADMIT, true, BOUND },
	{ "opening, of a socket", NEW, TCP, "203.0.113.9", 40000, "192.0.2.1",
	  999, REFUSE, REFUSE, false, BOUND },
	{ "untracked, in the middle, of a socket", UNTRACKED, TCP,
	  "203.0.113.9", 40000, "192.0.2.1", 999, AS_INVALID, AS_INVALID, true,
	  BOUND },
	{ "in the middle, to an allowed port", NEW, TCP, "203.0.113.9", 40000,
	  "192.0.2.1", 22, REFUSE, ADMIT, true, NONE },
	{ "in the middle, to a served port", NEW, TCP, "203.0.113.9", 40000,
	  "10.9.0.2", 25, ADMIT, REFUSE, true, NONE },
	{ "in the middle, at first", NEW, TCP, "203.0.113.9", 40000, "10.9.0.7",
	  999, ADMIT, REFUSE, true, NONE, true },
	{ "opening, at first", NEW, TCP, "203.0.113.9", 40000, "10.9.0.7", 999,
	  REFUSE, REFUSE, false, NONE, true },
	{ "UDP, at first", NEW, UDP, "203.0.113.9", 40000, "10.9.0.7", 999,
	  REFUSE, REFUSE, true, NONE, true },
	{ "the relay's, outward", NEW, TCP, "10.9.0.2", 40000, "203.0.113.9",
	  25, ADMIT, REFUSE, false, NONE, false, true, true },
	{ "the relay's, in the middle", NEW, TCP, "10.9.0.2", 25, "203.0.113.9",
	  40000, ADMIT, REFUSE, true, NONE, false, true, true },
	{ "the relay's, of another protocol", NEW, IPPROTO_ESP, "10.9.0.2", 0,
	  "203.0.113.9", 0, ADMIT, REFUSE, false, NONE, false, true, true },
	{ "the relay's, of IPv6", NEW, UDP, "fd00::2", 40000, "2001:db8::9", 53,
	  ADMIT, REFUSE, false, NONE, false, true, true },
	{ "the relay's, untracked", UNTRACKED, TCP, "10.9.0.2", 40000,
	  "203.0.113.9", 25, AS_INVALID, AS_INVALID, false, NONE, false, true,
	  true },
	{ "the relay's, invalid", INVALID, TCP, "10.9.0.2", 40000,
	  "203.0.113.9", 25, AS_INVALID, AS_INVALID, false, NONE, false, true,
	  true },
	{ "the relay's, to another host inside", NEW, TCP, "10.9.0.2", 40000,
	  "10.9.0.7", 25, REFUSE, REFUSE, false, NONE, false, true, false },
	{ "in the relay's name, from outside", NEW, TCP, "10.9.0.2", 40000,
	  "203.0.113.9", 25, REFUSE, REFUSE, false, NONE, false, false, true },
	{ "another inside host's, outward", NEW, TCP, "10.9.0.7", 40000,
	  "203.0.113.9", 25, REFUSE, REFUSE, false, NONE, false, true, true },
	{ "from inside, to a served port", NEW, TCP, "10.9.0.7", 40000,
	  "10.9.0.2", 25, ADMIT, REFUSE, false, NONE, false, true },
	{ "from inside, to an allowed port", NEW, TCP, "10.9.0.2", 40000,
	  "192.0.2.1", 22, REFUSE, ADMIT, false, NONE, false, true },
	{ "from inside, to another port", NEW, TCP, "10.9.0.2", 40000,
	  "192.0.2.1", 80, REFUSE, REFUSE, false, NONE, false, true },
	{ "UDP has no middle", NEW, UDP, "203.0.113.9", 40000, "10.9.0.7", 999,
	  REFUSE, REFUSE, true },
	{ "IPv6, a served port of the relay", NEW, TCP, "2001:db8::9", 40000,
	  "fd00::2", 993, ADMIT, REFUSE },
	{ "IPv6, another host", NEW, TCP, "2001:db8::9", 40000, "fd00::3", 993,
	  REFUSE, REFUSE },
	{ "IPv6, SSH to this host", NEW, TCP, "2001:db8::9", 40000,
	  "2001:db8::1", 22, REFUSE, ADMIT },
	{ "an allowed protocol", NEW, IPPROTO_GRE, "203.0.113.9", 0,
	  "192.0.2.1", 0, REFUSE, ADMIT },
	{ "an allowed protocol, to a group", NEW, IPPROTO_GRE, "203.0.113.9", 0,
	  "224.0.0.18", 0, REFUSE, ADMIT },
	{ "an allowed protocol, of IPv6", NEW, IPPROTO_GRE, "fe80::1", 0,
	  "ff02::12", 0, REFUSE, ADMIT },
	{ "an allowed protocol, untracked", UNTRACKED, IPPROTO_GRE,
	  "203.0.113.9", 0, "192.0.2.1", 0, AS_INVALID, ADMIT },
	{ "an allowed protocol, invalid", INVALID, IPPROTO_GRE, "203.0.113.9",
	  0, "192.0.2.1", 0, AS_INVALID, AS_INVALID },
	{ "ESP", NEW, IPPROTO_ESP, "203.0.113.9", 0, "192.0.2.1", 0, REFUSE,
	  REFUSE },
	{ "SCTP to a served port", NEW, IPPROTO_SCTP, "203.0.113.9", 40000,
	  "10.9.0.2", 25, REFUSE, REFUSE },
	{ "an answer of DHCP", NEW, UDP, "192.0.2.254", 67, "192.0.2.1", 68,
	  REFUSE, ADMIT },
	{ "a query of DHCP", NEW, UDP, "0.0.0.0", 68, "255.255.255.255", 67,
	  REFUSE, REFUSE },
	{ "DHCP's ports of TCP", NEW, TCP, "192.0.2.254", 67, "192.0.2.1", 68,
	  REFUSE, REFUSE },
	{ "to DHCP's port from another", NEW, UDP, "192.0.2.254", 66,
	  "192.0.2.1", 68, REFUSE, REFUSE },
	{ "an untracked answer of DHCP", UNTRACKED, UDP, "192.0.2.254", 67,
	  "192.0.2.1", 68, AS_INVALID, ADMIT },
	{ "an answer of DHCPv6", NEW, UDP, "fe80::1", 547, "fe80::2", 546,
	  REFUSE, ADMIT },
	{ "an answer of DHCPv6 from afar", NEW, UDP, "2001:db8::1", 547,
	  "fe80::2", 546, REFUSE, REFUSE },
	{ "DHCPv6's ports in IPv4", NEW, UDP, "192.0.2.254", 547, "192.0.2.1",
	  546, REFUSE, REFUSE },
	{ "DHCP's ports in IPv6", NEW, UDP, "fe80::1", 67, "fe80::2", 68,
	  REFUSE, REFUSE },
};
KUNIT_ARRAY_PARAM_DESC(entrants, entrants, name);

static void entrant_of(struct kunit *test, const struct packet *row,
		       struct chatdnat_guard_packet *packet)
{
	*packet = (struct chatdnat_guard_packet){
		.track = row->track,
		.protocol = row->protocol,
		.flow = {
			.family = chatdnat_test_family(row->saddr),
			.proto = row->protocol == UDP ? CHATDNAT_UDP
						      : CHATDNAT_TCP,
			.saddr = chatdnat_test_addr(test, row->saddr),
			.daddr = chatdnat_test_addr(test, row->daddr),
			.sport = row->sport,
			.dport = row->dport,
		},
		.opens = !row->middle,
		.continues = row->continues,
		.own_source = row->own_source,
		.from_wan = !row->inside,
		.to_wan = row->to_wan,
		.settling = row->settling,
		.socket = row->socket,
		.hop_limit = 64,
	};
}

static void forward(struct kunit *test)
{
	const struct packet *row = test->param_value;
	struct chatdnat_guard_packet packet;

	entrant_of(test, row, &packet);
	KUNIT_EXPECT_EQ(test, row->forward,
			chatdnat_guard_policy_forward(chatdnat_test_settings(test,
									     SETTINGS),
						      &packet));
}

static void input(struct kunit *test)
{
	const struct packet *row = test->param_value;
	struct chatdnat_guard_packet packet;

	entrant_of(test, row, &packet);
	KUNIT_EXPECT_EQ(test, row->input,
			chatdnat_guard_policy_input(chatdnat_test_settings(test,
									   SETTINGS),
						    &packet));
}

static const struct icmp {
	const char *name;
	const char *saddr;
	const char *daddr;
	u8 protocol;
	u8 type;
	u8 hop_limit;
	enum chatdnat_track track;
	enum chatdnat_admission forward;
	enum chatdnat_admission input;
} icmps[] = {
	{ "ping to this host", "203.0.113.9", "192.0.2.1", IPPROTO_ICMP, 8, 64,
	  NEW, REFUSE, SOME },
	{ "ping to the relay", "203.0.113.9", "10.9.0.2", IPPROTO_ICMP, 8, 64,
	  NEW, ADMIT, SOME },
	{ "ping to another host", "203.0.113.9", "10.9.0.3", IPPROTO_ICMP, 8,
	  64, NEW, REFUSE, SOME },
	{ "IPv6 ping to the relay", "2001:db8::9", "fd00::2", IPPROTO_ICMPV6,
	  128, 64, NEW, ADMIT, SOME },
	{ "ICMPv6's ping in IPv4", "203.0.113.9", "10.9.0.2", IPPROTO_ICMPV6,
	  128, 64, NEW, REFUSE, REFUSE },
	{ "ICMP's ping in IPv6", "2001:db8::9", "fd00::2", IPPROTO_ICMP, 8, 64,
	  NEW, REFUSE, REFUSE },
	{ "type 128 of ICMP", "203.0.113.9", "10.9.0.2", IPPROTO_ICMP, 128, 64,
	  NEW, REFUSE, REFUSE },
	{ "an error about what is not tracked", "203.0.113.9", "192.0.2.1",
	  IPPROTO_ICMP, 3, 64, INVALID, AS_INVALID, ADMIT },
	{ "time exceeded", "203.0.113.9", "192.0.2.1", IPPROTO_ICMP, 11, 64,
	  NEW, REFUSE, ADMIT },
	{ "a parameter problem", "203.0.113.9", "192.0.2.1", IPPROTO_ICMP, 12,
	  64, NEW, REFUSE, ADMIT },
	{ "an unasked pong", "203.0.113.9", "192.0.2.1", IPPROTO_ICMP, 0, 64,
	  NEW, REFUSE, REFUSE },
	{ "source quench", "203.0.113.9", "192.0.2.1", IPPROTO_ICMP, 4, 64, NEW,
	  REFUSE, REFUSE },
	{ "redirect", "203.0.113.9", "192.0.2.1", IPPROTO_ICMP, 5, 255, NEW,
	  REFUSE, REFUSE },
	{ "timestamp", "203.0.113.9", "192.0.2.1", IPPROTO_ICMP, 13, 64, NEW,
	  REFUSE, REFUSE },
	{ "type 0 of ICMPv6", "2001:db8::9", "2001:db8::1", IPPROTO_ICMPV6, 0,
	  255, NEW, REFUSE, REFUSE },
	{ "packet too big", "2001:db8::9", "2001:db8::1", IPPROTO_ICMPV6, 2, 64,
	  UNTRACKED, AS_INVALID, ADMIT },
	{ "type 5 of ICMPv6", "2001:db8::9", "2001:db8::1", IPPROTO_ICMPV6, 5,
	  255, NEW, REFUSE, REFUSE },
	{ "unasked IPv6 pong", "2001:db8::9", "2001:db8::1", IPPROTO_ICMPV6,
	  129, 64, NEW, REFUSE, REFUSE },
	{ "listener query", "fe80::1", "ff02::1", IPPROTO_ICMPV6, 130, 1, NEW,
	  REFUSE, ADMIT },
	{ "listener query from afar", "2001:db8::9", "ff02::1", IPPROTO_ICMPV6,
	  130, 1, NEW, REFUSE, REFUSE },
	{ "listener query, forwarded", "fe80::1", "ff02::1", IPPROTO_ICMPV6,
	  130, 64, NEW, REFUSE, REFUSE },
	{ "listener report without address", "::", "ff02::16", IPPROTO_ICMPV6,
	  143, 1, NEW, REFUSE, ADMIT },
	{ "router advertisement", "fe80::1", "ff02::1", IPPROTO_ICMPV6, 134,
	  255, UNTRACKED, AS_INVALID, ADMIT },
	{ "router advertisement, forwarded", "fe80::1", "ff02::1",
	  IPPROTO_ICMPV6, 134, 254, UNTRACKED, AS_INVALID, REFUSE },
	{ "neighbour solicitation", "2001:db8::9", "ff02::1", IPPROTO_ICMPV6,
	  135, 255, UNTRACKED, AS_INVALID, ADMIT },
	{ "neighbour advertisement", "2001:db8::9", "2001:db8::1",
	  IPPROTO_ICMPV6, 136, 255, UNTRACKED, AS_INVALID, ADMIT },
	{ "redirect of IPv6", "fe80::1", "2001:db8::1", IPPROTO_ICMPV6, 137,
	  255, UNTRACKED, AS_INVALID, REFUSE },
	{ "router renumbering", "fe80::1", "2001:db8::1", IPPROTO_ICMPV6, 138,
	  255, NEW, REFUSE, REFUSE },
	{ "inverse solicitation", "fe80::1", "ff02::1", IPPROTO_ICMPV6, 141,
	  255, NEW, REFUSE, ADMIT },
	{ "home agent discovery", "fe80::1", "2001:db8::1", IPPROTO_ICMPV6, 144,
	  255, NEW, REFUSE, REFUSE },
	{ "certificate path", "fe80::1", "ff02::1", IPPROTO_ICMPV6, 149, 255,
	  NEW, REFUSE, ADMIT },
	{ "router discovery of groups", "fe80::1", "ff02::6a", IPPROTO_ICMPV6,
	  151, 1, NEW, REFUSE, ADMIT },
	{ "type 150", "fe80::1", "ff02::1", IPPROTO_ICMPV6, 150, 255, NEW,
	  REFUSE, REFUSE },
	{ "type 154", "fe80::1", "ff02::1", IPPROTO_ICMPV6, 154, 1, NEW, REFUSE,
	  REFUSE },
	{ "type 255", "fe80::1", "ff02::1", IPPROTO_ICMPV6, 255, 255, NEW,
	  REFUSE, REFUSE },
};
KUNIT_ARRAY_PARAM_DESC(icmps, icmps, name);

static void icmp(struct kunit *test)
{
	const struct icmp *row = test->param_value;
	const struct chatdnat_guard_packet packet = {
		.track = row->track,
		.protocol = row->protocol,
		.flow = {
			.family = chatdnat_test_family(row->saddr),
			.saddr = chatdnat_test_addr(test, row->saddr),
			.daddr = chatdnat_test_addr(test, row->daddr),
		},
		.icmp_type = row->type,
		.hop_limit = row->hop_limit,
	};
	const struct chatdnat_settings *settings;

	settings = chatdnat_test_settings(test, SETTINGS);
	KUNIT_EXPECT_EQ(test, row->forward,
			chatdnat_guard_policy_forward(settings, &packet));
	KUNIT_EXPECT_EQ(test, row->input,
			chatdnat_guard_policy_input(settings, &packet));
}

/* On a clock that began anywhere, and does not come round. */
static void settling(struct kunit *test)
{
	static const s64 begins[] = { 0, 1, 5000, U32_MAX, S64_MAX / 2 };
	static const s64 over[] = { CHATDNAT_GUARD_SETTLES, U16_MAX, U32_MAX,
				    U32_MAX + 10LL, S64_MAX / 4 };
	int i, k;

	for (i = 0; i < ARRAY_SIZE(begins); i++) {
		s64 begin = begins[i], last = begin + CHATDNAT_GUARD_SETTLES - 1;

		KUNIT_EXPECT_TRUE(test, chatdnat_guard_policy_settling(begin, begin));
		KUNIT_EXPECT_TRUE(test, chatdnat_guard_policy_settling(begin, last));
		for (k = 0; k < ARRAY_SIZE(over); k++)
			KUNIT_EXPECT_FALSE(test, chatdnat_guard_policy_settling(begin,
										begin + over[k]));
	}
}

static struct kunit_case cases[] = {
	KUNIT_CASE(settling),
	KUNIT_CASE_PARAM(forward, entrants_gen_params),
	KUNIT_CASE_PARAM(input, entrants_gen_params),
	KUNIT_CASE_PARAM(icmp, icmps_gen_params),
	{}
};

static struct kunit_suite suite = {
	.name = "chatdnat_guard_policy",
	.test_cases = cases,
};
kunit_test_suite(suite);
