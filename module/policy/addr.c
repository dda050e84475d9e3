// SPDX-License-Identifier: GPL-2.0
#include <linux/errno.h>
#include <linux/kernel.h>

#include "addr.h"

#define CHATDNAT_GROUPS 8 /* of 16 bits in an IPv6 address */

static bool chatdnat_ipv4_parse(struct chatdnat_text text, u8 byte[4])
{
	struct chatdnat_text element;
	u32 number;
	int i;

	for (i = 0; chatdnat_text_next(&text, '.', &element); i++) {
		if (i == 4 || !chatdnat_text_number(element, &number) ||
		    number > 255)
			return false;
		byte[i] = number;
	}
	return i == 4;
}

static int chatdnat_hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

static bool chatdnat_group_parse(struct chatdnat_text text, u8 byte[2])
{
	unsigned int value = 0;
	size_t i;
	int digit;

	if (!text.len || text.len > 4)
		return false;
	for (i = 0; i < text.len; i++) {
		digit = chatdnat_hex_digit(text.at[i]);
		if (digit < 0)
			return false;
		value = value << 4 | digit;
	}
	byte[0] = value >> 8;
	byte[1] = value;
	return true;
}

/*
 * Parse the colon-separated groups on one side of a "::", or of a whole
 * address; the last group of an address may be a dotted quad. Returns the
 * number of groups, or -1.
 */
static int chatdnat_groups_parse(struct chatdnat_text text, bool last,
				 u8 byte[2 * CHATDNAT_GROUPS])
{
	struct chatdnat_text element;
	int n = 0;

	if (!text.len)
		return 0;

	while (chatdnat_text_next(&text, ':', &element)) {
		if (n < CHATDNAT_GROUPS &&
		    chatdnat_group_parse(element, byte + 2 * n)) {
			n++;
			continue;
		}
		if (last && !text.at && n + 2 <= CHATDNAT_GROUPS &&
		    chatdnat_ipv4_parse(element, byte + 2 * n))
			return n + 2;
		return -1;
	}
	return n;
}

static bool chatdnat_ipv6_parse(struct chatdnat_text text, u8 byte[16])
{
	struct chatdnat_text head = text, tail = { .at = NULL };
	u8 end[2 * CHATDNAT_GROUPS];
	int n_head, n_tail;
	size_t i;

	for (i = 0; i + 1 < text.len; i++) {
		if (text.at[i] != ':' || text.at[i + 1] != ':')
			continue;
		head.len = i;
		tail.at = text.at + i + 2;
		tail.len = text.len - i - 2;
		break;
	}

	memset(byte, 0, 16);
	n_head = chatdnat_groups_parse(head, !tail.at, byte);
	if (n_head < 0)
		return false;
	if (!tail.at)
		return n_head == CHATDNAT_GROUPS;

	n_tail = chatdnat_groups_parse(tail, true, end);
	if (n_tail < 0 || n_head + n_tail >= CHATDNAT_GROUPS)
		return false;
	memcpy(byte + 2 * (CHATDNAT_GROUPS - n_tail), end, 2 * n_tail);
	return true;
}

static const char *chatdnat_ipv4_unfit(const u8 byte[4])
{
	if (byte[0] == 0)
		return "the address of one host, not an unspecified one";
	if (byte[0] == 127)
		return "an address of another host, not a loopback one";
	if (byte[0] == 169 && byte[1] == 254)
		return "an address that can be routed, not a link-local one";
	if ((byte[0] & 0xf0) == 0xe0)
		return "the address of one host, not a multicast one";
	if (byte[0] == 255 && byte[1] == 255 && byte[2] == 255 && byte[3] == 255)
		return "the address of one host, not the broadcast one";
	return NULL;
}

static const char *chatdnat_ipv6_unfit(const u8 byte[16])
{
	static const u8 zero[15];

	if (!memcmp(byte, zero, 15) && byte[15] == 0)
		return "the address of one host, not the unspecified one";
	if (!memcmp(byte, zero, 15) && byte[15] == 1)
		return "an address of another host, not the loopback one";
	if (byte[0] == 0xfe && (byte[1] & 0xc0) == 0x80)
		return "an address that can be routed, not a link-local one";
	if (byte[0] == 0xff)
		return "the address of one host, not a multicast one";
	if (!memcmp(byte, zero, 10) && byte[10] == 0xff && byte[11] == 0xff)
		return "an IPv6 address, not an IPv4-mapped one";
	if (!memcmp(byte, zero, 12))
		return "an IPv6 address, not an IPv4-compatible one";
	return NULL;
}

/**
 * chatdnat_addr_parse() - read the address of a host
 * @family: IPv4 or IPv6
 * @addr: filled in, network byte order; undefined after a refusal
 * @text: a dotted quad, or any form of RFC 4291, section 2.2
 * @why: filled in on refusal
 *
 * Addresses that cannot be a DNAT destination are refused: unspecified,
 * loopback, multicast, broadcast, link-local, IPv4 inside IPv6.
 *
 * Context: Any.
 * Return: 0 or -EINVAL.
 */
int chatdnat_addr_parse(enum chatdnat_family family, struct chatdnat_addr *addr,
			struct chatdnat_text text, struct chatdnat_refusal *why)
{
	const char *unfit;
	u8 byte[16] = {};

