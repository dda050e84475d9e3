// SPDX-License-Identifier: GPL-2.0
/* What is read in packets' headers, of packets that are not as they should be. */
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <net/ip.h>

#include "module/net/packet.h"
#include "packets.h"

#define IPV4	CHATDNAT_IPV4
#define IPV6	CHATDNAT_IPV6

static const struct chatdnat_packet answer = {
	.protocol = IPPROTO_TCP, .reverse = true, .flags = CHATDNAT_ACK,
	.payload = 11,
};

static const struct chatdnat_packet foreign = {
	.protocol = IPPROTO_TCP, .flags = CHATDNAT_ACK,
};

static const struct chatdnat_packet answer_udp = {
	.protocol = IPPROTO_UDP, .reverse = true,
};

static const struct chatdnat_packet answer_first = {
	.protocol = IPPROTO_TCP, .reverse = true, .fragment = IP_MF,
	.chain = "f",
};

static const struct chatdnat_packet answer_later = {
	.protocol = IPPROTO_TCP, .reverse = true, .fragment = 1, .chain = "l",
};

static const struct chatdnat_packet answer_options = {
	.protocol = IPPROTO_TCP, .reverse = true, .ip_options = 10,
	.chain = "hdr",
};

static const struct chatdnat_packet answer_version = {
	.protocol = IPPROTO_TCP, .reverse = true, .version = 5,
};

static const struct chatdnat_packet answer_ihl = {
	.protocol = IPPROTO_TCP, .reverse = true, .ihl = 4,
};

static const struct chatdnat_packet answer_long = {
	.protocol = IPPROTO_TCP, .reverse = true, .ihl = 15, .chain = "x",
};

static const struct chatdnat_packet answer_none = {
	.protocol = IPPROTO_TCP, .reverse = true, .chain = "n",
};

#define TCP(...)	{ .protocol = IPPROTO_TCP, __VA_ARGS__ }
#define UDP(...)	{ .protocol = IPPROTO_UDP, __VA_ARGS__ }
#define ERROR(number, ...)						\
	{ .protocol = IPPROTO_ICMP, .type = (number), __VA_ARGS__ }
#define ERROR4(...)	ERROR(3, __VA_ARGS__)
#define ERROR6(...)	ERROR(1, __VA_ARGS__)

/*
 * @transport: where it begins, -1: nowhere; @judged, @parsed: whether they are
 * found; @quoted_offset: in an error
 */
