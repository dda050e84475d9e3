/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNAT_ADDR_H
#define CHATDNAT_ADDR_H

#include <linux/string.h>
#include <linux/types.h>

#include "text.h"

enum chatdnat_family {
	CHATDNAT_IPV4,
	CHATDNAT_IPV6,
	CHATDNAT_FAMILIES,
};

/*
 * An address of either family in network byte order, laid out like union
 * nf_inet_addr: an IPv4 address is the first word, the others are zero.
 */
struct chatdnat_addr {
	__be32 word[4];
};

int chatdnat_addr_parse(enum chatdnat_family family, struct chatdnat_addr *addr,
			struct chatdnat_text text, struct chatdnat_refusal *why);
int chatdnat_addr_format(enum chatdnat_family family,
			 const struct chatdnat_addr *addr, char *buf,
			 size_t size);
bool chatdnat_addr_is_link_local(enum chatdnat_family family,
				 const struct chatdnat_addr *addr);
bool chatdnat_addr_is_loopback(enum chatdnat_family family,
			       const struct chatdnat_addr *addr);
bool chatdnat_addr_is_multicast(enum chatdnat_family family,
				const struct chatdnat_addr *addr);
bool chatdnat_addr_is_common(enum chatdnat_family family,
			     const struct chatdnat_addr *addr);

/**
 * chatdnat_addr_equal() - whether two addresses are the same
 * @a: an address, network byte order
 * @b: another of the same family
 *
 * Context: Any.
 * Return: True if they are equal.
 */
static inline bool chatdnat_addr_equal(const struct chatdnat_addr *a,
				       const struct chatdnat_addr *b)
{
	return !memcmp(a, b, sizeof(*a));
}

#endif /* CHATDNAT_ADDR_H */
