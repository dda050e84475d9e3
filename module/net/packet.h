/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNAT_PACKET_H
#define CHATDNAT_PACKET_H

#include <linux/skbuff.h>
#include <linux/tcp.h>

#include "../policy/guard_policy.h"

/* Bytes of the transport header that an error quotes at least: the ports. */
#define CHATDNAT_QUOTED_MIN	4

/**
 * struct chatdnat_parsed - a TCP segment, or an ICMP error about one
 * @flow: from where to where; an error's is the one that it is about, turned,
 *	  so that both go the same way
 * @offset: where its transport header begins, from skb->data
 * @quoted: where the packet that the error quotes begins; 0 in a segment
 * @quoted_offset: where that one's transport header begins
 * @opens: a segment with SYN and no ACK
 * @answers: a segment with SYN and ACK, or one that refuses what opens
 */
struct chatdnat_parsed {
	struct chatdnat_flow flow;
	unsigned int offset;
	unsigned int quoted;
	unsigned int quoted_offset;
	bool opens;
	bool answers;
};

/**
 * chatdnat_packet_flags_exist() - whether TCP knows a combination of flags
 * @th: the segment's header
 *
 * Conntrack calls the same ones invalid.
 *
 * Context: Any; on the packet path.
 * Return: True if a valid segment may have these flags.
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
