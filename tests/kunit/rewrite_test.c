// SPDX-License-Identifier: GPL-2.0
/*
 * Packets that get another address, a smaller segment size or a new checksum,
 * against such that were built so from the start.
 */
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/netfilter.h>
#include <linux/tcp.h>
#include <net/ip.h>
#include <net/ip6_checksum.h>

#include "module/hooks/mss.h"
#include "module/net/rewrite.h"
#include "module/fast/fastpath.h"
#include "packets.h"

#define IPV4	CHATDNAT_IPV4
#define IPV6	CHATDNAT_IPV6
#define SRC	CHATDNAT_SRC
#define DST	CHATDNAT_DST

static const struct chatdnat_packet quoted = {
	.protocol = IPPROTO_TCP, .reverse = true, .flags = CHATDNAT_ACK,
	.payload = 11, .ip_options = 1, .chain = "h",
};

#define SEGMENT(...) { .protocol = IPPROTO_TCP, .flags = CHATDNAT_ACK, __VA_ARGS__ }
#define ERROR4(...)						\
	{ .protocol = IPPROTO_ICMP, .type = 3, .quoted = &quoted, __VA_ARGS__ }
#define ERROR6(...)						\
	{ .protocol = IPPROTO_ICMP, .type = 1, .quoted = &quoted, __VA_ARGS__ }

static const struct row {
	const char *name;
	enum chatdnat_family family;
	struct chatdnat_packet packet;
	enum chatdnat_side side;
	bool outer;
} rows[] = {
	{ "segment, destination", IPV4, SEGMENT(), DST },
	{ "segment, source", IPV4, SEGMENT(), SRC },
	{ "SYN, destination", IPV4,
	  { .protocol = IPPROTO_TCP, .flags = CHATDNAT_SYN }, DST },
	{ "odd payload, destination", IPV4, SEGMENT(.payload = 33), DST },
	{ "odd payload, source", IPV4, SEGMENT(.payload = 33), SRC },
	{ "IP options, destination", IPV4, SEGMENT(.ip_options = 3), DST },
	{ "error, destination", IPV4, ERROR4(), DST, true },
	{ "error, source", IPV4, ERROR4(), SRC, true },
	{ "error, only what it quotes, destination", IPV4, ERROR4(), DST },
	{ "error, only what it quotes, source", IPV4, ERROR4(), SRC },
	{ "error after options", IPV4, ERROR4(.ip_options = 2), DST, true },
	{ "error that quotes the ports", IPV4, ERROR4(.quote = 28), DST, true },
	{ "error that quotes 8 bytes", IPV4, ERROR4(.quote = 32), DST, true },
	{ "error that quotes an odd number", IPV4, ERROR4(.quote = 33), SRC,
	  true },
	{ "error that quotes the header", IPV4, ERROR4(.quote = 44), DST, true },
	{ "error that quotes a bit more", IPV4, ERROR4(.quote = 47), SRC, true },
	{ "segment, destination", IPV6, SEGMENT(), DST },
	{ "segment, source", IPV6, SEGMENT(), SRC },
	{ "odd payload, destination", IPV6, SEGMENT(.payload = 33), DST },
	{ "odd payload, source", IPV6, SEGMENT(.payload = 33), SRC },
	{ "extension headers, destination", IPV6, SEGMENT(.chain = "hd"), DST },
	{ "error, destination", IPV6, ERROR6(), DST, true },
	{ "error, source", IPV6, ERROR6(), SRC, true },
	{ "error, only what it quotes, destination", IPV6, ERROR6(), DST },
	{ "error, only what it quotes, source", IPV6, ERROR6(), SRC },
	{ "error after options", IPV6, ERROR6(.chain = "h"), DST, true },
	{ "error that quotes the ports", IPV6, ERROR6(.quote = 52), DST, true },
	{ "error that quotes an odd number", IPV6, ERROR6(.quote = 57), SRC,
	  true },
	{ "error that quotes the header", IPV6, ERROR6(.quote = 68), DST, true },
};

static void rows_desc(const struct row *row, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "IPv%d: %s",
		 row->family == IPV6 ? 6 : 4, row->name);
}
KUNIT_ARRAY_PARAM(rows, rows, rows_desc);

/* Only segments. */
static const void *segments_gen_params(const void *prev, char *desc)
{
	const struct row *row = prev;

	do {
		row = rows_gen_params(row, desc);
	} while (row && row->packet.protocol != IPPROTO_TCP);
	return row;
}

/* Those whose last byte is not one of the header's own. */
static const void *payloads_gen_params(const void *prev, char *desc)
{
	const struct row *row = prev;

	do {
		row = rows_gen_params(row, desc);
	} while (row && row->packet.protocol == IPPROTO_TCP &&
		 !row->packet.payload);
	return row;
}

static struct chatdnat_addr other_addr(struct kunit *test,
				       enum chatdnat_family family)
{
	return chatdnat_test_addr(test, family == IPV6 ? "fd00:1234::2" :
							 "10.9.0.2");
}

