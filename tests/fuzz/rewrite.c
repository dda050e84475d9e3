// SPDX-License-Identifier: GPL-2.0
/*
 * One address for another, there and back. Input: how much is pulled, how the
 * sums stand, which address, what is to go wrong, the address's last bytes; then
 * a packet.
 */
#include "../../module/net/rewrite.h"

#include "packet.h"

enum { TO_DESTINATION = 1, OUTER = 2, STINGY = 4, DAMAGED = 8 };

/* Where a packet's address is: of IPv4, of IPv6. */
static size_t place(const struct flat *flat, enum chatdnat_side side)
{
	if (flat->family == CHATDNAT_IPV6)
		return side == CHATDNAT_SRC ? 8 : 24;
	return side == CHATDNAT_SRC ? 12 : 16;
}

static size_t address_len(const struct flat *flat)
{
	return flat->family == CHATDNAT_IPV6 ? 16 : 4;
}

static enum chatdnat_side other(enum chatdnat_side side)
{
	return side == CHATDNAT_SRC ? CHATDNAT_DST : CHATDNAT_SRC;
}

/* What may change: addresses, and sums. */
struct allowed {
	bool at[2048];
};

static void allow(struct allowed *allowed, size_t at, size_t len)
{
	memset(allowed->at + at, true, len);
}

static void check_rest(const struct flat *before, const struct flat *after, const struct allowed *allowed)
{
	size_t i;

	CHECK(before->len == after->len);
	for (i = 0; i < before->len; i++)
		CHECK(allowed->at[i] || before->byte[i] == after->byte[i]);
}

/* All ones and all zeros are the same sum. */
static bool same_sum(uint32_t a, uint32_t b)
{
	return a % 0xffff == b % 0xffff;
}

/* Addresses and the sum that covers them balance, whatever else there is. */
static void check_balance(const struct flat *before, const struct flat *after, size_t addresses, size_t check)
{
	size_t len = 2 * address_len(before);
	uint32_t was = sum_of(before->byte + addresses, len, word_at(before->byte + check));
	uint32_t is = sum_of(after->byte + addresses, len, word_at(after->byte + check));

	CHECK(same_sum(was, is));
}

static void check_ip_sum(const struct flat *flat)
{
	if (flat->family == CHATDNAT_IPV4)
		CHECK(sum_of(flat->byte, ip_header_len(flat), 0) == 0xffff);
}

static void check_segment(const struct flat *before, const struct flat *after, const struct chatdnat_parsed *parsed,
			  enum chatdnat_side side, const struct sk_buff *skb)
{
	struct allowed allowed = { 0 };

	allow(&allowed, place(before, side), address_len(before));
	allow(&allowed, parsed->offset + 16, 2);
	if (before->family == CHATDNAT_IPV4)
		allow(&allowed, 10, 2);
	check_rest(before, after, &allowed);
	check_ip_sum(after);
	if (skb->ip_summed == CHECKSUM_PARTIAL) {
		/* What the device is to go on from: the sum of the addresses, not turned. */
		uint32_t was = sum_of(before->byte + place(before, side), address_len(before), 0);
		uint32_t is = sum_of(after->byte + place(after, side), address_len(after), 0);

		CHECK(same_sum(word_at(before->byte + parsed->offset + 16) + is,
			       word_at(after->byte + parsed->offset + 16) + was));
		return;
	}
	check_balance(before, after, place(before, CHATDNAT_SRC), parsed->offset + 16);
	CHECK(same_sum(transport_sum(before, parsed->offset, 6), transport_sum(after, parsed->offset, 6)));
	if (skb->ip_summed == CHECKSUM_COMPLETE)
		CHECK(same_sum(htons((u16)~csum_fold(skb->csum)), sum_of(after->byte, after->len, 0)));
}

static void check_error(const struct flat *before, const struct flat *after, const struct chatdnat_parsed *parsed,
			enum chatdnat_side side, bool outer, const struct sk_buff *skb)
{
	struct allowed allowed = { 0 };
	size_t addresses = parsed->quoted + place(before, CHATDNAT_SRC);
	bool whole = parsed->quoted_offset + 20 <= before->len;

	allow(&allowed, parsed->quoted + place(before, other(side)), address_len(before));
	allow(&allowed, parsed->offset + 2, 2);
	if (outer)
		allow(&allowed, place(before, side), address_len(before));
	if (before->family == CHATDNAT_IPV4)
		allow(&allowed, 10, outer ? 2 : 0);
	if (before->family == CHATDNAT_IPV4)
		allow(&allowed, parsed->quoted + 10, 2);
	if (whole)
		allow(&allowed, parsed->quoted_offset + 16, 2);
	check_rest(before, after, &allowed);
	check_ip_sum(after);
	if (before->family == CHATDNAT_IPV4) {
		CHECK(sum_of(after->byte + parsed->offset, after->len - parsed->offset, 0) == 0xffff);
		check_balance(before, after, addresses, parsed->quoted + 10);
	} else {
		CHECK(transport_sum(after, parsed->offset, 58) == 0xffff);
	}
	if (whole)
		check_balance(before, after, addresses, parsed->quoted_offset + 16);
	CHECK(skb->ip_summed == CHECKSUM_NONE);
}

