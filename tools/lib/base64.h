/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNATCTL_BASE64_H
#define CHATDNATCTL_BASE64_H

#include <stdbool.h>
#include <stddef.h>

/* The text of n bytes, with padding. To be freed. */
char *base64_encode(const unsigned char *bytes, size_t n);

/* False if the text is not that of n bytes. */
bool base64_decode(unsigned char *bytes, size_t n, const char *text);

#endif
