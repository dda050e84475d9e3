/* SPDX-License-Identifier: GPL-2.0 */
/* The MSS option of a TCP header, RFC 9293, 3.1 and 3.2. */
#ifndef CHATDNAT_TCP_MSS_H
#define CHATDNAT_TCP_MSS_H

#include <linux/in.h>
#include <linux/tcp.h>
#include <linux/types.h>

struct sk_buff;

/* A SYN of Linux: MSS, SACK permitted, timestamps, NOP, window scale. */
#define CHATDNAT_TCPOPT_LINUX_LEN 20

/**
 * chatdnat_tcp_mss_get() - read an MSS value
 * @value: the value, at any alignment
 *
 * Context: Any; on the packet path.
 * Return: The size in bytes.
 */
static inline u16 chatdnat_tcp_mss_get(const u8 *value)
{
	return value[0] << 8 | value[1];
}

/**
 * chatdnat_tcp_mss_is_linux() - whether a list of options is that of Linux
 * @options: the options
 * @len: their length in bytes
 *
 * Context: Any; on the packet path.
 * Return: True if the list is well-formed and begins with its only MSS option;
 * checked without a loop.
 */
static inline bool chatdnat_tcp_mss_is_linux(const u8 *options, size_t len)
{
	/* The words of a TCP header are aligned. */
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
 * chatdnat_tcp_mss_fits() - whether a segment needs no clamping, fast check
 * @th: a TCP header, linear with all options
 * @max: the limit in bytes
 *
 * Context: Any; on the packet path.
 * Return: True if so; false also if the options have to be parsed.
 */
static inline bool chatdnat_tcp_mss_fits(const struct tcphdr *th, u16 max)
{
	const u8 *options = (const u8 *)(th + 1);

	return chatdnat_tcp_mss_is_linux(options, th->doff * 4 - sizeof(*th)) &&
	       chatdnat_tcp_mss_get(options + 2) <= max;
}

/**
 * chatdnat_tcp_mss_clamp() - clamp the MSS of a segment
 * @skb: the packet
 * @th: its TCP header, writable with all options
 * @max: the limit in bytes
 *
 * Context: Any; on the packet path.
 * Return: True if an option was clamped; a malformed list is not changed.
 */
static inline bool chatdnat_tcp_mss_clamp(struct sk_buff *skb,
					  struct tcphdr *th, u16 max)
{
	return !likely(chatdnat_tcp_mss_fits(th, max)) &&
	       chatdnat_tcp_mss_clamp_all(skb, th, max);
}

#endif /* CHATDNAT_TCP_MSS_H */
