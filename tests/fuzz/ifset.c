// SPDX-License-Identifier: GPL-2.0
/*
 * Names of interfaces. Input: a list of patterns, a line's end, then a name
 * that an interface has, which is matched by hand as well.
 */
#include "../../module/policy/ifset.h"
#include "text.h"

#include <string.h>

/* dev_valid_name() and the blanks of the kernel's isspace(). */
static bool name_of_an_interface(const char *name, size_t len)
{
	size_t i;

	if (!len || len >= CHATDNAT_IFNAME_SIZE || (len == 1 && *name == '.') || (len == 2 && !memcmp(name, "..", 2)))
		return false;
	for (i = 0; i < len; i++)
		if (!name[i] || strchr("/: \t\n\v\f\r\xa0", name[i]))
			return false;
	return true;
}

/* The list by hand: the same patterns, one by one, in whatever order. */
static bool matches(const char *list, size_t len, const char *name)
{
	const char *end = list + len, *next;

	for (; list <= end; list = next + 1) {
		next = memchr(list, ',', (size_t)(end - list));
		next = next ? next : end;
		len = (size_t)(next - list);
		if (len && list[len - 1] == '+' ? strlen(name) >= len - 1 && !memcmp(name, list, len - 1) :
						  strlen(name) == len && !memcmp(name, list, len))
			return true;
	}
	return false;
}

static void check_set(struct chatdnat_text text, const char *name)
{
	struct chatdnat_refusal why = { 0 };
	struct chatdnat_ifset set, again;
	char buf[CHATDNAT_IFSET_MAX * (CHATDNAT_IFNAME_SIZE + 1) + 1] = "";
	struct chatdnat_text written;
	int err, len, i, j;

	err = chatdnat_ifset_parse(&set, text, &why);
	if (err) {
		check_refusal(text, err, &why);
		return;
	}
	CHECK(set.n <= CHATDNAT_IFSET_MAX && !set.n == !text.len);
	for (i = 0; i < set.n; i++)
		for (j = 0; j < i; j++)
			CHECK(memcmp(&set.pattern[i], &set.pattern[j], sizeof(set.pattern[i])) != 0);
	if (text.len)
		CHECK(chatdnat_ifset_has(&set, name) == matches(text.at, text.len, name));

	len = chatdnat_ifset_format(&set, buf, sizeof(buf));
	CHECK(len >= 0 && (size_t)len == strlen(buf) && (size_t)len + 1 < sizeof(buf));
	written = text_of(buf, (size_t)len);
	CHECK(!chatdnat_ifset_parse(&again, written, &why));
	CHECK(chatdnat_ifset_equal(&set, &again));
	/* It is written into a line of settings, and on modprobe's. */
	CHECK(!strpbrk(buf, " \t\n\"'"));
	text_free(written);
}

static void check_name(struct chatdnat_text text)
{
	struct chatdnat_refusal why = { 0 };
	char name[CHATDNAT_IFNAME_SIZE];
	int err = chatdnat_ifname_parse(name, text, &why);

	if (err) {
		check_refusal(text, err, &why);
		return;
	}
	CHECK(!text.len || name_of_an_interface(text.at, text.len));
	CHECK(!name[sizeof(name) - 1] && strlen(name) == text.len && !memcmp(name, text.at, text.len));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *end = size ? memchr(data, '\n', size) : NULL;
	size_t len = end ? (size_t)(end - data) : size;
	struct chatdnat_text text = text_of(data, len);
	char name[CHATDNAT_IFNAME_SIZE] = "";

	if (end && name_of_an_interface((const char *)end + 1, size - len - 1))
		memcpy(name, end + 1, size - len - 1);
	check_set(text, name);
	check_name(text);
	text_free(text);
	return 0;
}
