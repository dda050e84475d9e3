/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNAT_PORTSET_H
#define CHATDNAT_PORTSET_H

#include <linux/types.h>

#include "text.h"

#define CHATDNAT_PORTSET_MAX 128
#define CHATDNAT_PORT_SSH 22

/* Start of the default net.ipv4.ip_local_port_range. */
#define CHATDNAT_PORT_EPHEMERAL 32768

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
 * chatdnat_ports_are_ssh() - whether a TCP range is port 22 alone
 * @ports: the ports
 *
 * Context: Any.
 * Return: True if @ports has port 22 and no other.
 */
static inline bool chatdnat_ports_are_ssh(const struct chatdnat_ports *ports)
{
	return ports->first == CHATDNAT_PORT_SSH &&
	       ports->last == CHATDNAT_PORT_SSH;
}

/**
 * struct chatdnat_portset - disjoint port ranges; adjacent ranges are merged
 * @n: number of ranges of each protocol
 * @ssh_apart: 22/tcp, if present, is never merged with another range
 * @range: TCP ranges, sorted, followed by UDP ranges, sorted
 */
struct chatdnat_portset {
	u8 n[CHATDNAT_PROTOS];
	bool ssh_apart;
	struct chatdnat_ports range[CHATDNAT_PORTSET_MAX];
};

bool chatdnat_portset_add(struct chatdnat_portset *set,
			  enum chatdnat_proto proto, struct chatdnat_ports add);
int chatdnat_portset_parse(struct chatdnat_portset *set,
			   struct chatdnat_text text, bool forwarded,
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
