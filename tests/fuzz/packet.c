// SPDX-License-Identifier: GPL-2.0
/*
 * Headers, next to another walker. What the module looks at has to be pulled:
 * the rest is out of bounds. Input: how much is pulled, then a packet.
 */
#include "packet.h"

#include "../../module/policy/guard_policy.h"

static void check_addresses(const struct flat *flat, const struct chatdnat_flow *flow)
{
	size_t len = flat->family == CHATDNAT_IPV6 ? 16 : 4, at = flat->family == CHATDNAT_IPV6 ? 8 : 12;

	CHECK(!memcmp(flow->saddr.word, flat->byte + at, len));
	CHECK(!memcmp(flow->daddr.word, flat->byte + at + len, len));
}

static void check_entrant(const struct sk_buff *skb, const struct flat *flat, long at, uint8_t protocol,
			  bool fragment)
{
	struct chatdnat_guard_packet packet;
	bool whole = chatdnat_packet_for_guard(skb, flat->family, &packet), want = at >= 0 && !fragment;
	const uint8_t *th = flat->byte + (at > 0 && at < (long)flat->len ? at : 0);
	long room = (long)flat->len - at;

	if (want)
		want = room >= (protocol == 6 ? 20 : protocol == 17 ? 8 : protocol == 1 || protocol == 58);
	/* Of another protocol nothing is looked at. */
	if (at >= 0 && !fragment && protocol != 6 && protocol != 17 && protocol != 1 && protocol != 58)
		want = true;
	CHECK(whole == want);
	if (!whole)
		return;
	CHECK(packet.protocol == protocol && packet.flow.family == flat->family);
	CHECK(packet.hop_limit == flat->byte[flat->family == CHATDNAT_IPV6 ? 7 : 8]);
	check_addresses(flat, &packet.flow);
	if (protocol == 6 || protocol == 17) {
		CHECK(packet.flow.proto == (protocol == 6 ? CHATDNAT_TCP : CHATDNAT_UDP));
		CHECK(packet.flow.sport == word_at(th) && packet.flow.dport == word_at(th + 2));
		CHECK(packet.has_syn == (protocol == 6 && th[13] & 2));
	}
	if (protocol == 1 || protocol == 58)
		CHECK(packet.icmp_type == *th);
}

/* What an error is about: false for one that is about no TCP segment of who gets it. */
static bool quotation(const struct flat *flat, size_t icmp, size_t *inner, size_t *ports)
{
	size_t at = icmp + 8, header = flat->family == CHATDNAT_IPV6 ? 40 : 20;
	const uint8_t *b = flat->byte;
	bool fragment, later;
	uint8_t protocol;
	long th;

	if (icmp + 8 > flat->len || at + header > flat->len)
		return false;
	if (flat->family == CHATDNAT_IPV6 ? b[icmp] & 0x80 : b[icmp] != 3 && b[icmp] != 11 && b[icmp] != 12)
		return false;
	if (flat->family == CHATDNAT_IPV6 ? b[at] >> 4 != 6 || memcmp(b + at + 8, b + 24, 16) != 0 :
					    b[at] >> 4 != 4 || (b[at] & 0xf) < 5 || memcmp(b + at + 12, b + 16, 4) != 0)
		return false;
	th = walk(flat, at, &protocol, &fragment, &later);
	if (th < 0 || protocol != 6 || later || (size_t)th + 4 > flat->len)
		return false;
	*inner = at;
	*ports = (size_t)th;
	return true;
}

static void check_parcel(const struct sk_buff *skb, const struct flat *flat, long at, uint8_t protocol, bool fragment)
{
	size_t inner = 0, ports = 0, len = flat->family == CHATDNAT_IPV6 ? 16 : 4;
	size_t addresses = flat->family == CHATDNAT_IPV6 ? 8 : 12;
	const uint8_t *th = flat->byte + (at > 0 && at < (long)flat->len ? at : 0);
	struct chatdnat_parsed parsed;
	bool found = chatdnat_packet_parse(skb, flat->family, &parsed), want = false;

	if (at >= 0 && !fragment && protocol == 6)
		want = (size_t)at + 20 <= flat->len;
	else if (at >= 0 && !fragment && protocol == (flat->family == CHATDNAT_IPV6 ? 58 : 1))
		want = quotation(flat, (size_t)at, &inner, &ports);
	CHECK(found == want);
	if (!found)
		return;
	CHECK(parsed.offset == (unsigned int)at && parsed.flow.family == flat->family);
	CHECK(parsed.flow.proto == CHATDNAT_TCP && parsed.quoted == inner);
	if (!inner) {
		check_addresses(flat, &parsed.flow);
		CHECK(parsed.flow.sport == word_at(th) && parsed.flow.dport == word_at(th + 2));
		CHECK(parsed.is_syn == ((th[13] & 0x12) == 2));
		CHECK(parsed.is_syn_reply == (th[13] & 0x10 && (th[13] & 2 ||
							      (th[13] & 4 && !memcmp(th + 4, "\0\0\0\0", 4)))));
		return;
	}
	CHECK(parsed.quoted_offset == ports && !parsed.is_syn && !parsed.is_syn_reply);
	CHECK(parsed.flow.sport == word_at(flat->byte + ports + 2) && parsed.flow.dport == word_at(flat->byte + ports));
	CHECK(!memcmp(parsed.flow.saddr.word, flat->byte + inner + addresses + len, len));
	CHECK(!memcmp(parsed.flow.daddr.word, flat->byte + inner + addresses, len));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { data, size };
	size_t linear = take_u8(&input);
	bool fragment, later;
	uint8_t protocol, got;
	struct sk_buff skb;
	struct flat flat;
	long at;

	if (!flat_take(&flat, &input))
		return 0;
	skb_make(&skb, &flat, linear);
	at = walk(&flat, 0, &protocol, &fragment, &later);
	CHECK(chatdnat_packet_transport(&skb, flat.family, &got) == (at < 0 || fragment ? -1 : at));
	if (at >= 0 && !fragment)
		CHECK(got == protocol);
	check_entrant(&skb, &flat, at, protocol, fragment);
	check_parcel(&skb, &flat, at, protocol, fragment);
	skb_free(&skb);
	return 0;
}
