/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNATCTL_FAMILY_H
#define CHATDNATCTL_FAMILY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

enum family { V4, V6, FAMILIES };

struct family_info {
	int af;
	size_t size;
	const char *name; /* for people */
	const char *id;	  /* the directory under stats/, and the word in JSON */
	const char *setting;
	const char *forwarding; /* sysctl */
};

extern const struct family_info families[FAMILIES];

/* Large enough for either; bytes in network order. */
struct address {
	enum family family;
	unsigned char bytes[16];
};

bool address_parse(struct address *a, enum family family, const char *text);
bool address_equal(const struct address *a, const struct address *b);
const char *address_format(const struct address *a, char *buf, size_t size);

socklen_t socket_address(struct sockaddr_storage *sa, const struct address *a, uint16_t port);
struct address address_of(const struct sockaddr_storage *sa);

#endif
