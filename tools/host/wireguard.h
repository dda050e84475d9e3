/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNATCTL_WIREGUARD_H
#define CHATDNATCTL_WIREGUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/wireguard.h>

#include "../lib/family.h"

struct wireguard_peer {
	unsigned char public_key[WG_KEY_LEN];
	int64_t handshake; /* the latest, in seconds of the wall clock; 0: never */
};

/* One of a peer's AllowedIPs. */
struct wireguard_allowed {
	struct address address;
	unsigned int prefix;
	size_t peer;
};

struct wireguard {
	int port;			      /* UDP, on which it listens */
	unsigned char public_key[WG_KEY_LEN]; /* zero: it has no private key */
	struct wireguard_peer *peers;
	size_t peers_n;
	struct wireguard_allowed *allowed;
	size_t allowed_n;
};

#define AMNEZIAWG "amneziawg"

/*
 * WireGuard, or AmneziaWG, which has the same attributes: the kind of the
 * links is also the name of the netlink family.
 */
bool wireguard_kind(const char *kind);

/* The program that sets up links of that kind, "wg" or "awg", and the directory of its files. */
const char *wireguard_program(const char *kind);
const char *wireguard_directory(const char *kind);

/* The number of the netlink family, or a negative errno; *version, unless NULL, becomes its version. */
int wireguard_family(const char *kind, int *version);

/* 0, or a negative errno. Needs root. To be freed in either case. */
int wireguard_read(struct wireguard *wireguard, const char *interface, const char *kind);
void wireguard_free(struct wireguard *wireguard);

/* The peer for an address: by the longest prefix, independent of routes. Or NULL. */
const struct wireguard_peer *wireguard_peer_of(const struct wireguard *wireguard,
					       const struct address *to);

#endif
