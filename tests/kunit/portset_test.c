// SPDX-License-Identifier: GPL-2.0
#include "chatdnat_test.h"
#include "module/policy/portset.h"

#define CHATMAIL	"25,80,143,443,465,587,993"

/* @ports: read back, as forwarded ports; @allow: as others, if it differs */
static const struct good {
	const char *text;
	const char *ports;
	const char *allow;
} good[] = {
	{ "25", "25" },
	{ "1", "1" },
	{ "65535", "65535" },
	{ "1-65535/udp", "1-65535/udp" },
	{ "23-65535", "23-65535" },
	{ "1-21", "1-21" },
	{ "25/tcp", "25" },
	{ "25/udp", "25/udp" },
	{ "smtp", "25" },
	{ "http", "80" },
	{ "imap", "143" },
	{ "https", "443" },
	{ "submissions", "465" },
	{ "submission", "587" },
	{ "imaps", "993" },
	{ "turn", "3478/udp" },
	{ "turn/udp", "3478/udp" },
	{ "turn/tcp", "3478" },
	{ "ssh", "22" },
	{ "ssh/udp", "22/udp" },
	{ "chatmail", CHATMAIL },
	{ "chatmail/udp", "25/udp,80/udp,143/udp,443/udp,465/udp,587/udp,993/udp" },
	{ "chatmail,turn", CHATMAIL ",3478/udp" },
	{ "turn,chatmail", CHATMAIL ",3478/udp" },
	{ "chatmail,chatmail", CHATMAIL },
	{ "993,25,443", "25,443,993" },
	{ "25,25", "25" },
	{ "25,25/udp", "25,25/udp" },
	{ "25/udp,25", "25,25/udp" },
	{ "25,26", "25-26" },
	{ "26,25", "25-26" },
	{ "25,27", "25,27" },
	{ "25,27,26", "25-27" },
	{ "5000-5000", "5000" },
	{ "5000-5010", "5000-5010" },
	{ "5000-5010,5011", "5000-5011" },
	{ "5000-5010,4999", "4999-5010" },
	{ "5000-5010,5012", "5000-5010,5012" },
	{ "5000-5010,4998", "4998,5000-5010" },
	{ "5000-5010,5005-5015", "5000-5015" },
	{ "5005-5015,5000-5010", "5000-5015" },
	{ "5000-5010,5002-5003", "5000-5010" },
	{ "5002-5003,5000-5010", "5000-5010" },
	{ "100,200,300,50-400", "50-400" },
	{ "100,200,300,150-250", "100,150-250,300" },
	{ "100,200,300,100-300", "100-300" },
	{ "100,200,300,101-299", "100-300" },
	{ "100,200,300,102-298", "100,102-298,300" },
	{ "1,65535", "1,65535" },
	{ "65534,65535", "65534-65535" },
	{ "2-65534/udp,1/udp,65535/udp", "1-65535/udp" },
	{ "1,100/udp,2,101/udp", "1-2,100-101/udp" },
	{ "49152-65535/udp", "49152-65535/udp" },
	/* 22/tcp stands alone, where it would be forwarded. */
	{ "22,23", "22,23", "22-23" },
	{ "23,22", "22,23", "22-23" },
	{ "21,22", "21,22", "21-22" },
	{ "22,21", "21,22", "21-22" },
	{ "21,23,22", "21,22,23", "21-23" },
	{ "22,21,23", "21,22,23", "21-23" },
	{ "22,22", "22" },
	{ "22,1-21,23-65535", "1-21,22,23-65535", "1-65535" },
	{ "1-21,23-30,22,31", "1-21,22,23-31", "1-31" },
	{ "22/udp,23/udp", "22-23/udp" },
	{ "20-25/udp", "20-25/udp" },
};
CHATDNAT_TEST_ROWS(good);

static void read(struct kunit *test, const char *text, bool forwarded,
		 struct chatdnat_portset *set)
{
	struct chatdnat_refusal why = {};

	KUNIT_ASSERT_EQ(test, 0,
			chatdnat_portset_parse(set,
					       chatdnat_test_text(test, text),
					       forwarded, &why));
}

