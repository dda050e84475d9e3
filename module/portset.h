/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNAT_PORTSET_H
#define CHATDNAT_PORTSET_H

#include <linux/types.h>

#include "text.h"

#define CHATDNAT_PORTSET_MAX	128
#define CHATDNAT_PORT_SSH	22

enum chatdnat_proto {
	CHATDNAT_TCP,
	CHATDNAT_UDP,
	CHATDNAT_PROTOS,
};

/* Host byte order, both ends included. */
struct chatdnat_ports {
	u16 first;
	u16 last;
};

/*
 * Disjoint ranges, sorted: those of TCP, then those of UDP. Ranges that touch
 * are merged, but 22/tcp always stands alone.
 */
struct chatdnat_portset {
	u8 n[CHATDNAT_PROTOS];
	struct chatdnat_ports range[CHATDNAT_PORTSET_MAX];
};

int chatdnat_portset_parse(struct chatdnat_portset *set,
			   struct chatdnat_text text,
			   struct chatdnat_refusal *why);
int chatdnat_portset_format(const struct chatdnat_portset *set, char *buf,
			    size_t size);
bool chatdnat_portset_has(const struct chatdnat_portset *set,
			  enum chatdnat_proto proto, u16 port);

#endif /* CHATDNAT_PORTSET_H */
