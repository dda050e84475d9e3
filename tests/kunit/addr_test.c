// SPDX-License-Identifier: GPL-2.0
#include "chatdnat_test.h"
#include "module/policy/addr.h"

/* @written: how it is read back, if not as it was written */
static const struct good {
	const char *text;
	const char *written;
} good[] = {
	{ "1.0.0.0" },
	{ "10.9.0.2" },
	{ "1.2.3.4" },
	{ "126.255.255.255" },
	{ "128.0.0.1" },
	{ "169.253.255.255" },
	{ "169.255.0.0" },
	{ "192.0.2.1" },
	{ "198.51.100.255" },
	{ "223.255.255.255" },
	{ "240.0.0.1" },
	{ "255.255.255.254" },
	{ "2001:db8::1" },
	{ "2001:db8::" },
	{ "fd00::1" },
	{ "fc00::" },
	{ "fec0::1" },
	{ "fe7f::1" },
	{ "1:2:3:4:5:6:7:8" },
	{ "64:ff9b::c000:201" },
	{ "::1:0:0:1" },
	{ "1::" },
	{ "2001:DB8::A", "2001:db8::a" },
	{ "2001:0db8:0000:0000:0000:0000:0000:0001", "2001:db8::1" },
	{ "2001:db8:0:0:0:0:0:1", "2001:db8::1" },
	/* RFC 5952, 4.2.2: one group is not shortened. */
	{ "2001:db8:0:1:1:1:1:1" },
	{ "2001:db8::1:1:1:1:1", "2001:db8:0:1:1:1:1:1" },
	/* 4.2.3: the longest run, of equal ones the first. */
	{ "2001:0:0:1:0:0:0:1", "2001:0:0:1::1" },
	{ "2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1" },
	{ "1:0:0:2:0:0:0:0", "1:0:0:2::" },
	{ "0:0:1:2:3:4:5:6", "::1:2:3:4:5:6" },
	{ "1:2:3:4:5:6:0:0", "1:2:3:4:5:6::" },
	{ "0:1:2:3:4:5:6:7" },
	{ "1:2:3:4:5:6:7:0" },
	{ "::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8" },
	{ "1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0" },
	{ "64:ff9b::192.0.2.1", "64:ff9b::c000:201" },
	{ "1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304" },
	{ "1::1.2.3.4", "1::102:304" },
	{ "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff" },
};
CHATDNAT_TEST_ROWS(good);

static void taken(struct kunit *test)
{
	const struct good *row = test->param_value;
	enum chatdnat_family family = chatdnat_test_family(row->text);
	const char *written = row->written ?: row->text;
	struct chatdnat_addr addr = {}, want;
	struct chatdnat_refusal why = {};
	char buf[64];
	int len;

	KUNIT_ASSERT_EQ(test, 0,
			chatdnat_addr_parse(family, &addr,
					    chatdnat_test_text(test, row->text),
					    &why));
	want = chatdnat_test_addr(test, row->text);
	KUNIT_EXPECT_MEMEQ(test, &addr, &want, sizeof(addr));
	len = chatdnat_addr_format(family, &addr, buf, sizeof(buf));
	KUNIT_EXPECT_EQ(test, len, strlen(written));
	KUNIT_EXPECT_STREQ(test, buf, written);
}

/* RFC 5952 as the kernel writes it: what has no dotted quad inside. */
static void as_kernel(struct kunit *test)
{
	const struct good *row = test->param_value;
	struct chatdnat_addr addr = chatdnat_test_addr(test, row->text);
	char buf[64], want[64];

	if (chatdnat_test_family(row->text) == CHATDNAT_IPV6)
		snprintf(want, sizeof(want), "%pI6c", &addr);
	else
		snprintf(want, sizeof(want), "%pI4", &addr);
	chatdnat_addr_format(chatdnat_test_family(row->text), &addr, buf,
			     sizeof(buf));
	KUNIT_EXPECT_STREQ(test, buf, want);
}

/* What does not fit is cut, and terminated. */
static void no_room(struct kunit *test)
{
	const struct good *row = test->param_value;
	struct chatdnat_addr addr = chatdnat_test_addr(test, row->text);
	const char *written = row->written ?: row->text;
	size_t size;

	for (size = 1; size <= strlen(written); size++) {
		char *buf = kunit_kmalloc(test, size, GFP_KERNEL);
		int len;

		KUNIT_ASSERT_NOT_NULL(test, buf);
		len = chatdnat_addr_format(chatdnat_test_family(row->text),
					   &addr, buf, size);
		KUNIT_EXPECT_EQ(test, len, size - 1);
		KUNIT_EXPECT_EQ(test, buf[len], '\0');
		KUNIT_EXPECT_MEMEQ(test, buf, written, len);
	}
}

