// SPDX-License-Identifier: GPL-2.0
#include <linux/limits.h>
#include <linux/string.h>

#include "text.h"

/**
 * chatdnat_refuse() - record why a text is refused
 * @why: filled in
 * @err: negative errno
 * @offending: the piece that is wrong; must outlive @why
 * @expected: the expected text; a string literal
 *
 * Context: Any.
 * Return: @err, so that a parser can return the result of this function.
 */
int chatdnat_refuse(struct chatdnat_refusal *why, int err,
		    struct chatdnat_text offending, const char *expected)
{
	why->err = err;
	why->offending = offending;
	why->expected = expected;
	return err;
}

/**
 * chatdnat_text_is() - whether a text is a given word
 * @text: the text
 * @word: the word, terminated
 *
 * Context: Any.
 * Return: True if they are equal.
 */
bool chatdnat_text_is(struct chatdnat_text text, const char *word)
{
	return text.len == strlen(word) && !memcmp(text.at, word, text.len);
}

/**
 * chatdnat_text_split() - cut a text in two at the first separator
 * @text: the text
 * @separator: where to cut
 * @before: the part before the separator; all of @text if there is none
 * @after: the part after the separator; empty if there is none
 *
 * Context: Any.
 * Return: Whether there was a separator.
 */
bool chatdnat_text_split(struct chatdnat_text text, char separator,
			 struct chatdnat_text *before,
			 struct chatdnat_text *after)
{
	const char *cut = text.len ? memchr(text.at, separator, text.len) : NULL;

	*before = text;
	*after = (struct chatdnat_text){ .at = text.at + text.len };
	if (!cut)
		return false;

	before->len = cut - text.at;
	after->at = cut + 1;
	after->len = text.len - before->len - 1;
	return true;
}

/**
 * chatdnat_text_next() - take the next element off a separated list
 * @rest: the remaining list; @rest->at is NULL at its end
 * @separator: between elements
 * @element: the element; may be empty
 *
 * A list with n separators has n + 1 elements, an empty text has one.
 *
 * Context: Any.
 * Return: False when the list has ended.
 */
bool chatdnat_text_next(struct chatdnat_text *rest, char separator,
			struct chatdnat_text *element)
{
	if (!rest->at)
		return false;

	if (!chatdnat_text_split(*rest, separator, element, rest))
		rest->at = NULL;
	return true;
}

/**
 * chatdnat_text_number() - read a decimal number
 * @text: decimal digits only, without leading zeros
 * @number: the number; U32_MAX if it is larger
 *
 * Context: Any.
 * Return: False if @text is not such a number.
 */
bool chatdnat_text_number(struct chatdnat_text text, u32 *number)
{
	u64 value = 0;
	size_t i;

	if (!text.len || (text.len > 1 && text.at[0] == '0'))
		return false;

	for (i = 0; i < text.len; i++) {
		if (text.at[i] < '0' || text.at[i] > '9')
			return false;
		value = value * 10 + (text.at[i] - '0');
		if (value > U32_MAX)
			value = U32_MAX;
	}
	*number = value;
	return true;
}
