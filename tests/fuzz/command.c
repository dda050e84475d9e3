// SPDX-License-Identifier: GPL-2.0
/*
 * chatdnatctl as a whole. Input: a line of arguments; then files, each behind a
 * line "@PATH"; "@answers" is what the kernel answers to requests.
 */
#include "tool.h"

#include <json-c/json.h>
#include <string.h>

#define WORDS_MAX 16

int chatdnatctl(int argc, char **argv);

/* The length of a whole character, of which none acts upon a terminal; 0: it is none. */
static size_t character(const unsigned char *s)
{
	size_t i, len = *s < 0x80 ? 1 : *s < 0xc2 ? 0 : *s < 0xe0 ? 2 : *s < 0xf0 ? 3 : *s < 0xf5 ? 4 : 0;

	if (*s == '\n')
		return 1;
	if (*s < ' ' || *s == 0x7f || (*s == 0xc2 && s[1] < 0xa0))
		return 0;
	for (i = 1; i < len; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	return len;
}

static void check_printed(const char *text)
{
	const unsigned char *s = (const unsigned char *)text;
	size_t len;

	for (; *s; s += len) {
		len = character(s);
		CHECK(len);
	}
}

static bool has(char **words, int n, const char *word)
{
	while (n)
		if (!strcmp(words[--n], word))
			return true;
	return false;
}

/* What would load a module, start a process, or speak to one. */
static bool acts(char **words, int n)
{
	int i;

	for (i = 1; i < n; i++)
		if (!strncmp(words[i], "--confirm", 9))
			return true;
	return has(words, n, "load") || has(words, n, "try") || has(words, n, "confirm");
}

static void check_json(const char *text)
{
	struct json_object *object = json_tokener_parse(text);

	CHECK(object);
	json_object_put(object);
}

static int split(char *line, char **words)
{
	char *word;
	int n = 0;

	words[n++] = "chatdnatctl";
	while (n < WORDS_MAX - 2 && (word = strsep(&line, " ")))
		words[n++] = word;
	/* Nothing is written: there is no more to say. */
	if (has(words, n, "save") || has(words, n, "setup"))
		words[n++] = "--dry-run";
	words[n] = NULL;
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *line = malloc(size + 1), *words[WORDS_MAX], *given[WORDS_MAX], *files;
	const char *printed, *mark;
	struct input answers = { 0 };
	int n, ret;

	CHECK(line);
	if (size)
		memcpy(line, data, size);
	line[size] = '\0';
	files = memchr(line, '\n', size);
	if (files)
		*files++ = '\0';
	else
		files = line + size;
	n = split(line, words);
	memcpy(given, words, sizeof(given));
	if (acts(words, n)) {
		free(line);
		return 0;
	}

	host_begin(files, size - (size_t)(files - line));
	mark = memmem(files, size - (size_t)(files - line), "@answers\n", 9);
	if (mark) {
		answers.at = (const uint8_t *)mark + 9;
		answers.left = size - (size_t)(mark + 9 - line);
		host_answers(&answers);
	}
	ret = chatdnatctl(n, words);
	printed = host_end();
	CHECK(ret >= 0 && ret <= 2);
	check_printed(printed);
	if (has(given, n, "--json") && !host_complained && !has(given, n, "--help") && !has(given, n, "-h") &&
	    !has(given, n, "--version") && !has(given, n, "-V"))
		check_json(printed);
	free(line);
	return 0;
}
