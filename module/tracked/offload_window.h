/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Windows of offloaded TCP connections. Connection tracking's own values are
 * used and kept: it finds them as if it had seen all segments, whenever one
 * takes the path through the stack, and resets have the right sequence numbers.
 *
 * Each value is written for the segments of one direction only, without the
 * lock of the connection. Where two processors have segments of a direction, the
 * later value may get lost; the next segment makes up for it, or takes the path
 * through the stack.
 */
#ifndef CHATDNAT_OFFLOAD_WINDOW_H
#define CHATDNAT_OFFLOAD_WINDOW_H

#include <linux/tcp.h>
#include <net/tcp.h>

#include "offload.h"

/* As connection tracking: an acknowledgment may be that old at any rate. */
#define CHATDNAT_OFFLOAD_ACK_WINDOW 66000u

/* Whether the data of a segment is new and expected; without data, its place. */
static __always_inline bool
chatdnat_offload_in_window(const struct ip_ct_tcp_state *sender,
			   const struct ip_ct_tcp_state *receiver, u32 end,
			   u32 len)
{
	if (len)
		return after(end, READ_ONCE(sender->td_end)) &&
		       !after(end, READ_ONCE(sender->td_maxend));
	return READ_ONCE(sender->td_end) - end <= READ_ONCE(receiver->td_maxwin);
}

/**
 * chatdnat_offload_advance() - whether a segment moves its connection on, and
 *				tell connection tracking so
 * @offload: its direction
 * @th: its header
 * @len: length of header and data
 *
 * Retransmissions and all that is outside of the window take the path through
 * the stack. A segment that takes that path although this was true is a
 * retransmission for connection tracking.
 *
 * Context: Softirq, RCU read lock held; on the packet path.
 * Return: True if the segment is plain, expected, and new.
 */
static __always_inline bool
chatdnat_offload_advance(const struct chatdnat_offload *offload,
			 const struct tcphdr *th, unsigned int len)
{
	struct ip_ct_tcp *tcp = &offload->ct->proto.tcp;
	struct ip_ct_tcp_state *sender = &tcp->seen[offload->dir];
	struct ip_ct_tcp_state *receiver = &tcp->seen[!offload->dir];
	u32 end, ack, win, edge;

	if ((tcp_flag_word(th) & (TCP_FLAG_SYN | TCP_FLAG_FIN | TCP_FLAG_RST |
				  TCP_FLAG_URG | TCP_FLAG_ACK)) != TCP_FLAG_ACK ||
	    READ_ONCE(tcp->state) != TCP_CONNTRACK_ESTABLISHED ||
	    th->doff < sizeof(*th) / 4 || th->doff * 4u > len)
		return false;
	/* Keep the compiler from recomputing the addresses at each use. */
	OPTIMIZER_HIDE_VAR(sender);
	OPTIMIZER_HIDE_VAR(receiver);

	len -= th->doff * 4u;
	end = ntohl(th->seq) + len;
	ack = ntohl(th->ack_seq);
	win = ntohs(th->window) << sender->td_scale;
	if (!chatdnat_offload_in_window(sender, receiver, end, len))
		return false;
	/* Not negative: nobody acknowledges what was not sent. */
	if (READ_ONCE(receiver->td_end) - ack >
	    max(READ_ONCE(sender->td_maxwin), CHATDNAT_OFFLOAD_ACK_WINDOW))
		return false;

	if (len)
		WRITE_ONCE(sender->td_end, end);
	if (after(ack, sender->td_maxack))
		WRITE_ONCE(sender->td_maxack, ack);
	if (unlikely(win > sender->td_maxwin))
		WRITE_ONCE(sender->td_maxwin, win);
	/* One byte into a closed window, as a probe. */
	edge = ack + max(win, 1u);
	if (after(edge, receiver->td_maxend))
		WRITE_ONCE(receiver->td_maxend, edge);
	return true;
}

#endif /* CHATDNAT_OFFLOAD_WINDOW_H */
