// SPDX-License-Identifier: GPL-2.0
/*
 * Which connections are forwarded, and which packets the guard accepts. Input: a line of settings, a
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
	return which & 0x80 ? relays->relay[which % relays->n].local : relays->relay[which % relays->n].addr;
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
	struct chatdnat_dst_packet packet = { 0 };
	const struct chatdnat_addr *relay = NULL;
	enum chatdnat_dst_decision decision;
	bool from_wan, named, addr_asked = false, dev_asked = false, socket_asked = false;
	const struct chatdnat_addr every_other = { 0 };
	uint8_t facts;

	take_flow(&packet.flow, settings, input);
	named = !chatdnat_addr_equal(&packet.flow.daddr, &every_other) &&
		chatdnat_relays_names(&settings->service.relays[packet.flow.family], &packet.flow.daddr);
	facts = take_u8(input);
	packet.midstream = !(facts & 1);
	packet.in = facts & 2 ? devices[facts >> 6] : NULL;
	from_wan = packet.in && chatdnat_ifset_has(&settings->wan, packet.in);
	for (;;) {
		decision = chatdnat_nat_policy_dst(settings, &packet, &relay);
		if (decision == CHATDNAT_DST_LOOK_UP_ADDR) {
			CHECK(!addr_asked && !named);
			addr_asked = true;
			packet.daddr_type = CHATDNAT_ADDR_LOCAL + (facts >> 2 & 3) % 3;
		} else if (decision == CHATDNAT_DST_LOOK_UP_DEV) {
			CHECK(!dev_asked && addr_asked && !from_wan && settings->hairpin);
			dev_asked = true;
			packet.daddr_dev = facts & 0x10 ? devices[facts >> 6] : "";
		} else if (decision == CHATDNAT_DST_LOOK_UP_SOCKET) {
			CHECK(!socket_asked && packet.flow.proto == CHATDNAT_UDP && packet.flow.dport >= 32768);
			socket_asked = true;
			packet.socket = facts & 0x20 ? CHATDNAT_SOCKET_BOUND : CHATDNAT_SOCKET_NONE;
		} else {
			break;
		}
	}
	if (decision == CHATDNAT_DST_LEAVE)
		return;
	CHECK((decision == CHATDNAT_DST_TRANSLATE) == settings->enabled);
	CHECK(relay && chatdnat_relays_has(&settings->service.relays[packet.flow.family], relay));
	CHECK(!chatdnat_addr_equal(relay, &packet.flow.daddr));
	CHECK(chatdnat_portset_has(&settings->service.ports, packet.flow.proto, packet.flow.dport));
	CHECK(from_wan || (settings->hairpin && (named || (dev_asked && packet.daddr_dev[0] &&
							   chatdnat_ifset_has(&settings->wan, packet.daddr_dev)))));
	CHECK(!from_wan || packet.flow.family == CHATDNAT_IPV6 || *(const uint8_t *)packet.flow.daddr.word != 127);
	CHECK(named || packet.daddr_type == CHATDNAT_ADDR_LOCAL ||
	      (packet.daddr_type == CHATDNAT_ADDR_UNICAST && settings->scope == CHATDNAT_SCOPE_ANY &&
	       !chatdnat_relays_has(&settings->service.relays[packet.flow.family], &packet.flow.saddr)));
	CHECK(packet.flow.proto != CHATDNAT_TCP || packet.flow.dport != 22 || !packet.midstream);
	CHECK(packet.socket != CHATDNAT_SOCKET_BOUND);
}

static void check_src(const struct chatdnat_settings *settings, struct input *input)
{
	struct chatdnat_src_packet packet = { 0 };
	enum chatdnat_src_decision decision;
	uint8_t facts = take_u8(input);
	bool wan;

	packet.in = facts & 1 ? devices[facts >> 6] : NULL;
	packet.out = devices[facts >> 4 & 3];
	packet.translated = facts & 2;
	packet.transformed = facts & 4;
	packet.from_wan = packet.in && take_u8(input) & 1;
	wan = chatdnat_ifset_has(&settings->wan, packet.out);
	decision = chatdnat_nat_policy_src(settings, &packet);
	if (decision == CHATDNAT_SRC_LOOK_UP) {
		packet.saddr_type = facts & 8 ? CHATDNAT_ADDR_LOCAL : CHATDNAT_ADDR_UNICAST;
		decision = chatdnat_nat_policy_src(settings, &packet);
		CHECK(decision == (facts & 8 ? CHATDNAT_SRC_LEAVE : CHATDNAT_SRC_MASQUERADE));
		CHECK(!packet.translated && !packet.from_wan && wan && !packet.transformed && packet.in);
	}
	if (decision != CHATDNAT_SRC_MASQUERADE)
		return;
	/* Only traffic that leaves on a WAN interface, or is forwarded to the relay, gets another source. */
	CHECK(packet.translated ||
	      (wan && settings->masquerade != CHATDNAT_MASQUERADE_OFF && packet.in && !packet.from_wan));
}

