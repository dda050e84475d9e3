/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNAT_PORTSET_H
#define CHATDNAT_PORTSET_H

#include <linux/types.h>

#include "text.h"

#define CHATDNAT_PORTSET_MAX	128
#define CHATDNAT_PORT_SSH	22

/* Linux' own ephemeral ports begin here. */
#define CHATDNAT_PORT_EPHEMERAL	32768

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

/**
 * chatdnat_ports_are_ssh() - whether TCP ports are the one of SSH, by itself
 * @ports: the ports
 *
 * Context: Any.
 * Return: True if @ports is 22 alone.
 */
static inline bool chatdnat_ports_are_ssh(const struct chatdnat_ports *ports)
{
	return ports->first == CHATDNAT_PORT_SSH &&
	       ports->last == CHATDNAT_PORT_SSH;
}

/**
 * struct chatdnat_portset - disjoint ranges; ranges that touch are merged
 * @n: how many there are of each protocol
 * @ssh_apart: 22/tcp, if it is there, stands alone
 * @range: those of TCP, sorted, then those of UDP
 */
struct chatdnat_portset {
	u8 n[CHATDNAT_PROTOS];
	bool ssh_apart;
	struct chatdnat_ports range[CHATDNAT_PORTSET_MAX];
};

bool chatdnat_portset_add(struct chatdnat_portset *set,
			  enum chatdnat_proto proto, struct chatdnat_ports add);
int chatdnat_portset_parse(struct chatdnat_portset *set,
			   struct chatdnat_text text, bool sent_on,
			   struct chatdnat_refusal *why);
int chatdnat_portset_parse_element(struct chatdnat_portset *set,
				   struct chatdnat_text element,
				   struct chatdnat_refusal *why);
int chatdnat_portset_format(const struct chatdnat_portset *set, char *buf,
			    size_t size);
bool chatdnat_portset_equal(const struct chatdnat_portset *a,
			    const struct chatdnat_portset *b);
bool chatdnat_portset_has(const struct chatdnat_portset *set,
			  enum chatdnat_proto proto, u16 port);
bool chatdnat_portset_spans(const struct chatdnat_portset *set,
			    enum chatdnat_proto proto, u16 port);

#endif /* CHATDNAT_PORTSET_H */
