/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNAT_TEXT_H
#define CHATDNAT_TEXT_H

#include <linux/types.h>

/* A piece of a longer text; not terminated. */
struct chatdnat_text {
	const char *at;
	size_t len;
};

/* Why a text was refused: "OFFENDING: expected EXPECTED". */
struct chatdnat_refusal {
	int err;
	struct chatdnat_text offending;
	const char *expected;
};

int chatdnat_refuse(struct chatdnat_refusal *why, int err,
		    struct chatdnat_text offending, const char *expected);

bool chatdnat_text_is(struct chatdnat_text text, const char *word);
bool chatdnat_text_split(struct chatdnat_text text, char separator,
			 struct chatdnat_text *before,
			 struct chatdnat_text *after);
bool chatdnat_text_next(struct chatdnat_text *rest, char separator,
			struct chatdnat_text *element);
bool chatdnat_text_number(struct chatdnat_text text, u32 *number);

#endif /* CHATDNAT_TEXT_H */
