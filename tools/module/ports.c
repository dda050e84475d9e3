// SPDX-License-Identifier: GPL-2.0
#include "ports.h"

#include <stdlib.h>
#include <string.h>

#include "../lib/list.h"
#include "../lib/mem.h"
#include "protocol.h"

static const struct {
	const char *name;
	uint16_t port;
	enum protocol protocol;
	bool chatmail;
} known[] = {
	{ "smtp", 25, TCP, true },	   { "http", 80, TCP, true },
	{ "imap", 143, TCP, true },	   { "https", 443, TCP, true },
	{ "submissions", 465, TCP, true }, { "submission", 587, TCP, true },
	{ "imaps", 993, TCP, true },	   { "turn", 3478, UDP, false },
	{ "ssh", 22, TCP, false },
};

#define KNOWN (sizeof(known) / sizeof(known[0]))

void ports_add(struct ports *ports, enum protocol protocol, uint16_t port)
{
	ports->bits[protocol][port / 8] |= (uint8_t)(1U << (port % 8));
}

bool ports_contain(const struct ports *ports, enum protocol protocol, uint16_t port)
{
	return ports->bits[protocol][port / 8] >> (port % 8) & 1;
}

bool ports_contain_protocol(const struct ports *ports, uint8_t number)
{
	return ports->protocols[number / 8] >> (number % 8) & 1;
}

static bool number(const char **s, uint16_t *port)
{
	unsigned long n;
	char *end;

	if (**s < '0' || **s > '9')
		return false;
	n = strtoul(*s, &end, 10);
	*s = end;
	*port = (uint16_t)n;
	return n <= 65535;
}

/* The text before the slash; *protocol is the one after it, or PROTOCOLS. */
static bool split_suffix(char *element, enum protocol *protocol)
{
	char *slash = strchr(element, '/');

	*protocol = PROTOCOLS;
	if (!slash)
		return true;
	*slash++ = '\0';
	if (!strcmp(slash, "udp"))
		*protocol = UDP;
	else if (!strcmp(slash, "tcp"))
		*protocol = TCP;
	return *protocol != PROTOCOLS;
}

static bool add_name(struct ports *ports, const char *name, enum protocol protocol)
{
	bool all = !strcmp(name, "chatmail"), found = false;
	size_t i;

	for (i = 0; i < KNOWN; i++) {
		if (all ? known[i].chatmail : !strcmp(known[i].name, name)) {
			ports_add(ports, protocol == PROTOCOLS ? known[i].protocol : protocol,
				  known[i].port);
			found = true;
		}
	}
	return found;
}

static bool parse_element(struct ports *ports, char *element)
{
	enum protocol protocol;
	uint16_t first, last;
	const char *s = element;
	uint8_t ip_protocol;
	uint32_t port;

	if (protocol_parse(&ip_protocol, element)) {
		ports->protocols[ip_protocol / 8] |= (uint8_t)(1U << (ip_protocol % 8));
		return true;
	}
	if (!split_suffix(element, &protocol))
		return false;
	if (add_name(ports, element, protocol))
		return true;
	if (!number(&s, &first))
		return false;
	last = first;
	if (*s == '-') {
		s++;
		if (!number(&s, &last))
			return false;
	}
	if (*s)
		return false;
	for (port = first; port <= last; port++)
		ports_add(ports, protocol == PROTOCOLS ? TCP : protocol, (uint16_t)port);
	return true;
}

bool ports_parse(struct ports *ports, const char *text)
{
	size_t n, i;
	char **list = list_split(text, &n);
	bool understood = true;

	memset(ports, 0, sizeof(*ports));
	for (i = 0; i < n; i++)
		understood &= parse_element(ports, list[i]);
	free(list);
	return understood;
}

char *ports_describe(const char *element)
{
	char *copy = xstrdup(element), *end;
	enum protocol protocol;
	const char *name = NULL;
	size_t i;

	if (split_suffix(copy, &protocol)) {
		unsigned long port = strtoul(copy, &end, 10);

		for (i = 0; i < KNOWN && !*end && !name; i++)
			if (known[i].port == port &&
			    known[i].protocol == (protocol == PROTOCOLS ? TCP : protocol))
				name = known[i].name;
	}
	free(copy);
	return name ? xasprintf("%s %s", element, name) : xstrdup(element);
}
