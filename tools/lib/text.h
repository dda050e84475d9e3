/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNATCTL_TEXT_H
#define CHATDNATCTL_TEXT_H

#include <stddef.h>

enum colour { PLAIN, BOLD, RED, YELLOW, GREEN, CYAN };

/*
 * Text from the kernel may contain any byte (an interface can be called "\033[2J"), so
 * everything below escapes control sequences.
 */
char *text_clean(const char *s);

/* The number of letters to add, drop, change or swap with their neighbour, to make one word of the other. */
size_t text_distance(const char *a, const char *b);

/* One line, never wrapped: for scripts and for commands that are copied. */
void text_line(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A command to copy stays whole. On a terminal that is too narrow for its comment, that is on the line above. */
void text_command(size_t indent, const char *command);

/* A label, then text that wraps at the width of the terminal, at most 120 columns, else at 80, indented. */
void text_field(enum colour colour, size_t indent, const char *label, size_t width,
		const char *format, ...) __attribute__((format(printf, 5, 6)));

/*
 * The same with a second label, for lists that scripts read: on a terminal it wraps, elsewhere it is one line.
 */
void text_item(enum colour colour, const char *label, size_t width, const char *what,
	       size_t what_width, const char *format, ...) __attribute__((format(printf, 6, 7)));

/* The same as text_field() for a list "a, b c, d": no item is divided. */
void text_list(enum colour colour, const char *label, size_t width, const char *items);

/*
 * A command's help, in lines of the terminal's width, at most 80 columns. A line that begins where the text of the line above
 * does, continues it.
 */
void text_help(const char *text);

/* A sentence without a command: on a terminal it wraps, elsewhere it is one line. */
void text_prose(const char *format, ...) __attribute__((format(printf, 1, 2)));

void text_heading(const char *format, ...) __attribute__((format(printf, 1, 2)));

void error(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
