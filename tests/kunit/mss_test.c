// SPDX-License-Identifier: GPL-2.0
/* Lists of TCP options, and the segment size that is clamped in them. */
#include <linux/in.h>
#include <linux/tcp.h>

#include "module/net/tcp_mss.h"
#include "packets.h"

#define CLAMP_TO	1360

/* @after: as it is clamped to CLAMP_TO; NULL: as before */
static const struct list {
	const char *name;
	u8 len;
	u8 before[40];
	const u8 *after;
	s8 above;	/* where the first larger size stands; -1: nowhere */
} lists[] = {
	{ "no options", 0, {}, NULL, -1 },
	{ "MSS 1460", 4, { 2, 4, 0x05, 0xb4 },
	  (const u8[]){ 2, 4, 0x05, 0x50 }, 2 },
	{ "MSS 1361", 4, { 2, 4, 0x05, 0x51 },
	  (const u8[]){ 2, 4, 0x05, 0x50 }, 2 },
	{ "MSS 1360", 4, { 2, 4, 0x05, 0x50 }, NULL, -1 },
	{ "MSS 536", 4, { 2, 4, 0x02, 0x18 }, NULL, -1 },
	{ "MSS 0", 4, { 2, 4, 0, 0 }, NULL, -1 },
	{ "MSS 65535", 4, { 2, 4, 0xff, 0xff },
	  (const u8[]){ 2, 4, 0x05, 0x50 }, 2 },
	{ "as Linux has them", 20,
	  { 2, 4, 0x05, 0xb4, 4, 2, 8, 10, 1, 2, 3, 4, 0, 0, 0, 0, 1, 3, 3, 7 },
	  (const u8[]){ 2, 4, 0x05, 0x50, 4, 2, 8, 10, 1, 2, 3, 4, 0, 0, 0, 0,
			1, 3, 3, 7 }, 2 },
	{ "as Linux has them, small", 20,
	  { 2, 4, 0x05, 0x50, 4, 2, 8, 10, 1, 2, 3, 4, 0, 0, 0, 0, 1, 3, 3, 7 },
	  NULL, -1 },
	{ "as Linux has them, and more", 24,
	  { 2, 4, 0x05, 0xb4, 4, 2, 8, 10, 1, 2, 3, 4, 0, 0, 0, 0, 1, 3, 3, 7,
	    2, 4, 0x05, 0xb4 },
	  (const u8[]){ 2, 4, 0x05, 0x50, 4, 2, 8, 10, 1, 2, 3, 4, 0, 0, 0, 0,
			1, 3, 3, 7, 2, 4, 0x05, 0x50 }, 2 },
	{ "as Linux has them, but for the scale", 20,
	  { 2, 4, 0x05, 0xb4, 4, 2, 8, 10, 1, 2, 3, 4, 0, 0, 0, 0, 1, 3, 4, 7 },
	  NULL, -1 },
	{ "as Linux has them, but for the timestamps", 20,
	  { 2, 4, 0x05, 0xb4, 4, 2, 8, 0, 1, 2, 3, 4, 0, 0, 0, 0, 1, 3, 3, 7 },
	  NULL, -1 },
	{ "as Linux has them, but for the size", 20,
	  { 2, 3, 0x05, 0xb4, 4, 2, 8, 10, 1, 2, 3, 4, 0, 0, 0, 0, 1, 3, 3, 7 },
	  NULL, -1 },
	{ "as Linux has them, another where timestamps were", 20,
	  { 2, 4, 0x05, 0xb4, 4, 2, 9, 10, 2, 4, 0xff, 0xff, 0, 0, 0, 0,
	    1, 3, 3, 7 },
	  (const u8[]){ 2, 4, 0x05, 0x50, 4, 2, 9, 10, 2, 4, 0xff, 0xff, 0, 0,
			0, 0, 1, 3, 3, 7 }, 2 },
	{ "as Windows has them", 12,
	  { 2, 4, 0x05, 0xb4, 1, 3, 3, 8, 1, 1, 4, 2 },
	  (const u8[]){ 2, 4, 0x05, 0x50, 1, 3, 3, 8, 1, 1, 4, 2 }, 2 },
	{ "at an odd place", 8, { 1, 2, 4, 0x05, 0xb4, 1, 1, 1 },
	  (const u8[]){ 1, 2, 4, 0x05, 0x50, 1, 1, 1 }, 3 },
	{ "at an odd place, after another", 8,
	  { 3, 3, 7, 2, 4, 0x23, 0x45, 0 },
	  (const u8[]){ 3, 3, 7, 2, 4, 0x05, 0x50, 0 }, 5 },
	{ "at the end", 8, { 1, 1, 1, 1, 2, 4, 0x05, 0xb4 },
	  (const u8[]){ 1, 1, 1, 1, 2, 4, 0x05, 0x50 }, 6 },
	{ "at the end of most", 40,
	  { [0 ... 35] = 1, [36] = 2, 4, 0x05, 0xb4 },
	  (const u8[]){ [0 ... 35] = 1, [36] = 2, 4, 0x05, 0x50 }, 38 },
	{ "twice", 8, { 2, 4, 0x05, 0xb4, 2, 4, 0x06, 0xb4 },
	  (const u8[]){ 2, 4, 0x05, 0x50, 2, 4, 0x05, 0x50 }, 2 },
	{ "twice, the second is large", 12,
	  { 2, 4, 0x02, 0x18, 1, 2, 4, 0x05, 0xb4, 0, 0, 0 },
	  (const u8[]){ 2, 4, 0x02, 0x18, 1, 2, 4, 0x05, 0x50, 0, 0, 0 }, 7 },
	{ "after the end of the list", 8,
	  { 0, 0, 0, 0, 2, 4, 0x05, 0xb4 }, NULL, -1 },
	{ "garbage after the end", 8,
	  { 2, 4, 0x05, 0xb4, 0, 3, 99, 2 },
	  (const u8[]){ 2, 4, 0x05, 0x50, 0, 3, 99, 2 }, 2 },
	{ "only the end", 4, { 0 }, NULL, -1 },
	{ "only blanks", 4, { 1, 1, 1, 1 }, NULL, -1 },
	{ "inside of another", 8, { 254, 8, 2, 4, 0x05, 0xb4, 1, 1 },
	  NULL, -1 },
	{ "an empty option", 4, { 4, 2, 1, 1 }, NULL, -1 },
	{ "the kind without a length", 4, { 1, 1, 1, 2 }, NULL, -1 },
	{ "another kind without a length", 4, { 1, 1, 1, 8 }, NULL, -1 },
	{ "length 0", 4, { 8, 0, 1, 1 }, NULL, -1 },
	{ "length 1", 4, { 8, 1, 1, 1 }, NULL, -1 },
	{ "length 255", 4, { 8, 255, 1, 1 }, NULL, -1 },
	{ "one byte too long", 4, { 8, 5, 1, 1 }, NULL, -1 },
	{ "MSS of length 0", 4, { 2, 0, 0x05, 0xb4 }, NULL, -1 },
	{ "MSS of length 2", 4, { 2, 2, 1, 1 }, NULL, -1 },
	{ "MSS of length 3", 4, { 2, 3, 0x05, 1 }, NULL, -1 },
	{ "MSS of length 5", 8, { 2, 5, 0x05, 0xb4, 1, 1, 1, 1 }, NULL, -1 },
	{ "MSS cut short", 4, { 1, 2, 4, 0x05 }, NULL, -1 },
	{ "a good MSS, then rubbish", 8,
	  { 2, 4, 0x05, 0xb4, 8, 0, 1, 1 }, NULL, -1 },
	{ "a good MSS, then a bad one", 8,
	  { 2, 4, 0x05, 0xb4, 2, 3, 1, 1 }, NULL, -1 },
};
KUNIT_ARRAY_PARAM_DESC(lists, lists, name);

