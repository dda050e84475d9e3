/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNATCTL_SOCKETS_H
#define CHATDNATCTL_SOCKETS_H

#include "../lib/family.h"
#include "../module/ports.h"

/* A local socket that waits for clients. */
struct listener {
	enum protocol protocol;
	struct address address;
	bool any;	/* of its family's addresses */
	bool both;	/* serves IPv4 too */
	uint16_t port;
};

/* A socket of a program that speaks an IP protocol itself, as VRRP's and OSPF's do. */
struct raw_socket {
	uint8_t protocol;
	unsigned int bound; /* to an interface of this index; 0: to none */
};

struct sockets {
	int err[PROTOCOLS]; /* negative errno: they could not be listed */
	struct listener *v;
	size_t n;

	int raw_err;
	struct raw_socket *raw;
	size_t raw_n;
};

/* Listed one by one; more are counted. */
#define LISTED_MAX 8

void sockets_read(struct sockets *sockets);

/* "443/tcp, 53/udp" for the listeners that `is` says yes to, each port once; NULL if there is none. To be freed. */
char *sockets_list(const struct sockets *sockets, bool (*is)(const void *context, const struct listener *l),
		   const void *context, size_t *n);
void sockets_free(struct sockets *sockets);

#endif
