// SPDX-License-Identifier: GPL-2.0
#include "chatdnat_test.h"
#include "module/policy/ifset.h"

#define EIGHT	"a,b,c,d,e,f,g,h"

static const struct good {
	const char *text;
	const char *written;
} good[] = {
	{ "", "" },
	{ "eth0", "eth0" },
	{ "eth0,eth1", "eth0,eth1" },
	{ "eth1,eth0", "eth1,eth0" },
	{ "eth0,eth0", "eth0" },
	{ "eth0,ppp+,eth0", "eth0,ppp+" },
	{ "eth,eth+", "eth,eth+" },
	{ "+", "+" },
	{ "a++", "a++" },
	{ "a+b", "a+b" },
	{ "fifteen_bytes_x", "fifteen_bytes_x" },
	{ "fourteen_bytes+", "fourteen_bytes+" },
	{ "...", "..." },
	{ "eth0.100", "eth0.100" },
	{ "eth0@x", "eth0@x" },
	{ "\xc3\xa4\xc3\xb6", "\xc3\xa4\xc3\xb6" },
	{ EIGHT, EIGHT },
	{ EIGHT ",a,h", EIGHT },
};
CHATDNAT_TEST_ROWS(good);

static void taken(struct kunit *test)
{
	const struct good *row = test->param_value;
	struct chatdnat_ifset set, again;
	struct chatdnat_refusal why = {};
	char buf[160] = "";
	int len;

	KUNIT_ASSERT_EQ(test, 0,
			chatdnat_ifset_parse(&set,
					     chatdnat_test_text(test, row->text),
					     &why));
	len = chatdnat_ifset_format(&set, buf, sizeof(buf));
	KUNIT_EXPECT_EQ(test, len, strlen(row->written));
	KUNIT_EXPECT_STREQ(test, buf, row->written);
	KUNIT_ASSERT_EQ(test, 0,
			chatdnat_ifset_parse(&again,
					     chatdnat_test_text(test, buf),
					     &why));
	KUNIT_EXPECT_TRUE(test, chatdnat_ifset_equal(&set, &again));
}

static const struct bad {
	const char *text;
	int err;
	const char *offending;
	const char *expected;
} bad[] = {
	{ ",", -EINVAL, "", "each side" },
	{ "eth0,", -EINVAL, "", "each side" },
	{ ",eth0", -EINVAL, "", "each side" },
	{ "a,,b", -EINVAL, "", "each side" },
	{ "sixteen_bytes_xx", -EINVAL, "sixteen_bytes_xx", "at most 15" },
	{ "fifteen_bytes_x+", -EINVAL, "fifteen_bytes_x+", "at most 15" },
	{ "eth0,sixteen_bytes_xx", -EINVAL, "sixteen_bytes_xx", "at most 15" },
	{ " eth0", -EINVAL, " eth0", "without blanks" },
	{ "eth0 ", -EINVAL, "eth0 ", "without blanks" },
	{ "eth0, eth1", -EINVAL, " eth1", "without blanks" },
	{ "eth0\n", -EINVAL, "eth0\n", "without blanks" },
	{ "eth\t0", -EINVAL, "eth\t0", "without blanks" },
	{ "\x7f", -EINVAL, "\x7f", "without blanks" },
	{ "\xa0", -EINVAL, "\xa0", "without blanks" },
	{ "a/b", -EINVAL, "a/b", "without blanks" },
	{ "eth0:1", -EINVAL, "eth0:1", "without blanks" },
	{ "\"eth0\"", -EINVAL, "\"eth0\"", "without blanks" },
	{ "'eth0'", -EINVAL, "'eth0'", "without blanks" },
	{ ".", -EINVAL, ".", "not '.' or '..'" },
	{ "..", -EINVAL, "..", "not '.' or '..'" },
	{ EIGHT ",i", -E2BIG, "i", "at most 8" },
	{ EIGHT ",a+", -E2BIG, "a+", "at most 8" },
};
CHATDNAT_TEST_ROWS(bad);

static void refused(struct kunit *test)
{
	const struct bad *row = test->param_value;
	struct chatdnat_refusal why = {};
	struct chatdnat_ifset set;

	KUNIT_EXPECT_EQ(test, row->err,
			chatdnat_ifset_parse(&set,
					     chatdnat_test_text(test, row->text),
					     &why));
	chatdnat_test_refused(test, &why, row->err, row->offending,
			      row->expected);
}

