// SPDX-License-Identifier: GPL-2.0
#include "diff.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "text.h"

struct lines {
	char *text;
	char **v;
	size_t n;
};

static struct lines split(const char *text)
{
	struct lines lines = { .text = xstrdup(text ? text : "") };
	char *s = lines.text;

	while (*s) {
		size_t len = strcspn(s, "\n");
		char *next = s + len + (s[len] == '\n');

		s[len] = '\0';
		lines.v = xgrow(lines.v, lines.n, sizeof(*lines.v));
		lines.v[lines.n++] = s;
		s = next;
	}
	return lines;
}

/* common[i][j]: the longest common sequence of the lines from i and from j on. */
static void print(const struct lines *a, const struct lines *b, const size_t *common)
{
	size_t width = b->n + 1, i = 0, j = 0;

	while (i < a->n || j < b->n) {
		if (i < a->n && j < b->n && !strcmp(a->v[i], b->v[j])) {
			text_line(" %s", a->v[i]);
			i++;
			j++;
		} else if (j == b->n ||
			   (i < a->n && common[(i + 1) * width + j] >= common[i * width + j + 1])) {
			text_line("-%s", a->v[i++]);
		} else {
			text_line("+%s", b->v[j++]);
		}
	}
}

void diff_print(const char *name, const char *from, const char *to)
{
	struct lines a = split(from), b = split(to);
	size_t width = b.n + 1, i, j, *common = xcalloc((a.n + 1) * width, sizeof(*common));

	for (i = a.n; i-- > 0;) {
		for (j = b.n; j-- > 0;) {
			size_t down = common[(i + 1) * width + j], right = common[i * width + j + 1];

			common[i * width + j] = !strcmp(a.v[i], b.v[j]) ?
							common[(i + 1) * width + j + 1] + 1 :
						down > right ? down :
							       right;
		}
	}
	text_line("--- %s", from ? name : "/dev/null");
	text_line("+++ %s", to ? name : "/dev/null");
	print(&a, &b, common);
	free(common);
	free(a.v);
	free(a.text);
	free(b.v);
	free(b.text);
}
