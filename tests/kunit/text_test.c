// SPDX-License-Identifier: GPL-2.0
#include "chatdnat_test.h"
#include "module/policy/text.h"

static const struct number {
	const char *text;
	bool good;
	u32 number;
} numbers[] = {
	{ "0", true, 0 },
	{ "1", true, 1 },
	{ "9", true, 9 },
	{ "10", true, 10 },
	{ "65536", true, 65536 },
	{ "4294967294", true, U32_MAX - 1 },
	{ "4294967295", true, U32_MAX },
	{ "4294967296", true, U32_MAX },
	{ "18446744073709551615", true, U32_MAX },
	{ "18446744073709551616", true, U32_MAX },
	{ "99999999999999999999999999999999999999999999", true, U32_MAX },
	{ "" }, { "00" }, { "01" }, { "-1" }, { "+1" }, { " 1" }, { "1 " },
	{ "1a" }, { "a" }, { "0x1" }, { "1.0" }, { "1,0" }, { "/" }, { ":" },
	{ "1\n" }, { "\xb2" },
};
CHATDNAT_TEST_ROWS(numbers);

static void number(struct kunit *test)
{
	const struct number *row = test->param_value;
	u32 number = 0;

	KUNIT_EXPECT_EQ(test, row->good,
			chatdnat_text_number(chatdnat_test_text(test, row->text),
					     &number));
	KUNIT_EXPECT_EQ(test, row->number, number);
}

static const struct word {
	const char *text;
	const char *word;
	bool is;
} words[] = {
	{ "", "", true },
	{ "", "a", false },
	{ "a", "", false },
	{ "any", "any", true },
	{ "any", "an", false },
	{ "an", "any", false },
	{ "Any", "any", false },
	{ "any ", "any", false },
};
CHATDNAT_TEST_ROWS(words);

static void is(struct kunit *test)
{
	const struct word *row = test->param_value;

	KUNIT_EXPECT_EQ(test, row->is,
			chatdnat_text_is(chatdnat_test_text(test, row->text),
					 row->word));
}

/* @elements: as the list is cut, in brackets */
static const struct list {
	const char *text;
	bool cut;
	const char *halves;
	const char *elements;
} lists[] = {
	{ "", false, "[][]", "[]" },
	{ "a", false, "[a][]", "[a]" },
	{ ",", true, "[][]", "[][]" },
	{ "a,", true, "[a][]", "[a][]" },
	{ ",a", true, "[][a]", "[][a]" },
	{ "a,b", true, "[a][b]", "[a][b]" },
	{ "a,b,c", true, "[a][b,c]", "[a][b][c]" },
	{ ",,", true, "[][,]", "[][][]" },
	{ "aa,,b", true, "[aa][,b]", "[aa][][b]" },
	{ "a;b", false, "[a;b][]", "[a;b]" },
};
CHATDNAT_TEST_ROWS(lists);

static int bracket(char *buf, size_t size, struct chatdnat_text text)
{
	return scnprintf(buf, size, "[%.*s]", (int)text.len, text.at);
}

static void split(struct kunit *test)
{
	const struct list *row = test->param_value;
	struct chatdnat_text before, after;
	char buf[64];
	int len;

	KUNIT_EXPECT_EQ(test, row->cut,
			chatdnat_text_split(chatdnat_test_text(test, row->text),
					    ',', &before, &after));
	len = bracket(buf, sizeof(buf), before);
	bracket(buf + len, sizeof(buf) - len, after);
	KUNIT_EXPECT_STREQ(test, buf, row->halves);
}

static void next(struct kunit *test)
{
	const struct list *row = test->param_value;
	struct chatdnat_text rest = chatdnat_test_text(test, row->text);
	struct chatdnat_text element;
	char buf[64];
	int len = 0;

	while (chatdnat_text_next(&rest, ',', &element))
		len += bracket(buf + len, sizeof(buf) - len, element);
	KUNIT_EXPECT_STREQ(test, buf, row->elements);
	KUNIT_EXPECT_FALSE(test, chatdnat_text_next(&rest, ',', &element));
}

static void refuse(struct kunit *test)
{
	struct chatdnat_text text = chatdnat_test_text(test, "x");
	struct chatdnat_refusal why = {};

	KUNIT_EXPECT_EQ(test, -ERANGE,
			chatdnat_refuse(&why, -ERANGE, text, "a y"));
	chatdnat_test_refused(test, &why, -ERANGE, "x", "a y");
}

static struct kunit_case cases[] = {
	KUNIT_CASE_PARAM(number, numbers_gen_params),
	KUNIT_CASE_PARAM(is, words_gen_params),
	KUNIT_CASE_PARAM(split, lists_gen_params),
	KUNIT_CASE_PARAM(next, lists_gen_params),
	KUNIT_CASE(refuse),
	{}
};

static struct kunit_suite suite = {
	.name = "chatdnat_text",
	.test_cases = cases,
};
kunit_test_suite(suite);
