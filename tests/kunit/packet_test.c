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
	bool is_syn;
	bool is_syn_reply;
	unsigned int quoted_offset;
} rows[] = {
	{ .name = "SYN", .family = IPV4, .packet = TCP(.flags = CHATDNAT_SYN),
	  .transport = 20, .judged = 1, .parsed = 1, .is_syn = 1 },
	{ .name = "SYN with ACK", .family = IPV4,
	  .packet = TCP(.flags = CHATDNAT_SYN | CHATDNAT_ACK), .transport = 20,
	  .judged = 1, .parsed = 1, .is_syn_reply = 1 },
	{ .name = "ACK", .family = IPV4, .packet = TCP(.flags = CHATDNAT_ACK),
	  .transport = 20, .judged = 1, .parsed = 1 },
	{ .name = "FIN", .family = IPV4,
	  .packet = TCP(.flags = CHATDNAT_FIN | CHATDNAT_ACK), .transport = 20,
	  .judged = 1, .parsed = 1 },
	{ .name = "no flags", .family = IPV4, .packet = TCP(.flags = 0),
	  .transport = 20, .judged = 1, .parsed = 1 },
	{ .name = "RST that refuses a SYN", .family = IPV4,
	  .packet = TCP(.flags = CHATDNAT_RST | CHATDNAT_ACK), .transport = 20,
	  .judged = 1, .parsed = 1, .is_syn_reply = 1 },
	{ .name = "RST in the middle", .family = IPV4,
	  .packet = TCP(.flags = CHATDNAT_RST | CHATDNAT_ACK, .seq = 7),
	  .transport = 20, .judged = 1, .parsed = 1 },
	{ .name = "RST without ACK", .family = IPV4,
	  .packet = TCP(.flags = CHATDNAT_RST), .transport = 20, .judged = 1,
	  .parsed = 1 },
	{ .name = "IP options", .family = IPV4, .packet = TCP(.ip_options = 1),
	  .transport = 24, .judged = 1, .parsed = 1 },
	{ .name = "most IP options", .family = IPV4,
	  .packet = TCP(.ip_options = 10), .transport = 60, .judged = 1,
	  .parsed = 1 },
	{ .name = "options that claim more", .family = IPV4,
	  .packet = TCP(.ihl = 15), .transport = 60 },
	{ .name = "a data offset of 60", .family = IPV4,
	  .packet = TCP(.doff = 15), .transport = 20, .judged = 1,
	  .parsed = 1 },
	{ .name = "first fragment", .family = IPV4,
	  .packet = TCP(.fragment = IP_MF), .transport = -1 },
	{ .name = "later fragment", .family = IPV4,
	  .packet = TCP(.fragment = IP_MF | 1), .transport = -1 },
	{ .name = "last fragment", .family = IPV4, .packet = TCP(.fragment = 1),
	  .transport = -1 },
	{ .name = "must not be fragmented", .family = IPV4,
	  .packet = TCP(.fragment = IP_DF), .transport = 20, .judged = 1,
	  .parsed = 1 },
	{ .name = "only the IP header", .family = IPV4,
	  .packet = TCP(.keep = 20), .transport = 20 },
	{ .name = "one byte of TCP", .family = IPV4, .packet = TCP(.keep = 21),
	  .transport = 20 },
	{ .name = "only the ports", .family = IPV4, .packet = TCP(.keep = 24),
	  .transport = 20 },
	{ .name = "one byte too few", .family = IPV4, .packet = TCP(.keep = 39),
	  .transport = 20 },
	{ .name = "just the header", .family = IPV4,
	  .packet = TCP(.keep = 40, .payload = 9), .transport = 20, .judged = 1,
	  .parsed = 1 },
	{ .name = "UDP", .family = IPV4, .packet = UDP(), .transport = 20,
	  .judged = 1 },
	{ .name = "UDP, one byte too few", .family = IPV4,
	  .packet = UDP(.keep = 27), .transport = 20 },
	{ .name = "UDP, fragment", .family = IPV4,
	  .packet = UDP(.fragment = IP_MF), .transport = -1 },
	{ .name = "GRE", .family = IPV4, .packet = { .protocol = IPPROTO_GRE },
	  .transport = 20, .judged = 1 },
	{ .name = "GRE without anything", .family = IPV4,
	  .packet = { .protocol = IPPROTO_GRE, .keep = 20 }, .transport = 20,
	  .judged = 1 },
	{ .name = "protocol 0", .family = IPV4, .packet = { .protocol = 0 },
	  .transport = 20, .judged = 1 },
	{ .name = "ping", .family = IPV4, .packet = ERROR(8), .transport = 20,
	  .judged = 1 },
	{ .name = "pong", .family = IPV4, .packet = ERROR(0), .transport = 20,
	  .judged = 1 },
	{ .name = "ICMP of no byte", .family = IPV4,
	  .packet = ERROR(8, .keep = 20), .transport = 20 },
	{ .name = "ICMP of one byte", .family = IPV4,
	  .packet = ERROR4(.keep = 21), .transport = 20, .judged = 1 },
	{ .name = "unreachable", .family = IPV4,
	  .packet = ERROR4(.quoted = &answer), .transport = 20, .judged = 1,
	  .parsed = 1, .quoted_offset = 48 },
	{ .name = "time exceeded", .family = IPV4,
	  .packet = ERROR(11, .quoted = &answer), .transport = 20, .judged = 1,
	  .parsed = 1, .quoted_offset = 48 },
	{ .name = "parameter problem", .family = IPV4,
	  .packet = ERROR(12, .quoted = &answer), .transport = 20, .judged = 1,
	  .parsed = 1, .quoted_offset = 48 },
	{ .name = "redirect", .family = IPV4,
	  .packet = ERROR(5, .quoted = &answer), .transport = 20, .judged = 1 },
	{ .name = "source quench", .family = IPV4,
	  .packet = ERROR(4, .quoted = &answer), .transport = 20, .judged = 1 },
	{ .name = "ping that seems to quote", .family = IPV4,
	  .packet = ERROR(8, .quoted = &answer), .transport = 20, .judged = 1 },
	{ .name = "error after options", .family = IPV4,
	  .packet = ERROR4(.quoted = &answer, .ip_options = 2), .transport = 28,
	  .judged = 1, .parsed = 1, .quoted_offset = 56 },
	{ .name = "error quotes options", .family = IPV4,
	  .packet = ERROR4(.quoted = &answer_options), .transport = 20,
	  .judged = 1, .parsed = 1, .quoted_offset = 88 },
	{ .name = "error, a fragment", .family = IPV4,
	  .packet = ERROR4(.quoted = &answer, .fragment = IP_MF),
	  .transport = -1 },
	{ .name = "error without quotation", .family = IPV4, .packet = ERROR4(),
	  .transport = 20, .judged = 1 },
	{ .name = "error quotes 19 bytes", .family = IPV4,
	  .packet = ERROR4(.quoted = &answer, .quote = 19), .transport = 20,
	  .judged = 1 },
	{ .name = "error quotes no port", .family = IPV4,
	  .packet = ERROR4(.quoted = &answer, .quote = 20), .transport = 20,
	  .judged = 1 },
	{ .name = "error quotes a port and a half", .family = IPV4,
	  .packet = ERROR4(.quoted = &answer, .quote = 23), .transport = 20,
	  .judged = 1 },
	{ .name = "error quotes the ports", .family = IPV4,
	  .packet = ERROR4(.quoted = &answer, .quote = 24), .transport = 20,
	  .judged = 1, .parsed = 1, .quoted_offset = 48 },
	{ .name = "error quotes 8 bytes", .family = IPV4,
	  .packet = ERROR4(.quoted = &answer, .quote = 28), .transport = 20,
	  .judged = 1, .parsed = 1, .quoted_offset = 48 },
	{ .name = "error about another's packet", .family = IPV4,
	  .packet = ERROR4(.quoted = &foreign), .transport = 20, .judged = 1 },
	{ .name = "error about UDP", .family = IPV4,
	  .packet = ERROR4(.quoted = &answer_udp), .transport = 20,
	  .judged = 1 },
	{ .name = "error about a first fragment", .family = IPV4,
	  .packet = ERROR4(.quoted = &answer_first), .transport = 20,
	  .judged = 1, .parsed = 1, .quoted_offset = 48 },
	{ .name = "error about a later fragment", .family = IPV4,
	  .packet = ERROR4(.quoted = &answer_later), .transport = 20,
	  .judged = 1 },
	{ .name = "error about IP of version 5", .family = IPV4,
	  .packet = ERROR4(.quoted = &answer_version), .transport = 20,
	  .judged = 1 },
	{ .name = "error about a header of 16 bytes", .family = IPV4,
	  .packet = ERROR4(.quoted = &answer_ihl), .transport = 20,
	  .judged = 1 },
	{ .name = "error about a header that claims more", .family = IPV4,
	  .packet = ERROR4(.quoted = &answer_long), .transport = 20,
	  .judged = 1 },
	{ .name = "SYN", .family = IPV6, .packet = TCP(.flags = CHATDNAT_SYN),
	  .transport = 40, .judged = 1, .parsed = 1, .is_syn = 1 },
	{ .name = "SYN with ACK", .family = IPV6,
	  .packet = TCP(.flags = CHATDNAT_SYN | CHATDNAT_ACK), .transport = 40,
	  .judged = 1, .parsed = 1, .is_syn_reply = 1 },
	{ .name = "RST that refuses a SYN", .family = IPV6,
	  .packet = TCP(.flags = CHATDNAT_RST | CHATDNAT_ACK), .transport = 40,
	  .judged = 1, .parsed = 1, .is_syn_reply = 1 },
	{ .name = "RST in the middle", .family = IPV6,
	  .packet = TCP(.flags = CHATDNAT_RST | CHATDNAT_ACK, .seq = 7),
	  .transport = 40, .judged = 1, .parsed = 1 },
	{ .name = "only the IP header", .family = IPV6,
	  .packet = TCP(.keep = 40), .transport = 40 },
	{ .name = "one byte too few", .family = IPV6, .packet = TCP(.keep = 59),
	  .transport = 40 },
	{ .name = "just the header", .family = IPV6,
	  .packet = TCP(.keep = 60, .payload = 9), .transport = 40, .judged = 1,
	  .parsed = 1 },
	{ .name = "hop-by-hop", .family = IPV6, .packet = TCP(.chain = "h"),
	  .transport = 48, .judged = 1, .parsed = 1 },
	{ .name = "destination options", .family = IPV6,
	  .packet = TCP(.chain = "d"), .transport = 56, .judged = 1,
	  .parsed = 1 },
	{ .name = "routing", .family = IPV6, .packet = TCP(.chain = "r"),
	  .transport = 64, .judged = 1, .parsed = 1 },
	{ .name = "authentication", .family = IPV6, .packet = TCP(.chain = "a"),
	  .transport = 64, .judged = 1, .parsed = 1 },
	{ .name = "all of them", .family = IPV6,
	  .packet = TCP(.chain = "hdrda"), .transport = 128, .judged = 1,
	  .parsed = 1 },
	{ .name = "twenty hop-by-hop", .family = IPV6,
	  .packet = TCP(.chain = "hhhhhhhhhhhhhhhhhhhh"), .transport = 200,
	  .judged = 1, .parsed = 1 },
	{ .name = "nothing follows", .family = IPV6,
	  .packet = TCP(.chain = "n"), .transport = -1 },
	{ .name = "nothing follows options", .family = IPV6,
	  .packet = TCP(.chain = "hn"), .transport = -1 },
	{ .name = "whole fragment", .family = IPV6, .packet = TCP(.chain = "w"),
	  .transport = 48, .judged = 1, .parsed = 1 },
	{ .name = "first fragment", .family = IPV6, .packet = TCP(.chain = "f"),
	  .transport = -1 },
	{ .name = "later fragment", .family = IPV6, .packet = TCP(.chain = "l"),
	  .transport = -1 },
	{ .name = "first fragment after options", .family = IPV6,
	  .packet = TCP(.chain = "hf"), .transport = -1 },
	{ .name = "later fragment before options", .family = IPV6,
	  .packet = TCP(.chain = "ld"), .transport = -1 },
	{ .name = "options that claim more", .family = IPV6,
	  .packet = TCP(.chain = "x"), .transport = 40 + 2048 },
	{ .name = "options that claim more, and more", .family = IPV6,
	  .packet = TCP(.chain = "xd"), .transport = -1 },
	{ .name = "half an extension header's start", .family = IPV6,
	  .packet = TCP(.chain = "h", .keep = 41), .transport = -1 },
	{ .name = "an extension header's start", .family = IPV6,
	  .packet = TCP(.chain = "h", .keep = 42), .transport = 48 },
	{ .name = "half a fragment header", .family = IPV6,
	  .packet = TCP(.chain = "w", .keep = 43), .transport = -1 },
	{ .name = "the second header is missing", .family = IPV6,
	  .packet = TCP(.chain = "hd", .keep = 48), .transport = -1 },
	{ .name = "UDP", .family = IPV6, .packet = UDP(), .transport = 40,
	  .judged = 1 },
	{ .name = "UDP, one byte too few", .family = IPV6,
	  .packet = UDP(.keep = 47), .transport = 40 },
	{ .name = "GRE", .family = IPV6, .packet = { .protocol = IPPROTO_GRE },
	  .transport = 40, .judged = 1 },
	{ .name = "ping", .family = IPV6, .packet = ERROR(128), .transport = 40,
	  .judged = 1 },
	{ .name = "neighbour solicitation", .family = IPV6,
	  .packet = ERROR(135), .transport = 40, .judged = 1 },
	{ .name = "ICMPv6 of no byte", .family = IPV6,
	  .packet = ERROR6(.keep = 40), .transport = 40 },
	{ .name = "ICMPv6 of one byte", .family = IPV6,
	  .packet = ERROR6(.keep = 41), .transport = 40, .judged = 1 },
	{ .name = "unreachable", .family = IPV6,
	  .packet = ERROR6(.quoted = &answer), .transport = 40, .judged = 1,
	  .parsed = 1, .quoted_offset = 88 },
	{ .name = "packet too big", .family = IPV6,
	  .packet = ERROR(2, .quoted = &answer), .transport = 40, .judged = 1,
	  .parsed = 1, .quoted_offset = 88 },
	{ .name = "an error of the future", .family = IPV6,
	  .packet = ERROR(127, .quoted = &answer), .transport = 40, .judged = 1,
	  .parsed = 1, .quoted_offset = 88 },
	{ .name = "ping that seems to quote", .family = IPV6,
	  .packet = ERROR(128, .quoted = &answer), .transport = 40,
	  .judged = 1 },
	{ .name = "error after options", .family = IPV6,
	  .packet = ERROR6(.quoted = &answer, .chain = "h"), .transport = 48,
	  .judged = 1, .parsed = 1, .quoted_offset = 96 },
	{ .name = "error quotes options", .family = IPV6,
	  .packet = ERROR6(.quoted = &answer_options), .transport = 40,
	  .judged = 1, .parsed = 1, .quoted_offset = 136 },
	{ .name = "error quotes options in part", .family = IPV6,
	  .packet = ERROR6(.quoted = &answer_options, .quote = 48),
	  .transport = 40, .judged = 1 },
	{ .name = "error without quotation", .family = IPV6, .packet = ERROR6(),
	  .transport = 40, .judged = 1 },
	{ .name = "error quotes 39 bytes", .family = IPV6,
	  .packet = ERROR6(.quoted = &answer, .quote = 39), .transport = 40,
	  .judged = 1 },
	{ .name = "error quotes a port and a half", .family = IPV6,
	  .packet = ERROR6(.quoted = &answer, .quote = 43), .transport = 40,
	  .judged = 1 },
	{ .name = "error quotes the ports", .family = IPV6,
	  .packet = ERROR6(.quoted = &answer, .quote = 44), .transport = 40,
	  .judged = 1, .parsed = 1, .quoted_offset = 88 },
	{ .name = "error about another's packet", .family = IPV6,
	  .packet = ERROR6(.quoted = &foreign), .transport = 40, .judged = 1 },
	{ .name = "error about UDP", .family = IPV6,
	  .packet = ERROR6(.quoted = &answer_udp), .transport = 40,
	  .judged = 1 },
	{ .name = "error about a first fragment", .family = IPV6,
	  .packet = ERROR6(.quoted = &answer_first), .transport = 40,
	  .judged = 1, .parsed = 1, .quoted_offset = 96 },
	{ .name = "error about a later fragment", .family = IPV6,
	  .packet = ERROR6(.quoted = &answer_later), .transport = 40,
	  .judged = 1 },
	{ .name = "error about IP of version 5", .family = IPV6,
	  .packet = ERROR6(.quoted = &answer_version), .transport = 40,
	  .judged = 1 },
	{ .name = "error about nothing", .family = IPV6,
	  .packet = ERROR6(.quoted = &answer_none), .transport = 40,
	  .judged = 1 },
	{ .name = "error about a header that claims more", .family = IPV6,
	  .packet = ERROR6(.quoted = &answer_long), .transport = 40,
	  .judged = 1 },
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
		KUNIT_EXPECT_EQ(test, judged.has_syn,
				!!(packet->flags & CHATDNAT_SYN));
		KUNIT_EXPECT_MEMEQ(test, &judged.flow.saddr,
				   error ? &ends.router : &ends.client,
				   sizeof(ends.client));
		KUNIT_EXPECT_MEMEQ(test, &judged.flow.daddr, &ends.local,
				   sizeof(ends.local));
	}
	if (row->judged && (packet->protocol == IPPROTO_TCP ||
			    packet->protocol == IPPROTO_UDP)) {
		KUNIT_EXPECT_EQ(test, judged.flow.proto,
				packet->protocol == IPPROTO_TCP ? CHATDNAT_TCP :
								  CHATDNAT_UDP);
		KUNIT_EXPECT_EQ(test, judged.flow.sport, CHATDNAT_CLIENT_PORT);
		KUNIT_EXPECT_EQ(test, judged.flow.dport, CHATDNAT_LOCAL_PORT);
	}

	KUNIT_ASSERT_EQ(test, row->parsed,
			chatdnat_packet_parse(skb, row->family, &parsed));
	if (!row->parsed)
		return;
	KUNIT_EXPECT_EQ(test, parsed.offset, offset);
	KUNIT_EXPECT_EQ(test, parsed.is_syn, row->is_syn);
	KUNIT_EXPECT_EQ(test, parsed.is_syn_reply, row->is_syn_reply);
	KUNIT_EXPECT_EQ(test, parsed.quoted, error ? offset + 8 : 0);
	KUNIT_EXPECT_EQ(test, parsed.quoted_offset,
			error ? row->quoted_offset + before : 0);
	KUNIT_EXPECT_EQ(test, parsed.flow.family, row->family);
	KUNIT_EXPECT_EQ(test, parsed.flow.proto, CHATDNAT_TCP);
	KUNIT_EXPECT_MEMEQ(test, &parsed.flow.saddr, &ends.client,
			   sizeof(ends.client));
	KUNIT_EXPECT_MEMEQ(test, &parsed.flow.daddr, &ends.local,
			   sizeof(ends.local));
	KUNIT_EXPECT_EQ(test, parsed.flow.sport, CHATDNAT_CLIENT_PORT);
	KUNIT_EXPECT_EQ(test, parsed.flow.dport, CHATDNAT_LOCAL_PORT);
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
