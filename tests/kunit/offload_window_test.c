// SPDX-License-Identifier: GPL-2.0
/* Which segments of an offloaded connection move it on, and what connection tracking knows then. */
#include <linux/tcp.h>
#include <net/netfilter/nf_conntrack.h>

#include "module/tracked/offload.h"
#include "module/tracked/offload_window.h"
#include "chatdnat_test.h"

#define FIN	0x01
#define SYN	0x02
#define RST	0x04
#define PSH	0x08
#define ACK	0x10
#define URG	0x20
#define ECE	0x40
#define CWR	0x80

#define HEADER	sizeof(struct tcphdr)

/* What either end has sent before, and how far beyond it may go. */
#define ROOM	10000	/* for the sender */
#define ADVERT	1000	/* for the receiver, by the sender's window so far */
#define MAXWIN	20000	/* the sender's largest window */
#define RECVWIN	15000	/* the receiver's */
#define MAXACK	(-500)	/* what the sender acknowledged of the receiver's */

/*
 * Sequence numbers are relative to what an end has sent before. Zeros stand for
 * a segment without data that acknowledges all, and for what is as before.
 */
static const struct row {
	const char *name;
	u8 flags;	/* 0: ACK */
	s32 seq;
	u32 data;
	s32 ack;
	u16 window;
	u8 scale;
	u8 doff;	/* 0: no options */
	u8 cut;		/* bytes that are missing */
	u8 state;	/* 0: ESTABLISHED */
	s32 room;	/* instead of ROOM, if @other_room */
	bool other_room;
	u32 maxwin;	/* instead of MAXWIN */

	bool taken;
	u32 end;
	s32 maxack;
	u32 newwin;	/* 0: its largest window is as before */
	u32 maxend;	/* of the receiver's; 0: ADVERT */
} rows[] = {
#define TAKEN(...) .taken = true, __VA_ARGS__
	{ "acknowledges all", TAKEN() },
	{ "new data", .data = 100, TAKEN(.end = 100) },
	{ "new data, pushed", PSH | ACK, .data = 100, TAKEN(.end = 100) },
	{ "new data, congestion", ECE | CWR | ACK, .data = 1, TAKEN(.end = 1) },
	{ "new data after a gap", .seq = 50, .data = 100, TAKEN(.end = 150) },
	{ "options", .doff = 8, .data = 100, TAKEN(.end = 100) },

	{ "sent again", .seq = -100, .data = 100 },
	{ "sent again, a part", .seq = -100, .data = 50 },
	{ "sent again, and more", .seq = -50, .data = 100, TAKEN(.end = 50) },
	{ "keep-alive", .seq = -1, TAKEN() },
	{ "keep-alive with a byte", .seq = -1, .data = 1 },
	{ "without data, as old as the window", .seq = -RECVWIN, TAKEN() },
	{ "without data, older", .seq = -RECVWIN - 1 },
	{ "without data, after a gap", .seq = 1 },

	{ "fills the window", .data = ROOM, TAKEN(.end = ROOM) },
	{ "beyond the window", .data = ROOM + 1 },
	{ "begins beyond the window", .seq = ROOM, .data = 1 },
	{ "long before", .seq = -2000000000, .data = 1 },
	{ "probes a closed window", .room = 1, .other_room = true, .data = 1,
	  TAKEN(.end = 1) },
	{ "more than a probe", .room = 1, .other_room = true, .data = 2 },
	{ "into a closed window", .other_room = true, .data = 1 },
	{ "acknowledges in a closed window", .other_room = true, TAKEN() },

	{ "acknowledges what was not sent", .ack = 1 },
	{ "acknowledges what was not sent, with data", .ack = 1, .data = 1 },
	{ "acknowledges far beyond", .ack = 2000000000 },
	{ "acknowledges a part", .ack = -400, TAKEN(.maxack = -400) },
	{ "acknowledges less than before", .ack = -600, TAKEN(.maxack = MAXACK) },
	{ "acknowledges what is old", .ack = -66000, TAKEN(.maxack = MAXACK) },
	{ "acknowledges what is too old", .ack = -66001 },
	{ "old, but within its window", .ack = -66001, .maxwin = 70000,
	  TAKEN(.maxack = MAXACK) },
	{ "older than its window", .ack = -70001, .maxwin = 70000 },

	{ "a larger window", .window = 5000, TAKEN(.maxend = 5000) },
	{ "a larger window, and data", .window = 5000, .data = 7,
	  TAKEN(.end = 7, .maxend = 5000) },
	{ "a smaller window", .window = 500, TAKEN() },
	{ "a scaled window", .window = 100, .scale = 7, TAKEN(.maxend = 12800) },
	{ "the largest window", .window = 65535, .scale = 14,
	  TAKEN(.maxend = 65535 << 14, .newwin = 65535 << 14) },
	{ "the largest window so far", .window = MAXWIN,
	  TAKEN(.maxend = MAXWIN) },
	{ "a window that is larger", .window = MAXWIN + 1,
	  TAKEN(.maxend = MAXWIN + 1, .newwin = MAXWIN + 1) },
	{ "a window behind an older one", .ack = -5000, .window = 5500,
	  TAKEN(.maxack = MAXACK) },
	{ "a window, sent again", .seq = -9, .data = 9, .window = 5000 },

	{ "SYN", SYN | ACK },
	{ "SYN alone", SYN },
	{ "FIN", FIN | ACK },
	{ "FIN and data", FIN | PSH | ACK, .data = 10 },
	{ "RST", RST | ACK },
	{ "RST alone", RST },
	{ "urgent", URG | ACK, .data = 1 },
	{ "no ACK", PSH, .data = 1 },
	{ "all flags", 0xff },

	{ "SYN_RECV", .state = TCP_CONNTRACK_SYN_RECV, .data = 1 },
	{ "FIN_WAIT", .state = TCP_CONNTRACK_FIN_WAIT, .data = 1 },
	{ "CLOSE_WAIT", .state = TCP_CONNTRACK_CLOSE_WAIT, .data = 1 },
	{ "CLOSE", .state = TCP_CONNTRACK_CLOSE, .data = 1 },

	{ "header too short", .doff = 4, .data = 100 },
	{ "header is all", .doff = 10, TAKEN() },
	{ "header is longer than all", .doff = 10, .cut = 1 },
	{ "header is longer than all, after a gap", .seq = 50, .doff = 10,
	  .cut = 1 },
};

