// SPDX-License-Identifier: GPL-2.0
#include "family.h"

#include <arpa/inet.h>
#include <string.h>

const struct family_info families[FAMILIES] = {
	[V4] = { AF_INET, 4, "IPv4", "ipv4", "v4", "net.ipv4.ip_forward" },
	[V6] = { AF_INET6, 16, "IPv6", "ipv6", "v6", "net.ipv6.conf.all.forwarding" },
};

bool address_parse(struct address *a, enum family family, const char *text)
{
	memset(a, 0, sizeof(*a));
	a->family = family;
	return inet_pton(families[family].af, text, a->bytes) == 1;
}

bool address_equal(const struct address *a, const struct address *b)
{
	return a->family == b->family && !memcmp(a->bytes, b->bytes, families[a->family].size);
}

const char *address_format(const struct address *a, char *buf, size_t size)
{
	return inet_ntop(families[a->family].af, a->bytes, buf, (socklen_t)size);
}
