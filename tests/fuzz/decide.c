// SPDX-License-Identifier: GPL-2.0
/*
 * Who is sent on, and whom the guard lets pass. Input: a line of settings, a
 * line's end, then the packet's facts, a byte each.
 */
#include "text.h"

#include <string.h>

#include "../../module/policy/guard_policy.h"
#include "../../module/policy/setting_table.h"
#include "../../module/policy/nat_policy.h"

static const char *const devices[] = { "eth0", "wg0", "lan0", "ppp1" };

/* An address that the settings name, or another. */
static struct chatdnat_addr pick(const struct chatdnat_relays *relays, uint8_t which)
{
	struct chatdnat_addr other = { .word = { htonl(0xcb007100U | which) } };

	if (!relays->n || which & 0x40)
		return other;
	return which & 0x80 ? relays->relay[which % relays->n].own : relays->relay[which % relays->n].addr;
}

/* A port at the edge of what the settings name, or any. */
static u16 pick_port(const struct chatdnat_portset *set, uint8_t which, uint16_t any)
{
	unsigned int n = set->n[CHATDNAT_TCP] + set->n[CHATDNAT_UDP];

	return n && which & 1 ? (u16)(set->range[(which >> 1) % n].first + (any & 1)) : any;
}

static void take_flow(struct chatdnat_flow *flow, const struct chatdnat_settings *settings, struct input *input)
{
	const struct chatdnat_relays *relays;
	uint8_t which;

	memset(flow, 0, sizeof(*flow));
	flow->family = take_u8(input) & 1 ? CHATDNAT_IPV6 : CHATDNAT_IPV4;
	flow->proto = take_u8(input) & 1 ? CHATDNAT_UDP : CHATDNAT_TCP;
	relays = &settings->service.relays[flow->family];
	flow->saddr = pick(relays, take_u8(input));
	flow->daddr = pick(relays, take_u8(input));
	which = take_u8(input);
	flow->sport = take_u16(input);
	flow->dport = pick_port(&settings->service.ports, which, take_u16(input));
}

/* What is asked for is looked up; a decision needs no more than each once. */
static void check_dst(const struct chatdnat_settings *settings, struct input *input)
{
	struct chatdnat_arrival arrival = { 0 };
	const struct chatdnat_addr *relay = NULL;
	enum chatdnat_dst_decision decision;
	bool from_wan, named, addr_asked = false, dev_asked = false, socket_asked = false;
	const struct chatdnat_addr every_other = { 0 };
	uint8_t facts;

	take_flow(&arrival.flow, settings, input);
	named = !chatdnat_addr_equal(&arrival.flow.daddr, &every_other) &&
		chatdnat_relays_names(&settings->service.relays[arrival.flow.family], &arrival.flow.daddr);
	facts = take_u8(input);
	arrival.opens = facts & 1;
	arrival.in = facts & 2 ? devices[facts >> 6] : NULL;
	from_wan = arrival.in && chatdnat_ifset_has(&settings->wan, arrival.in);
	for (;;) {
		decision = chatdnat_decide_dst(settings, &arrival, &relay);
		if (decision == CHATDNAT_DST_LOOK_UP_ADDR) {
			CHECK(!addr_asked && !named);
			addr_asked = true;
			arrival.daddr_type = CHATDNAT_ADDR_LOCAL + (facts >> 2 & 3) % 3;
		} else if (decision == CHATDNAT_DST_LOOK_UP_DEV) {
			CHECK(!dev_asked && addr_asked && !from_wan && settings->hairpin);
			dev_asked = true;
			arrival.daddr_dev = facts & 0x10 ? devices[facts >> 6] : "";
		} else if (decision == CHATDNAT_DST_LOOK_UP_SOCKET) {
			CHECK(!socket_asked && arrival.flow.proto == CHATDNAT_UDP && arrival.flow.dport >= 32768);
			socket_asked = true;
			arrival.socket = facts & 0x20 ? CHATDNAT_SOCKET_BOUND : CHATDNAT_SOCKET_NONE;
		} else {
			break;
		}
	}
	if (decision == CHATDNAT_DST_LEAVE)
		return;
	CHECK((decision == CHATDNAT_DST_TRANSLATE) == settings->enabled);
	CHECK(relay && chatdnat_relays_has(&settings->service.relays[arrival.flow.family], relay));
	CHECK(!chatdnat_addr_equal(relay, &arrival.flow.daddr));
	CHECK(chatdnat_portset_has(&settings->service.ports, arrival.flow.proto, arrival.flow.dport));
	CHECK(from_wan || (settings->hairpin && (named || (dev_asked && arrival.daddr_dev[0] &&
							   chatdnat_ifset_has(&settings->wan, arrival.daddr_dev)))));
	CHECK(!from_wan || arrival.flow.family == CHATDNAT_IPV6 || *(const uint8_t *)arrival.flow.daddr.word != 127);
	CHECK(named || arrival.daddr_type == CHATDNAT_ADDR_LOCAL ||
	      (arrival.daddr_type == CHATDNAT_ADDR_UNICAST && settings->scope == CHATDNAT_SCOPE_ANY &&
	       !chatdnat_relays_has(&settings->service.relays[arrival.flow.family], &arrival.flow.saddr)));
	CHECK(arrival.flow.proto != CHATDNAT_TCP || arrival.flow.dport != 22 || arrival.opens);
	CHECK(arrival.socket != CHATDNAT_SOCKET_BOUND);
}

