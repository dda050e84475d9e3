/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNATCTL_AMNEZIAWG_H
#define CHATDNATCTL_AMNEZIAWG_H

#include <stdbool.h>
#include <stdint.h>

#include "netlink.h"

/* The names that awg(8) has for them, in the order of their netlink attributes. */
enum {
	AMNEZIAWG_JC,
	AMNEZIAWG_JMIN,
	AMNEZIAWG_JMAX,
	AMNEZIAWG_S1,
	AMNEZIAWG_S2,
	AMNEZIAWG_H1,
	AMNEZIAWG_H4 = AMNEZIAWG_H1 + 3,
	AMNEZIAWG_N
};

extern const char *const amneziawg_names[AMNEZIAWG_N];

/*
 * By what AmneziaWG's packets differ from WireGuard's: Jc packets of random bytes before a handshake, each of Jmin to Jmax
 * bytes; S1 and S2 random bytes before its two messages; H1 to H4 in place of the types of messages, 1 to 4. Both ends have
 * the same.
 */
struct amneziawg {
	uint32_t v[AMNEZIAWG_N];
};

/* Random ones. False, with errno, if there is no randomness. */
bool amneziawg_generate(struct amneziawg *parameters);

/* Whether they are within the limits that AmneziaWG documents. */
bool amneziawg_valid(const struct amneziawg *parameters);

/* Lines for [Interface] in a file of awg(8). To be freed. */
char *amneziawg_text(const struct amneziawg *parameters);

/* Adds them to a request, in the encoding of that version of the netlink family. */
void amneziawg_put(struct nlmsghdr *nlh, int version, const struct amneziawg *parameters);

#endif