#define NO_IPV4	"four numbers from 0 to 255"
#define NO_IPV6	"without zone, prefix length"

static const struct bad {
	const char *text;
	enum chatdnat_family family;
	const char *expected;
} bad[] = {
	{ "", CHATDNAT_IPV4, NO_IPV4 },
	{ "1", CHATDNAT_IPV4, NO_IPV4 },
	{ "1.2.3", CHATDNAT_IPV4, NO_IPV4 },
	{ "1.2.3.", CHATDNAT_IPV4, NO_IPV4 },
	{ ".1.2.3", CHATDNAT_IPV4, NO_IPV4 },
	{ "1..2.3", CHATDNAT_IPV4, NO_IPV4 },
	{ "1.2.3.4.", CHATDNAT_IPV4, NO_IPV4 },
	{ "1.2.3.4.5", CHATDNAT_IPV4, NO_IPV4 },
	{ "1.2.3.256", CHATDNAT_IPV4, NO_IPV4 },
	{ "256.2.3.4", CHATDNAT_IPV4, NO_IPV4 },
	{ "1.2.3.4294967297", CHATDNAT_IPV4, NO_IPV4 },
	{ "1.2.3.04", CHATDNAT_IPV4, NO_IPV4 },
	{ "1.2.3.-4", CHATDNAT_IPV4, NO_IPV4 },
	{ "1.2.3.0x4", CHATDNAT_IPV4, NO_IPV4 },
	{ "1.2.3.4 ", CHATDNAT_IPV4, NO_IPV4 },
	{ " 1.2.3.4", CHATDNAT_IPV4, NO_IPV4 },
	{ "1.2.3.4/32", CHATDNAT_IPV4, NO_IPV4 },
	{ "1.2.3.4:25", CHATDNAT_IPV4, NO_IPV4 },
	{ "1.2.3.4\n", CHATDNAT_IPV4, NO_IPV4 },
	{ "2001:db8::1", CHATDNAT_IPV4, NO_IPV4 },
	{ "relay.example", CHATDNAT_IPV4, NO_IPV4 },
	{ "0.0.0.0", CHATDNAT_IPV4, "unspecified" },
	{ "0.255.255.255", CHATDNAT_IPV4, "unspecified" },
	{ "127.0.0.1", CHATDNAT_IPV4, "loopback" },
	{ "127.255.255.255", CHATDNAT_IPV4, "loopback" },
	{ "169.254.0.0", CHATDNAT_IPV4, "link-local" },
	{ "169.254.255.255", CHATDNAT_IPV4, "link-local" },
	{ "224.0.0.0", CHATDNAT_IPV4, "multicast" },
	{ "239.255.255.255", CHATDNAT_IPV4, "multicast" },
	{ "255.255.255.255", CHATDNAT_IPV4, "broadcast" },
	{ "", CHATDNAT_IPV6, NO_IPV6 },
	{ ":", CHATDNAT_IPV6, NO_IPV6 },
	{ ":::", CHATDNAT_IPV6, NO_IPV6 },
	{ "1", CHATDNAT_IPV6, NO_IPV6 },
	{ "1:2:3:4:5:6:7", CHATDNAT_IPV6, NO_IPV6 },
	{ "1:2:3:4:5:6:7:8:9", CHATDNAT_IPV6, NO_IPV6 },
	{ "1:2:3:4:5:6:7:", CHATDNAT_IPV6, NO_IPV6 },
	{ ":2:3:4:5:6:7:8", CHATDNAT_IPV6, NO_IPV6 },
	{ "1:2:3:4:5:6:7:8::", CHATDNAT_IPV6, NO_IPV6 },
	{ "1:2:3:4::5:6:7:8", CHATDNAT_IPV6, NO_IPV6 },
	{ "::1:2:3:4:5:6:7:8", CHATDNAT_IPV6, NO_IPV6 },
	{ "1::2::3", CHATDNAT_IPV6, NO_IPV6 },
	{ "1:::2", CHATDNAT_IPV6, NO_IPV6 },
	{ "1::2:", CHATDNAT_IPV6, NO_IPV6 },
	{ ":1::2", CHATDNAT_IPV6, NO_IPV6 },
	{ "12345::1", CHATDNAT_IPV6, NO_IPV6 },
	{ "00001::1", CHATDNAT_IPV6, NO_IPV6 },
	{ "g::1", CHATDNAT_IPV6, NO_IPV6 },
	{ "2001:db8::1%eth0", CHATDNAT_IPV6, NO_IPV6 },
	{ "2001:db8::1/64", CHATDNAT_IPV6, NO_IPV6 },
	{ "[2001:db8::1]", CHATDNAT_IPV6, NO_IPV6 },
	{ "2001:db8::1 ", CHATDNAT_IPV6, NO_IPV6 },
	{ "2001:db8::1\n", CHATDNAT_IPV6, NO_IPV6 },
	{ "2001:db8::1.2.3", CHATDNAT_IPV6, NO_IPV6 },
	{ "2001:db8::1.2.3.256", CHATDNAT_IPV6, NO_IPV6 },
	{ "2001:db8::1.2.3.4:5", CHATDNAT_IPV6, NO_IPV6 },
	{ "1.2.3.4::", CHATDNAT_IPV6, NO_IPV6 },
	{ "1:2:3:4:5:6:7:1.2.3.4", CHATDNAT_IPV6, NO_IPV6 },
	{ "1:2:3:4:5:6::1.2.3.4", CHATDNAT_IPV6, NO_IPV6 },
	{ "1.2.3.4", CHATDNAT_IPV6, NO_IPV6 },
	{ "::", CHATDNAT_IPV6, "unspecified" },
	{ "0:0:0:0:0:0:0:0", CHATDNAT_IPV6, "unspecified" },
	{ "::1", CHATDNAT_IPV6, "loopback" },
	{ "0:0:0:0:0:0:0:1", CHATDNAT_IPV6, "loopback" },
	{ "fe80::1", CHATDNAT_IPV6, "link-local" },
	{ "febf:ffff::1", CHATDNAT_IPV6, "link-local" },
	{ "ff00::", CHATDNAT_IPV6, "multicast" },
	{ "ff02::1", CHATDNAT_IPV6, "multicast" },
	{ "::ffff:192.0.2.1", CHATDNAT_IPV6, "IPv4-mapped" },
	{ "::ffff:c000:201", CHATDNAT_IPV6, "IPv4-mapped" },
	{ "::192.0.2.1", CHATDNAT_IPV6, "IPv4-compatible" },
	{ "::2", CHATDNAT_IPV6, "IPv4-compatible" },
};

