// SPDX-License-Identifier: GPL-2.0
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/string.h>

#include "relays.h"

static const struct chatdnat_addr chatdnat_every_other;

static int chatdnat_relay_parse(enum chatdnat_family family,
				struct chatdnat_relay *relay,
				struct chatdnat_text element,
				struct chatdnat_refusal *why)
{
	struct chatdnat_text addr, local;
	bool has_local = chatdnat_text_split(element, '@', &addr, &local);
	int err;

	relay->local = chatdnat_every_other;
	err = chatdnat_addr_parse(family, &relay->addr, addr, why);
	if (err || !has_local)
		return err;

	err = chatdnat_addr_parse(family, &relay->local, local, why);
	if (err)
		return err;
	if (chatdnat_addr_equal(&relay->addr, &relay->local))
		return chatdnat_refuse(why, -EINVAL, element,
				       "a relay other than the local address after '@'");
	return 0;
}

/**
 * chatdnat_relays_parse() - read one family's relays
 * @family: IPv4 or IPv6
 * @relays: filled in; undefined after a refusal
 * @text: comma-separated RELAY or RELAY@OWN; empty for none
 * @why: filled in on refusal
 *
 * Context: Any.
 * Return: 0, -EINVAL for a malformed element or a duplicate, -E2BIG for too
 * many.
 */
int chatdnat_relays_parse(enum chatdnat_family family,
			  struct chatdnat_relays *relays,
			  struct chatdnat_text text,
			  struct chatdnat_refusal *why)
{
	struct chatdnat_text rest = text, element;
	struct chatdnat_relay add;
	int err;

	memset(relays, 0, sizeof(*relays));
	if (!text.len)
		return 0;

	while (chatdnat_text_next(&rest, ',', &element)) {
		err = chatdnat_relay_parse(family, &add, element, why);
		if (err)
			return err;
		if (chatdnat_relays_names(relays, &add.local))
			return chatdnat_refuse(why, -EINVAL, element,
					       "one relay for each local address, and at most one without '@'");
		if (relays->n == CHATDNAT_RELAYS_MAX)
			return chatdnat_refuse(why, -E2BIG, element,
					       "at most 16 relays");
		relays->relay[relays->n++] = add;
	}
	return 0;
}

/**
 * chatdnat_relays_format() - write one family's relays
 * @family: IPv4 or IPv6
 * @relays: the relays
 * @buf: destination
 * @size: room in @buf
 *
 * Context: Any.
 * Return: Bytes written, without the terminator.
 */
int chatdnat_relays_format(enum chatdnat_family family,
			   const struct chatdnat_relays *relays, char *buf,
			   size_t size)
{
	int len = 0;
	u8 i;

	for (i = 0; i < relays->n; i++) {
		const struct chatdnat_relay *relay = &relays->relay[i];

		if (i)
			len += scnprintf(buf + len, size - len, ",");
		len += chatdnat_addr_format(family, &relay->addr, buf + len,
					    size - len);
		if (chatdnat_relay_serves_others(relay))
			continue;
		len += scnprintf(buf + len, size - len, "@");
		len += chatdnat_addr_format(family, &relay->local, buf + len,
					    size - len);
	}
	return len;
}

/**
 * chatdnat_relay_serves_others() - whether a relay has no local address
 * @relay: the relay
 *
 * Context: Any; on the packet path.
 * Return: True if @relay serves all local addresses that no other entry names.
 */
bool chatdnat_relay_serves_others(const struct chatdnat_relay *relay)
{
	return chatdnat_addr_equal(&relay->local, &chatdnat_every_other);
}

/**
 * chatdnat_relays_find() - find the relay of a local address
 * @relays: one family's relays
 * @local: destination address of the connection, network byte order
 *
 * Context: Any; on the packet path.
 * Return: The relay's address, or NULL if no relay serves @local.
 */
const struct chatdnat_addr *
chatdnat_relays_find(const struct chatdnat_relays *relays,
		     const struct chatdnat_addr *local)
{
	const struct chatdnat_addr *found = NULL;
	u8 i;

	for (i = 0; i < relays->n; i++) {
		const struct chatdnat_relay *relay = &relays->relay[i];

		if (chatdnat_addr_equal(&relay->local, local))
			return &relay->addr;
		if (chatdnat_relay_serves_others(relay))
			found = &relay->addr;
	}
	return found;
}

/**
 * chatdnat_relays_names() - whether a local address is named with a relay
 * @relays: one family's relays
 * @local: the local address, network byte order; zero: all others
 *
 * Context: Any; on the packet path.
 * Return: True if an entry has @local as its local address.
 */
bool chatdnat_relays_names(const struct chatdnat_relays *relays,
			   const struct chatdnat_addr *local)
{
	u8 i;

	for (i = 0; i < relays->n; i++)
		if (chatdnat_addr_equal(&relays->relay[i].local, local))
			return true;
	return false;
}

/**
 * chatdnat_relays_has() - whether an address belongs to a relay
 * @relays: one family's relays
 * @addr: the address, network byte order
 *
 * Context: Any; on the packet path.
 * Return: True if @addr is the address of a relay.
 */
bool chatdnat_relays_has(const struct chatdnat_relays *relays,
			 const struct chatdnat_addr *addr)
{
	u8 i;

	for (i = 0; i < relays->n; i++)
		if (chatdnat_addr_equal(&relays->relay[i].addr, addr))
			return true;
	return false;
}
