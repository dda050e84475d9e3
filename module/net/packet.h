/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNAT_PACKET_H
#define CHATDNAT_PACKET_H

#include <linux/skbuff.h>
#include <linux/tcp.h>

#include "../policy/guard_policy.h"

/* Minimum number of quoted bytes of the transport header: the ports. */
#define CHATDNAT_QUOTED_MIN 4

/**
 * struct chatdnat_parsed - a TCP segment, or an ICMP error about one
 * @flow: addresses and ports; of an ICMP error, those of the quoted segment,
 *	  reversed, so that they match the direction of the error
 * @offset: offset of the transport header from skb->data
 * @quoted: offset of the quoted IP header; 0 in a segment
 * @quoted_offset: offset of the quoted transport header
 * @is_syn: SYN without ACK
 * @is_syn_reply: SYN with ACK, or a reset in reply to a SYN
 */
struct chatdnat_parsed {
	struct chatdnat_flow flow;
	unsigned int offset;
	unsigned int quoted;
	unsigned int quoted_offset;
	bool is_syn;
	bool is_syn_reply;
};

/**
 * chatdnat_packet_flags_exist() - whether a combination of TCP flags is valid
 * @th: the segment's header
 *
 * The same combinations are valid for conntrack.
 *
 * Context: Any; on the packet path.
 * Return: True if the flags are valid.
 */
static inline bool chatdnat_packet_flags_exist(const struct tcphdr *th)
{
	if (th->syn)
		return !th->fin && !th->rst && !(th->ack && th->urg);
	if (th->rst)
		return !th->fin && !th->urg;
	return th->ack;
}

int chatdnat_packet_transport(const struct sk_buff *skb,
			      enum chatdnat_family family, u8 *protocol);
void chatdnat_packet_addresses(const struct sk_buff *skb,
			       enum chatdnat_family family,
			       struct chatdnat_flow *flow);
bool chatdnat_packet_for_guard(const struct sk_buff *skb,
			       enum chatdnat_family family,
			       struct chatdnat_guard_packet *packet);
bool chatdnat_packet_parse(const struct sk_buff *skb,
			   enum chatdnat_family family,
			   struct chatdnat_parsed *parsed);

#endif /* CHATDNAT_PACKET_H */