static void check_src(const struct chatdnat_settings *settings, struct input *input)
{
	struct chatdnat_departure departure = { 0 };
	enum chatdnat_src_decision decision;
	uint8_t facts = take_u8(input);
	bool wan;

	departure.in = facts & 1 ? devices[facts >> 6] : NULL;
	departure.out = devices[facts >> 4 & 3];
	departure.translated = facts & 2;
	departure.transformed = facts & 4;
	departure.from_wan = departure.in && take_u8(input) & 1;
	wan = chatdnat_ifset_has(&settings->wan, departure.out);
	decision = chatdnat_decide_src(settings, &departure);
	if (decision == CHATDNAT_SRC_LOOK_UP) {
		departure.saddr_type = facts & 8 ? CHATDNAT_ADDR_LOCAL : CHATDNAT_ADDR_UNICAST;
		decision = chatdnat_decide_src(settings, &departure);
		CHECK(decision == (facts & 8 ? CHATDNAT_SRC_LEAVE : CHATDNAT_SRC_MASQUERADE));
		CHECK(!departure.translated && !departure.from_wan && wan && !departure.transformed && departure.in);
	}
	if (decision != CHATDNAT_SRC_MASQUERADE)
		return;
	/* Only what leaves by WAN, or is sent on, ever gets another source. */
	CHECK(departure.translated ||
	      (wan && settings->masquerade != CHATDNAT_MASQUERADE_OFF && departure.in && !departure.from_wan));
}

