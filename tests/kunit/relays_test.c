// SPDX-License-Identifier: GPL-2.0
#include "chatdnat_test.h"
#include "module/policy/relays.h"

#define FIFTEEN	"10.0.0.1@192.0.2.1,10.0.0.2@192.0.2.2,10.0.0.3@192.0.2.3," \
		"10.0.0.4@192.0.2.4,10.0.0.5@192.0.2.5,10.0.0.6@192.0.2.6," \
		"10.0.0.7@192.0.2.7,10.0.0.8@192.0.2.8,10.0.0.9@192.0.2.9," \
		"10.0.0.10@192.0.2.10,10.0.0.11@192.0.2.11,"		    \
		"10.0.0.12@192.0.2.12,10.0.0.13@192.0.2.13,"		    \
		"10.0.0.14@192.0.2.14,10.0.0.15@192.0.2.15"

static const struct good {
	const char *text;
	enum chatdnat_family family;
	const char *written;
} good[] = {
	{ "", CHATDNAT_IPV4 },
	{ "", CHATDNAT_IPV6 },
	{ "10.9.0.2", CHATDNAT_IPV4 },
	{ "10.9.0.2@192.0.2.1", CHATDNAT_IPV4 },
	{ "10.9.0.2@192.0.2.1,10.9.0.3", CHATDNAT_IPV4 },
	{ "10.9.0.3,10.9.0.2@192.0.2.1", CHATDNAT_IPV4 },
	{ "10.9.0.2@192.0.2.1,10.9.0.2@192.0.2.2", CHATDNAT_IPV4 },
	{ "10.9.0.2@10.9.0.3,10.9.0.3@10.9.0.2", CHATDNAT_IPV4 },
	{ FIFTEEN, CHATDNAT_IPV4 },
	{ FIFTEEN ",10.0.0.16", CHATDNAT_IPV4 },
	{ "fd00::2", CHATDNAT_IPV6 },
	{ "FD00::2@2001:DB8:0::1", CHATDNAT_IPV6, "fd00::2@2001:db8::1" },
	{ "fd00::2@2001:db8::1,fd00::3", CHATDNAT_IPV6 },
};
CHATDNAT_TEST_ROWS(good);

static void taken(struct kunit *test)
{
	const struct good *row = test->param_value;
	const char *written = row->written ?: row->text;
	struct chatdnat_refusal why = {};
	struct chatdnat_relays *relays;
	char *buf;
	int len;

	relays = kunit_kzalloc(test, sizeof(*relays), GFP_KERNEL);
	buf = kunit_kzalloc(test, PAGE_SIZE, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, relays);
	KUNIT_ASSERT_NOT_NULL(test, buf);
	KUNIT_ASSERT_EQ(test, 0,
			chatdnat_relays_parse(row->family, relays,
					      chatdnat_test_text(test, row->text),
					      &why));
	len = chatdnat_relays_format(row->family, relays, buf, PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, len, strlen(written));
	KUNIT_EXPECT_STREQ(test, buf, written);
}

static const struct bad {
	const char *text;
	enum chatdnat_family family;
	int err;
	const char *offending;
	const char *expected;
} bad[] = {
	{ ",", CHATDNAT_IPV4, -EINVAL, "", "an IPv4 address" },
	{ "10.9.0.2,", CHATDNAT_IPV4, -EINVAL, "", "an IPv4 address" },
	{ "@", CHATDNAT_IPV4, -EINVAL, "", "an IPv4 address" },
	{ "10.9.0.2@", CHATDNAT_IPV4, -EINVAL, "", "an IPv4 address" },
	{ "@192.0.2.1", CHATDNAT_IPV4, -EINVAL, "", "an IPv4 address" },
	{ "10.9.0.2@192.0.2.1@192.0.2.2", CHATDNAT_IPV4, -EINVAL,
	  "192.0.2.1@192.0.2.2", "an IPv4 address" },
	{ "10.9.0.2 ", CHATDNAT_IPV4, -EINVAL, "10.9.0.2 ", "an IPv4 address" },
	{ "fd00::2", CHATDNAT_IPV4, -EINVAL, "fd00::2", "an IPv4 address" },
	{ "10.9.0.2", CHATDNAT_IPV6, -EINVAL, "10.9.0.2", "an IPv6 address" },
	{ "fd00::2@192.0.2.1", CHATDNAT_IPV6, -EINVAL, "192.0.2.1",
	  "an IPv6 address" },
	{ "10.9.0.2@0.0.0.0", CHATDNAT_IPV4, -EINVAL, "0.0.0.0", "unspecified" },
	{ "fd00::2@::", CHATDNAT_IPV6, -EINVAL, "::", "unspecified" },
	{ "127.0.0.1@192.0.2.1", CHATDNAT_IPV4, -EINVAL, "127.0.0.1",
	  "loopback" },
	{ "10.9.0.2@10.9.0.2", CHATDNAT_IPV4, -EINVAL, "10.9.0.2@10.9.0.2",
	  "a relay other than" },
	{ "fd00::2@fd00:0::2", CHATDNAT_IPV6, -EINVAL, "fd00::2@fd00:0::2",
	  "a relay other than" },
	{ "10.9.0.2,10.9.0.3", CHATDNAT_IPV4, -EINVAL, "10.9.0.3", "one relay" },
	{ "10.9.0.2,10.9.0.2", CHATDNAT_IPV4, -EINVAL, "10.9.0.2", "one relay" },
	{ "10.9.0.2@192.0.2.1,10.9.0.3@192.0.2.1", CHATDNAT_IPV4, -EINVAL,
	  "10.9.0.3@192.0.2.1", "one relay" },
	{ FIFTEEN ",10.0.0.16,10.0.0.17@192.0.2.17", CHATDNAT_IPV4, -E2BIG,
	  "10.0.0.17@192.0.2.17", "at most 16" },
};
CHATDNAT_TEST_ROWS(bad);