static void check_guard(const struct chatdnat_settings *settings, struct input *input)
{
	static const uint8_t protocols[] = { IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP, IPPROTO_ICMPV6, 47, 50, 0, 255 };
	struct chatdnat_guard_packet packet = { 0 };
	enum chatdnat_admission forward, in;
	bool to_relay, outbound, told, port, echo, midstream, allowed;
	uint8_t facts = take_u8(input), more = take_u8(input);

	take_flow(&packet.flow, settings, input);
	packet.protocol = protocols[facts & 7];
	packet.track = CHATDNAT_TRACK_NEW + (facts >> 3 & 3) % 3;
	packet.has_syn = packet.protocol == IPPROTO_TCP && facts & 0x20;
	packet.continues = packet.protocol == IPPROTO_TCP && !packet.has_syn && facts & 0x40;
	packet.from_wan = more & 1;
	packet.to_wan = more & 2;
	packet.settling = more & 4;
	packet.local_source = more & 16;
	packet.icmp_type = take_u8(input);
	packet.hop_limit = take_u8(input);
	packet.flow.proto = packet.protocol == IPPROTO_UDP ? CHATDNAT_UDP : CHATDNAT_TCP;

	forward = chatdnat_guard_policy_forward(settings, &packet);
	in = chatdnat_guard_policy_input(settings, &packet);
	midstream = packet.protocol == IPPROTO_TCP && !packet.has_syn && packet.track == CHATDNAT_TRACK_NEW;
	if (in == CHATDNAT_ADMIT_LOOK_UP_SOCKET) {
		CHECK(midstream);
		packet.socket = more & 8 ? CHATDNAT_SOCKET_BOUND : CHATDNAT_SOCKET_NONE;
		in = chatdnat_guard_policy_input(settings, &packet);
		CHECK(in == (more & 8 ? CHATDNAT_ADMIT : CHATDNAT_REFUSE));
	}
	to_relay = chatdnat_relays_has(&settings->service.relays[packet.flow.family], &packet.flow.daddr);
	port = packet.protocol == IPPROTO_TCP || packet.protocol == IPPROTO_UDP;
	echo = packet.flow.family == CHATDNAT_IPV6 ? packet.protocol == IPPROTO_ICMPV6 && packet.icmp_type == 128 :
						      packet.protocol == IPPROTO_ICMP && packet.icmp_type == 8;
	allowed = chatdnat_allowed_protocol(&settings->allow, packet.protocol);
	outbound = !packet.from_wan && packet.to_wan &&
		   chatdnat_relays_has(&settings->service.relays[packet.flow.family], &packet.flow.saddr);

	told = packet.track == CHATDNAT_TRACK_INVALID && packet.local_source && !packet.from_wan && packet.to_wan;

	if (forward == CHATDNAT_ADMIT) {
		CHECK(packet.track == CHATDNAT_TRACK_NEW ||
		      (packet.track == CHATDNAT_TRACK_INVALID && packet.continues && (to_relay || outbound || told)));
		CHECK((midstream && packet.settling) || outbound || told ||
		      (to_relay && (echo || (port && chatdnat_portset_has(&settings->service.ports, packet.flow.proto,
									  packet.flow.dport)))));
	}
	CHECK(forward != CHATDNAT_ADMIT_SOME);
	CHECK((in == CHATDNAT_ADMIT_SOME) == echo);
	if (in == CHATDNAT_ADMIT && port) {
		CHECK(packet.track != CHATDNAT_TRACK_INVALID);
		CHECK((midstream && packet.socket == CHATDNAT_SOCKET_BOUND) || packet.protocol == IPPROTO_UDP ||
		      chatdnat_portset_has(&settings->allow.ports, packet.flow.proto, packet.flow.dport));
		/* DHCP alone has a port that is open to all. */
		if (packet.protocol == IPPROTO_UDP &&
		    !chatdnat_portset_has(&settings->allow.ports, CHATDNAT_UDP, packet.flow.dport))
			CHECK(packet.flow.dport == (packet.flow.family == CHATDNAT_IPV6 ? 546 : 68));
	}
	/* What has neither ports nor a type enters as a protocol that is allowed, and is not forwarded. */
	if (packet.protocol == 47 || packet.protocol == 50 || packet.protocol == 0 || packet.protocol == 255) {
		CHECK(outbound || forward >= CHATDNAT_REFUSE);
		CHECK((in == CHATDNAT_ADMIT) == (allowed && packet.track != CHATDNAT_TRACK_INVALID));
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