static void rows_desc(const struct row *row, char *desc)
{
	strscpy(desc, row->name, KUNIT_PARAM_DESC_SIZE);
}
KUNIT_ARRAY_PARAM(rows, rows, rows_desc);

static void segment(const struct row *row, u32 sent, u32 received,
		    struct tcphdr *th)
{
	memset(th, 0, sizeof(*th));
	th->seq = htonl(sent + row->seq);
	th->ack_seq = htonl(received + row->ack);
	th->window = htons(row->window);
	th->doff = row->doff ?: HEADER / 4;
	((u8 *)th)[13] = row->flags ?: ACK;
}

/* With an end at @sent, and the other at @received. */
static void advanced(struct kunit *test, enum ip_conntrack_dir dir, u32 sent,
		     u32 received)
{
	const struct row *row = test->param_value;
	struct ip_ct_tcp_state *sender, *receiver;
	struct chatdnat_offload *offload;
	struct nf_conn *ct, *before;
	unsigned int len;
	struct tcphdr th;

	ct = kunit_kzalloc(test, sizeof(*ct), GFP_KERNEL);
	before = kunit_kzalloc(test, sizeof(*ct), GFP_KERNEL);
	offload = kunit_kzalloc(test, sizeof(*offload), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, ct);
	KUNIT_ASSERT_NOT_NULL(test, before);
	KUNIT_ASSERT_NOT_NULL(test, offload);
	offload->ct = ct;
	offload->dir = dir;
	ct->proto.tcp.state = row->state ?: TCP_CONNTRACK_ESTABLISHED;
	sender = &ct->proto.tcp.seen[dir];
	receiver = &ct->proto.tcp.seen[!dir];
	sender->td_end = sent;
	sender->td_maxend = sent + (row->other_room ? row->room : ROOM);
	sender->td_maxwin = row->maxwin ?: MAXWIN;
	sender->td_maxack = received + MAXACK;
	sender->td_scale = row->scale;
	receiver->td_end = received;
	receiver->td_maxend = received + ADVERT;
	receiver->td_maxwin = RECVWIN;
	/* Not that of the sender's windows. */
	receiver->td_scale = 3;
	memcpy(before, ct, sizeof(*ct));
	segment(row, sent, received, &th);
	len = (row->doff ? row->doff * 4 : HEADER) + row->data - row->cut;

	KUNIT_EXPECT_EQ(test, row->taken,
			chatdnat_offload_advance(offload, &th, len));
	if (!row->taken) {
		KUNIT_EXPECT_MEMEQ(test, ct, before, sizeof(*ct));
		return;
	}
	KUNIT_EXPECT_EQ(test, sender->td_end, sent + row->end);
	KUNIT_EXPECT_EQ(test, sender->td_maxack, received + row->maxack);
	KUNIT_EXPECT_EQ(test, sender->td_maxwin,
			row->newwin ?: before->proto.tcp.seen[dir].td_maxwin);
	KUNIT_EXPECT_EQ(test, receiver->td_maxend,
			received + (row->maxend ?: ADVERT));
	/* Nothing else has changed. */
	sender->td_end = sent;
	sender->td_maxack = received + MAXACK;
	sender->td_maxwin = row->maxwin ?: MAXWIN;
	receiver->td_maxend = received + ADVERT;
	receiver->td_maxwin = RECVWIN;
	KUNIT_EXPECT_MEMEQ(test, ct, before, sizeof(*ct));
}