static void refused(struct kunit *test)
{
	const struct bad *row = test->param_value;
	struct chatdnat_refusal why = {};
	struct chatdnat_relays *relays;

	relays = kunit_kzalloc(test, sizeof(*relays), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, relays);
	KUNIT_EXPECT_EQ(test, row->err,
			chatdnat_relays_parse(row->family, relays,
					      chatdnat_test_text(test, row->text),
					      &why));
	chatdnat_test_refused(test, &why, row->err, row->offending,
			      row->expected);
}

static const struct lookup {
	const char *text;
	const char *addr;
	const char *relay;	/* NULL: none */
	bool names;
	bool has;
} lookups[] = {
	{ "", "192.0.2.1" },
	{ "10.9.0.2", "192.0.2.1", "10.9.0.2" },
	{ "10.9.0.2", "10.9.0.2", "10.9.0.2", false, true },
	{ "10.9.0.2@192.0.2.1", "192.0.2.1", "10.9.0.2", true },
	{ "10.9.0.2@192.0.2.1", "192.0.2.2" },
	{ "10.9.0.2@192.0.2.1", "10.9.0.2", NULL, false, true },
	{ "10.9.0.3,10.9.0.2@192.0.2.1", "192.0.2.1", "10.9.0.2", true },
	{ "10.9.0.3,10.9.0.2@192.0.2.1", "192.0.2.2", "10.9.0.3" },
	{ "10.9.0.2@192.0.2.1,10.9.0.3", "192.0.2.1", "10.9.0.2", true },
	{ "10.9.0.2@192.0.2.1,10.9.0.3", "192.0.2.2", "10.9.0.3" },
	{ FIFTEEN, "192.0.2.15", "10.0.0.15", true },
	{ FIFTEEN, "192.0.2.16" },
	{ "fd00::2", "2001:db8::1", "fd00::2" },
	{ "fd00::2@2001:db8::1", "2001:db8::1", "fd00::2", true },
	{ "fd00::2@2001:db8::1", "2001:db8::2" },
	{ "fd00::2@2001:db8::1", "2001:db8:0:1::1" },
	{ "fd00::2@2001:db8::1", "fd00::2", NULL, false, true },
};

static void lookups_desc(const struct lookup *row, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s in '%.80s'", row->addr,
		 row->text);
}
KUNIT_ARRAY_PARAM(lookups, lookups, lookups_desc);

static void find(struct kunit *test)
{
	const struct lookup *row = test->param_value;
	enum chatdnat_family family = chatdnat_test_family(row->addr);
	struct chatdnat_addr addr = chatdnat_test_addr(test, row->addr), want;
	const struct chatdnat_addr *found;
	struct chatdnat_refusal why = {};
	struct chatdnat_relays *relays;

	relays = kunit_kzalloc(test, sizeof(*relays), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, relays);
	KUNIT_ASSERT_EQ(test, 0,
			chatdnat_relays_parse(family, relays,
					      chatdnat_test_text(test, row->text),
					      &why));
	found = chatdnat_relays_find(relays, &addr);
	KUNIT_EXPECT_EQ(test, !!found, !!row->relay);
	if (found && row->relay) {
		want = chatdnat_test_addr(test, row->relay);
		KUNIT_EXPECT_MEMEQ(test, found, &want, sizeof(want));
	}
	KUNIT_EXPECT_EQ(test, row->names, chatdnat_relays_names(relays, &addr));
	KUNIT_EXPECT_EQ(test, row->has, chatdnat_relays_has(relays, &addr));
}

static struct kunit_case cases[] = {
	KUNIT_CASE_PARAM(taken, good_gen_params),
	KUNIT_CASE_PARAM(refused, bad_gen_params),
	KUNIT_CASE_PARAM(find, lookups_gen_params),
	{}
};

static struct kunit_suite suite = {
	.name = "chatdnat_relays",
	.test_cases = cases,
};
kunit_test_suite(suite);
