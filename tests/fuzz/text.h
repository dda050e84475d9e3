/* SPDX-License-Identifier: GPL-2.0 */
/* What holds for all of the module's parsers of values. */
#ifndef FUZZ_TEXT_H
#define FUZZ_TEXT_H

#include "../../module/policy/text.h"
#include "fuzz.h"

/* A refusal names a piece of what was written, and what would have been right. */
static inline void check_refusal(struct chatdnat_text text, int err, const struct chatdnat_refusal *why)
{
	CHECK(err < 0 && why->err == err);
	CHECK(why->expected && *why->expected);
	CHECK(why->offending.at >= text.at);
	CHECK(why->offending.at + why->offending.len <= text.at + text.len);
}

static inline struct chatdnat_text text_of(const void *bytes, size_t size)
{
	return (struct chatdnat_text){ .at = (const char *)fuzz_copy(bytes, size), .len = size };
}

static inline void text_free(struct chatdnat_text text)
{
	free((void *)text.at);
}

#endif