/* That a set is written as it should be, and means the same read back. */
static void reads_back(struct kunit *test, const char *text, bool forwarded,
		       const char *want)
{
	struct chatdnat_portset set, again;
	char buf[128];
	int len;

	read(test, text, forwarded, &set);
	len = chatdnat_portset_format(&set, buf, sizeof(buf));
	KUNIT_EXPECT_EQ(test, len, strlen(want));
	KUNIT_EXPECT_STREQ(test, buf, want);
	read(test, want, forwarded, &again);
	KUNIT_EXPECT_TRUE(test, chatdnat_portset_equal(&set, &again));
}

static void forwarded(struct kunit *test)
{
	const struct good *row = test->param_value;

	reads_back(test, row->text, true, row->ports);
}

static void allowed(struct kunit *test)
{
	const struct good *row = test->param_value;

	reads_back(test, row->text, false, row->allow ?: row->ports);
}

static const struct bad {
	const char *text;
	int err;
	const char *offending;
	const char *expected;
	bool only_forwarded;
} bad[] = {
	{ "", -EINVAL, "", "at least one port", true },
	{ ",", -EINVAL, "", "a port number" },
	{ "25,", -EINVAL, "", "a port number" },
	{ ",25", -EINVAL, "", "a port number" },
	{ "25,,80", -EINVAL, "", "a port number" },
	{ "0", -ERANGE, "0", "1 to 65535" },
	{ "65536", -ERANGE, "65536", "1 to 65535" },
	{ "4294967296", -ERANGE, "4294967296", "1 to 65535" },
	{ "4294967321", -ERANGE, "4294967321", "1 to 65535" },
	{ "18446744073709551641", -ERANGE, "18446744073709551641", "1 to 65535" },
	{ "-1", -EINVAL, "", "each side" },
	{ "1-", -EINVAL, "", "each side" },
	{ "-", -EINVAL, "", "each side" },
	{ "1-2-3", -EINVAL, "2-3", "each side" },
	{ "0-5", -ERANGE, "0", "1 to 65535" },
	{ "5-65536", -ERANGE, "65536", "1 to 65535" },
	{ "10-5", -EINVAL, "10-5", "lower port" },
	{ "025", -EINVAL, "025", "a port number" },
	{ "+25", -EINVAL, "+25", "a port number" },
	{ "0x19", -EINVAL, "0x19", "a port number" },
	{ "25 ", -EINVAL, "25 ", "a port number" },
	{ " 25", -EINVAL, " 25", "a port number" },
	{ "25, 80", -EINVAL, " 80", "a port number" },
	{ "25\n", -EINVAL, "25\n", "a port number" },
	{ "2 5", -EINVAL, "2 5", "a port number" },
	{ "25.0", -EINVAL, "25.0", "a port number" },
	{ "25;80", -EINVAL, "25;80", "a port number" },
	{ "SMTP", -EINVAL, "SMTP", "chatmail turn ssh" },
	{ "smtps", -EINVAL, "smtps", "chatmail turn ssh" },
	{ "smt", -EINVAL, "smt", "chatmail turn ssh" },
	{ "chatmail2", -EINVAL, "chatmail2", "chatmail turn ssh" },
	{ "smtp-imap", -EINVAL, "smtp", "each side" },
	{ "25/", -EINVAL, "25/", "'tcp' or 'udp'" },
	{ "25/TCP", -EINVAL, "25/TCP", "'tcp' or 'udp'" },
	{ "25/sctp", -EINVAL, "25/sctp", "'tcp' or 'udp'" },
	{ "25/tcp/udp", -EINVAL, "25/tcp/udp", "'tcp' or 'udp'" },
	{ "25/tcpx", -EINVAL, "25/tcpx", "'tcp' or 'udp'" },
	{ "chatmail/x", -EINVAL, "chatmail/x", "'tcp' or 'udp'" },
	{ "/tcp", -EINVAL, "", "a port number" },
	{ "/", -EINVAL, "/", "'tcp' or 'udp'" },
	{ "25,bad,80", -EINVAL, "bad", "a port number" },
	{ "22-22", -EINVAL, "22-22", "without 22/tcp", true },
	{ "20-25", -EINVAL, "20-25", "without 22/tcp", true },
	{ "1-22", -EINVAL, "1-22", "without 22/tcp", true },
	{ "22-30", -EINVAL, "22-30", "without 22/tcp", true },
	{ "1-65535/tcp", -EINVAL, "1-65535", "without 22/tcp", true },
};
CHATDNAT_TEST_ROWS(bad);

