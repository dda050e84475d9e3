/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNAT_MSS_H
#define CHATDNAT_MSS_H

#include <linux/netfilter.h>
#include <linux/tcp.h>

#include "tcpopt.h"

struct chatdnat_settings;

void chatdnat_mss(struct sk_buff *skb, const struct nf_hook_state *state,
		  const struct chatdnat_settings *settings);

bool chatdnat_mss_clamp_all(struct sk_buff *skb, struct tcphdr *th, u16 max);

/**
 * chatdnat_mss_fits() - whether nothing is to be clamped, as seen at once
 * @th: a TCP header, linear with all options
 * @max: bytes
 *
 * Context: Any; on the packet path.
 * Return: True if so; false also where only a full look can tell.
 */
static inline bool chatdnat_mss_fits(const struct tcphdr *th, u16 max)
{
	const u8 *options = (const u8 *)(th + 1);

	return chatdnat_tcpopt_is_linux(options, th->doff * 4 - sizeof(*th)) &&
	       chatdnat_tcpopt_mss(options + 2) <= max;
}

/**
 * chatdnat_mss_clamp() - clamp what a segment announces
 * @skb: the packet
 * @th: its TCP header, writable with all options
 * @max: bytes
 *
 * Context: Any; on the packet path.
 * Return: Whether anything was clamped; a malformed list is left alone.
 */
static inline bool chatdnat_mss_clamp(struct sk_buff *skb, struct tcphdr *th,
				      u16 max)
{
	return !likely(chatdnat_mss_fits(th, max)) &&
	       chatdnat_mss_clamp_all(skb, th, max);
}

#endif /* CHATDNAT_MSS_H */
