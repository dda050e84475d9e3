// SPDX-License-Identifier: GPL-2.0
#include "text.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "mem.h"

/* Elsewhere than on a terminal 80; on a wide one, lines stay short enough to be read. */
#define COLUMNS 80
#define COLUMNS_MIN 40
#define COLUMNS_MAX 120

static bool use_colour(void)
{
	static int answer = -1;

	if (answer < 0) {
		const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

		answer = isatty(STDOUT_FILENO) && !(no && *no) && !(term && !strcmp(term, "dumb"));
	}
	return answer;
}

static size_t columns(void)
{
	struct winsize size = { 0 };

	if (!isatty(STDOUT_FILENO) || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || !size.ws_col)
		return COLUMNS;
	return size.ws_col < COLUMNS_MIN ? COLUMNS_MIN :
	       size.ws_col > COLUMNS_MAX ? COLUMNS_MAX :
					   size.ws_col;
}

static void put(enum colour colour, const char *s)
{
	static const char *const code[] = {
		[BOLD] = "1", [RED] = "1;31", [YELLOW] = "1;33", [GREEN] = "32", [CYAN] = "36",
	};

	if (colour != PLAIN && use_colour())
		printf("\033[%sm%s\033[0m", code[colour], s);
	else
		fputs(s, stdout);
}

/* The length of the well-formed UTF-8 sequence at s, 0 if there is none. */
static size_t utf8_decode(const unsigned char *s, uint32_t *point)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t i, len = s[0] < 0xc0 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : s[0] < 0xf8 ? 4 : 0;

	if (!len)
		return 0;
	*point = s[0] & (0x7f >> len);
	for (i = 1; i < len; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		*point = *point << 6 | (s[i] & 0x3f);
	}
	if (*point < least[len] || *point > 0x10ffff || (*point >= 0xd800 && *point < 0xe000))
		return 0;
	return len;
}

/* C1 controls, and characters that reorder or break a line. */
static bool misleading(uint32_t point)
{
	return point < 0xa0 || (point >= 0x200b && point <= 0x200f) ||
	       (point >= 0x2028 && point <= 0x202e) || (point >= 0x2060 && point <= 0x206f) ||
	       point == 0xfeff;
}

char *text_clean(const char *text)
{
	const unsigned char *s = (const unsigned char *)text;
	char *out = xcalloc(strlen(text) * 4 + 1, 1), *o = out;

	while (*s) {
		uint32_t point = 0;
		size_t len = *s >= 0x20 && *s < 0x7f ? 1 : utf8_decode(s, &point);

		if (len > 1 && misleading(point))
			len = 0;
		if (len) {
			memcpy(o, s, len);
			o += len;
			s += len;
		} else {
			o += sprintf(o, "\\x%02x", *s++);
		}
	}
	return out;
}

static __attribute__((format(printf, 1, 0))) char *clean_format(const char *format, va_list ap)
{
	char *raw = xvasprintf(format, ap), *clean = text_clean(raw);

	free(raw);
	return clean;
}

void text_line(const char *format, ...)
{
	va_list ap;
	char *s;

	va_start(ap, format);
	s = clean_format(format, ap);
	va_end(ap);
	puts(s);
	free(s);
}

void text_command(size_t indent, const char *command)
{
	char *s = text_clean(command);
	const char *comment = strstr(s, "    # ");

	if (comment && isatty(STDOUT_FILENO) && indent + strlen(s) > columns())
		printf("%*s%s\n%*s%.*s\n", (int)indent, "", comment + 4, (int)indent, "",
		       (int)(comment - s), s);
	else
		printf("%*s%s\n", (int)indent, "", s);
	free(s);
}

void text_heading(const char *format, ...)
{
	va_list ap;
	char *s;

	va_start(ap, format);
	s = clean_format(format, ap);
	va_end(ap);
	put(BOLD, s);
	putchar('\n');
	free(s);
}

void error(const char *format, ...)
{
	va_list ap;
	char *s;

	va_start(ap, format);
	s = clean_format(format, ap);
	va_end(ap);
	fflush(stdout);
	fprintf(stderr, "chatdnatctl: %s\n", s);
	free(s);
}