/* Only an error whose sum is right is rewritten. */
static void make_error_sum(struct flat *flat, const struct chatdnat_parsed *parsed, bool damaged)
{
	uint8_t *check = flat->byte + parsed->offset + 2;

	check[0] = check[1] = 0;
	put_sum(check, flat->family == CHATDNAT_IPV6 ?
			       transport_sum(flat, parsed->offset, 58) :
			       sum_of(flat->byte + parsed->offset, flat->len - parsed->offset, 0));
	check[1] ^= damaged;
}

static void check_same(const struct flat *before, const struct flat *after, const struct chatdnat_parsed *parsed)
{
	size_t i, sum = parsed->quoted ? 0 : parsed->offset + 16;

	CHECK(before->len == after->len);
	for (i = 0; i < before->len; i++) {
		bool a_sum = (sum && i - sum < 2) || (before->family == CHATDNAT_IPV4 && i - 10 < 2) ||
			     (parsed->quoted && (i - parsed->offset - 2 < 2 || i - parsed->quoted_offset - 16 < 2 ||
						 (before->family == CHATDNAT_IPV4 && i - parsed->quoted - 10 < 2)));

		CHECK(before->byte[i] == after->byte[i] ||
		      (a_sum && (before->byte[i] ^ after->byte[i]) == 0xff));
	}
}

static void check_rewrite(struct flat *before, struct sk_buff *skb, const struct chatdnat_parsed *parsed,
			  uint8_t what, const struct chatdnat_addr *to)
{
	enum chatdnat_side side = what & TO_DESTINATION ? CHATDNAT_DST : CHATDNAT_SRC;
	bool outer = what & OUTER, done, want = !skb->stingy;
	struct chatdnat_addr from = { 0 };
	struct flat after, back;

	if (parsed->quoted)
		want = want && skb->ip_summed != CHECKSUM_PARTIAL && !(what & DAMAGED);
	memcpy(from.word, parsed->quoted ? before->byte + parsed->quoted + place(before, other(side)) :
					   before->byte + place(before, side), address_len(before));

	done = chatdnat_rewrite(skb, 0, parsed, side, to, outer);
	CHECK(done == want);
	skb_flatten(skb, before->family, &after);
	if (!done) {
		CHECK(!memcmp(before, &after, sizeof(after)));
		return;
	}
	if (parsed->quoted) {
		CHECK(!memcmp(after.byte + parsed->quoted + place(&after, other(side)), to->word, address_len(&after)));
		check_error(before, &after, parsed, side, outer, skb);
		if (!outer)
			CHECK(!memcmp(after.byte + place(&after, side), before->byte + place(before, side), address_len(before)));
	} else {
		check_segment(before, &after, parsed, side, skb);
	}
	if (!parsed->quoted || outer)
		CHECK(!memcmp(after.byte + place(&after, side), to->word, address_len(&after)));

	/* The address of a router that sends an error is lost where it is replaced too. */
	if (parsed->quoted && outer && memcmp(before->byte + place(before, side), from.word, address_len(before)) != 0)
		return;
	CHECK(chatdnat_rewrite(skb, 0, parsed, side, &from, outer));
	skb_flatten(skb, before->family, &back);
	check_same(before, &back, parsed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { data, size };
	size_t linear = take_u8(&input);
	uint8_t summed = take_u8(&input) % 4, what = take_u8(&input);
	struct chatdnat_addr to = { .word = { htonl(0x0a090000 | take_u16(&input)) } };
	struct chatdnat_parsed parsed;
	struct sk_buff skb;
	struct flat flat;

	if (!flat_take(&flat, &input))
		return 0;
	if (flat.family == CHATDNAT_IPV6)
		to = (struct chatdnat_addr){ .word = { htonl(0xfd000009), 0, 0, to.word[0] } };
	skb_make(&skb, &flat, linear);
	if (chatdnat_packet_parse(&skb, flat.family, &parsed)) {
		if (parsed.quoted)
			make_error_sum(&flat, &parsed, what & DAMAGED);
		skb_free(&skb);
		skb_make(&skb, &flat, linear);
		skb.stingy = what & STINGY;
		skb.ip_summed = summed;
		skb.csum = csum_partial(flat.byte, (int)flat.len, 0);
		check_rewrite(&flat, &skb, &parsed, what, &to);
	}
	skb_free(&skb);
	return 0;
}