static const struct member {
	const char *text;
	const char *name;
	bool has;
} members[] = {
	{ "", "eth0", false },
	{ "", "", false },
	{ "eth0", "eth0", true },
	{ "eth0", "eth", false },
	{ "eth0", "eth00", false },
	{ "eth0", "eth1", false },
	{ "eth0", "ETH0", false },
	{ "eth0", "", false },
	{ "eth+", "eth", true },
	{ "eth+", "eth0", true },
	{ "eth+", "eth0.100", true },
	{ "eth+", "et", false },
	{ "eth+", "wlan0", false },
	{ "+", "lo", true },
	{ "+", "", true },
	{ "a++", "a+", true },
	{ "a++", "a", false },
	{ "a++", "a+b", true },
	{ "a+b", "a+b", true },
	{ "a+b", "axb", false },
	{ "eth0,ppp+", "ppp7", true },
	{ "eth0,ppp+", "eth0", true },
	{ "eth0,ppp+", "eth7", false },
	{ "fifteen_bytes_x", "fifteen_bytes_x", true },
	{ "fifteen_bytes_x", "fifteen_bytes_y", false },
	{ "fourteen_bytes+", "fourteen_bytesx", true },
	{ EIGHT, "h", true },
	{ EIGHT, "i", false },
};

static void members_desc(const struct member *row, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "'%s' in '%s'", row->name,
		 row->text);
}
KUNIT_ARRAY_PARAM(members, members, members_desc);

static void has(struct kunit *test)
{
	const struct member *row = test->param_value;
	struct chatdnat_refusal why = {};
	struct chatdnat_ifset set;

	KUNIT_ASSERT_EQ(test, 0,
			chatdnat_ifset_parse(&set,
					     chatdnat_test_text(test, row->text),
					     &why));
	KUNIT_EXPECT_EQ(test, row->has, chatdnat_ifset_has(&set, row->name));
}

static const struct pair {
	const char *text;
	const char *other;
	bool equal;
} pairs[] = {
	{ "", "", true },
	{ "", "a", false },
	{ "a", "a", true },
	{ "a", "a+", false },
	{ "a", "b", false },
	{ "a,b", "a", false },
	{ "a,b", "b,a", false },
	{ "a,b,a", "a,b", true },
};
CHATDNAT_TEST_ROWS(pairs);

static void equal(struct kunit *test)
{
	const struct pair *row = test->param_value;
	struct chatdnat_refusal why = {};
	struct chatdnat_ifset a, b;

	chatdnat_ifset_parse(&a, chatdnat_test_text(test, row->text), &why);
	chatdnat_ifset_parse(&b, chatdnat_test_text(test, row->other), &why);
	KUNIT_EXPECT_EQ(test, row->equal, chatdnat_ifset_equal(&a, &b));
	KUNIT_EXPECT_EQ(test, row->equal, chatdnat_ifset_equal(&b, &a));
}

static const struct one {
	const char *text;
	const char *expected;
} ones[] = {
	{ "" },
	{ "wg0" },
	{ "fifteen_bytes_x" },
	{ "a+b" },
	{ "wg0,wg1", "one interface" },
	{ ",", "one interface" },
	{ "wg+", "one interface" },
	{ "+", "one interface" },
	{ "sixteen_bytes_xx", "at most 15" },
	{ "wg 0", "without blanks" },
	{ "..", "not '.' or '..'" },
};
CHATDNAT_TEST_ROWS(ones);

static void name(struct kunit *test)
{
	const struct one *row = test->param_value;
	char name[CHATDNAT_IFNAME_SIZE], want[CHATDNAT_IFNAME_SIZE] = "";
	struct chatdnat_refusal why = {};
	int err;

	memset(name, 'x', sizeof(name));
	err = chatdnat_ifname_parse(name, chatdnat_test_text(test, row->text),
				    &why);
	if (row->expected) {
		KUNIT_EXPECT_EQ(test, err, -EINVAL);
		chatdnat_test_refused(test, &why, -EINVAL, row->text,
				      row->expected);
		return;
	}
	KUNIT_EXPECT_EQ(test, err, 0);
	strscpy(want, row->text, sizeof(want));
	KUNIT_EXPECT_MEMEQ(test, name, want, sizeof(want));
}

static struct kunit_case cases[] = {
	KUNIT_CASE_PARAM(taken, good_gen_params),
	KUNIT_CASE_PARAM(refused, bad_gen_params),
	KUNIT_CASE_PARAM(has, members_gen_params),
	KUNIT_CASE_PARAM(equal, pairs_gen_params),
	KUNIT_CASE_PARAM(name, ones_gen_params),
	{}
};

static struct kunit_suite suite = {
	.name = "chatdnat_ifset",
	.test_cases = cases,
};
kunit_test_suite(suite);