static void refused(struct kunit *test)
{
	const struct bad *row = test->param_value;
	struct chatdnat_text text = chatdnat_test_text(test, row->text);
	struct chatdnat_refusal why = {};
	struct chatdnat_portset set;

	KUNIT_EXPECT_EQ(test, row->err,
			chatdnat_portset_parse(&set, text, true, &why));
	chatdnat_test_refused(test, &why, row->err, row->offending,
			      row->expected);
	KUNIT_EXPECT_EQ(test, row->only_forwarded ? 0 : row->err,
			chatdnat_portset_parse(&set, text, false, &why));
}

/* With ports that lie far apart, so many and one more. */
static const struct many {
	const char *text;
	int n;
	const char *more;
	int err;
} many[] = {
	{ "127 and another", 127, "60000", 0 },
	{ "128 and another", 128, "60000", -E2BIG },
	{ "128 and another of UDP", 128, "60000/udp", -E2BIG },
	{ "128 and a name", 128, "turn", -E2BIG },
	{ "128 and one of them", 128, "1000", 0 },
	{ "128 and one that merges", 128, "1001", 0 },
	{ "128 and what holds them all", 128, "1000-60000", 0 },
	{ "122 and seven", 122, "chatmail", -E2BIG },
	{ "121 and seven", 121, "chatmail", 0 },
};
CHATDNAT_TEST_ROWS(many);

static void limit(struct kunit *test)
{
	const struct many *row = test->param_value;
	struct chatdnat_refusal why = {};
	struct chatdnat_portset set;
	char *text;
	int i, len = 0, err;

	text = kunit_kzalloc(test, PAGE_SIZE, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, text);
	for (i = 0; i < row->n; i++)
		len += scnprintf(text + len, PAGE_SIZE - len, "%d,",
				 1000 + 3 * i);
	scnprintf(text + len, PAGE_SIZE - len, "%s", row->more);

	err = chatdnat_portset_parse(&set, chatdnat_test_text(test, text), true,
				     &why);
	KUNIT_EXPECT_EQ(test, err, row->err);
	if (err)
		chatdnat_test_refused(test, &why, row->err, row->more,
				      "at most 128");
}

static const struct member {
	const char *text;
	enum chatdnat_proto proto;
	u16 port;
	bool has;
	bool spans;
} members[] = {
	{ "25", CHATDNAT_TCP, 25, true, false },
	{ "25", CHATDNAT_TCP, 24, false, false },
	{ "25", CHATDNAT_TCP, 26, false, false },
	{ "25", CHATDNAT_TCP, 0, false, false },
	{ "25", CHATDNAT_TCP, 65535, false, false },
	{ "25", CHATDNAT_UDP, 25, false, false },
	{ "25/udp", CHATDNAT_UDP, 25, true, false },
	{ "25/udp", CHATDNAT_TCP, 25, false, false },
	{ "5000-5010", CHATDNAT_TCP, 5000, true, true },
	{ "5000-5010", CHATDNAT_TCP, 5005, true, true },
	{ "5000-5010", CHATDNAT_TCP, 5010, true, true },
	{ "5000-5010", CHATDNAT_TCP, 4999, false, false },
	{ "5000-5010", CHATDNAT_TCP, 5011, false, false },
	{ "5000-5010", CHATDNAT_UDP, 5005, false, false },
	{ "65535", CHATDNAT_TCP, 65535, true, false },
	{ "1-65535/udp", CHATDNAT_UDP, 1, true, true },
	{ "1-65535/udp", CHATDNAT_UDP, 65535, true, true },
	{ "1-65535/udp", CHATDNAT_UDP, 0, false, false },
	{ "1-65535/udp", CHATDNAT_TCP, 80, false, false },
	{ "5000,5001", CHATDNAT_TCP, 5000, true, true },
	{ "21,22,23", CHATDNAT_TCP, 22, true, false },
	{ "21,22,23", CHATDNAT_TCP, 23, true, false },
	{ "chatmail,turn,50000-50010/udp", CHATDNAT_TCP, 993, true, false },
	{ "chatmail,turn,50000-50010/udp", CHATDNAT_TCP, 994, false, false },
	{ "chatmail,turn,50000-50010/udp", CHATDNAT_TCP, 3478, false, false },
	{ "chatmail,turn,50000-50010/udp", CHATDNAT_UDP, 3478, true, false },
	{ "chatmail,turn,50000-50010/udp", CHATDNAT_UDP, 993, false, false },
	{ "chatmail,turn,50000-50010/udp", CHATDNAT_UDP, 50007, true, true },
	{ "chatmail,turn,50000-50010/udp", CHATDNAT_TCP, 50007, false, false },
};

