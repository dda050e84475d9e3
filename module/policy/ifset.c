// SPDX-License-Identifier: GPL-2.0
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/string.h>

#include "ifset.h"

static bool chatdnat_ifname_byte(unsigned char c)
{
	/*
	 * isspace() of the kernel is true for 0xa0; dev_valid_name() refuses
	 * it.
	 */
	return c > ' ' && c != 0x7f && c != 0xa0 && c != '/' && c != ':' &&
	       c != '"' && c != '\'';
}

static int chatdnat_ifname_check(struct chatdnat_text text,
				 struct chatdnat_refusal *why)
{
	size_t i;

	if (text.len >= CHATDNAT_IFNAME_SIZE)
		return chatdnat_refuse(why, -EINVAL, text,
				       "an interface name of at most 15 bytes");
	for (i = 0; i < text.len; i++)
		if (!chatdnat_ifname_byte(text.at[i]))
			return chatdnat_refuse(why, -EINVAL, text,
					       "an interface name without blanks, quotes, '/' or ':'");
	if (chatdnat_text_is(text, ".") || chatdnat_text_is(text, ".."))
		return chatdnat_refuse(why, -EINVAL, text,
				       "an interface name, not '.' or '..'");
	return 0;
}

static int chatdnat_ifpattern_parse(struct chatdnat_ifpattern *pattern,
				    struct chatdnat_text text,
				    struct chatdnat_refusal *why)
{
	int err;

	if (!text.len)
		return chatdnat_refuse(why, -EINVAL, text,
				       "an interface name on each side of a comma");
	err = chatdnat_ifname_check(text, why);
	if (err)
		return err;

	memset(pattern, 0, sizeof(*pattern));
	pattern->prefix = text.at[text.len - 1] == '+';
	pattern->len = text.len - pattern->prefix;
	memcpy(pattern->name, text.at, pattern->len);
	return 0;
}

static bool chatdnat_ifset_has_pattern(const struct chatdnat_ifset *set,
				       const struct chatdnat_ifpattern *pattern)
{
	u8 i;

	for (i = 0; i < set->n; i++)
		if (!memcmp(&set->pattern[i], pattern, sizeof(*pattern)))
			return true;
	return false;
}

/**
 * chatdnat_ifset_parse() - read a list of interface names
 * @set: filled in; undefined after a refusal
 * @text: comma-separated names, a trailing '+' makes a prefix; may be empty
 * @why: filled in on refusal
 *
 * Context: Any.
 * Return: 0, -EINVAL for a malformed name, -E2BIG for too many.
 */
int chatdnat_ifset_parse(struct chatdnat_ifset *set, struct chatdnat_text text,
			 struct chatdnat_refusal *why)
{
	struct chatdnat_text rest = text, element;
	struct chatdnat_ifpattern pattern;
	int err;

	memset(set, 0, sizeof(*set));
	if (!text.len)
		return 0;

	while (chatdnat_text_next(&rest, ',', &element)) {
		err = chatdnat_ifpattern_parse(&pattern, element, why);
		if (err)
			return err;
		if (chatdnat_ifset_has_pattern(set, &pattern))
			continue;
		if (set->n == CHATDNAT_IFSET_MAX)
			return chatdnat_refuse(why, -E2BIG, element,
					       "at most 8 interface names");
		set->pattern[set->n++] = pattern;
	}
	return 0;
}

/**
 * chatdnat_ifname_parse() - read the name of one interface
 * @name: set to it, zero-padded; undefined after a refusal
 * @text: the name; may be empty
 * @why: filled in on refusal
 *
 * Context: Any.
 * Return: 0, or -EINVAL for a malformed name.
 */
int chatdnat_ifname_parse(char name[CHATDNAT_IFNAME_SIZE],
			  struct chatdnat_text text,
			  struct chatdnat_refusal *why)
{
	int err = chatdnat_ifname_check(text, why);

	if (err)
		return err;
	if (memchr(text.at, ',', text.len) ||
	    (text.len && text.at[text.len - 1] == '+'))
		return chatdnat_refuse(why, -EINVAL, text,
				       "the name of one interface");

	memset(name, 0, CHATDNAT_IFNAME_SIZE);
	memcpy(name, text.at, text.len);
	return 0;
}

/**
 * chatdnat_ifset_format() - write a list of interface names
 * @set: the names
 * @buf: destination
 * @size: room in @buf
 *
 * Context: Any.
 * Return: Bytes written, without the terminator.
 */
int chatdnat_ifset_format(const struct chatdnat_ifset *set, char *buf,
			  size_t size)
{
	int len = 0;
	u8 i;

	for (i = 0; i < set->n; i++)
		len += scnprintf(buf + len, size - len, "%s%s%s", i ? "," : "",
				 set->pattern[i].name,
				 set->pattern[i].prefix ? "+" : "");
	return len;
}

/**
 * chatdnat_ifset_equal() - whether two lists of interfaces are equal
 * @a: a set
 * @b: another
 *
 * Context: Any.
 * Return: True if both have the same patterns in the same order.
 */
bool chatdnat_ifset_equal(const struct chatdnat_ifset *a,
			  const struct chatdnat_ifset *b)
{
	return a->n == b->n &&
	       !memcmp(a->pattern, b->pattern, a->n * sizeof(a->pattern[0]));
}

static bool chatdnat_ifpattern_fits(const struct chatdnat_ifpattern *pattern,
				    const char *name)
{
	unsigned int i = 0;

	while (i < pattern->len && name[i] == pattern->name[i])
		i++;
	return i == pattern->len && (pattern->prefix || !name[i]);
}

/**
 * chatdnat_ifset_has() - whether an interface name is in a set
 * @set: the set
 * @name: an interface's name, terminated
 *
 * Context: Any; on the packet path.
 * Return: True if a name or a pattern of @set matches.
 */
bool chatdnat_ifset_has(const struct chatdnat_ifset *set, const char *name)
{
	const struct chatdnat_ifpattern *pattern;

	for (pattern = set->pattern; pattern < set->pattern + set->n; pattern++)
		if (chatdnat_ifpattern_fits(pattern, name))
			return true;
	return false;
}