static const struct row {
	const char *name;
	enum chatdnat_family family;
	struct chatdnat_packet packet;
	int transport;
	bool judged;
	bool parsed;
	bool opens;
	bool answers;
	unsigned int quoted_offset;
} rows[] = {
	{ "SYN", IPV4, TCP(.flags = CHATDNAT_SYN), 20, 1, 1, 1, 0 },
	{ "SYN with ACK", IPV4, TCP(.flags = CHATDNAT_SYN | CHATDNAT_ACK), 20,
	  1, 1, 0, 1 },
	{ "ACK", IPV4, TCP(.flags = CHATDNAT_ACK), 20, 1, 1, 0, 0 },
	{ "FIN", IPV4, TCP(.flags = CHATDNAT_FIN | CHATDNAT_ACK), 20, 1, 1 },
	{ "no flags", IPV4, TCP(.flags = 0), 20, 1, 1 },
	{ "RST that refuses a SYN", IPV4,
	  TCP(.flags = CHATDNAT_RST | CHATDNAT_ACK), 20, 1, 1, 0, 1 },
	{ "RST in the middle", IPV4,
	  TCP(.flags = CHATDNAT_RST | CHATDNAT_ACK, .seq = 7), 20, 1, 1 },
	{ "RST without ACK", IPV4, TCP(.flags = CHATDNAT_RST), 20, 1, 1 },
	{ "IP options", IPV4, TCP(.ip_options = 1), 24, 1, 1 },
	{ "most IP options", IPV4, TCP(.ip_options = 10), 60, 1, 1 },
	{ "options that claim more", IPV4, TCP(.ihl = 15), 60, 0, 0 },
	{ "a data offset of 60", IPV4, TCP(.doff = 15), 20, 1, 1 },
	{ "first fragment", IPV4, TCP(.fragment = IP_MF), -1 },
	{ "later fragment", IPV4, TCP(.fragment = IP_MF | 1), -1 },
	{ "last fragment", IPV4, TCP(.fragment = 1), -1 },
	{ "must not be fragmented", IPV4, TCP(.fragment = IP_DF), 20, 1, 1 },
	{ "only the IP header", IPV4, TCP(.keep = 20), 20, 0, 0 },
	{ "one byte of TCP", IPV4, TCP(.keep = 21), 20, 0, 0 },
	{ "only the ports", IPV4, TCP(.keep = 24), 20, 0, 0 },
	{ "one byte too few", IPV4, TCP(.keep = 39), 20, 0, 0 },
	{ "just the header", IPV4, TCP(.keep = 40, .payload = 9), 20, 1, 1 },
	{ "UDP", IPV4, UDP(), 20, 1, 0 },
	{ "UDP, one byte too few", IPV4, UDP(.keep = 27), 20, 0, 0 },
	{ "UDP, fragment", IPV4, UDP(.fragment = IP_MF), -1 },
	{ "GRE", IPV4, { .protocol = IPPROTO_GRE }, 20, 1, 0 },
	{ "GRE without anything", IPV4,
	  { .protocol = IPPROTO_GRE, .keep = 20 }, 20, 1, 0 },
	{ "protocol 0", IPV4, { .protocol = 0 }, 20, 1, 0 },
	{ "ping", IPV4, ERROR(8), 20, 1, 0 },
	{ "pong", IPV4, ERROR(0), 20, 1, 0 },
	{ "ICMP of no byte", IPV4, ERROR(8, .keep = 20), 20, 0, 0 },
	{ "ICMP of one byte", IPV4, ERROR4(.keep = 21), 20, 1, 0 },
	{ "unreachable", IPV4, ERROR4(.quoted = &answer), 20, 1, 1, 0, 0, 48 },
	{ "time exceeded", IPV4, ERROR(11, .quoted = &answer), 20, 1, 1, 0, 0,
	  48 },
	{ "parameter problem", IPV4, ERROR(12, .quoted = &answer), 20, 1, 1, 0,
	  0, 48 },
	{ "redirect", IPV4, ERROR(5, .quoted = &answer), 20, 1, 0 },
	{ "source quench", IPV4, ERROR(4, .quoted = &answer), 20, 1, 0 },
	{ "ping that seems to quote", IPV4, ERROR(8, .quoted = &answer), 20, 1,
	  0 },
	{ "error behind options", IPV4,
	  ERROR4(.quoted = &answer, .ip_options = 2), 28, 1, 1, 0, 0, 56 },
	{ "error quotes options", IPV4, ERROR4(.quoted = &answer_options), 20,
	  1, 1, 0, 0, 88 },
	{ "error, a fragment", IPV4,
	  ERROR4(.quoted = &answer, .fragment = IP_MF), -1 },
	{ "error without quotation", IPV4, ERROR4(), 20, 1, 0 },
	{ "error quotes 19 bytes", IPV4,
	  ERROR4(.quoted = &answer, .quote = 19), 20, 1, 0 },
	{ "error quotes no port", IPV4, ERROR4(.quoted = &answer, .quote = 20),
	  20, 1, 0 },
	{ "error quotes a port and a half", IPV4,
	  ERROR4(.quoted = &answer, .quote = 23), 20, 1, 0 },
	{ "error quotes the ports", IPV4,
	  ERROR4(.quoted = &answer, .quote = 24), 20, 1, 1, 0, 0, 48 },
	{ "error quotes 8 bytes", IPV4, ERROR4(.quoted = &answer, .quote = 28),
	  20, 1, 1, 0, 0, 48 },
	{ "error about another's packet", IPV4, ERROR4(.quoted = &foreign), 20,
	  1, 0 },
	{ "error about UDP", IPV4, ERROR4(.quoted = &answer_udp), 20, 1, 0 },
	{ "error about a first fragment", IPV4,
	  ERROR4(.quoted = &answer_first), 20, 1, 1, 0, 0, 48 },
	{ "error about a later fragment", IPV4,
	  ERROR4(.quoted = &answer_later), 20, 1, 0 },
	{ "error about IP of version 5", IPV4,
	  ERROR4(.quoted = &answer_version), 20, 1, 0 },
	{ "error about a header of 16 bytes", IPV4,
	  ERROR4(.quoted = &answer_ihl), 20, 1, 0 },
	{ "error about a header that claims more", IPV4,
	  ERROR4(.quoted = &answer_long), 20, 1, 0 },
	{ "SYN", IPV6, TCP(.flags = CHATDNAT_SYN), 40, 1, 1, 1, 0 },
	{ "SYN with ACK", IPV6, TCP(.flags = CHATDNAT_SYN | CHATDNAT_ACK), 40,
	  1, 1, 0, 1 },
	{ "RST that refuses a SYN", IPV6,
	  TCP(.flags = CHATDNAT_RST | CHATDNAT_ACK), 40, 1, 1, 0, 1 },
	{ "RST in the middle", IPV6,
	  TCP(.flags = CHATDNAT_RST | CHATDNAT_ACK, .seq = 7), 40, 1, 1 },
	{ "only the IP header", IPV6, TCP(.keep = 40), 40, 0, 0 },
	{ "one byte too few", IPV6, TCP(.keep = 59), 40, 0, 0 },
	{ "just the header", IPV6, TCP(.keep = 60, .payload = 9), 40, 1, 1 },
	{ "hop-by-hop", IPV6, TCP(.chain = "h"), 48, 1, 1 },
	{ "destination options", IPV6, TCP(.chain = "d"), 56, 1, 1 },
	{ "routing", IPV6, TCP(.chain = "r"), 64, 1, 1 },
	{ "authentication", IPV6, TCP(.chain = "a"), 64, 1, 1 },
	{ "all of them", IPV6, TCP(.chain = "hdrda"), 128, 1, 1 },
	{ "twenty hop-by-hop", IPV6, TCP(.chain = "hhhhhhhhhhhhhhhhhhhh"), 200,
	  1, 1 },
	{ "nothing follows", IPV6, TCP(.chain = "n"), -1 },
	{ "nothing follows options", IPV6, TCP(.chain = "hn"), -1 },
	{ "whole fragment", IPV6, TCP(.chain = "w"), 48, 1, 1 },
	{ "first fragment", IPV6, TCP(.chain = "f"), -1 },
	{ "later fragment", IPV6, TCP(.chain = "l"), -1 },
	{ "first fragment behind options", IPV6, TCP(.chain = "hf"), -1 },
	{ "later fragment before options", IPV6, TCP(.chain = "ld"), -1 },
	{ "options that claim more", IPV6, TCP(.chain = "x"), 40 + 2048, 0, 0 },
	{ "options that claim more, and more", IPV6, TCP(.chain = "xd"), -1 },
	{ "half an extension header's start", IPV6,
	  TCP(.chain = "h", .keep = 41), -1 },
	{ "an extension header's start", IPV6, TCP(.chain = "h", .keep = 42),
	  48, 0, 0 },
	{ "half a fragment header", IPV6, TCP(.chain = "w", .keep = 43), -1 },
	{ "the second header is missing", IPV6, TCP(.chain = "hd", .keep = 48),
	  -1 },
	{ "UDP", IPV6, UDP(), 40, 1, 0 },
	{ "UDP, one byte too few", IPV6, UDP(.keep = 47), 40, 0, 0 },
	{ "GRE", IPV6, { .protocol = IPPROTO_GRE }, 40, 1, 0 },
	{ "ping", IPV6, ERROR(128), 40, 1, 0 },
	{ "neighbour solicitation", IPV6, ERROR(135), 40, 1, 0 },
	{ "ICMPv6 of no byte", IPV6, ERROR6(.keep = 40), 40, 0, 0 },
	{ "ICMPv6 of one byte", IPV6, ERROR6(.keep = 41), 40, 1, 0 },
	{ "unreachable", IPV6, ERROR6(.quoted = &answer), 40, 1, 1, 0, 0, 88 },
	{ "packet too big", IPV6, ERROR(2, .quoted = &answer), 40, 1, 1, 0, 0,
	  88 },
	{ "an error of the future", IPV6, ERROR(127, .quoted = &answer), 40, 1,
	  1, 0, 0, 88 },
	{ "ping that seems to quote", IPV6, ERROR(128, .quoted = &answer), 40,
	  1, 0 },
	{ "error behind options", IPV6, ERROR6(.quoted = &answer, .chain = "h"),
	  48, 1, 1, 0, 0, 96 },
	{ "error quotes options", IPV6, ERROR6(.quoted = &answer_options), 40,
	  1, 1, 0, 0, 136 },
	{ "error quotes options in part", IPV6,
	  ERROR6(.quoted = &answer_options, .quote = 48), 40, 1, 0 },
	{ "error without quotation", IPV6, ERROR6(), 40, 1, 0 },
	{ "error quotes 39 bytes", IPV6,
	  ERROR6(.quoted = &answer, .quote = 39), 40, 1, 0 },
	{ "error quotes a port and a half", IPV6,
	  ERROR6(.quoted = &answer, .quote = 43), 40, 1, 0 },
	{ "error quotes the ports", IPV6,
	  ERROR6(.quoted = &answer, .quote = 44), 40, 1, 1, 0, 0, 88 },
	{ "error about another's packet", IPV6, ERROR6(.quoted = &foreign), 40,
	  1, 0 },
	{ "error about UDP", IPV6, ERROR6(.quoted = &answer_udp), 40, 1, 0 },
	{ "error about a first fragment", IPV6,
	  ERROR6(.quoted = &answer_first), 40, 1, 1, 0, 0, 96 },
	{ "error about a later fragment", IPV6,
	  ERROR6(.quoted = &answer_later), 40, 1, 0 },
	{ "error about IP of version 5", IPV6,
	  ERROR6(.quoted = &answer_version), 40, 1, 0 },
	{ "error about nothing", IPV6, ERROR6(.quoted = &answer_none), 40, 1,
	  0 },
	{ "error about a header that claims more", IPV6,
	  ERROR6(.quoted = &answer_long), 40, 1, 0 },
};