static void members_desc(const struct member *row, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%u/%s in %s", row->port,
		 row->proto == CHATDNAT_UDP ? "udp" : "tcp", row->text);
}
KUNIT_ARRAY_PARAM(members, members, members_desc);

static void holds(struct kunit *test)
{
	const struct member *row = test->param_value;
	struct chatdnat_portset set;

	read(test, row->text, true, &set);
	KUNIT_EXPECT_EQ(test, row->has,
			chatdnat_portset_has(&set, row->proto, row->port));
	KUNIT_EXPECT_EQ(test, row->spans,
			chatdnat_portset_spans(&set, row->proto, row->port));
}

/* Every port, against a plain array of what was asked for. */
static void every_port(struct kunit *test)
{
	struct chatdnat_portset set;
	u32 port;
	int wrong = 0;

	read(test, "40-50,22,23,5000-6000,7,60001-65535,1/udp,9-11/udp", true,
	     &set);
	for (port = 0; port <= U16_MAX; port++) {
		bool tcp = (port >= 40 && port <= 50) || port == 22 ||
			   port == 23 || (port >= 5000 && port <= 6000) ||
			   port == 7 || port >= 60001;
		bool udp = port == 1 || (port >= 9 && port <= 11);

		wrong += chatdnat_portset_has(&set, CHATDNAT_TCP, port) != tcp;
		wrong += chatdnat_portset_has(&set, CHATDNAT_UDP, port) != udp;
	}
	KUNIT_EXPECT_EQ(test, wrong, 0);
}

static const struct pair {
	const char *text;
	const char *other;
	bool equal;
} pairs[] = {
	{ "25", "25", true },
	{ "25", "26", false },
	{ "25", "25/udp", false },
	{ "25,80", "80,25", true },
	{ "25,80", "25", false },
	{ "25-27", "25,26,27", true },
	{ "25-27", "25-28", false },
	{ "25,80/udp", "25/udp,80", false },
	{ "chatmail", CHATMAIL, true },
};
CHATDNAT_TEST_ROWS(pairs);

static void equal(struct kunit *test)
{
	const struct pair *row = test->param_value;
	struct chatdnat_portset a, b;

	read(test, row->text, true, &a);
	read(test, row->other, true, &b);
	KUNIT_EXPECT_EQ(test, row->equal, chatdnat_portset_equal(&a, &b));
	KUNIT_EXPECT_EQ(test, row->equal, chatdnat_portset_equal(&b, &a));
}

static struct kunit_case cases[] = {
	KUNIT_CASE_PARAM(forwarded, good_gen_params),
	KUNIT_CASE_PARAM(allowed, good_gen_params),
	KUNIT_CASE_PARAM(refused, bad_gen_params),
	KUNIT_CASE_PARAM(limit, many_gen_params),
	KUNIT_CASE_PARAM(holds, members_gen_params),
	KUNIT_CASE(every_port),
	KUNIT_CASE_PARAM(equal, pairs_gen_params),
	{}
};

static struct kunit_suite suite = {
	.name = "chatdnat_portset",
	.test_cases = cases,
};
kunit_test_suite(suite);

MODULE_DESCRIPTION("Tests of chatdnat's parts");
MODULE_LICENSE("GPL");