/* Breaks at blanks, a word longer than the line after a comma, and a list between its items, if possible. */
static size_t wrap_at(const char *s, size_t room, bool list)
{
	size_t i, blank = 0, comma = 0, item = 0;

	if (strlen(s) <= room)
		return strlen(s);
	/* Never within a character. */
	while (room > 1 && ((unsigned char)s[room] & 0xc0) == 0x80)
		room--;
	for (i = 1; i <= room && s[i]; i++) {
		if (s[i] == ' ')
			blank = i;
		if (s[i - 1] == ',')
			comma = i;
		if (blank == i && comma == i)
			item = i;
	}
	return list && item ? item : blank ? blank : comma ? comma : room;
}

static void put_label(enum colour colour, const char *label, size_t width, size_t margin)
{
	char *clean = text_clean(label);

	put(colour, clean);
	if (strlen(clean) < width)
		printf("%*s", (int)(width - strlen(clean)), "");
	else if (width)
		printf("\n%*s", (int)margin, "");
	free(clean);
}

static void put_wrapped(const char *s, size_t margin, size_t room, bool list)
{
	for (;;) {
		size_t len = wrap_at(s, room, list), shown = len;

		while (shown && s[shown - 1] == ' ')
			shown--;
		printf("%.*s\n", (int)shown, s);
		for (s += len; *s == ' '; s++)
			;
		if (!*s)
			break;
		printf("%*s", (int)margin, "");
	}
}

void text_field(enum colour colour, size_t indent, const char *label, size_t width,
		const char *format, ...)
{
	va_list ap;
	char *s;

	va_start(ap, format);
	s = clean_format(format, ap);
	va_end(ap);
	printf("%*s", (int)indent, "");
	put_label(colour, label, width, indent + width);
	put_wrapped(s, indent + width, columns() - indent - width, false);
	free(s);
}

void text_list(enum colour colour, const char *label, size_t width, const char *items)
{
	char *s = text_clean(items);

	put_label(colour, label, width, width);
	put_wrapped(s, width, columns() - width, true);
	free(s);
}

void text_item(enum colour colour, const char *label, size_t width, const char *what,
	       size_t what_width, const char *format, ...)
{
	size_t margin = width + what_width;
	va_list ap;
	char *s;

	va_start(ap, format);
	s = clean_format(format, ap);
	va_end(ap);
	put_label(colour, label, width, width);
	put_label(PLAIN, what, what_width, margin);
	put_wrapped(s, margin, isatty(STDOUT_FILENO) ? columns() - margin : SIZE_MAX, false);
	free(s);
}

void text_prose(const char *format, ...)
{
	va_list ap;
	char *s;

	va_start(ap, format);
	s = clean_format(format, ap);
	va_end(ap);
	put_wrapped(s, 0, isatty(STDOUT_FILENO) ? columns() : SIZE_MAX, false);
	free(s);
}

/* Where the description begins in a line "  WORD   description", else how far the line is indented. */
static size_t hanging(const char *line, size_t len)
{
	size_t indent = strspn(line, " "), i;

	for (i = indent; i + 1 < len; i++)
		if (indent && line[i] == ' ' && line[i + 1] == ' ')
			return i + strspn(line + i, " ");
	return indent;
}

void text_help(const char *text)
{
	size_t width = columns() < COLUMNS ? columns() : COLUMNS;

	while (*text) {
		size_t len = strcspn(text, "\n"), margin = hanging(text, len);
		bool described = margin > strspn(text, " ") || !margin;
		char *s = xstrndup(text + margin, len - margin);

		printf("%.*s", (int)margin, text);
		text += len + (text[len] == '\n');
		while (len && described && *text && *text != '\n' && strspn(text, " ") == margin) {
			char *longer;

			len = strcspn(text, "\n");
			longer = xasprintf("%s %.*s", s, (int)(len - margin), text + margin);
			free(s);
			s = longer;
			text += len + (text[len] == '\n');
		}
		put_wrapped(s, margin, width - margin, false);
		free(s);
	}
}
