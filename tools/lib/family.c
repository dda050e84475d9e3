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

socklen_t socket_address(struct sockaddr_storage *sa, const struct address *a, uint16_t port)
{
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)sa;
	struct sockaddr_in *in = (struct sockaddr_in *)sa;

	memset(sa, 0, sizeof(*sa));
	if (a->family == V4) {
		in->sin_family = AF_INET;
		in->sin_port = htons(port);
		memcpy(&in->sin_addr, a->bytes, 4);
		return sizeof(*in);
	}
	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons(port);
	memcpy(&in6->sin6_addr, a->bytes, 16);
	return sizeof(*in6);
}

struct address address_of(const struct sockaddr_storage *sa)
{
	struct address a = { .family = sa->ss_family == AF_INET6 ? V6 : V4 };

	if (a.family == V4)
		memcpy(a.bytes, &((const struct sockaddr_in *)sa)->sin_addr, 4);
	else
		memcpy(a.bytes, &((const struct sockaddr_in6 *)sa)->sin6_addr, 16);
	return a;
}
