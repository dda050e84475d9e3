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
 * @middle: a TCP segment without SYN; @inside: it arrived on no WAN interface;
 * @to_wan: it leaves through one; @continues: it has no SYN, and valid flags;
 * @local_source: its source is an address of this host
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
	bool local_source;
} packets[] = {
	{ .name = "a served port of the relay", .track = NEW, .protocol = TCP,
	  .saddr = "203.0.113.9", .sport = 40000, .daddr = "10.9.0.2",
	  .dport = 25, .forward = ADMIT, .input = REFUSE },
	{ .name = "a served port of UDP", .track = NEW, .protocol = UDP,
	  .saddr = "203.0.113.9", .sport = 40000, .daddr = "10.9.0.2",
	  .dport = 3478, .forward = ADMIT, .input = REFUSE },
	{ .name = "that port of TCP", .track = NEW, .protocol = TCP,
	  .saddr = "203.0.113.9", .sport = 40000, .daddr = "10.9.0.2",
	  .dport = 3478, .forward = REFUSE, .input = REFUSE },
	{ .name = "another port of the relay", .track = NEW, .protocol = TCP,
	  .saddr = "203.0.113.9", .sport = 40000, .daddr = "10.9.0.2",
	  .dport = 26, .forward = REFUSE, .input = REFUSE },
	{ .name = "a served port of another host", .track = NEW,
	  .protocol = TCP, .saddr = "203.0.113.9", .sport = 40000,
	  .daddr = "10.9.0.3", .dport = 25, .forward = REFUSE,
	  .input = REFUSE },
	{ .name = "a served port, as source", .track = NEW, .protocol = TCP,
	  .saddr = "203.0.113.9", .sport = 25, .daddr = "10.9.0.2",
	  .dport = 40000, .forward = REFUSE, .input = REFUSE },
	{ .name = "SSH to the relay", .track = NEW, .protocol = TCP,
	  .saddr = "203.0.113.9", .sport = 40000, .daddr = "10.9.0.2",
	  .dport = 22, .forward = REFUSE, .input = ADMIT },
	{ .name = "SSH to this host", .track = NEW, .protocol = TCP,
	  .saddr = "203.0.113.9", .sport = 40000, .daddr = "192.0.2.1",
	  .dport = 22, .forward = REFUSE, .input = ADMIT },
	{ .name = "SSH's number of UDP", .track = NEW, .protocol = UDP,
	  .saddr = "203.0.113.9", .sport = 40000, .daddr = "192.0.2.1",
	  .dport = 22, .forward = REFUSE, .input = REFUSE },
	{ .name = "an allowed range of UDP", .track = NEW, .protocol = UDP,
	  .saddr = "203.0.113.9", .sport = 40000, .daddr = "192.0.2.1",
	  .dport = 5010, .forward = REFUSE, .input = ADMIT },
	{ .name = "after that range", .track = NEW, .protocol = UDP,
	  .saddr = "203.0.113.9", .sport = 40000, .daddr = "192.0.2.1",
	  .dport = 5011, .forward = REFUSE, .input = REFUSE },
	{ .name = "invalid, to a served port", .track = INVALID,
	  .protocol = TCP, .saddr = "203.0.113.9", .sport = 40000,
	  .daddr = "10.9.0.2", .dport = 25, .forward = AS_INVALID,
	  .input = AS_INVALID },
	{ .name = "invalid, to an allowed port", .track = INVALID,
	  .protocol = TCP, .saddr = "203.0.113.9", .sport = 40000,
	  .daddr = "192.0.2.1", .dport = 22, .forward = AS_INVALID,
	  .input = AS_INVALID },
	{ .name = "invalid, in the middle", .track = INVALID, .protocol = TCP,
	  .saddr = "203.0.113.9", .sport = 40000, .daddr = "192.0.2.1",
	  .dport = 22, .forward = AS_INVALID, .input = AS_INVALID,
	  .middle = true },
	{ .name = "invalid, continues a served port", .track = INVALID,
	  .protocol = TCP, .saddr = "203.0.113.9", .sport = 40000,
	  .daddr = "10.9.0.2", .dport = 25, .forward = ADMIT,
	  .input = AS_INVALID, .middle = true, .continues = true },
	{ .name = "invalid, continues a served port, IPv6", .track = INVALID,
	  .protocol = TCP, .saddr = "2001:db8::9", .sport = 40000,
	  .daddr = "fd00::2", .dport = 25, .forward = ADMIT,
	  .input = AS_INVALID, .middle = true, .continues = true },
	{ .name = "invalid, in the middle, to a served port", .track = INVALID,
	  .protocol = TCP, .saddr = "203.0.113.9", .sport = 40000,
	  .daddr = "10.9.0.2", .dport = 25, .forward = AS_INVALID,
	  .input = AS_INVALID, .middle = true },
	{ .name = "invalid, continues another port", .track = INVALID,
	  .protocol = TCP, .saddr = "203.0.113.9", .sport = 40000,
	  .daddr = "10.9.0.2", .dport = 26, .forward = AS_INVALID,
	  .input = AS_INVALID, .middle = true, .continues = true },
	{ .name = "invalid, continues a served port of UDP", .track = INVALID,
	  .protocol = TCP, .saddr = "203.0.113.9", .sport = 40000,
	  .daddr = "10.9.0.2", .dport = 3478, .forward = AS_INVALID,
	  .input = AS_INVALID, .middle = true, .continues = true },
	{ .name = "invalid, continues an allowed port", .track = INVALID,
	  .protocol = TCP, .saddr = "203.0.113.9", .sport = 40000,
	  .daddr = "192.0.2.1", .dport = 22, .forward = AS_INVALID,
	  .input = AS_INVALID, .middle = true, .continues = true },
	{ .name = "invalid, continues a served port of another host",
	  .track = INVALID, .protocol = TCP, .saddr = "203.0.113.9",
	  .sport = 40000, .daddr = "10.9.0.3", .dport = 25,
	  .forward = AS_INVALID, .input = AS_INVALID, .middle = true,
	  .continues = true },
	{ .name = "invalid, continues, the relay's", .track = INVALID,
	  .protocol = TCP, .saddr = "10.9.0.2", .sport = 25,
	  .daddr = "203.0.113.9", .dport = 40000, .forward = ADMIT,
	  .input = AS_INVALID, .middle = true, .socket = NONE, .inside = true,
	  .to_wan = true, .continues = true },
	{ .name = "invalid, continues, the relay's, translated",
	  .track = INVALID, .protocol = TCP, .saddr = "192.0.2.1", .sport = 25,
	  .daddr = "203.0.113.9", .dport = 40000, .forward = ADMIT,
	  .input = AS_INVALID, .middle = true, .socket = NONE, .inside = true,
	  .to_wan = true, .continues = true, .local_source = true },
	{ .name = "invalid, in this host's name from the WAN", .track = INVALID,
	  .protocol = TCP, .saddr = "192.0.2.1", .sport = 25,
	  .daddr = "203.0.113.9", .dport = 40000, .forward = AS_INVALID,
	  .input = AS_INVALID, .middle = true, .socket = NONE, .to_wan = true,
	  .continues = true, .local_source = true },
	{ .name = "invalid, another inside host's", .track = INVALID,
	  .protocol = TCP, .saddr = "10.9.0.7", .sport = 25,
	  .daddr = "203.0.113.9", .dport = 40000, .forward = AS_INVALID,
	  .input = AS_INVALID, .middle = true, .socket = NONE, .inside = true,
	  .to_wan = true, .continues = true },
	{ .name = "untracked, continues a served port", .track = UNTRACKED,
	  .protocol = TCP, .saddr = "203.0.113.9", .sport = 40000,
	  .daddr = "10.9.0.2", .dport = 25, .forward = AS_INVALID,
	  .input = AS_INVALID, .middle = true, .continues = true },
	{ .name = "continues another port", .track = NEW, .protocol = TCP,
	  .saddr = "203.0.113.9", .sport = 40000, .daddr = "10.9.0.2",
	  .dport = 26, .forward = REFUSE, .input = REFUSE, .middle = true,
	  .socket = NONE, .continues = true },
	{ .name = "untracked, to a served port", .track = UNTRACKED,
	  .protocol = TCP, .saddr = "203.0.113.9", .sport = 40000,
	  .daddr = "10.9.0.2", .dport = 25, .forward = AS_INVALID,
	  .input = AS_INVALID },
	{ .name = "untracked, to an allowed port", .track = UNTRACKED,
	  .protocol = TCP, .saddr = "203.0.113.9", .sport = 40000,
	  .daddr = "192.0.2.1", .dport = 22, .forward = AS_INVALID,
	  .input = ADMIT },
	{ .name = "untracked, in the middle", .track = UNTRACKED,
	  .protocol = TCP, .saddr = "203.0.113.9", .sport = 40000,
	  .daddr = "192.0.2.1", .dport = 999, .forward = AS_INVALID,
	  .input = AS_INVALID, .middle = true },
	{ .name = "in the middle, to any port", .track = NEW, .protocol = TCP,
	  .saddr = "203.0.113.9", .sport = 40000, .daddr = "10.9.0.7",
	  .dport = 999, .forward = REFUSE, .input = LOOK_UP, .middle = true },
	{ .name = "in the middle, IPv6", .track = NEW, .protocol = TCP,
	  .saddr = "2001:db8::9", .sport = 40000, .daddr = "fd00::7",
	  .dport = 999, .forward = REFUSE, .input = LOOK_UP, .middle = true },
	{ .name = "in the middle, of no socket", .track = NEW, .protocol = TCP,
	  .saddr = "203.0.113.9", .sport = 40000, .daddr = "192.0.2.1",
	  .dport = 999, .forward = REFUSE, .input = REFUSE, .middle = true,
	  .socket = NONE },
	{ .name = "in the middle, of a socket", .track = NEW, .protocol = TCP,
	  .saddr = "203.0.113.9", .sport = 40000, .daddr = "192.0.2.1",
	  .dport = 999, .forward = REFUSE, .input = ADMIT, .middle = true,
	  .socket = BOUND },
	{ .name = "opening, of a socket", .track = NEW, .protocol = TCP,
	  .saddr = "203.0.113.9", .sport = 40000, .daddr = "192.0.2.1",
	  .dport = 999, .forward = REFUSE, .input = REFUSE, .socket = BOUND },
	{ .name = "untracked, in the middle, of a socket", .track = UNTRACKED,
	  .protocol = TCP, .saddr = "203.0.113.9", .sport = 40000,
	  .daddr = "192.0.2.1", .dport = 999, .forward = AS_INVALID,
	  .input = AS_INVALID, .middle = true, .socket = BOUND },
	{ .name = "in the middle, to an allowed port", .track = NEW,
	  .protocol = TCP, .saddr = "203.0.113.9", .sport = 40000,
	  .daddr = "192.0.2.1", .dport = 22, .forward = REFUSE, .input = ADMIT,
	  .middle = true, .socket = NONE },
	{ .name = "in the middle, to a served port", .track = NEW,
	  .protocol = TCP, .saddr = "203.0.113.9", .sport = 40000,
	  .daddr = "10.9.0.2", .dport = 25, .forward = ADMIT, .input = REFUSE,
	  .middle = true, .socket = NONE },
	{ .name = "in the middle, at first", .track = NEW, .protocol = TCP,
	  .saddr = "203.0.113.9", .sport = 40000, .daddr = "10.9.0.7",
	  .dport = 999, .forward = ADMIT, .input = REFUSE, .middle = true,
	  .socket = NONE, .settling = true },
	{ .name = "opening, at first", .track = NEW, .protocol = TCP,
	  .saddr = "203.0.113.9", .sport = 40000, .daddr = "10.9.0.7",
	  .dport = 999, .forward = REFUSE, .input = REFUSE, .socket = NONE,
	  .settling = true },
	{ .name = "UDP, at first", .track = NEW, .protocol = UDP,
	  .saddr = "203.0.113.9", .sport = 40000, .daddr = "10.9.0.7",
	  .dport = 999, .forward = REFUSE, .input = REFUSE, .middle = true,
	  .socket = NONE, .settling = true },
	{ .name = "the relay's, outward", .track = NEW, .protocol = TCP,
	  .saddr = "10.9.0.2", .sport = 40000, .daddr = "203.0.113.9",
	  .dport = 25, .forward = ADMIT, .input = REFUSE, .socket = NONE,
	  .inside = true, .to_wan = true },
	{ .name = "the relay's, in the middle", .track = NEW, .protocol = TCP,
	  .saddr = "10.9.0.2", .sport = 25, .daddr = "203.0.113.9",
	  .dport = 40000, .forward = ADMIT, .input = REFUSE, .middle = true,
	  .socket = NONE, .inside = true, .to_wan = true },
	{ .name = "the relay's, of another protocol", .track = NEW,
	  .protocol = IPPROTO_ESP, .saddr = "10.9.0.2", .sport = 0,
	  .daddr = "203.0.113.9", .dport = 0, .forward = ADMIT, .input = REFUSE,
	  .socket = NONE, .inside = true, .to_wan = true },
	{ .name = "the relay's, of IPv6", .track = NEW, .protocol = UDP,
	  .saddr = "fd00::2", .sport = 40000, .daddr = "2001:db8::9",
	  .dport = 53, .forward = ADMIT, .input = REFUSE, .socket = NONE,
	  .inside = true, .to_wan = true },
	{ .name = "the relay's, untracked", .track = UNTRACKED, .protocol = TCP,
	  .saddr = "10.9.0.2", .sport = 40000, .daddr = "203.0.113.9",
	  .dport = 25, .forward = AS_INVALID, .input = AS_INVALID,
	  .socket = NONE, .inside = true, .to_wan = true },
	{ .name = "the relay's, invalid", .track = INVALID, .protocol = TCP,
	  .saddr = "10.9.0.2", .sport = 40000, .daddr = "203.0.113.9",
	  .dport = 25, .forward = AS_INVALID, .input = AS_INVALID,
	  .socket = NONE, .inside = true, .to_wan = true },
	{ .name = "the relay's, to another host inside", .track = NEW,
	  .protocol = TCP, .saddr = "10.9.0.2", .sport = 40000,
	  .daddr = "10.9.0.7", .dport = 25, .forward = REFUSE, .input = REFUSE,
	  .socket = NONE, .inside = true },
	{ .name = "in the relay's name, from outside", .track = NEW,
	  .protocol = TCP, .saddr = "10.9.0.2", .sport = 40000,
	  .daddr = "203.0.113.9", .dport = 25, .forward = REFUSE,
	  .input = REFUSE, .socket = NONE, .to_wan = true },
	{ .name = "another inside host's, outward", .track = NEW,
	  .protocol = TCP, .saddr = "10.9.0.7", .sport = 40000,
	  .daddr = "203.0.113.9", .dport = 25, .forward = REFUSE,
	  .input = REFUSE, .socket = NONE, .inside = true, .to_wan = true },
	{ .name = "from inside, to a served port", .track = NEW,
	  .protocol = TCP, .saddr = "10.9.0.7", .sport = 40000,
	  .daddr = "10.9.0.2", .dport = 25, .forward = ADMIT, .input = REFUSE,
	  .socket = NONE, .inside = true },
	{ .name = "from inside, to an allowed port", .track = NEW,
	  .protocol = TCP, .saddr = "10.9.0.2", .sport = 40000,
	  .daddr = "192.0.2.1", .dport = 22, .forward = REFUSE, .input = ADMIT,
	  .socket = NONE, .inside = true },
	{ .name = "from inside, to another port", .track = NEW, .protocol = TCP,
	  .saddr = "10.9.0.2", .sport = 40000, .daddr = "192.0.2.1",
	  .dport = 80, .forward = REFUSE, .input = REFUSE, .socket = NONE,
	  .inside = true },
	{ .name = "UDP has no middle", .track = NEW, .protocol = UDP,
	  .saddr = "203.0.113.9", .sport = 40000, .daddr = "10.9.0.7",
	  .dport = 999, .forward = REFUSE, .input = REFUSE, .middle = true },
	{ .name = "IPv6, a served port of the relay", .track = NEW,
	  .protocol = TCP, .saddr = "2001:db8::9", .sport = 40000,
	  .daddr = "fd00::2", .dport = 993, .forward = ADMIT, .input = REFUSE },
	{ .name = "IPv6, another host", .track = NEW, .protocol = TCP,
	  .saddr = "2001:db8::9", .sport = 40000, .daddr = "fd00::3",
	  .dport = 993, .forward = REFUSE, .input = REFUSE },
	{ .name = "IPv6, SSH to this host", .track = NEW, .protocol = TCP,
	  .saddr = "2001:db8::9", .sport = 40000, .daddr = "2001:db8::1",
	  .dport = 22, .forward = REFUSE, .input = ADMIT },
	{ .name = "an allowed protocol", .track = NEW, .protocol = IPPROTO_GRE,
	  .saddr = "203.0.113.9", .sport = 0, .daddr = "192.0.2.1", .dport = 0,
	  .forward = REFUSE, .input = ADMIT },
	{ .name = "an allowed protocol, to a group", .track = NEW,
	  .protocol = IPPROTO_GRE, .saddr = "203.0.113.9", .sport = 0,
	  .daddr = "224.0.0.18", .dport = 0, .forward = REFUSE,
	  .input = ADMIT },
	{ .name = "an allowed protocol, of IPv6", .track = NEW,
	  .protocol = IPPROTO_GRE, .saddr = "fe80::1", .sport = 0,
	  .daddr = "ff02::12", .dport = 0, .forward = REFUSE, .input = ADMIT },
	{ .name = "an allowed protocol, untracked", .track = UNTRACKED,
	  .protocol = IPPROTO_GRE, .saddr = "203.0.113.9", .sport = 0,
	  .daddr = "192.0.2.1", .dport = 0, .forward = AS_INVALID,
	  .input = ADMIT },
	{ .name = "an allowed protocol, invalid", .track = INVALID,
	  .protocol = IPPROTO_GRE, .saddr = "203.0.113.9", .sport = 0,
	  .daddr = "192.0.2.1", .dport = 0, .forward = AS_INVALID,
	  .input = AS_INVALID },
	{ .name = "ESP", .track = NEW, .protocol = IPPROTO_ESP,
	  .saddr = "203.0.113.9", .sport = 0, .daddr = "192.0.2.1", .dport = 0,
	  .forward = REFUSE, .input = REFUSE },
	{ .name = "SCTP to a served port", .track = NEW,
	  .protocol = IPPROTO_SCTP, .saddr = "203.0.113.9", .sport = 40000,
	  .daddr = "10.9.0.2", .dport = 25, .forward = REFUSE,
	  .input = REFUSE },
	{ .name = "an answer of DHCP", .track = NEW, .protocol = UDP,
	  .saddr = "192.0.2.254", .sport = 67, .daddr = "192.0.2.1",
	  .dport = 68, .forward = REFUSE, .input = ADMIT },
	{ .name = "a query of DHCP", .track = NEW, .protocol = UDP,
	  .saddr = "0.0.0.0", .sport = 68, .daddr = "255.255.255.255",
	  .dport = 67, .forward = REFUSE, .input = REFUSE },
	{ .name = "DHCP's ports of TCP", .track = NEW, .protocol = TCP,
	  .saddr = "192.0.2.254", .sport = 67, .daddr = "192.0.2.1",
	  .dport = 68, .forward = REFUSE, .input = REFUSE },
	{ .name = "to DHCP's port from another", .track = NEW, .protocol = UDP,
	  .saddr = "192.0.2.254", .sport = 66, .daddr = "192.0.2.1",
	  .dport = 68, .forward = REFUSE, .input = REFUSE },
	{ .name = "an untracked answer of DHCP", .track = UNTRACKED,
	  .protocol = UDP, .saddr = "192.0.2.254", .sport = 67,
	  .daddr = "192.0.2.1", .dport = 68, .forward = AS_INVALID,
	  .input = ADMIT },
	{ .name = "an answer of DHCPv6", .track = NEW, .protocol = UDP,
	  .saddr = "fe80::1", .sport = 547, .daddr = "fe80::2", .dport = 546,
	  .forward = REFUSE, .input = ADMIT },
	{ .name = "an answer of DHCPv6 from afar", .track = NEW,
	  .protocol = UDP, .saddr = "2001:db8::1", .sport = 547,
	  .daddr = "fe80::2", .dport = 546, .forward = REFUSE,
	  .input = REFUSE },
	{ .name = "DHCPv6's ports in IPv4", .track = NEW, .protocol = UDP,
	  .saddr = "192.0.2.254", .sport = 547, .daddr = "192.0.2.1",
	  .dport = 546, .forward = REFUSE, .input = REFUSE },
	{ .name = "DHCP's ports in IPv6", .track = NEW, .protocol = UDP,
	  .saddr = "fe80::1", .sport = 67, .daddr = "fe80::2", .dport = 68,
	  .forward = REFUSE, .input = REFUSE },
};
KUNIT_ARRAY_PARAM_DESC(packets, packets, name);