static void original(struct kunit *test)
{
	advanced(test, IP_CT_DIR_ORIGINAL, 1000000, 2000000);
}

static void reply(struct kunit *test)
{
	advanced(test, IP_CT_DIR_REPLY, 1000000, 2000000);
}

/* Numbers that wrap around, and such that become negative. */
static void sent_wraps(struct kunit *test)
{
	advanced(test, IP_CT_DIR_ORIGINAL, U32_MAX - 4, 2000000);
	advanced(test, IP_CT_DIR_ORIGINAL, 5, S32_MAX - 50);
}

static void received_wraps(struct kunit *test)
{
	advanced(test, IP_CT_DIR_REPLY, 1000000, U32_MAX - 4);
	advanced(test, IP_CT_DIR_REPLY, S32_MAX - 50, 5);
}

/* The first byte into a closed window may be a probe. */
static void closes(struct kunit *test)
{
	struct chatdnat_offload *offload;
	struct ip_ct_tcp *tcp;
	struct nf_conn *ct;
	struct tcphdr th = { .doff = HEADER / 4, .ack = 1 };

	ct = kunit_kzalloc(test, sizeof(*ct), GFP_KERNEL);
	offload = kunit_kzalloc(test, sizeof(*offload), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, ct);
	KUNIT_ASSERT_NOT_NULL(test, offload);
	offload->ct = ct;
	tcp = &ct->proto.tcp;
	tcp->state = TCP_CONNTRACK_ESTABLISHED;
	KUNIT_EXPECT_TRUE(test, chatdnat_offload_advance(offload, &th, HEADER));
	KUNIT_EXPECT_EQ(test, tcp->seen[1].td_maxend, 1);
	offload->dir = IP_CT_DIR_REPLY;
	KUNIT_EXPECT_FALSE(test, chatdnat_offload_advance(offload, &th,
							  HEADER + 2));
	KUNIT_EXPECT_TRUE(test, chatdnat_offload_advance(offload, &th,
							 HEADER + 1));
}

static struct kunit_case cases[] = {
	KUNIT_CASE_PARAM(original, rows_gen_params),
	KUNIT_CASE_PARAM(reply, rows_gen_params),
	KUNIT_CASE_PARAM(sent_wraps, rows_gen_params),
	KUNIT_CASE_PARAM(received_wraps, rows_gen_params),
	KUNIT_CASE(closes),
	{}
};

static struct kunit_suite suite = {
	.name = "chatdnat_offload_window",
	.test_cases = cases,
};
kunit_test_suite(suite);
