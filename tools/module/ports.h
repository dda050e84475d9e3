/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNATCTL_PORTS_H
#define CHATDNATCTL_PORTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum protocol { TCP, UDP, PROTOCOLS };

struct ports {
	uint8_t bits[PROTOCOLS][65536 / 8];
	uint8_t protocols[256 / 8]; /* without ports, as `allow` may have them */
};

/* False if an element was not understood (a newer module's syntax); the others are in the set. */
bool ports_parse(struct ports *ports, const char *text);
void ports_add(struct ports *ports, enum protocol protocol, uint16_t port);
bool ports_contain(const struct ports *ports, enum protocol protocol, uint16_t port);
bool ports_contain_protocol(const struct ports *ports, uint8_t number);

/* "25 smtp" for an element of the canonical form that has a well-known name, else the element. */
char *ports_describe(const char *element);

#endif
