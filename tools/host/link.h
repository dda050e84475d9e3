/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNATCTL_LINK_H
#define CHATDNATCTL_LINK_H

#include <stdbool.h>
#include <stddef.h>

#include "../lib/family.h"

struct link_address {
	struct address address;
	unsigned int prefix;
	bool global; /* not link-local, and not tentative or failed */
};

/* A tunnel over another IP protocol than UDP. */
struct tunnel {
	uint8_t protocol; /* 0: the link is none */
	bool has_remote;
	struct address remote;
};

/* A port of a bridge. */
enum hairpin { NO_PORT, HAIRPIN_OFF, HAIRPIN_ON };

struct link {
	unsigned int index, mtu;
	unsigned int master; /* index of the bridge, bond or VRF that it belongs to, or 0 */
	char name[16];
	char kind[16]; /* "wireguard", "amneziawg", "tun", ...; empty for hardware */
	bool up, carrier, loopback;
	struct tunnel tunnel;
	enum hairpin hairpin;
	bool netfilter[FAMILIES]; /* a bridge that passes its packets to netfilter by its own setting */
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
/* The first address that is not link-local, or NULL. */
const struct address *link_address(const struct link *link, enum family family);
bool link_has_address(const struct link *link, const struct address *address);
bool link_has(const struct link *link, enum family family);

#endif
