/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNATCTL_WIREGUARD_SET_H
#define CHATDNATCTL_WIREGUARD_SET_H

#include <linux/wireguard.h>

#include "../lib/family.h"
#include "amneziawg.h"

struct wireguard_keys {
	unsigned char private_key[WG_KEY_LEN], public_key[WG_KEY_LEN];
};

/*
 * A new pair. The kernel computes the public key, with an interface of that kind that exists for that moment. 0, or a negative
 * errno.
 */
int wireguard_generate(struct wireguard_keys *keys, const char *kind);

/* Removes the interface of a program that was killed meanwhile. */
void wireguard_forget(void);

/* One peer, which is reached at one address of each family that is given. */
struct wireguard_end {
	unsigned char private_key[WG_KEY_LEN];
	uint16_t port;
	unsigned char peer[WG_KEY_LEN];
	const struct address *allowed[FAMILIES]; /* or NULL */
	const struct amneziawg *amneziawg;	 /* NULL for WireGuard */
};

/* An interface that exists, of that kind. 0, or a negative errno. */
int wireguard_configure(const char *interface, const char *kind, const struct wireguard_end *end);

#endif
