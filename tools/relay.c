// SPDX-License-Identifier: GPL-2.0
#include "relay.h"

#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "mem.h"

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
