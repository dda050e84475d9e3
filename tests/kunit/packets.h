/* SPDX-License-Identifier: GPL-2.0 */
/* Packets as they are on the wire, built whole with all their checksums. */
#ifndef CHATDNAT_PACKETS_H
#define CHATDNAT_PACKETS_H

#include <linux/skbuff.h>

#include "chatdnat_test.h"
#include "module/policy/addr.h"

#define CHATDNAT_CLIENT_PORT	40000
#define CHATDNAT_LOCAL_PORT	25
#define CHATDNAT_HOP_LIMIT	57

#define CHATDNAT_FIN		0x01
#define CHATDNAT_SYN		0x02
#define CHATDNAT_RST		0x04
#define CHATDNAT_ACK		0x10

/**
 * struct chatdnat_packet - what a packet is like
 * @protocol: its transport's; ICMP means that of the family
 * @flags: TCP: CHATDNAT_SYN ...
 * @seq: TCP: sequence number
 * @options: TCP: bytes of options
 * @n_options: TCP: how many
 * @payload: TCP: bytes behind the header
 * @doff: TCP: the header's length in words, if not what it is
 * @type: ICMP: type
 * @quoted: ICMP: what it quotes; NULL: nothing
 * @quote: ICMP: bytes of it that are quoted; 0: all
 * @ip_options: IPv4: words of options
 * @ihl: IPv4: the header's length in words, if not what it is
 * @version: IP version, if not what it is
 * @fragment: IPv4: flags and offset
 * @chain: IPv6: extension headers: (h)op-by-hop, (d)estination, (r)outing,
 *	   (a)uthentication, (n)one; fragment: (w)hole, (f)irst, (l)ater; (x) a
 *	   destination one that claims more than there is
 * @reverse: it goes from us to the client
 * @keep: bytes that are left of it; 0: all
 */
struct chatdnat_packet {
	u8 protocol;
	u8 flags;
	u32 seq;
	const u8 *options;
	u8 n_options;
	u16 payload;
	u8 doff;
	u8 type;
	const struct chatdnat_packet *quoted;
	u16 quote;
	u8 ip_options;
	u8 ihl;
	u8 version;
	u16 fragment;
	const char *chain;
	bool reverse;
	u16 keep;
};

/* Between whom; @outer_local: to whom errors go. */
struct chatdnat_test_flow {
	struct chatdnat_addr client;
	struct chatdnat_addr local;
	struct chatdnat_addr router;
	struct chatdnat_addr outer_local;
};

#define CHATDNAT_BYTES	1024

struct chatdnat_test_flow chatdnat_test_ends(struct kunit *test,
					     enum chatdnat_family family);
unsigned int chatdnat_test_bytes(enum chatdnat_family family,
				 const struct chatdnat_packet *packet,
				 const struct chatdnat_test_flow *ends, u8 *byte);
struct sk_buff *chatdnat_test_skb(struct kunit *test, const u8 *byte,
				  unsigned int len, unsigned int linear,
				  unsigned int before);

#endif /* CHATDNAT_PACKETS_H */
