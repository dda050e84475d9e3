/* SPDX-License-Identifier: GPL-2.0 */
#ifndef INJECT_H
#define INJECT_H

#include <linux/bits.h>
#include <linux/ioctl.h>
#include <linux/types.h>

#define INJECT_FRAME_MAX	256

/* A flow's client: so many ports of an address, then the next address. */
#define INJECT_PORT_FIRST	10000
#define INJECT_PORTS		50000

#define INJECT_REPLY	BIT(0)	/* the client is the destination */
#define INJECT_FREE	BIT(1)	/* free the packets, for their cost */
#define INJECT_SCATTER	BIT(2)	/* clients of all over a /8 */
#define INJECT_WATCH	BIT(3)	/* mark the run for tests/bench/plugin */

/* What tests/bench/plugin looks for. */
enum inject_mark {
	INJECT_RUN_BEGINS = 1,
	INJECT_RUN_ENDS,
	INJECT_PACKET_BEGINS,
	INJECT_PACKET_ENDS,
};

/**
 * struct inject_run - packets for a device to receive
 * @from: index of the device that receives them
 * @to: index of the device that they should leave by
 * @packets: how many; packet i is of flow @first + i % @flows, where it follows
 *	     on packet i - @flows
 * @flows: how many flows
 * @first: the first flow
 * @flags: INJECT_*
 * @len: bytes of @frame
 * @pad: 0
 * @frame: flow 0's: Ethernet, IPv4 without options or IPv6, TCP or UDP
 * @sent: result: how many packets @to sent meanwhile
 * @cycles: result: the processor's time
 */
struct inject_run {
	__u32 from;
	__u32 to;
	__u32 packets;
	__u32 flows;
	__u32 first;
	__u32 flags;
	__u32 len;
	__u32 pad;
	__u8 frame[INJECT_FRAME_MAX];
	__u64 sent;
	__u64 cycles;
};

#define INJECT_RUN	_IOWR('J', 1, struct inject_run)

#endif /* INJECT_H */