	if (family == CHATDNAT_IPV4) {
		if (!chatdnat_ipv4_parse(text, byte))
			return chatdnat_refuse(why, -EINVAL, text,
					       "an IPv4 address, four numbers from 0 to 255 with dots, without prefix length or port");
		unfit = chatdnat_ipv4_unfit(byte);
	} else {
		if (!chatdnat_ipv6_parse(text, byte))
			return chatdnat_refuse(why, -EINVAL, text,
					       "an IPv6 address without zone, prefix length, brackets or port");
		unfit = chatdnat_ipv6_unfit(byte);
	}
	if (unfit)
		return chatdnat_refuse(why, -EINVAL, text, unfit);

	memcpy(addr->word, byte, sizeof(addr->word));
	return 0;
}

static int chatdnat_ipv6_format(const u8 byte[16], char *buf, size_t size)
{
	int start = -1, longest = 1, i, run, len = 0;

	/*
	 * RFC 5952: "::" replaces the first of the longest runs of two or more
	 * zero groups.
	 */
	for (i = 0; i < CHATDNAT_GROUPS; i += run + 1) {
		for (run = 0; i + run < CHATDNAT_GROUPS; run++)
			if (byte[2 * (i + run)] || byte[2 * (i + run) + 1])
				break;
		if (run > longest) {
			start = i;
			longest = run;
		}
	}

	for (i = 0; i < CHATDNAT_GROUPS; i++) {
		if (i == start) {
			len += scnprintf(buf + len, size - len, "::");
			i += longest - 1;
			continue;
		}
		len += scnprintf(buf + len, size - len, "%s%x",
				 i && i != start + longest ? ":" : "",
				 byte[2 * i] << 8 | byte[2 * i + 1]);
	}
	return len;
}

/**
 * chatdnat_addr_format() - write an address as a dotted quad or in RFC 5952
 *			    form
 * @family: IPv4 or IPv6
 * @addr: the address, network byte order
 * @buf: destination
 * @size: room in @buf
 *
 * Context: Any.
 * Return: Bytes written, without the terminator.
 */
int chatdnat_addr_format(enum chatdnat_family family,
			 const struct chatdnat_addr *addr, char *buf,
			 size_t size)
{
	const u8 *byte = (const u8 *)addr->word;

	if (family == CHATDNAT_IPV6)
		return chatdnat_ipv6_format(byte, buf, size);
	return scnprintf(buf, size, "%u.%u.%u.%u", byte[0], byte[1], byte[2],
			 byte[3]);
}

/**
 * chatdnat_addr_is_link_local() - whether an address is bound to its link
 * @family: IPv4 or IPv6
 * @addr: the address, network byte order
 *
 * Context: Any; on the packet path.
 * Return: True for fe80::/10. Not for IPv4's 169.254/16: Linux routes it, and
 * hosting providers use it between a host and its gateway.
 */
bool chatdnat_addr_is_link_local(enum chatdnat_family family,
				 const struct chatdnat_addr *addr)
{
	const u8 *byte = (const u8 *)addr->word;

	return family == CHATDNAT_IPV6 && byte[0] == 0xfe &&
	       (byte[1] & 0xc0) == 0x80;
}

/**
 * chatdnat_addr_is_loopback() - whether an address is a loopback address
 * @family: IPv4 or IPv6
 * @addr: the address, network byte order
 *
 * Context: Any; on the packet path.
 * Return: True for 127.0.0.0/8 and ::1.
 */
bool chatdnat_addr_is_loopback(enum chatdnat_family family,
			       const struct chatdnat_addr *addr)
{
	if (family == CHATDNAT_IPV6)
		return !addr->word[0] && !addr->word[1] && !addr->word[2] &&
		       addr->word[3] == htonl(1);
	return *(const u8 *)addr->word == 127;
}

/**
 * chatdnat_addr_is_multicast() - whether an address is a multicast address
 * @family: IPv4 or IPv6
 * @addr: the address, network byte order
 *
 * Context: Any; on the packet path.
 * Return: True if @addr is a multicast address.
 */
bool chatdnat_addr_is_multicast(enum chatdnat_family family,
				const struct chatdnat_addr *addr)
{
	const u8 *byte = (const u8 *)addr->word;

	return family == CHATDNAT_IPV6 ? byte[0] == 0xff :
					 (byte[0] & 0xf0) == 0xe0;
}

/**
 * chatdnat_addr_is_common() - whether an address is a usable unicast address
 * @family: IPv4 or IPv6
 * @addr: the address, network byte order
 *
 * Context: Any; on the packet path.
 * Return: True for an address that the stack accepts as source and as
 * destination. False also for some that it accepts: IPv4 link-local, and IPv6
 * outside of 2000::/3 and fc00::/7.
 */
bool chatdnat_addr_is_common(enum chatdnat_family family,
			     const struct chatdnat_addr *addr)
{
	const u8 *byte = (const u8 *)addr->word;

	/* Global unicast, 2000::/3, or unique local, fc00::/7. */
	if (family == CHATDNAT_IPV6)
		return (byte[0] & 0xe0) == 0x20 || (byte[0] & 0xfe) == 0xfc;
	return !chatdnat_ipv4_unfit(byte);
}
