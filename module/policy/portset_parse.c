// SPDX-License-Identifier: GPL-2.0
/* Parser for lists of ports. */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/string.h>

#include "portset.h"

static const struct chatdnat_port_name {
	const char *name;
	u16 port;
	enum chatdnat_proto proto; /* default, if there is no suffix */
} chatdnat_port_names[] = {
	{ "smtp", 25, CHATDNAT_TCP },
	{ "http", 80, CHATDNAT_TCP },
	{ "imap", 143, CHATDNAT_TCP },
	{ "https", 443, CHATDNAT_TCP },
	{ "submissions", 465, CHATDNAT_TCP },
	{ "submission", 587, CHATDNAT_TCP },
	{ "imaps", 993, CHATDNAT_TCP },
	{ "turn", 3478, CHATDNAT_UDP },
	{ "ssh", CHATDNAT_PORT_SSH, CHATDNAT_TCP },
};

/* The first entries of the table above are the ports of "chatmail". */
#define CHATDNAT_CHATMAIL 7

static int chatdnat_port_parse(struct chatdnat_text text, u16 *port,
			       const char *expected,
			       struct chatdnat_refusal *why)
{
	u32 number;

	if (!chatdnat_text_number(text, &number))
		return chatdnat_refuse(why, -EINVAL, text, expected);
	if (!number || number > U16_MAX)
		return chatdnat_refuse(why, -ERANGE, text,
				       "a port number from 1 to 65535");
	*port = number;
	return 0;
}

static int chatdnat_range_parse(const struct chatdnat_portset *set,
				struct chatdnat_text text,
				enum chatdnat_proto proto,
				struct chatdnat_ports *ports,
				struct chatdnat_refusal *why)
{
	static const char numbers[] = "a port number on each side of the '-'";
	struct chatdnat_text first, last;
	int err;

	if (!chatdnat_text_split(text, '-', &first, &last)) {
		err = chatdnat_port_parse(text, &ports->first,
					  "a port number, a range like 5000-5010, or one of smtp http imap https submissions submission imaps chatmail turn ssh",
					  why);
		ports->last = ports->first;
		return err;
	}

	err = chatdnat_port_parse(first, &ports->first, numbers, why);
	if (!err)
		err = chatdnat_port_parse(last, &ports->last, numbers, why);
	if (err)
		return err;
	if (ports->first > ports->last)
		return chatdnat_refuse(why, -EINVAL, text,
				       "a range that begins with its lower port");
	if (set->ssh_apart && proto == CHATDNAT_TCP &&
	    ports->first <= CHATDNAT_PORT_SSH &&
	    ports->last >= CHATDNAT_PORT_SSH)
		return chatdnat_refuse(why, -EINVAL, text,
				       "a range without 22/tcp, SSH to this host, which is forwarded only where 22 is listed by itself");
	return 0;
}

/* Set the protocol if the element has a suffix. */
static int chatdnat_proto_parse(struct chatdnat_text element,
				enum chatdnat_proto *proto,
				struct chatdnat_refusal *why)
{
	struct chatdnat_text what, suffix;

	if (!chatdnat_text_split(element, '/', &what, &suffix))
		return 0;

	if (chatdnat_text_is(suffix, "tcp"))
		*proto = CHATDNAT_TCP;
	else if (chatdnat_text_is(suffix, "udp"))
		*proto = CHATDNAT_UDP;
	else
		return chatdnat_refuse(why, -EINVAL, element,
				       "'tcp' or 'udp' after '/'");
	return 0;
}

/**
 * chatdnat_portset_parse_element() - read one element of a list of ports
 * @set: the ports are added to it
 * @element: a number, a range or a name, with an optional /tcp or /udp
 * @why: filled in on refusal
 *
 * Context: Any.
 * Return: As chatdnat_portset_parse().
 */
int chatdnat_portset_parse_element(struct chatdnat_portset *set,
				   struct chatdnat_text element,
				   struct chatdnat_refusal *why)
{
	enum chatdnat_proto proto = CHATDNAT_TCP;
	struct chatdnat_text what, suffix;
	struct chatdnat_ports ports;
	int err, i, first = 0, last;
	bool fits = true;

	chatdnat_text_split(element, '/', &what, &suffix);

	if (chatdnat_text_is(what, "chatmail")) {
		last = CHATDNAT_CHATMAIL - 1;
	} else {
		while (first < ARRAY_SIZE(chatdnat_port_names) &&
		       !chatdnat_text_is(what, chatdnat_port_names[first].name))
			first++;
		last = first;
	}

	if (first < ARRAY_SIZE(chatdnat_port_names)) {
		proto = chatdnat_port_names[first].proto;
		err = chatdnat_proto_parse(element, &proto, why);
		if (err)
			return err;
		for (i = first; fits && i <= last; i++) {
			ports.first = chatdnat_port_names[i].port;
			ports.last = ports.first;
			fits = chatdnat_portset_add(set, proto, ports);
		}
	} else {
		err = chatdnat_proto_parse(element, &proto, why);
		if (!err)
			err = chatdnat_range_parse(set, what, proto, &ports,
						   why);
		if (err)
			return err;
		fits = chatdnat_portset_add(set, proto, ports);
	}

	if (!fits)
		return chatdnat_refuse(why, -E2BIG, element,
				       "at most 128 separate ports and ranges");
	return 0;
}

/**
 * chatdnat_portset_parse() - read a list of ports
 * @set: filled in; undefined after a refusal
 * @text: comma-separated numbers, ranges and names, each with an optional
 *	  /tcp or /udp
 * @forwarded: the ports will be forwarded to the relay (DNAT): require at least
 *	       one, and do not let a range include 22/tcp, which is SSH to this
 *	       host
 * @why: filled in on refusal
 *
 * Context: Any.
 * Return: 0, -EINVAL for a malformed list, -ERANGE for a number that is not a
 * port, -E2BIG for too many.
 */
int chatdnat_portset_parse(struct chatdnat_portset *set,
			   struct chatdnat_text text, bool forwarded,
			   struct chatdnat_refusal *why)
{
	struct chatdnat_text rest = text, element;
	int err;

	memset(set, 0, sizeof(*set));
	set->ssh_apart = forwarded;
	if (!text.len && forwarded)
		return chatdnat_refuse(why, -EINVAL, text, "at least one port");
	if (!text.len)
		return 0;

	while (chatdnat_text_next(&rest, ',', &element)) {
		err = chatdnat_portset_parse_element(set, element, why);
		if (err)
			return err;
	}
	return 0;
}
