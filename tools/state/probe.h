/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNATCTL_PROBE_H
#define CHATDNATCTL_PROBE_H

#include <stdint.h>

#include "../lib/family.h"
#include "../module/ports.h"
#include "../module/relay.h"

#define PROBES_MAX 64
#define PROBE_SECONDS 5
#define BANNER_MAX 80

/* A TCP connection of this host itself. */
struct probe {
	struct address to;
	uint16_t port;
	bool outward;	   /* not to the relay but to a mail server elsewhere */
	bool speaks_first; /* the server is to say something */
	bool connected;
	int err;	   /* why not: a positive errno; ETIMEDOUT too when time was up */
	struct address from;
	char banner[BANNER_MAX + 1]; /* its first line, as it came */

	int fd;
	size_t got;
};

struct probes {
	bool asked; /* for */
	struct probe *v;
	size_t n;
	size_t left_out; /* ports that would have been too many */
};

/* All TCP ports of all relays; of a range larger than a few only the first. */
void probes_add_relays(struct probes *probes, const struct relays *relays, const char *ports);

/* Port 25 of a mail server elsewhere. False if the text is no address. */
bool probes_add_outward(struct probes *probes, const char *address);

/* At once, and done after PROBE_SECONDS at the latest. */
void probes_run(struct probes *probes);
void probes_free(struct probes *probes);

/* How many of the family's relays' ports took a connection. */
size_t probes_connected(const struct probes *probes, enum family family);

#endif