/* The ends of the packet that should come out of it. */
static struct chatdnat_test_flow translated_ends(struct kunit *test,
						 const struct row *row)
{
	struct chatdnat_test_flow ends = chatdnat_test_ends(test, row->family);
	struct chatdnat_addr to = other_addr(test, row->family);

	if (row->side == SRC) {
		ends.client = to;
		if (row->outer)
			ends.router = to;
	} else {
		ends.local = to;
		if (row->outer)
			ends.outer_local = to;
	}
	return ends;
}

/* @damage: the last byte comes with a bit turned */
static void translate(struct kunit *test, bool linear, bool damage)
{
	const struct row *row = test->param_value;
	struct chatdnat_test_flow before = chatdnat_test_ends(test, row->family);
	struct chatdnat_test_flow after = translated_ends(test, row);
	struct chatdnat_addr to = other_addr(test, row->family);
	unsigned int header = row->family == IPV6 ? sizeof(struct ipv6hdr) :
			sizeof(struct iphdr) + 4 * row->packet.ip_options;
	bool error = row->packet.protocol == IPPROTO_ICMP;
	u8 *byte = kunit_kzalloc(test, CHATDNAT_BYTES, GFP_KERNEL);
	u8 *want = kunit_kzalloc(test, CHATDNAT_BYTES, GFP_KERNEL);
	u8 *got = kunit_kzalloc(test, CHATDNAT_BYTES, GFP_KERNEL);
	struct chatdnat_parsed parsed;
	struct sk_buff *skb, *clone;
	unsigned int len;
	bool done;

	KUNIT_ASSERT_NOT_NULL(test, byte);
	KUNIT_ASSERT_NOT_NULL(test, want);
	KUNIT_ASSERT_NOT_NULL(test, got);
	len = chatdnat_test_bytes(row->family, &row->packet, &before, byte);
	KUNIT_ASSERT_EQ(test, len, chatdnat_test_bytes(row->family, &row->packet,
						       &after, want));
	if (damage)
		byte[len - 1] ^= 1;
	skb = chatdnat_test_skb(test, byte, len, linear ? len : header, 0);
	KUNIT_ASSERT_TRUE(test, chatdnat_packet_parse(skb, row->family,
						      &parsed));

	/* Whoever shares the bytes must not see them change. */
	clone = skb_clone(skb, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, clone);
	done = chatdnat_rewrite(skb, NF_INET_PRE_ROUTING, &parsed, row->side,
				&to, row->outer);
	KUNIT_EXPECT_EQ(test, 0, skb_copy_bits(clone, 0, got, len));
	KUNIT_EXPECT_MEMEQ(test, got, byte, len);
	kfree_skb(clone);

	if (damage && error) {
		KUNIT_EXPECT_FALSE(test, done);
		return;
	}
	KUNIT_ASSERT_TRUE(test, done);
	KUNIT_EXPECT_EQ(test, skb->len, len);
	KUNIT_EXPECT_EQ(test, 0, skb_copy_bits(skb, 0, got, len));
	/* A damaged segment stays one, by the very sum that it came with. */
	if (damage)
		want[len - 1] ^= 1;
	KUNIT_EXPECT_MEMEQ(test, got, want, len);
}

static void rewrite(struct kunit *test)
{
	translate(test, true, false);
}

static void rewrite_in_a_page(struct kunit *test)
{
	translate(test, false, false);
}

static void rewrite_damaged(struct kunit *test)
{
	translate(test, true, true);
}

/* Fills the checksum of a segment, of which the device is to add the rest. */
static __sum16 pseudo(enum chatdnat_family family,
		      const struct chatdnat_test_flow *ends, unsigned int len)
{
	const struct in6_addr *saddr = (const void *)&ends->client;
	const struct in6_addr *daddr = (const void *)&ends->local;

	if (family == IPV6)
		return ~csum_ipv6_magic(saddr, daddr, len, IPPROTO_TCP, 0);
	return ~csum_tcpudp_magic(ends->client.word[0], ends->local.word[0], len,
				  IPPROTO_TCP, 0);
}

