/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNATCTL_LINK_H
#define CHATDNATCTL_LINK_H

#include <stdbool.h>
#include <stddef.h>

#include "family.h"

struct link_address {
	struct address address;
	unsigned int prefix;
	bool global; /* of use beyond the link, and not tentative or failed */
};

struct link {
	unsigned int index, mtu;
	char name[16];
	char kind[16]; /* "wireguard", "tun", ...; empty for hardware */
	bool up, carrier, loopback;
	struct link_address *addresses;
	size_t n;
};

struct links {
	struct link *v;
	size_t n;
};

/* 0, or a negative errno. */
int links_read(struct links *links);
void links_free(struct links *links);

const struct link *link_by_name(const struct links *links, const char *name);
const struct link *link_by_index(const struct links *links, unsigned int index);
/* The first address of use beyond the link, or NULL. */
const struct address *link_address(const struct link *link, enum family family);
bool link_has(const struct link *link, enum family family);

#endif