static void bad_desc(const struct bad *row, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "'%*pE' as IPv%d",
		 (int)strlen(row->text), row->text,
		 row->family == CHATDNAT_IPV6 ? 6 : 4);
}
KUNIT_ARRAY_PARAM(bad, bad, bad_desc);

static void refused(struct kunit *test)
{
	const struct bad *row = test->param_value;
	struct chatdnat_refusal why = {};
	struct chatdnat_addr addr;

	KUNIT_EXPECT_EQ(test, -EINVAL,
			chatdnat_addr_parse(row->family, &addr,
					    chatdnat_test_text(test, row->text),
					    &why));
	chatdnat_test_refused(test, &why, -EINVAL, row->text, row->expected);
}

static const struct kind {
	const char *text;
	bool link_local;
	bool multicast;
	bool loopback;
} kinds[] = {
	{ "192.0.2.1" },
	{ "169.254.1.1" },
	{ "126.255.255.255" },
	{ "127.0.0.0", false, false, true },
	{ "127.255.255.255", false, false, true },
	{ "128.0.0.0" },
	{ "223.255.255.255" },
	{ "224.0.0.0", false, true },
	{ "239.255.255.255", false, true },
	{ "240.0.0.0" },
	{ "255.255.255.255" },
	{ "254.128.0.1" },
	{ "2001:db8::1" },
	{ "fe7f:ffff::1" },
	{ "fe80::", true },
	{ "febf:ffff::1", true },
	{ "fec0::" },
	{ "ff00::", false, true },
	{ "ff02::1", false, true },
	{ "ff0e:ffff::1", false, true },
	{ "e000::1" },
	{ "::" },
	{ "::2" },
	{ "1::1" },
	{ "::1", false, false, true },
};
CHATDNAT_TEST_ROWS(kinds);

static void kind(struct kunit *test)
{
	const struct kind *row = test->param_value;
	enum chatdnat_family family = chatdnat_test_family(row->text);
	struct chatdnat_addr addr = chatdnat_test_addr(test, row->text);

	KUNIT_EXPECT_EQ(test, row->link_local,
			chatdnat_addr_is_link_local(family, &addr));
	KUNIT_EXPECT_EQ(test, row->multicast,
			chatdnat_addr_is_multicast(family, &addr));
	KUNIT_EXPECT_EQ(test, row->loopback,
			chatdnat_addr_is_loopback(family, &addr));
}

static struct kunit_case cases[] = {
	KUNIT_CASE_PARAM(taken, good_gen_params),
	KUNIT_CASE_PARAM(as_kernel, good_gen_params),
	KUNIT_CASE_PARAM(no_room, good_gen_params),
	KUNIT_CASE_PARAM(refused, bad_gen_params),
	KUNIT_CASE_PARAM(kind, kinds_gen_params),
	{}
};

static struct kunit_suite suite = {
	.name = "chatdnat_addr",
	.test_cases = cases,
};
kunit_test_suite(suite);
