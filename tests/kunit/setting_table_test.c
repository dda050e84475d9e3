// SPDX-License-Identifier: GPL-2.0
/* Whole configurations, and what settings mean for flows. */
#include "chatdnat_test.h"
#include "module/policy/setting_table.h"

#define PORTS	"25,80,143,443,465,587,993"
#define HEAD	"wan= v4= v6= ports=" PORTS
#define TAIL	" scope=local masquerade=wan guard=off allow=22 mss=auto via=" \
		" stale=flush enabled=1 hairpin=0 log=off fast=auto engine=tracked"
#define RELAYS	"wan=eth0 v4=10.9.0.2 v6=fd00::2 ports=" PORTS TAIL

/* All except what is forwarded where. */
#define REST	" scope=any masquerade=all guard=full allow=20-25 mss=1360 via=wg0" \
		" stale=keep enabled=0 hairpin=1 log=drops fast=on engine=auto"
#define OFF	" scope=local masquerade=off guard=forward allow= mss=off via=" \
		" stale=flush enabled=1 hairpin=0 log=off fast=auto engine=stateless"
#define STRICT	" scope=local masquerade=off guard=strict allow=22,112/ip mss=off via=" \
		" stale=flush enabled=1 hairpin=0 log=off fast=auto engine=stateless"
#define MSS(n)	" scope=local masquerade=wan guard=off allow=22 mss=" n " via=" \
		" stale=flush enabled=1 hairpin=0 log=off fast=auto engine=tracked"
#define SHUFFLED " via=wg0 mss=1360 allow=20-25 guard=full scope=any masquerade=all"

static const struct good {
	const char *text;
	const char *written;
} good[] = {
	{ "", HEAD TAIL },
	{ "wan=", HEAD TAIL },
	{ HEAD TAIL, HEAD TAIL },
	{ "wan=eth0 v4=10.9.0.2 v6=fd00::2", RELAYS },
	{ "v6=fd00::2 v4=10.9.0.2 wan=eth0", RELAYS },
	{ RELAYS, RELAYS },
	{ "ports=turn,25", "wan= v4= v6= ports=25,3478/udp" TAIL },
	{ HEAD REST, HEAD REST },
	{ "fast=on engine=auto log=drops hairpin=1 enabled=0 stale=keep" SHUFFLED,
	  HEAD REST },
	{ "masquerade=off guard=forward allow= mss=off engine=stateless",
	  HEAD OFF },
	{ "masquerade=off guard=strict allow=vrrp,ssh mss=off engine=stateless",
	  HEAD STRICT },
	{ "mss=536", HEAD MSS("536") },
	{ "mss=65495", HEAD MSS("65495") },
};
CHATDNAT_TEST_ROWS(good);

static void taken(struct kunit *test)
{
	const struct good *row = test->param_value;
	struct chatdnat_settings *settings, *again;
	char *buf = kunit_kzalloc(test, PAGE_SIZE, GFP_KERNEL);
	int len;

	KUNIT_ASSERT_NOT_NULL(test, buf);
	settings = chatdnat_test_settings(test, row->text);
	len = chatdnat_setting_table_format(settings, buf, PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, len, strlen(row->written));
	KUNIT_EXPECT_STREQ(test, buf, row->written);
	again = chatdnat_test_settings(test, buf);
	KUNIT_EXPECT_MEMEQ(test, settings, again, sizeof(*settings));
}