static void packet_of(struct kunit *test, const struct packet *row,
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
		.has_syn = !row->middle,
		.continues = row->continues,
		.local_source = row->local_source,
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

	packet_of(test, row, &packet);
	KUNIT_EXPECT_EQ(test, row->forward,
			chatdnat_guard_policy_forward(chatdnat_test_settings(test,
									     SETTINGS),
						      &packet));
}

static void input(struct kunit *test)
{
	const struct packet *row = test->param_value;
	struct chatdnat_guard_packet packet;

	packet_of(test, row, &packet);
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
	{ .name = "ping to this host", .saddr = "203.0.113.9",
	  .daddr = "192.0.2.1", .protocol = IPPROTO_ICMP, .type = 8,
	  .hop_limit = 64, .track = NEW, .forward = REFUSE, .input = SOME },
	{ .name = "ping to the relay", .saddr = "203.0.113.9",
	  .daddr = "10.9.0.2", .protocol = IPPROTO_ICMP, .type = 8,
	  .hop_limit = 64, .track = NEW, .forward = ADMIT, .input = SOME },
	{ .name = "ping to another host", .saddr = "203.0.113.9",
	  .daddr = "10.9.0.3", .protocol = IPPROTO_ICMP, .type = 8,
	  .hop_limit = 64, .track = NEW, .forward = REFUSE, .input = SOME },
	{ .name = "IPv6 ping to the relay", .saddr = "2001:db8::9",
	  .daddr = "fd00::2", .protocol = IPPROTO_ICMPV6, .type = 128,
	  .hop_limit = 64, .track = NEW, .forward = ADMIT, .input = SOME },
	{ .name = "ICMPv6's ping in IPv4", .saddr = "203.0.113.9",
	  .daddr = "10.9.0.2", .protocol = IPPROTO_ICMPV6, .type = 128,
	  .hop_limit = 64, .track = NEW, .forward = REFUSE, .input = REFUSE },
	{ .name = "ICMP's ping in IPv6", .saddr = "2001:db8::9",
	  .daddr = "fd00::2", .protocol = IPPROTO_ICMP, .type = 8,
	  .hop_limit = 64, .track = NEW, .forward = REFUSE, .input = REFUSE },
	{ .name = "type 128 of ICMP", .saddr = "203.0.113.9",
	  .daddr = "10.9.0.2", .protocol = IPPROTO_ICMP, .type = 128,
	  .hop_limit = 64, .track = NEW, .forward = REFUSE, .input = REFUSE },
	{ .name = "an error about what is not tracked", .saddr = "203.0.113.9",
	  .daddr = "192.0.2.1", .protocol = IPPROTO_ICMP, .type = 3,
	  .hop_limit = 64, .track = INVALID, .forward = AS_INVALID,
	  .input = ADMIT },
	{ .name = "time exceeded", .saddr = "203.0.113.9", .daddr = "192.0.2.1",
	  .protocol = IPPROTO_ICMP, .type = 11, .hop_limit = 64, .track = NEW,
	  .forward = REFUSE, .input = ADMIT },
	{ .name = "a parameter problem", .saddr = "203.0.113.9",
	  .daddr = "192.0.2.1", .protocol = IPPROTO_ICMP, .type = 12,
	  .hop_limit = 64, .track = NEW, .forward = REFUSE, .input = ADMIT },
	{ .name = "an unasked pong", .saddr = "203.0.113.9",
	  .daddr = "192.0.2.1", .protocol = IPPROTO_ICMP, .type = 0,
	  .hop_limit = 64, .track = NEW, .forward = REFUSE, .input = REFUSE },
	{ .name = "source quench", .saddr = "203.0.113.9", .daddr = "192.0.2.1",
	  .protocol = IPPROTO_ICMP, .type = 4, .hop_limit = 64, .track = NEW,
	  .forward = REFUSE, .input = REFUSE },
	{ .name = "redirect", .saddr = "203.0.113.9", .daddr = "192.0.2.1",
	  .protocol = IPPROTO_ICMP, .type = 5, .hop_limit = 255, .track = NEW,
	  .forward = REFUSE, .input = REFUSE },
	{ .name = "timestamp", .saddr = "203.0.113.9", .daddr = "192.0.2.1",
	  .protocol = IPPROTO_ICMP, .type = 13, .hop_limit = 64, .track = NEW,
	  .forward = REFUSE, .input = REFUSE },
	{ .name = "type 0 of ICMPv6", .saddr = "2001:db8::9",
	  .daddr = "2001:db8::1", .protocol = IPPROTO_ICMPV6, .type = 0,
	  .hop_limit = 255, .track = NEW, .forward = REFUSE, .input = REFUSE },
	{ .name = "packet too big", .saddr = "2001:db8::9",
	  .daddr = "2001:db8::1", .protocol = IPPROTO_ICMPV6, .type = 2,
	  .hop_limit = 64, .track = UNTRACKED, .forward = AS_INVALID,
	  .input = ADMIT },
	{ .name = "type 5 of ICMPv6", .saddr = "2001:db8::9",
	  .daddr = "2001:db8::1", .protocol = IPPROTO_ICMPV6, .type = 5,
	  .hop_limit = 255, .track = NEW, .forward = REFUSE, .input = REFUSE },
	{ .name = "unasked IPv6 pong", .saddr = "2001:db8::9",
	  .daddr = "2001:db8::1", .protocol = IPPROTO_ICMPV6, .type = 129,
	  .hop_limit = 64, .track = NEW, .forward = REFUSE, .input = REFUSE },
	{ .name = "listener query", .saddr = "fe80::1", .daddr = "ff02::1",
	  .protocol = IPPROTO_ICMPV6, .type = 130, .hop_limit = 1, .track = NEW,
	  .forward = REFUSE, .input = ADMIT },
	{ .name = "listener query from afar", .saddr = "2001:db8::9",
	  .daddr = "ff02::1", .protocol = IPPROTO_ICMPV6, .type = 130,
	  .hop_limit = 1, .track = NEW, .forward = REFUSE, .input = REFUSE },
	{ .name = "listener query, forwarded", .saddr = "fe80::1",
	  .daddr = "ff02::1", .protocol = IPPROTO_ICMPV6, .type = 130,
	  .hop_limit = 64, .track = NEW, .forward = REFUSE, .input = REFUSE },
	{ .name = "listener report without address", .saddr = "::",
	  .daddr = "ff02::16", .protocol = IPPROTO_ICMPV6, .type = 143,
	  .hop_limit = 1, .track = NEW, .forward = REFUSE, .input = ADMIT },
	{ .name = "router advertisement", .saddr = "fe80::1",
	  .daddr = "ff02::1", .protocol = IPPROTO_ICMPV6, .type = 134,
	  .hop_limit = 255, .track = UNTRACKED, .forward = AS_INVALID,
	  .input = ADMIT },
	{ .name = "router advertisement, forwarded", .saddr = "fe80::1",
	  .daddr = "ff02::1", .protocol = IPPROTO_ICMPV6, .type = 134,
	  .hop_limit = 254, .track = UNTRACKED, .forward = AS_INVALID,
	  .input = REFUSE },
	{ .name = "neighbour solicitation", .saddr = "2001:db8::9",
	  .daddr = "ff02::1", .protocol = IPPROTO_ICMPV6, .type = 135,
	  .hop_limit = 255, .track = UNTRACKED, .forward = AS_INVALID,
	  .input = ADMIT },
	{ .name = "neighbour advertisement", .saddr = "2001:db8::9",
	  .daddr = "2001:db8::1", .protocol = IPPROTO_ICMPV6, .type = 136,
	  .hop_limit = 255, .track = UNTRACKED, .forward = AS_INVALID,
	  .input = ADMIT },
	{ .name = "redirect of IPv6", .saddr = "fe80::1",
	  .daddr = "2001:db8::1", .protocol = IPPROTO_ICMPV6, .type = 137,
	  .hop_limit = 255, .track = UNTRACKED, .forward = AS_INVALID,
	  .input = REFUSE },
	{ .name = "router renumbering", .saddr = "fe80::1",
	  .daddr = "2001:db8::1", .protocol = IPPROTO_ICMPV6, .type = 138,
	  .hop_limit = 255, .track = NEW, .forward = REFUSE, .input = REFUSE },
	{ .name = "inverse solicitation", .saddr = "fe80::1",
	  .daddr = "ff02::1", .protocol = IPPROTO_ICMPV6, .type = 141,
	  .hop_limit = 255, .track = NEW, .forward = REFUSE, .input = ADMIT },
	{ .name = "home agent discovery", .saddr = "fe80::1",
	  .daddr = "2001:db8::1", .protocol = IPPROTO_ICMPV6, .type = 144,
	  .hop_limit = 255, .track = NEW, .forward = REFUSE, .input = REFUSE },
	{ .name = "certificate path", .saddr = "fe80::1", .daddr = "ff02::1",
	  .protocol = IPPROTO_ICMPV6, .type = 149, .hop_limit = 255,
	  .track = NEW, .forward = REFUSE, .input = ADMIT },
	{ .name = "router discovery of groups", .saddr = "fe80::1",
	  .daddr = "ff02::6a", .protocol = IPPROTO_ICMPV6, .type = 151,
	  .hop_limit = 1, .track = NEW, .forward = REFUSE, .input = ADMIT },
	{ .name = "type 150", .saddr = "fe80::1", .daddr = "ff02::1",
	  .protocol = IPPROTO_ICMPV6, .type = 150, .hop_limit = 255,
	  .track = NEW, .forward = REFUSE, .input = REFUSE },
	{ .name = "type 154", .saddr = "fe80::1", .daddr = "ff02::1",
	  .protocol = IPPROTO_ICMPV6, .type = 154, .hop_limit = 1, .track = NEW,
	  .forward = REFUSE, .input = REFUSE },
	{ .name = "type 255", .saddr = "fe80::1", .daddr = "ff02::1",
	  .protocol = IPPROTO_ICMPV6, .type = 255, .hop_limit = 255,
	  .track = NEW, .forward = REFUSE, .input = REFUSE },
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
	KUNIT_CASE_PARAM(forward, packets_gen_params),
	KUNIT_CASE_PARAM(input, packets_gen_params),
	KUNIT_CASE_PARAM(icmp, icmps_gen_params),
	{}
};

static struct kunit_suite suite = {
	.name = "chatdnat_guard_policy",
	.test_cases = cases,
};
kunit_test_suite(suite);
