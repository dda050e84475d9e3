/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNATCTL_XFRM_H
#define CHATDNATCTL_XFRM_H

#include <stddef.h>

#include "../lib/family.h"

/* A state of IPsec, one direction of a connection. */
struct xfrm_state {
	uint8_t protocol; /* ESP or AH */
	struct address from, to;
};

struct xfrm_states {
	int err; /* negative errno: they could not be listed */
	struct xfrm_state *v;
	size_t n;
};

/* States without UDP encapsulation. */
void xfrm_read(struct xfrm_states *states);
void xfrm_free(struct xfrm_states *states);

#endif
