// SPDX-License-Identifier: GPL-2.0
#include "relay.h"

#include <stdlib.h>
#include <string.h>

#include "../lib/list.h"
#include "../lib/mem.h"

void relays_parse(struct relays *relays, enum family family, const char *text)
{
	size_t n, i;
	char **list = list_split(text, &n);

	for (i = 0; i < n; i++) {
		char *own = strchr(list[i], '@');
		struct relay *r;

		if (own)
			*own++ = '\0';
		relays->v = xgrow(relays->v, relays->n, sizeof(*relays->v));
		r = &relays->v[relays->n++];
		r->family = family;
		r->text = xstrdup(list[i]);
		r->own_text = own ? xstrdup(own) : NULL;
		r->valid = address_parse(&r->address, family, r->text) &&
			   (!own || address_parse(&r->own, family, own));
	}
	free(list);
}

void relays_free(struct relays *relays)
{
	size_t i;

	for (i = 0; i < relays->n; i++) {
		free(relays->v[i].text);
		free(relays->v[i].own_text);
		free(relays->v[i].engine);
		free(relays->v[i].engine_own);
		free(relays->v[i].engine_why);
	}
	free(relays->v);
	*relays = (struct relays){ 0 };
}

size_t relays_of(const struct relays *relays, enum family family)
{
	size_t i, n = 0;

	for (i = 0; i < relays->n; i++)
		n += relays->v[i].family == family;
	return n;
}

/* One line: "RELAY@OWN stateless", "RELAY tracked" or "RELAY tracked: REASON". Takes it apart. */
static void take_engine(struct relays *relays, char *line)
{
	char *engine = strchr(line, ' '), *own, *why;
	size_t i;

	if (!engine)
		return;
	*engine++ = '\0';
	own = strchr(line, '@');
	if (own)
		*own++ = '\0';
	why = strstr(engine, ": ");
	if (why) {
		*why = '\0';
		why += 2;
	}
	/* Entries with the same relay have the same engine. */
	for (i = 0; i < relays->n; i++) {
		struct relay *r = &relays->v[i];

		if (r->engine || strcmp(r->text, line) != 0)
			continue;
		r->engine = xstrdup(engine);
		r->engine_own = own ? xstrdup(own) : NULL;
		r->engine_why = why ? xstrdup(why) : NULL;
	}
}

void relays_engines(struct relays *relays, const char *text)
{
	char *copy = xstrdup(text), *rest = copy, *line;

	while ((line = strsep(&rest, "\n")))
		take_engine(relays, line);
	free(copy);
}

bool relay_stateless(const struct relay *relay)
{
	return relay->engine && !strcmp(relay->engine, "stateless");
}
