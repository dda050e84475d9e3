/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNATCTL_SOCKETS_H
#define CHATDNATCTL_SOCKETS_H

#include "../lib/family.h"
#include "../module/ports.h"

/* A listening socket of this host. */
struct listener {
	enum protocol protocol;
	struct address address;
	bool any;  /* bound to any address of its family */
	bool both; /* serves IPv4 too */
	uint16_t port;
};

/* A raw socket of a program with its own IP protocol, such as VRRP and OSPF. */
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

bool sockets_have(const struct sockets *sockets, enum protocol protocol, unsigned long port);

/* "443/tcp, 53/udp" for the listeners that `is` accepts, each port once; NULL if there is none. To be freed. */
char *sockets_list(const struct sockets *sockets,
		   bool (*is)(const void *context, const struct listener *l), const void *context,
		   size_t *n);
void sockets_free(struct sockets *sockets);

#endif
