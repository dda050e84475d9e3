// SPDX-License-Identifier: GPL-2.0
#include <linux/kernel.h>
#include <linux/string.h>

#include "portset.h"

static u8 chatdnat_portset_start(const struct chatdnat_portset *set,
				 enum chatdnat_proto proto)
{
	return proto == CHATDNAT_UDP ? set->n[CHATDNAT_TCP] : 0;
}

/* Index of the first range of a protocol whose last port is >= @port. */
static u8 chatdnat_portset_find(const struct chatdnat_portset *set,
				enum chatdnat_proto proto, u32 port)
{
	u8 low = chatdnat_portset_start(set, proto);
	u8 high = low + set->n[proto], middle;

	while (low < high) {
		middle = (low + high) / 2;
		if (set->range[middle].last < port)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Whether a range is 22/tcp and must not be merged. */
static bool chatdnat_is_ssh(const struct chatdnat_portset *set,
			    enum chatdnat_proto proto,
			    struct chatdnat_ports ports)
{
	return set->ssh_apart && proto == CHATDNAT_TCP &&
	       chatdnat_ports_are_ssh(&ports);
}

/**
 * chatdnat_portset_add() - add a range
 * @set: the set
 * @proto: TCP or UDP
 * @add: the range, merged with all overlapping and adjacent ranges. If
 *	 @set->ssh_apart, 22/tcp is never merged: the parser would refuse the
 *	 resulting range
 *
 * Context: Any.
 * Return: False if there is no room for another range.
 */
bool chatdnat_portset_add(struct chatdnat_portset *set,
			  enum chatdnat_proto proto, struct chatdnat_ports add)
{
	bool ssh = chatdnat_is_ssh(set, proto, add);
	u8 end = chatdnat_portset_start(set, proto) + set->n[proto];
	u8 total = set->n[CHATDNAT_TCP] + set->n[CHATDNAT_UDP];
	u8 at, after;

	at = chatdnat_portset_find(set, proto, ssh ? add.first : add.first - 1);
	if (!ssh && at < end && chatdnat_is_ssh(set, proto, set->range[at]) &&
	    set->range[at].first < add.first)
		at++;

	for (after = at; after < end; after++) {
		struct chatdnat_ports *old = &set->range[after];

		if (ssh ? old->first > add.last : old->first > add.last + 1)
			break;
		if (!ssh && chatdnat_is_ssh(set, proto, *old))
			break;
		add.first = min(add.first, old->first);
		add.last = max(add.last, old->last);
	}

	if (at == after && total == CHATDNAT_PORTSET_MAX)
		return false;

	memmove(&set->range[at + 1], &set->range[after],
		(total - after) * sizeof(set->range[0]));
	set->range[at] = add;
	set->n[proto] += 1 - (after - at);
	return true;
}

/**
 * chatdnat_portset_format() - write a list of ports in its canonical form
 * @set: the ports
 * @buf: destination
 * @size: room in @buf
 *
 * Context: Any.
 * Return: Bytes written, without the terminator.
 */
int chatdnat_portset_format(const struct chatdnat_portset *set, char *buf,
			    size_t size)
{
	u8 i, n = set->n[CHATDNAT_TCP] + set->n[CHATDNAT_UDP];
	int len = 0;

	for (i = 0; i < n; i++) {
		const struct chatdnat_ports *ports = &set->range[i];

		len += scnprintf(buf + len, size - len, "%s%u", i ? "," : "",
				 ports->first);
		if (ports->last != ports->first)
			len += scnprintf(buf + len, size - len, "-%u",
					 ports->last);
		if (i >= set->n[CHATDNAT_TCP])
			len += scnprintf(buf + len, size - len, "/udp");
	}
	return len;
}

/**
 * chatdnat_portset_equal() - whether two sets have the same ports
 * @a: a set
 * @b: another
 *
 * Context: Any.
 * Return: True if they are equal.
 */
bool chatdnat_portset_equal(const struct chatdnat_portset *a,
			    const struct chatdnat_portset *b)
{
	u8 total = a->n[CHATDNAT_TCP] + a->n[CHATDNAT_UDP];

	return !memcmp(a->n, b->n, sizeof(a->n)) &&
	       !memcmp(a->range, b->range, total * sizeof(a->range[0]));
}

/* The range that contains a port, or NULL. */
static const struct chatdnat_ports *
chatdnat_portset_holder(const struct chatdnat_portset *set,
			enum chatdnat_proto proto, u16 port)
{
	const struct chatdnat_ports *low, *middle;
	unsigned int n = set->n[proto];

	low = set->range + chatdnat_portset_start(set, proto);
	while (n) {
		middle = low + n / 2;
		if (port > middle->last) {
			low = middle + 1;
			n = (n - 1) / 2;
		} else if (port < middle->first) {
			n /= 2;
		} else {
			return middle;
		}
	}
	return NULL;
}

/**
 * chatdnat_portset_has() - whether a port is in a set
 * @set: the set
 * @proto: TCP or UDP
 * @port: host byte order
 *
 * Context: Any; on the packet path.
 * Return: True if @port is in @set.
 */
bool chatdnat_portset_has(const struct chatdnat_portset *set,
			  enum chatdnat_proto proto, u16 port)
{
	return chatdnat_portset_holder(set, proto, port);
}

/**
 * chatdnat_portset_spans() - whether a port is in a range of several ports
 * @set: the set
 * @proto: TCP or UDP
 * @port: host byte order
 *
 * Context: Any; on the packet path.
 * Return: False also if the range has one port only.
 */
bool chatdnat_portset_spans(const struct chatdnat_portset *set,
			    enum chatdnat_proto proto, u16 port)
{
	const struct chatdnat_ports *ports;

	ports = chatdnat_portset_holder(set, proto, port);
	return ports && ports->first != ports->last;
}
