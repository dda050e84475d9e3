// SPDX-License-Identifier: GPL-2.0
#include <linux/skbuff.h>
#include <linux/swab.h>
#include <net/checksum.h>

#include "tcp_mss.h"

#define CHATDNAT_TCPOPT_END 0
#define CHATDNAT_TCPOPT_NOP 1
#define CHATDNAT_TCPOPT_MSS 2
#define CHATDNAT_TCPOPT_MSS_LEN 4

/**
 * chatdnat_tcp_mss_above() - find an MSS option that exceeds a limit
 * @options: the TCP options
 * @len: their length in bytes
 * @from: offset of an option: 0, or directly after another option
 * @max: the limit in bytes
 *
 * The list is parsed to its end even after a match: no value of a malformed
 * list is used.
 *
 * Context: Any; on the packet path.
 * Return: Offset of the first MSS value above @max; @len if there is none, or
 * if the list is malformed.
 */
size_t chatdnat_tcp_mss_above(const u8 *options, size_t len, size_t from,
			      u16 max)
{
	size_t at = from, above = len;
	u8 step;

	for (; at < len && options[at] != CHATDNAT_TCPOPT_END; at += step) {
		step = 1;
		if (options[at] == CHATDNAT_TCPOPT_NOP)
			continue;

		if (len - at < 2)
			return len;
		step = options[at + 1];
		if (step < 2 || step > len - at)
			return len;

		if (options[at] != CHATDNAT_TCPOPT_MSS)
			continue;
		if (step != CHATDNAT_TCPOPT_MSS_LEN)
			return len;
		if (above == len && chatdnat_tcp_mss_get(options + at + 2) > max)
			above = at + 2;
	}
	return above;
}

/*
 * The checksum covers 16-bit words: at an odd offset, a value is byte-swapped.
 */
static void chatdnat_tcp_mss_put(struct sk_buff *skb, struct tcphdr *th,
				 u8 *value, u16 old, u16 new)
{
	__be16 from = htons(old), to = htons(new);

	if ((value - (u8 *)th) & 1) {
		from = (__force __be16)swab16((__force u16)from);
		to = (__force __be16)swab16((__force u16)to);
	}
	value[0] = new >> 8;
	value[1] = new & 0xff;
	inet_proto_csum_replace2(&th->check, skb, from, to, false);
}

/**
 * chatdnat_tcp_mss_clamp_all() - clamp all MSS options of a segment
 * @skb: the packet
 * @th: its TCP header, writable with all options
 * @max: the limit in bytes
 *
 * Context: Any; on the packet path.
 * Return: True if an option was clamped; a malformed list is not changed.
 */
bool chatdnat_tcp_mss_clamp_all(struct sk_buff *skb, struct tcphdr *th, u16 max)
{
	size_t len = th->doff * 4 - sizeof(*th), at;
	u8 *options = (u8 *)(th + 1);
	bool clamped = false;

	at = chatdnat_tcp_mss_above(options, len, 0, max);
	while (at < len) {
		chatdnat_tcp_mss_put(skb, th, options + at,
				     chatdnat_tcp_mss_get(options + at), max);
		clamped = true;
		at = chatdnat_tcp_mss_above(options, len, at + sizeof(__be16),
					    max);
	}
	return clamped;
}