/* @name: whose value is at fault, if one is */
static const struct bad {
	const char *text;
	const char *name;
	int err;
	const char *offending;
	const char *expected;
} bad[] = {
	{ " ", NULL, -EINVAL, "", "name=value" },
	{ "wan", NULL, -EINVAL, "wan", "name=value" },
	{ "wan=eth0 ", NULL, -EINVAL, "", "name=value" },
	{ " wan=eth0", NULL, -EINVAL, "", "name=value" },
	{ "wan=eth0  mss=off", NULL, -EINVAL, "", "name=value" },
	{ "wan=eth0\tmss=off", "wan", -EINVAL, "eth0\tmss=off", "without blanks" },
	{ "=", NULL, -EINVAL, "", "the name of a setting" },
	{ "=eth0", NULL, -EINVAL, "", "the name of a setting" },
	{ "WAN=eth0", NULL, -EINVAL, "WAN", "the name of a setting" },
	{ "wan2=eth0", NULL, -EINVAL, "wan2", "the name of a setting" },
	{ "port=25", NULL, -EINVAL, "port", "the name of a setting" },
	{ "wan=eth0 wan=eth0", NULL, -EINVAL, "wan", "once" },
	{ "wan= wan=eth0", NULL, -EINVAL, "wan", "once" },
	{ "engine=auto mss=off engine=auto", NULL, -EINVAL, "engine", "once" },
	{ "wan=a/b", "wan", -EINVAL, "a/b", "without blanks" },
	{ "v4=fd00::2", "v4", -EINVAL, "fd00::2", "an IPv4 address" },
	{ "v6=10.9.0.2", "v6", -EINVAL, "10.9.0.2", "an IPv6 address" },
	{ "ports=", "ports", -EINVAL, "", "at least one" },
	{ "ports=20-25", "ports", -EINVAL, "20-25", "without 22/tcp" },
	{ "ports=99999", "ports", -ERANGE, "99999", "1 to 65535" },
	{ "allow=99999", "allow", -ERANGE, "99999", "1 to 65535" },
	{ "allow=6/ip", "allow", -EINVAL, "6/ip", "TCP by its ports" },
	{ "ports=vrrp", "ports", -EINVAL, "vrrp", "a port number" },
	{ "ports=112/ip", "ports", -EINVAL, "112/ip", "'tcp' or 'udp'" },
	{ "scope=", "scope", -EINVAL, "", "local or any" },
	{ "scope=Local", "scope", -EINVAL, "Local", "local or any" },
	{ "masquerade=on", "masquerade", -EINVAL, "on", "off, wan or all" },
	{ "guard=on", "guard", -EINVAL, "on", "off, forward, full or strict" },
	{ "stale=drop", "stale", -EINVAL, "drop", "flush or keep" },
	{ "enabled=2", "enabled", -EINVAL, "2", "0 or 1" },
	{ "enabled=01", "enabled", -EINVAL, "01", "0 or 1" },
	{ "hairpin=yes", "hairpin", -EINVAL, "yes", "0 or 1" },
	{ "log=all", "log", -EINVAL, "all", "off or drops" },
	{ "fast=yes", "fast", -EINVAL, "yes", "auto, on or off" },
	{ "engine=fast", "engine", -EINVAL, "fast", "stateless or auto" },
	{ "engine=auto=", "engine", -EINVAL, "auto=", "stateless or auto" },
	{ "mss=", "mss", -EINVAL, "", "536 to 65495" },
	{ "mss=on", "mss", -EINVAL, "on", "536 to 65495" },
	{ "mss=0", "mss", -ERANGE, "0", "536 to 65495" },
	{ "mss=1", "mss", -ERANGE, "1", "536 to 65495" },
	{ "mss=535", "mss", -ERANGE, "535", "536 to 65495" },
	{ "mss=65496", "mss", -ERANGE, "65496", "536 to 65495" },
	{ "mss=67072", "mss", -ERANGE, "67072", "536 to 65495" },
	{ "mss=0536", "mss", -EINVAL, "0536", "536 to 65495" },
	{ "via=a,b", "via", -EINVAL, "a,b", "one interface" },
	{ "wan=eth0 v4=x mss=y", "v4", -EINVAL, "x", "an IPv4 address" },
};
CHATDNAT_TEST_ROWS(bad);

static void refused(struct kunit *test)
{
	const struct bad *row = test->param_value;
	struct chatdnat_refusal why = {};
	struct chatdnat_settings *settings;
	const char *name = NULL;

	settings = kunit_kzalloc(test, sizeof(*settings), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, settings);
	KUNIT_EXPECT_EQ(test, row->err,
			chatdnat_setting_table_parse(settings,
						     chatdnat_test_text(test, row->text),
						     &name, &why));
	chatdnat_test_refused(test, &why, row->err, row->offending,
			      row->expected);
	if (row->name)
		KUNIT_EXPECT_STREQ(test, name, row->name);
	else
		KUNIT_EXPECT_NULL(test, name);
}

static const struct meaning {
	const char *text;
	bool active4;
	bool active6;
	bool multihomed;
	bool empty;
} meanings[] = {
	{ "wan=eth0", false, false, false, true },
	{ "wan=eth0 v4=10.9.0.2", true, false, false, false },
	{ "wan=eth0 v6=fd00::2", false, true, false, false },
	{ "wan=eth0 v4=10.9.0.2 v6=fd00::2", true, true, false, false },
	{ "v4=10.9.0.2 v6=fd00::2", false, false, false, false },
	{ "wan=eth0,eth1 v4=10.9.0.2", true, false, true, false },
	{ "wan=eth+ v4=10.9.0.2", true, false, true, false },
	{ "wan=eth0 v4=10.9.0.2 enabled=0", true, false, false, false },
};
CHATDNAT_TEST_ROWS(meanings);

static void meaning(struct kunit *test)
{
	const struct meaning *row = test->param_value;
	const struct chatdnat_settings *settings;

	settings = chatdnat_test_settings(test, row->text);
	KUNIT_EXPECT_EQ(test, row->active4,
			chatdnat_settings_active(settings, CHATDNAT_IPV4));
	KUNIT_EXPECT_EQ(test, row->active6,
			chatdnat_settings_active(settings, CHATDNAT_IPV6));
	KUNIT_EXPECT_EQ(test, row->multihomed,
			chatdnat_settings_multihomed(settings));
	KUNIT_EXPECT_EQ(test, row->empty,
			chatdnat_service_empty(&settings->service));
}