static void rows_desc(const struct row *row, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "IPv%d: %s",
		 row->family == IPV6 ? 6 : 4, row->name);
}
KUNIT_ARRAY_PARAM(rows, rows, rows_desc);

/* That everything is found in a packet, however it is stored. */
static void look(struct kunit *test, bool linear, unsigned int before)
{
	const struct row *row = test->param_value;
	const struct chatdnat_packet *packet = &row->packet;
	struct chatdnat_test_flow ends = chatdnat_test_ends(test, row->family);
	unsigned int header = row->family == IPV6 ? sizeof(struct ipv6hdr) :
				sizeof(struct iphdr) + 4 * packet->ip_options;
	u8 *byte = kunit_kzalloc(test, CHATDNAT_BYTES, GFP_KERNEL);
	bool error = packet->protocol == IPPROTO_ICMP;
	struct chatdnat_guard_packet judged;
	struct chatdnat_parsed parsed;
	unsigned int len;
	struct sk_buff *skb;
	u8 protocol;
	int offset;

	KUNIT_ASSERT_NOT_NULL(test, byte);
	len = chatdnat_test_bytes(row->family, packet, &ends, byte);
	skb = chatdnat_test_skb(test, byte, len, linear ? len : header, before);
	offset = row->transport < 0 ? -1 : row->transport + before;

	KUNIT_EXPECT_EQ(test, offset,
			chatdnat_packet_transport(skb, row->family, &protocol));
	KUNIT_EXPECT_EQ(test, row->judged,
			chatdnat_packet_for_guard(skb, row->family, &judged));
	if (row->judged) {
		KUNIT_EXPECT_EQ(test, protocol, judged.protocol);
		KUNIT_EXPECT_EQ(test, judged.hop_limit, CHATDNAT_HOP_LIMIT);
		KUNIT_EXPECT_EQ(test, judged.flow.family, row->family);
		KUNIT_EXPECT_EQ(test, judged.icmp_type, packet->type);
		KUNIT_EXPECT_EQ(test, judged.opens,
				!!(packet->flags & CHATDNAT_SYN));
		KUNIT_EXPECT_MEMEQ(test, &judged.flow.saddr,
				   error ? &ends.router : &ends.client,
				   sizeof(ends.client));
		KUNIT_EXPECT_MEMEQ(test, &judged.flow.daddr, &ends.own,
				   sizeof(ends.own));
	}
	if (row->judged && (packet->protocol == IPPROTO_TCP ||
			    packet->protocol == IPPROTO_UDP)) {
		KUNIT_EXPECT_EQ(test, judged.flow.proto,
				packet->protocol == IPPROTO_TCP ? CHATDNAT_TCP :
								  CHATDNAT_UDP);
		KUNIT_EXPECT_EQ(test, judged.flow.sport, CHATDNAT_CLIENT_PORT);
		KUNIT_EXPECT_EQ(test, judged.flow.dport, CHATDNAT_OWN_PORT);
	}

	KUNIT_ASSERT_EQ(test, row->parsed,
			chatdnat_packet_parse(skb, row->family, &parsed));
	if (!row->parsed)
		return;
	KUNIT_EXPECT_EQ(test, parsed.offset, offset);
	KUNIT_EXPECT_EQ(test, parsed.opens, row->opens);
	KUNIT_EXPECT_EQ(test, parsed.answers, row->answers);
	KUNIT_EXPECT_EQ(test, parsed.quoted, error ? offset + 8 : 0);
	KUNIT_EXPECT_EQ(test, parsed.quoted_offset,
			error ? row->quoted_offset + before : 0);
	KUNIT_EXPECT_EQ(test, parsed.flow.family, row->family);
	KUNIT_EXPECT_EQ(test, parsed.flow.proto, CHATDNAT_TCP);
	KUNIT_EXPECT_MEMEQ(test, &parsed.flow.saddr, &ends.client,
			   sizeof(ends.client));
	KUNIT_EXPECT_MEMEQ(test, &parsed.flow.daddr, &ends.own,
			   sizeof(ends.own));
	KUNIT_EXPECT_EQ(test, parsed.flow.sport, CHATDNAT_CLIENT_PORT);
	KUNIT_EXPECT_EQ(test, parsed.flow.dport, CHATDNAT_OWN_PORT);
}

static void linear(struct kunit *test)
{
	look(test, true, 0);
}

static void in_a_page(struct kunit *test)
{
	look(test, false, 0);
}

static void behind_ethernet(struct kunit *test)
{
	look(test, true, 14);
}

static struct kunit_case cases[] = {
	KUNIT_CASE_PARAM(linear, rows_gen_params),
	KUNIT_CASE_PARAM(in_a_page, rows_gen_params),
	KUNIT_CASE_PARAM(behind_ethernet, rows_gen_params),
	{}
};

static struct kunit_suite suite = {
	.name = "chatdnat_packet",
	.test_cases = cases,
};
kunit_test_suite(suite);