/* The fast path, with the checksum difference of a binding. */
static void fastpath(struct kunit *test, bool partial, bool back)
{
	const struct row *row = test->param_value;
	struct chatdnat_test_flow before = chatdnat_test_ends(test, row->family);
	struct chatdnat_test_flow after = translated_ends(test, row);
	struct chatdnat_bindings *bindings = chatdnat_bindings_new();
	const struct chatdnat_addr *old, *new;
	u8 *byte = kunit_kzalloc(test, CHATDNAT_BYTES, GFP_KERNEL);
	u8 *want = kunit_kzalloc(test, CHATDNAT_BYTES, GFP_KERNEL);
	struct chatdnat_parsed parsed;
	struct tcphdr *th, *want_th;
	struct sk_buff *skb;
	unsigned int len;
	struct chatdnat_translation translation;
	__wsum diff;

	KUNIT_ASSERT_NOT_NULL(test, bindings);
	old = row->side == SRC ? &before.client : &before.local;
	new = row->side == SRC ? &after.client : &after.local;
	if (back)
		KUNIT_EXPECT_TRUE(test, chatdnat_bindings_add(bindings, row->family,
							      new, 0, old));
	else
		KUNIT_EXPECT_TRUE(test, chatdnat_bindings_add(bindings, row->family,
							      old, 0, new));
	diff = bindings->binding[row->family][0].diff;
	if (back)
		diff = ~diff;
	chatdnat_bindings_free(bindings);

	KUNIT_ASSERT_NOT_NULL(test, byte);
	KUNIT_ASSERT_NOT_NULL(test, want);
	len = chatdnat_test_bytes(row->family, &row->packet, &before, byte);
	chatdnat_test_bytes(row->family, &row->packet, &after, want);
	skb = chatdnat_test_skb(test, byte, len, len, 0);
	KUNIT_ASSERT_TRUE(test, chatdnat_packet_parse(skb, row->family,
						      &parsed));
	th = (struct tcphdr *)(skb->data + parsed.offset);
	want_th = (struct tcphdr *)(want + parsed.offset);
	if (partial) {
		skb->ip_summed = CHECKSUM_PARTIAL;
		th->check = pseudo(row->family, &before, len - parsed.offset);
		want_th->check = pseudo(row->family, &after,
					len - parsed.offset);
	}
	chatdnat_translation_sums(&translation, diff, 0);
	chatdnat_fastpath_check(skb, &th->check, &translation);
	KUNIT_EXPECT_EQ(test, ntohs((__force __be16)th->check),
			ntohs((__force __be16)want_th->check));
}

static void leg_check(struct kunit *test)
{
	fastpath(test, false, false);
}

static void leg_check_partial(struct kunit *test)
{
	fastpath(test, true, false);
}

static void leg_check_back(struct kunit *test)
{
	fastpath(test, false, true);
}

static const struct begins {
	const char *name;
	u8 flags;
	u8 n_options;
	u8 doff;
	u16 keep;
	bool drains;
	bool opens;
	bool begins;
} beginnings[] = {
	{ "SYN", CHATDNAT_SYN, 0, 0, 0, false, true, true },
	{ "SYN with options", CHATDNAT_SYN, 8, 0, 0, false, true, true },
	{ "SYN with most options", CHATDNAT_SYN, 40, 0, 0, false, true, true },
	{ "SYN while drained", CHATDNAT_SYN, 8, 0, 0, true, true, false },
	{ "SYN with ACK", CHATDNAT_SYN | CHATDNAT_ACK, 4, 0, 0, false, false,
	  true },
	{ "SYN with ACK while drained", CHATDNAT_SYN | CHATDNAT_ACK, 4, 0, 0,
	  true, false, true },
	{ "header too short to be one", CHATDNAT_SYN, 0, 4, 0, false, true,
	  false },
	{ "header without length", CHATDNAT_SYN, 0, 15, 0, false, true, false },
	{ "options cut short", CHATDNAT_SYN, 8, 0, 20 + 20 + 7, false, true,
	  false },
	{ "ACK", CHATDNAT_ACK, 12, 0, 0, false, false, true },
	{ "nothing", 0, 0, 0, 0, true, false, false },
};
KUNIT_ARRAY_PARAM_DESC(beginnings, beginnings, name);

static void leg_begins(struct kunit *test)
{
	static const u8 options[40];
	const struct begins *row = test->param_value;
	const struct chatdnat_packet packet = {
		.protocol = IPPROTO_TCP, .flags = row->flags, .doff = row->doff,
		.options = options, .n_options = row->n_options,
		.keep = row->keep,
	};
	struct chatdnat_test_flow ends = chatdnat_test_ends(test, IPV4);
	u8 *byte = kunit_kzalloc(test, CHATDNAT_BYTES, GFP_KERNEL);
	struct sk_buff *skb;
	unsigned int len;

	KUNIT_ASSERT_NOT_NULL(test, byte);
	len = chatdnat_test_bytes(IPV4, &packet, &ends, byte);
	skb = chatdnat_test_skb(test, byte, len, 20 + 20, 0);
	KUNIT_EXPECT_EQ(test, row->opens,
			chatdnat_fastpath_is_syn((struct tcphdr *)(skb->data + 20)));
	KUNIT_EXPECT_EQ(test, row->begins,
			chatdnat_fastpath_pull_options(skb, 20, !row->drains));
}

static struct kunit_case cases[] = {
	KUNIT_CASE_PARAM(rewrite, rows_gen_params),
	KUNIT_CASE_PARAM(rewrite_in_a_page, rows_gen_params),
	KUNIT_CASE_PARAM(rewrite_damaged, payloads_gen_params),
	KUNIT_CASE_PARAM(leg_check, segments_gen_params),
	KUNIT_CASE_PARAM(leg_check_partial, segments_gen_params),
	KUNIT_CASE_PARAM(leg_check_back, segments_gen_params),
	KUNIT_CASE_PARAM(leg_begins, beginnings_gen_params),
	{}
};

static struct kunit_suite suite = {
	.name = "chatdnat_rewrite",
	.test_cases = cases,
};
kunit_test_suite(suite);
