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
	bool speaks_first; /* the server should send a greeting */
	bool connected;
	int err; /* why not: a positive errno; ETIMEDOUT also at the end of the time limit */
	struct address from;
	char banner[BANNER_MAX + 1]; /* its first line, as it came */

	int fd;
	size_t got;
};

struct probes {
	bool asked; /* for */
	struct probe *v;
	size_t n;
	size_t left_out; /* ports beyond the limit */
};

/* All TCP ports of all relays; of a range larger than a few only the first. */
void probes_add_relays(struct probes *probes, const struct relays *relays, const char *ports);

/* Port 25 of a mail server elsewhere. False if the text is no address. */
bool probes_add_outward(struct probes *probes, const char *address);

/* All at once, for PROBE_SECONDS at most. */
void probes_run(struct probes *probes);
void probes_free(struct probes *probes);

/* How many ports of the family's relays accepted a connection. */
size_t probes_connected(const struct probes *probes, enum family family);

#endif
