// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "text.h"

static size_t least(size_t a, size_t b, size_t c)
{
	a = a < b ? a : b;
	return a < c ? a : c;
}

size_t text_distance(const char *a, const char *b)
{
	size_t n = strlen(a), m = strlen(b), i, j, result;
	/* Three rows of the matrix: two letters before, one before, and this one. */
	size_t *rows = xcalloc(3 * (m + 1), sizeof(*rows)), *two = rows, *one = two + m + 1,
	       *now = one + m + 1;

	for (j = 0; j <= m; j++)
		one[j] = j;
	for (i = 1; i <= n; i++) {
		size_t *spare = two;

		now[0] = i;
		for (j = 1; j <= m; j++) {
			now[j] = least(one[j] + 1, now[j - 1] + 1,
				       one[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    two[j - 2] + 1 < now[j])
				now[j] = two[j - 2] + 1;
		}
		two = one;
		one = now;
		now = spare;
	}
	result = one[m];
	free(rows);
	return result;
}
