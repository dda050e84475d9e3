// SPDX-License-Identifier: GPL-2.0
/* Ports and protocols of this host itself. */
#include "chatdnat_test.h"
#include "module/policy/allow.h"

static const struct good {
	const char *text;
	const char *written;
} good[] = {
	{ "", "" },
	{ "22", "22" },
	{ "ssh,51820/udp", "22,51820/udp" },
	{ "21,22,23", "21-23" },
	{ "vrrp", "112/ip" },
	{ "112/ip", "112/ip" },
	{ "vrrp/ip", "112/ip" },
	{ "ospf", "89/ip" },
	{ "gre", "47/ip" },
	{ "esp", "50/ip" },
	{ "2/ip", "2/ip" },
	{ "255/ip", "255/ip" },
	{ "ssh,vrrp", "22,112/ip" },
	{ "vrrp,ssh", "22,112/ip" },
	{ "vrrp,51820/udp,esp,ssh,gre", "22,51820/udp,47/ip,50/ip,112/ip" },
	{ "112/ip,vrrp,112/ip", "112/ip" },
	{ "112/ip,113/ip,112/udp,112", "112,112/udp,112/ip,113/ip" },
};
CHATDNAT_TEST_ROWS(good);

static void taken(struct kunit *test)
{
	const struct good *row = test->param_value;
	struct chatdnat_allowed allowed, again;
	struct chatdnat_refusal why = {};
	char buf[128];
	int len;

	KUNIT_ASSERT_EQ(test, 0,
			chatdnat_allowed_parse(&allowed,
					       chatdnat_test_text(test, row->text),
					       &why));
	len = chatdnat_allowed_format(&allowed, buf, sizeof(buf));
	KUNIT_EXPECT_EQ(test, len, strlen(row->written));
	KUNIT_EXPECT_STREQ(test, buf, row->written);
	KUNIT_ASSERT_EQ(test, 0,
			chatdnat_allowed_parse(&again,
					       chatdnat_test_text(test, buf),
					       &why));
	KUNIT_EXPECT_MEMEQ(test, &allowed, &again, sizeof(allowed));
}

static const struct bad {
	const char *text;
	int err;
	const char *offending;
	const char *expected;
} bad[] = {
	{ ",", -EINVAL, "", "a port number" },
	{ "vrrp,", -EINVAL, "", "a port number" },
	{ "VRRP", -EINVAL, "VRRP", "a port number" },
	{ "vrr", -EINVAL, "vrr", "a port number" },
	{ "icmp", -EINVAL, "icmp", "a port number" },
	{ "22/sctp", -EINVAL, "22/sctp", "'tcp' or 'udp'" },
	{ "112/IP", -EINVAL, "112/IP", "'tcp' or 'udp'" },
	{ "112/ip/ip", -EINVAL, "112/ip/ip", "'tcp' or 'udp'" },
	{ "vrrp/udp", -EINVAL, "vrrp/udp", "only /ip" },
	{ "vrrp/", -EINVAL, "vrrp/", "only /ip" },
	{ "/ip", -EINVAL, "/ip", "one protocol number" },
	{ "x/ip", -EINVAL, "x/ip", "one protocol number" },
	{ "ssh/ip", -EINVAL, "ssh/ip", "one protocol number" },
	{ "112-113/ip", -EINVAL, "112-113/ip", "one protocol number" },
	{ "0112/ip", -EINVAL, "0112/ip", "one protocol number" },
	{ "-1/ip", -EINVAL, "-1/ip", "one protocol number" },
	{ "0/ip", -ERANGE, "0/ip", "1 to 255" },
	{ "256/ip", -ERANGE, "256/ip", "1 to 255" },
	{ "4294967408/ip", -ERANGE, "4294967408/ip", "1 to 255" },
	{ "6/ip", -EINVAL, "6/ip", "TCP by its ports" },
	{ "17/ip", -EINVAL, "17/ip", "UDP by its ports" },
	{ "1/ip", -EINVAL, "1/ip", "no ICMP" },
	{ "58/ip", -EINVAL, "58/ip", "no ICMPv6" },
	{ "ssh,6/ip,vrrp", -EINVAL, "6/ip", "TCP by its ports" },
	{ "65536", -ERANGE, "65536", "1 to 65535" },
};
CHATDNAT_TEST_ROWS(bad);

static void refused(struct kunit *test)
{
	const struct bad *row = test->param_value;
	struct chatdnat_refusal why = {};
	struct chatdnat_allowed allowed;

	KUNIT_EXPECT_EQ(test, row->err,
			chatdnat_allowed_parse(&allowed,
					       chatdnat_test_text(test, row->text),
					       &why));
	chatdnat_test_refused(test, &why, row->err, row->offending,
			      row->expected);
}

static void holds(struct kunit *test)
{
	struct chatdnat_allowed allowed;
	struct chatdnat_refusal why = {};
	unsigned int protocol;

	KUNIT_ASSERT_EQ(test, 0,
			chatdnat_allowed_parse(&allowed,
					       chatdnat_test_text(test, "112,2/ip,esp,255/ip"),
					       &why));
	for (protocol = 0; protocol < CHATDNAT_IP_PROTOCOLS; protocol++)
		KUNIT_EXPECT_EQ(test, protocol == 2 || protocol == 50 || protocol == 255,
				chatdnat_allowed_protocol(&allowed, protocol));
}

static struct kunit_case cases[] = {
	KUNIT_CASE_PARAM(taken, good_gen_params),
	KUNIT_CASE_PARAM(refused, bad_gen_params),
	KUNIT_CASE(holds),
	{}
};

static struct kunit_suite suite = {
	.name = "chatdnat_allow",
	.test_cases = cases,
};
kunit_test_suite(suite);
