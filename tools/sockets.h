/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNATCTL_SOCKETS_H
#define CHATDNATCTL_SOCKETS_H

#include "family.h"
#include "ports.h"

/* A local socket that waits for clients. */
struct listener {
	enum protocol protocol;
	struct address address;
	bool any;	/* of its family's addresses */
	bool both;	/* serves IPv4 too */
	uint16_t port;
};

struct sockets {
	int err[PROTOCOLS]; /* negative errno: they could not be listed */
	struct listener *v;
	size_t n;
};

void sockets_read(struct sockets *sockets);
void sockets_free(struct sockets *sockets);

#endif
