/* SPDX-License-Identifier: GPL-2.0 */
/* What the tests share. */
#ifndef CHATDNAT_TEST_H
#define CHATDNAT_TEST_H

#include <kunit/test.h>
#include <linux/inet.h>
#include <linux/string.h>

#include "module/policy/setting_table.h"
#include "module/policy/settings.h"
#include "module/policy/text.h"

/* A row of a table is named after the text that it is about. */
#define CHATDNAT_TEST_ROWS(rows)					\
static void rows##_desc(typeof(&(rows)[0]) row, char *desc)		\
{									\
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "'%*pE'",			\
		 (int)min(strlen(row->text), (size_t)100), row->text);	\
}									\
KUNIT_ARRAY_PARAM(rows, rows, rows##_desc)

/* A text that nothing follows, where KASAN would notice who reads on. */
static inline struct chatdnat_text chatdnat_test_text(struct kunit *test,
						      const char *string)
{
	struct chatdnat_text text = { .len = strlen(string) };
	char *copy = kunit_kmalloc(test, text.len, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, copy);
	text.at = memcpy(copy, string, text.len);
	return text;
}

/* That a text was refused: for which part of it, and with what words. */
static inline void chatdnat_test_refused(struct kunit *test,
					 const struct chatdnat_refusal *why,
					 int err, const char *offending,
					 const char *expected)
{
	char *part = kunit_kzalloc(test, why->offending.len + 1, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, part);
	/* It is there only if something was refused. */
	KUNIT_ASSERT_NOT_NULL(test, why->expected);
	memcpy(part, why->offending.at, why->offending.len);
	KUNIT_EXPECT_EQ(test, why->err, err);
	KUNIT_EXPECT_STREQ(test, part, offending);
	if (!strstr(why->expected, expected))
		KUNIT_FAIL(test, "\"%s\" does not say \"%s\"", why->expected,
			   expected);
}

/* Settings of a line that is known to be right. */
static inline struct chatdnat_settings *
chatdnat_test_settings(struct kunit *test, const char *line)
{
	struct chatdnat_settings *settings;
	struct chatdnat_refusal why = {};
	const char *name = NULL;

	settings = kunit_kzalloc(test, sizeof(*settings), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, settings);
	KUNIT_ASSERT_EQ(test, 0,
			chatdnat_setting_table_parse(settings,
						     chatdnat_test_text(test, line),
						     &name, &why));
	return settings;
}

/* An address as it is written; of any kind, also such as no setting takes. */
static inline struct chatdnat_addr chatdnat_test_addr(struct kunit *test,
						      const char *string)
{
	struct chatdnat_addr addr = {};

	if (strchr(string, ':'))
		KUNIT_ASSERT_EQ(test, 1, in6_pton(string, -1, (u8 *)addr.word,
						  -1, NULL));
	else
		KUNIT_ASSERT_EQ(test, 1, in4_pton(string, -1, (u8 *)addr.word,
						  -1, NULL));
	return addr;
}

static inline enum chatdnat_family chatdnat_test_family(const char *addr)
{
	return strchr(addr, ':') ? CHATDNAT_IPV6 : CHATDNAT_IPV4;
}

#endif /* CHATDNAT_TEST_H */