static const struct flow {
	const char *text;
	enum chatdnat_proto proto;
	const char *saddr;
	u16 sport;
	const char *daddr;
	u16 dport;
	const char *relay;
	bool answers;
} flows[] = {
	{ "v4=10.9.0.2", CHATDNAT_TCP, "203.0.113.9", 40000, "192.0.2.1", 25,
	  "10.9.0.2" },
	{ "v4=10.9.0.2", CHATDNAT_UDP, "203.0.113.9", 40000, "192.0.2.1", 25 },
	{ "v4=10.9.0.2", CHATDNAT_TCP, "203.0.113.9", 40000, "192.0.2.1", 26 },
	{ "v4=10.9.0.2", CHATDNAT_TCP, "203.0.113.9", 25, "192.0.2.1", 40000 },
	{ "v4=10.9.0.2", CHATDNAT_TCP, "203.0.113.9", 40000, "10.9.0.2", 25 },
	{ "v4=10.9.0.2@192.0.2.1", CHATDNAT_TCP, "203.0.113.9", 40000,
	  "192.0.2.2", 25 },
	{ "v4=10.9.0.2@192.0.2.1,10.9.0.3", CHATDNAT_TCP, "203.0.113.9", 40000,
	  "192.0.2.2", 25, "10.9.0.3" },
	{ "v4=10.9.0.2", CHATDNAT_TCP, "2001:db8::9", 40000, "2001:db8::1", 25 },
	{ "v6=fd00::2", CHATDNAT_TCP, "2001:db8::9", 40000, "2001:db8::1", 25,
	  "fd00::2" },
	{ "v6=fd00::2 ports=turn", CHATDNAT_UDP, "2001:db8::9", 40000,
	  "2001:db8::1", 3478, "fd00::2" },
	{ "v4=10.9.0.2", CHATDNAT_TCP, "10.9.0.2", 25, "203.0.113.9", 40000,
	  NULL, true },
	{ "v4=10.9.0.2", CHATDNAT_TCP, "10.9.0.2", 26, "203.0.113.9", 40000 },
	{ "v4=10.9.0.2", CHATDNAT_UDP, "10.9.0.2", 25, "203.0.113.9", 40000 },
	{ "v4=10.9.0.2", CHATDNAT_TCP, "10.9.0.3", 25, "203.0.113.9", 40000 },
	{ "v4=10.9.0.2", CHATDNAT_TCP, "10.9.0.2", 25, "203.0.113.9", 25,
	  "10.9.0.2", true },
	{ "v6=fd00::2", CHATDNAT_TCP, "fd00::2", 993, "2001:db8::9", 40000,
	  NULL, true },
};

static void flows_desc(const struct flow *row, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s: %s %s.%u > %s.%u", row->text,
		 row->proto == CHATDNAT_UDP ? "udp" : "tcp", row->saddr,
		 row->sport, row->daddr, row->dport);
}
KUNIT_ARRAY_PARAM(flows, flows, flows_desc);

static void service(struct kunit *test)
{
	const struct flow *row = test->param_value;
	const struct chatdnat_settings *settings;
	const struct chatdnat_addr *relay;
	struct chatdnat_addr want;
	struct chatdnat_flow flow = {
		.family = chatdnat_test_family(row->saddr),
		.proto = row->proto,
		.saddr = chatdnat_test_addr(test, row->saddr),
		.daddr = chatdnat_test_addr(test, row->daddr),
		.sport = row->sport,
		.dport = row->dport,
	};

	settings = chatdnat_test_settings(test, row->text);
	relay = chatdnat_service_relay(&settings->service, &flow);
	KUNIT_EXPECT_EQ(test, !!relay, !!row->relay);
	if (relay && row->relay) {
		want = chatdnat_test_addr(test, row->relay);
		KUNIT_EXPECT_MEMEQ(test, relay, &want, sizeof(want));
	}
	KUNIT_EXPECT_EQ(test, row->answers,
			chatdnat_service_is_reply(&settings->service, &flow));
}

static struct kunit_case cases[] = {
	KUNIT_CASE_PARAM(taken, good_gen_params),
	KUNIT_CASE_PARAM(refused, bad_gen_params),
	KUNIT_CASE_PARAM(meaning, meanings_gen_params),
	KUNIT_CASE_PARAM(service, flows_gen_params),
	{}
};

static struct kunit_suite suite = {
	.name = "chatdnat_setting_table",
	.test_cases = cases,
};
kunit_test_suite(suite);
