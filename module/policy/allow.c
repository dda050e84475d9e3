// SPDX-License-Identifier: GPL-2.0
/* Parser for the setting "allow": ports, and protocols without ports. */
#include <linux/errno.h>
#include <linux/icmpv6.h>
#include <linux/in.h>
#include <linux/kernel.h>
#include <linux/string.h>

#include "allow.h"

static const struct chatdnat_protocol_name {
	const char *name;
	u8 number;
} chatdnat_protocol_names[] = {
	{ "vrrp", 112 },
	{ "ospf", 89 },
	{ "gre", IPPROTO_GRE },
	{ "esp", IPPROTO_ESP },
};

/* Protocols that cannot be allowed as a whole, with the hint for the user. */
static const struct chatdnat_protocol_refused {
	u8 number;
	const char *expected;
} chatdnat_protocols_refused[] = {
	{ IPPROTO_TCP, "TCP by its ports, like 22 or 5000-5010" },
	{ IPPROTO_UDP, "UDP by its ports, like 51820/udp" },
	{ IPPROTO_ICMP, "no ICMP: the types that a host needs always pass" },
	{ IPPROTO_ICMPV6, "no ICMPv6: the types that a host needs always pass" },
};

static int chatdnat_protocol_check(struct chatdnat_text element, u8 protocol,
				   struct chatdnat_refusal *why)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(chatdnat_protocols_refused); i++)
		if (chatdnat_protocols_refused[i].number == protocol)
			return chatdnat_refuse(why, -EINVAL, element,
					       chatdnat_protocols_refused[i]
						       .expected);
	return 0;
}

/* Parse the number before "/ip". */
static int chatdnat_protocol_number(struct chatdnat_text element,
				    struct chatdnat_text what, u8 *protocol,
				    struct chatdnat_refusal *why)
{
	u32 number;

	if (!chatdnat_text_number(what, &number))
		return chatdnat_refuse(why, -EINVAL, element,
				       "one protocol number before '/ip', or vrrp, ospf, gre or esp");
	if (!number || number >= CHATDNAT_IP_PROTOCOLS)
		return chatdnat_refuse(why, -ERANGE, element,
				       "a protocol number from 1 to 255 before '/ip'");
	*protocol = number;
	return chatdnat_protocol_check(element, number, why);
}

static bool chatdnat_protocol_named(struct chatdnat_text what, u8 *protocol)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(chatdnat_protocol_names); i++) {
		if (!chatdnat_text_is(what, chatdnat_protocol_names[i].name))
			continue;
		*protocol = chatdnat_protocol_names[i].number;
		return true;
	}
	return false;
}

static int chatdnat_allowed_parse_element(struct chatdnat_allowed *allow,
					  struct chatdnat_text element,
					  struct chatdnat_refusal *why)
{
	struct chatdnat_text what, suffix;
	bool slash, named;
	u8 protocol;
	int err;

	slash = chatdnat_text_split(element, '/', &what, &suffix);
	named = chatdnat_protocol_named(what, &protocol);
	if (!named && !chatdnat_text_is(suffix, "ip"))
		return chatdnat_portset_parse_element(&allow->ports, element,
						      why);
	if (named && slash && !chatdnat_text_is(suffix, "ip"))
		return chatdnat_refuse(why, -EINVAL, element,
				       "only /ip after the name of a protocol, which has no ports");
	if (!named) {
		err = chatdnat_protocol_number(element, what, &protocol, why);
		if (err)
			return err;
	}
	__set_bit(protocol, allow->protocols);
	return 0;
}

/**
 * chatdnat_allowed_parse() - read a list of ports and protocols
 * @allow: filled in; undefined after a refusal
 * @text: comma-separated ports as chatdnat_portset_parse() takes them, protocol
 *	  names, and protocol numbers followed by /ip; may be empty
 * @why: filled in on refusal
 *
 * Context: Any.
 * Return: 0, -EINVAL for a malformed list and for protocols that are not
 * allowed as a whole, -ERANGE for a number that is not a port or protocol,
 * -E2BIG for too many ports.
 */
int chatdnat_allowed_parse(struct chatdnat_allowed *allow,
			   struct chatdnat_text text,
			   struct chatdnat_refusal *why)
{
	struct chatdnat_text rest = text, element;
	int err;

	memset(allow, 0, sizeof(*allow));
	if (!text.len)
		return 0;

	while (chatdnat_text_next(&rest, ',', &element)) {
		err = chatdnat_allowed_parse_element(allow, element, why);
		if (err)
			return err;
	}
	return 0;
}

/**
 * chatdnat_allowed_format() - write ports and protocols in their canonical form
 * @allow: the ports and protocols
 * @buf: destination
 * @size: room in @buf
 *
 * Context: Any.
 * Return: Bytes written, without the terminator.
 */
int chatdnat_allowed_format(const struct chatdnat_allowed *allow, char *buf,
			    size_t size)
{
	int len = chatdnat_portset_format(&allow->ports, buf, size);
	unsigned int protocol;

	for (protocol = 0; protocol < CHATDNAT_IP_PROTOCOLS; protocol++)
		if (chatdnat_allowed_protocol(allow, protocol))
			len += scnprintf(buf + len, size - len, "%s%u/ip",
					 len ? "," : "", protocol);
	return len;
}
