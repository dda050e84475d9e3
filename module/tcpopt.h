/* SPDX-License-Identifier: GPL-2.0 */
/* The options of a TCP header, RFC 9293, 3.1 and 3.2. */
#ifndef CHATDNAT_TCPOPT_H
#define CHATDNAT_TCPOPT_H

#include <linux/in.h>
#include <linux/types.h>

/* As Linux has them: size, SACK permitted, timestamps, window scale. */
#define CHATDNAT_TCPOPT_LINUX_LEN	20

/**
 * chatdnat_tcpopt_mss() - a maximum segment size
 * @value: where it stands
 *
 * Context: Any; on the packet path.
 * Return: The size in bytes.
 */
static inline u16 chatdnat_tcpopt_mss(const u8 *value)
{
	return value[0] << 8 | value[1];
}

/**
 * chatdnat_tcpopt_is_linux() - whether a list is what most send
 * @options: the list
 * @len: its length in bytes
 *
 * Context: Any; on the packet path.
 * Return: Whether it can be told without a loop that the list is well-formed,
 * begins with a maximum segment size, and has no other.
 */
static inline bool chatdnat_tcpopt_is_linux(const u8 *options, size_t len)
{
	/* A TCP header's words are aligned. */
	const __be32 *word = (const __be32 *)options;

	return len == CHATDNAT_TCPOPT_LINUX_LEN &&
	       (word[0] & htonl(0xffff0000)) == htonl(0x02040000) &&
	       word[1] == htonl(0x0402080a) &&
	       (word[4] & htonl(0xffffff00)) == htonl(0x01030300);
}

size_t chatdnat_tcpopt_mss_above(const u8 *options, size_t len, size_t from,
				 u16 max);

#endif /* CHATDNAT_TCPOPT_H */