static void check_guard(const struct chatdnat_settings *settings, struct input *input)
{
	static const uint8_t protocols[] = { IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP, IPPROTO_ICMPV6, 47, 50, 0, 255 };
	struct chatdnat_entrant entrant = { 0 };
	enum chatdnat_admission forward, in;
	bool to_relay, outbound, told, port, echo, midstream, allowed;
	uint8_t facts = take_u8(input), more = take_u8(input);

	take_flow(&entrant.flow, settings, input);
	entrant.protocol = protocols[facts & 7];
	entrant.track = CHATDNAT_TRACK_NEW + (facts >> 3 & 3) % 3;
	entrant.opens = entrant.protocol == IPPROTO_TCP && facts & 0x20;
	entrant.continues = entrant.protocol == IPPROTO_TCP && !entrant.opens && facts & 0x40;
	entrant.from_wan = more & 1;
	entrant.to_wan = more & 2;
	entrant.settling = more & 4;
	entrant.own_source = more & 16;
	entrant.icmp_type = take_u8(input);
	entrant.hop_limit = take_u8(input);
	entrant.flow.proto = entrant.protocol == IPPROTO_UDP ? CHATDNAT_UDP : CHATDNAT_TCP;

	forward = chatdnat_admit_forward(settings, &entrant);
	in = chatdnat_admit_input(settings, &entrant);
	midstream = entrant.protocol == IPPROTO_TCP && !entrant.opens && entrant.track == CHATDNAT_TRACK_NEW;
	if (in == CHATDNAT_ADMIT_LOOK_UP_SOCKET) {
		CHECK(midstream);
		entrant.socket = more & 8 ? CHATDNAT_SOCKET_BOUND : CHATDNAT_SOCKET_NONE;
		in = chatdnat_admit_input(settings, &entrant);
		CHECK(in == (more & 8 ? CHATDNAT_ADMIT : CHATDNAT_REFUSE));
	}
	to_relay = chatdnat_relays_has(&settings->service.relays[entrant.flow.family], &entrant.flow.daddr);
	port = entrant.protocol == IPPROTO_TCP || entrant.protocol == IPPROTO_UDP;
	echo = entrant.flow.family == CHATDNAT_IPV6 ? entrant.protocol == IPPROTO_ICMPV6 && entrant.icmp_type == 128 :
						      entrant.protocol == IPPROTO_ICMP && entrant.icmp_type == 8;
	allowed = chatdnat_allowed_protocol(&settings->allow, entrant.protocol);
	outbound = !entrant.from_wan && entrant.to_wan &&
		   chatdnat_relays_has(&settings->service.relays[entrant.flow.family], &entrant.flow.saddr);

	told = entrant.track == CHATDNAT_TRACK_INVALID && entrant.own_source && !entrant.from_wan && entrant.to_wan;

	if (forward == CHATDNAT_ADMIT) {
		CHECK(entrant.track == CHATDNAT_TRACK_NEW ||
		      (entrant.track == CHATDNAT_TRACK_INVALID && entrant.continues && (to_relay || outbound || told)));
		CHECK((midstream && entrant.settling) || outbound || told ||
		      (to_relay && (echo || (port && chatdnat_portset_has(&settings->service.ports, entrant.flow.proto,
									  entrant.flow.dport)))));
	}
	CHECK(forward != CHATDNAT_ADMIT_SOME);
	CHECK((in == CHATDNAT_ADMIT_SOME) == echo);
	if (in == CHATDNAT_ADMIT && port) {
		CHECK(entrant.track != CHATDNAT_TRACK_INVALID);
		CHECK((midstream && entrant.socket == CHATDNAT_SOCKET_BOUND) || entrant.protocol == IPPROTO_UDP ||
		      chatdnat_portset_has(&settings->allow.ports, entrant.flow.proto, entrant.flow.dport));
		/* DHCP alone has a port that is open to all. */
		if (entrant.protocol == IPPROTO_UDP &&
		    !chatdnat_portset_has(&settings->allow.ports, CHATDNAT_UDP, entrant.flow.dport))
			CHECK(entrant.flow.dport == (entrant.flow.family == CHATDNAT_IPV6 ? 546 : 68));
	}
	/* What has neither ports nor a type enters as a protocol that is allowed, and is not forwarded. */
	if (entrant.protocol == 47 || entrant.protocol == 50 || entrant.protocol == 0 || entrant.protocol == 255) {
		CHECK(outbound || forward >= CHATDNAT_REFUSE);
		CHECK((in == CHATDNAT_ADMIT) == (allowed && entrant.track != CHATDNAT_TRACK_INVALID));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *end = size ? memchr(data, '\n', size) : NULL;
	size_t len = end ? (size_t)(end - data) : size;
	struct input input = { data + len + 1, end ? size - len - 1 : 0 };
	struct chatdnat_settings settings;
	struct chatdnat_refusal why = { 0 };
	const char *name = NULL;
	struct chatdnat_text text = text_of(data, len);
	int err = chatdnat_setting_table_parse(&settings, text, &name, &why);

	if (err) {
		check_refusal(text, err, &why);
		chatdnat_settings_default(&settings);
	}
	text_free(text);
	check_dst(&settings, &input);
	check_src(&settings, &input);
	check_guard(&settings, &input);
	return 0;
}
