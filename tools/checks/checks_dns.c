// SPDX-License-Identifier: GPL-2.0
#include "checks.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "../host/sysfs.h"

#define HOSTS "/etc/hosts"

/* The resolver reads this file first; its entries are not in the DNS. */
static bool in_hosts_file(const struct address *address, const char *name)
{
	char *text = sysfs_read(HOSTS), *lines = NULL, *line;
	bool found = false;

	for (line = text ? strtok_r(text, "\n", &lines) : NULL; line;
	     line = strtok_r(NULL, "\n", &lines)) {
		char *words = NULL, *one = strtok_r(line, " \t", &words);
		struct address a;

		if (one && address_parse(&a, address->family, one) && address_equal(&a, address))
			found = true;
		while (one && (one = strtok_r(NULL, " \t", &words)))
			if (name && !strcasecmp(one, name))
				found = true;
	}
	free(text);
	return found;
}

/* 0, or an error of getaddrinfo(). */
static int name_of(const struct address *address, char name[NI_MAXHOST])
{
	struct sockaddr_storage sa;

	return getnameinfo((struct sockaddr *)&sa, socket_address(&sa, address, 0), name,
			   NI_MAXHOST, NULL, 0, NI_NAMEREQD);
}

/* 0, an error of getaddrinfo(), or EAI_NONAME too if the name has other addresses only. */
static int confirm(const struct address *address, const char *name)
{
	struct addrinfo hints = { .ai_family = families[address->family].af,
				  .ai_socktype = SOCK_STREAM },
			*list, *i;
	int err = getaddrinfo(name, NULL, &hints, &list);

	if (err)
		return err;
	err = EAI_NONAME;
	for (i = list; i; i = i->ai_next) {
		struct address a = address_of((struct sockaddr_storage *)i->ai_addr);

		if (address_equal(&a, address))
			err = 0;
	}
	freeaddrinfo(list);
	return err;
}

/* The DNS does not answer: C libraries differ in the error code. */
static bool unanswered(int err)
{
	return err == EAI_AGAIN || err == EAI_FAIL || err == EAI_SYSTEM;
}

/* False if the DNS does not answer, so that the rest is skipped. */
static bool check_address(struct findings *f, const struct address *address)
{
	char text[INET6_ADDRSTRLEN], name[NI_MAXHOST];
	int err;

	address_format(address, text, sizeof(text));
	if (address_private(address)) {
		skipped(f,
			"%s is private: the PTR record belongs to the public address that it is translated to.",
			text);
		return true;
	}
	if (in_hosts_file(address, NULL)) {
		skipped(f, "%s is in " HOSTS ", which hides its DNS records.", text);
		return true;
	}
	check_begin(f, "reverse-dns");
	err = name_of(address, name);
	if (!err && in_hosts_file(address, name)) {
		skipped(f, "%s has the name %s, which is in " HOSTS ": that hides its DNS records.",
			text, name);
		return true;
	}
	if (!err)
		err = confirm(address, name);
	else if (!unanswered(err))
		*name = '\0';
	if (unanswered(err)) {
		skipped(f, "The DNS lookup of %s failed: %s.", text, gai_strerror(err));
		return false;
	}
	if (err && !*name) {
		finding(f, WARNING, "no-ptr",
			"%s has no PTR record: many mail servers refuse mail from it. The hoster sets it, to the relay's "
			"name.",
			text);
		fix(f, "getent hosts %s    # prints that name, once it is set", text);
	} else if (err) {
		finding(f, WARNING, "ptr-not-confirmed",
			"%s has the name %s, which does not have that address: many mail servers refuse mail from it. It needs "
			"%s record, or the PTR record another name.",
			text, name, address->family == V4 ? "an A" : "an AAAA");
		fix(f, "getent ahosts %s    # prints the address, once it is set", word(f, name));
	}
	check_end(f, "%s has the name %s, which has that address.", text, name);
	return true;
}

static bool asked_for(const struct state *state)
{
	size_t i;

	for (i = 0; i < state->probes.n; i++)
		if (state->probes.v[i].outward)
			return true;
	return false;
}

/* All addresses of the WAN interfaces: any may be the source of mail. */
void check_dns(struct findings *f, const struct state *state)
{
	enum family family;
	size_t i, j;

	check_begin(f, "reverse-dns");
	if (!asked_for(state)) {
		skipped(f,
			"The DNS names of this host are checked with the address of a mail server only: check --probe ADDRESS.");
		return;
	}
	for (family = 0; family < FAMILIES; family++) {
		const struct relay *relay = first_relay(state, family);
		const struct link *out = relay ? relay_link(state, relay) : NULL;

		if (out && wan_of(state, out))
			skipped(f,
				"%s: the relay is elsewhere on the internet, and sends mail from its own address.",
				families[family].name);
		for (i = 0; relay && !(out && wan_of(state, out)) && i < state->links.n; i++) {
			const struct link *link = &state->links.v[i];

			for (j = 0; wan_of(state, link) && j < link->n; j++)
				if (link->addresses[j].global &&
				    link->addresses[j].address.family == family &&
				    !check_address(f, &link->addresses[j].address))
					return;
		}
	}
}
