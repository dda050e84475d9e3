/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNATCTL_RELAY_H
#define CHATDNATCTL_RELAY_H

#include "../host/route.h"

/* One entry of `v4` or `v6`: RELAY or RELAY@OWN. */
struct relay {
	enum family family;
	char *text, *own_text; /* own_text: NULL without '@' */
	bool valid;	       /* both were understood, so that the following holds */
	struct address address, own;
	struct route route;
	unsigned long connections; /* tracked ones */
	unsigned long answered;	   /* those of them that the relay has answered */

	/* As the module reports; NULL: it does not. */
	char *engine;	  /* "stateless" or "tracked" */
	char *engine_own; /* stateless: the local address that leads to it */
	char *engine_why; /* why it is tracked all the same */
};

struct relays {
	struct relay *v;
	size_t n;
};

void relays_parse(struct relays *relays, enum family family, const char *text);
void relays_free(struct relays *relays);
size_t relays_of(const struct relays *relays, enum family family);

/* Reads the module's file `engines`. */
void relays_engines(struct relays *relays, const char *text);

bool relay_stateless(const struct relay *relay);

#endif
