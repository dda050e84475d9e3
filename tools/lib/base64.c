// SPDX-License-Identifier: GPL-2.0
#include "base64.h"

#include <stdint.h>
#include <string.h>

#include "mem.h"

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

char *base64_encode(const unsigned char *bytes, size_t n)
{
	char *text = xcalloc((n + 2) / 3 * 4 + 1, 1), *o = text;
	size_t i, j;

	for (i = 0; i < n; i += 3) {
		uint32_t bits = (uint32_t)bytes[i] << 16;

		if (i + 1 < n)
			bits |= (uint32_t)bytes[i + 1] << 8;
		if (i + 2 < n)
			bits |= bytes[i + 2];
		for (j = 0; j < 4; j++)
			*o++ = i + j > n ? '=' : digits[bits >> (18 - 6 * j) & 63];
	}
	return text;
}

bool base64_decode(unsigned char *bytes, size_t n, const char *text)
{
	size_t len = strlen(text), i, done = 0;
	uint32_t bits = 0;

	if (len != (n + 2) / 3 * 4)
		return false;
	for (i = 0; i < len; i++) {
		const char *digit = text[i] == '=' ? digits : strchr(digits, text[i]);

		if (!digit || (text[i] == '=' && i * 6 / 8 < n))
			return false;
		bits = bits << 6 | (uint32_t)(digit - digits);
		if (i % 4 == 3) {
			size_t j;

			for (j = 0; j < 3 && done < n; j++)
				bytes[done++] = (unsigned char)(bits >> (16 - 8 * j));
			bits = 0;
		}
	}
	return true;
}
