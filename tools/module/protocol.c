// SPDX-License-Identifier: GPL-2.0
#include "protocol.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/mem.h"

static const struct {
	uint8_t number;
	const char *word; /* what the kernel module takes; NULL: the number only */
	const char *name;
} known[] = {
	{ 4, NULL, "IPv4 in IP" }, { 41, NULL, "IPv6 in IP" }, { 47, "gre", "GRE" },
	{ 50, "esp", "ESP" },	   { 51, NULL, "AH" },	       { 88, NULL, "EIGRP" },
	{ 89, "ospf", "OSPF" },	   { 103, NULL, "PIM" },       { 112, "vrrp", "VRRP" },
	{ 115, NULL, "L2TP" },	   { 132, NULL, "SCTP" },
};

#define KNOWN (sizeof(known) / sizeof(known[0]))

char *protocol_word(uint8_t number)
{
	size_t i;

	for (i = 0; i < KNOWN; i++)
		if (known[i].number == number && known[i].word)
			return xstrdup(known[i].word);
	return xasprintf("%u/ip", number);
}

char *protocol_describe(uint8_t number)
{
	size_t i;

	for (i = 0; i < KNOWN; i++)
		if (known[i].number == number)
			return xasprintf("%s (%u)", known[i].name, number);
	return xasprintf("IP protocol %u", number);
}

bool protocol_parse(uint8_t *number, const char *text)
{
	const char *slash = strchr(text, '/');
	size_t len = slash ? (size_t)(slash - text) : strlen(text), i;
	unsigned long n;
	char *end;

	if (slash && strcmp(slash, "/ip") != 0)
		return false;
	for (i = 0; i < KNOWN; i++) {
		if (known[i].word && strlen(known[i].word) == len &&
		    !strncmp(known[i].word, text, len)) {
			*number = known[i].number;
			return true;
		}
	}
	if (!slash || *text < '0' || *text > '9')
		return false;
	n = strtoul(text, &end, 10);
	*number = (uint8_t)n;
	return n && n <= UINT8_MAX && end == slash;
}
