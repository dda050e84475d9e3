/* SPDX-License-Identifier: GPL-2.0 */
/* The options of a TCP header, RFC 9293, 3.1 and 3.2. */
#ifndef CHATDNAT_TCP_MSS_H
#define CHATDNAT_TCP_MSS_H

#include <linux/in.h>
#include <linux/tcp.h>
#include <linux/types.h>

struct sk_buff;

/* As Linux has them: size, SACK permitted, timestamps, window scale. */
#define CHATDNAT_TCPOPT_LINUX_LEN	20

/**
 * chatdnat_tcp_mss_get() - a maximum segment size
 * @value: where it stands
 *
 * Context: Any; on the packet path.
 * Return: The size in bytes.
 */
static inline u16 chatdnat_tcp_mss_get(const u8 *value)
{
	return value[0] << 8 | value[1];
}

/**
 * chatdnat_tcp_mss_is_linux() - whether a list is what most send
 * @options: the list
 * @len: its length in bytes
 *
 * Context: Any; on the packet path.
 * Return: Whether it can be told without a loop that the list is well-formed,
 * begins with a maximum segment size, and has no other.
 */
static inline bool chatdnat_tcp_mss_is_linux(const u8 *options, size_t len)
{
	/* A TCP header's words are aligned. */
	const __be32 *word = (const __be32 *)options;

	return len == CHATDNAT_TCPOPT_LINUX_LEN &&
	       (word[0] & htonl(0xffff0000)) == htonl(0x02040000) &&
	       word[1] == htonl(0x0402080a) &&
	       (word[4] & htonl(0xffffff00)) == htonl(0x01030300);
}

size_t chatdnat_tcp_mss_above(const u8 *options, size_t len, size_t from,
			      u16 max);
bool chatdnat_tcp_mss_clamp_all(struct sk_buff *skb, struct tcphdr *th, u16 max);

/**
 * chatdnat_tcp_mss_fits() - whether nothing is to be clamped, as seen at once
 * @th: a TCP header, linear with all options
 * @max: bytes
 *
 * Context: Any; on the packet path.
 * Return: True if so; false also where only a full look can tell.
 */
static inline bool chatdnat_tcp_mss_fits(const struct tcphdr *th, u16 max)
{
	const u8 *options = (const u8 *)(th + 1);

	return chatdnat_tcp_mss_is_linux(options, th->doff * 4 - sizeof(*th)) &&
	       chatdnat_tcp_mss_get(options + 2) <= max;
}

/**
 * chatdnat_tcp_mss_clamp() - clamp what a segment announces
 * @skb: the packet
 * @th: its TCP header, writable with all options
 * @max: bytes
 *
 * Context: Any; on the packet path.
 * Return: Whether anything was clamped; a malformed list is left alone.
 */
static inline bool chatdnat_tcp_mss_clamp(struct sk_buff *skb, struct tcphdr *th,
					  u16 max)
{
	return !likely(chatdnat_tcp_mss_fits(th, max)) &&
	       chatdnat_tcp_mss_clamp_all(skb, th, max);
}

#endif /* CHATDNAT_TCP_MSS_H */