static void options(struct kunit *test)
{
	const struct list *row = test->param_value;
	size_t want = row->above < 0 ? row->len : row->above;
	u8 *copy = kunit_kmalloc(test, row->len ?: 1, GFP_KERNEL);

	/* Where KASAN would notice who reads on. */
	KUNIT_ASSERT_NOT_NULL(test, copy);
	memcpy(copy, row->before, row->len);
	KUNIT_EXPECT_EQ(test, want,
			chatdnat_tcp_mss_above(copy, row->len, 0, CLAMP_TO));
}

static void clamped(struct kunit *test, enum chatdnat_family family, bool partial)
{
	const struct list *row = test->param_value;
	struct chatdnat_packet packet = {
		.protocol = IPPROTO_TCP, .flags = CHATDNAT_SYN,
		.options = row->before, .n_options = row->len, .payload = 5,
	};
	struct chatdnat_test_flow ends = chatdnat_test_ends(test, family);
	unsigned int len, offset = family == CHATDNAT_IPV6 ? 40 : 20;
	u8 *byte = kunit_kzalloc(test, CHATDNAT_BYTES, GFP_KERNEL);
	u8 *want = kunit_kzalloc(test, CHATDNAT_BYTES, GFP_KERNEL);
	struct tcphdr *th, *want_th;
	struct sk_buff *skb;

	KUNIT_ASSERT_NOT_NULL(test, byte);
	KUNIT_ASSERT_NOT_NULL(test, want);
	len = chatdnat_test_bytes(family, &packet, &ends, byte);
	if (row->after)
		packet.options = row->after;
	chatdnat_test_bytes(family, &packet, &ends, want);

	skb = chatdnat_test_skb(test, byte, len, len, 0);
	th = (struct tcphdr *)(skb->data + offset);
	want_th = (struct tcphdr *)(want + offset);
	if (partial) {
		/* Of the addresses alone, whatever the options are. */
		skb->ip_summed = CHECKSUM_PARTIAL;
		th->check = (__force __sum16)htons(0x1234);
		want_th->check = th->check;
	}
	KUNIT_EXPECT_EQ(test, !!row->after, chatdnat_tcp_mss_clamp(skb, th, CLAMP_TO));
	KUNIT_EXPECT_MEMEQ(test, skb->data, want, len);
}

static void clamp_ipv4(struct kunit *test)
{
	clamped(test, CHATDNAT_IPV4, false);
}

static void clamp_ipv6(struct kunit *test)
{
	clamped(test, CHATDNAT_IPV6, false);
}

static void clamp_partial(struct kunit *test)
{
	clamped(test, CHATDNAT_IPV4, true);
}

static struct kunit_case cases[] = {
	KUNIT_CASE_PARAM(options, lists_gen_params),
	KUNIT_CASE_PARAM(clamp_ipv4, lists_gen_params),
	KUNIT_CASE_PARAM(clamp_ipv6, lists_gen_params),
	KUNIT_CASE_PARAM(clamp_partial, lists_gen_params),
	{}
};

static struct kunit_suite suite = {
	.name = "chatdnat_mss",
	.test_cases = cases,
};
kunit_test_suite(suite);
