// SPDX-License-Identifier: GPL-2.0
#include "fastpath.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/mem.h"

/* "ipv4 on: 128", "ipv6 off: REASON" */
static void take_line(struct fastpath fastpath[FAMILIES], char *line)
{
	char *state = strchr(line, ' '), *rest = state ? strstr(state, ": ") : NULL, *end;
	struct fastpath *of = NULL;
	unsigned long directions;
	enum family family;

	if (!rest)
		return;
	*state++ = '\0';
	*rest = '\0';
	rest += 2;
	for (family = 0; family < FAMILIES; family++)
		if (!strcmp(line, families[family].id))
			of = &fastpath[family];
	if (!of || of->known)
		return;
	if (!strcmp(state, "off")) {
		*of = (struct fastpath){ .known = true, .why = xstrdup(rest) };
	} else if (!strcmp(state, "on")) {
		directions = strtoul(rest, &end, 10);
		if (end != rest && !*end)
			*of = (struct fastpath){ .known = true,
						 .on = true,
						 .directions = directions };
	}
}

void fastpath_parse(struct fastpath fastpath[FAMILIES], const char *text)
{
	char *copy = xstrdup(text), *rest = copy, *line;

	while ((line = strsep(&rest, "\n")))
		take_line(fastpath, line);
	free(copy);
}

void fastpath_free(struct fastpath fastpath[FAMILIES])
{
	enum family family;

	for (family = 0; family < FAMILIES; family++)
		free(fastpath[family].why);
}

bool fastpath_chain(const struct fastpath *fastpath, char hook[16], int *priority)
{
	return fastpath->why &&
	       sscanf(fastpath->why, "a chain at %15[a-z], priority %d", hook, priority) == 2;
}
