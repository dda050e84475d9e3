// SPDX-License-Identifier: GPL-2.0
/*
 * For measurements: makes a device receive packets, as its driver would, and
 * says how long the stack was busy with them.
 */
#include <linux/etherdevice.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/netdevice.h>
#include <linux/slab.h>
#include <linux/tcp.h>
#include <linux/timex.h>
#include <linux/uaccess.h>
#include <linux/udp.h>
#include <net/checksum.h>
#include <net/net_namespace.h>

#include "inject.h"

/* Between two batches others may run, outside of the measured time. */
#define INJECT_BATCH	1024

/* Of Knuth's multiplicative hash: each flow has a client of its own. */
#define INJECT_SPREAD	2654435761U

/* An instruction without an effect. */
#define inject_mark(mark)						\
	asm volatile("movabs $0x6862656e63680000 + %c0, %%rax" : :	\
		     "i" (mark) : "rax", "memory")

static __sum16 *inject_check(u8 proto, u8 *l4h)
{
	return proto == IPPROTO_UDP ? &((struct udphdr *)l4h)->check :
				      &((struct tcphdr *)l4h)->check;
}

static __be32 inject_addr(const struct inject_run *run, __be32 first, u32 flow)
{
	u32 addr = ntohl(first);

	if (run->flags & INJECT_SCATTER)
		addr = (addr & 0xff000000) | (flow * INJECT_SPREAD) >> 8;
	else
		addr += flow / INJECT_PORTS;
	return htonl(addr);
}

static void inject_set_addr(__sum16 *check, __be32 *addr, __be32 new)
{
	csum_replace4(check, *addr, new);
	*addr = new;
}

static void inject_set_port(__sum16 *check, __be16 *port, u32 flow)
{
	__be16 new = htons(INJECT_PORT_FIRST + flow % INJECT_PORTS);

	csum_replace2(check, *port, new);
	*port = new;
}

/* Moves a segment on in its flow: data is new, as a connection has it. */
static void inject_set_seq(const struct inject_run *run, const u8 *frame,
			   struct tcphdr *tcph, u32 round)
{
	u32 len = run->len - ((u8 *)tcph - frame) - tcph->doff * 4;
	__be32 seq = htonl(ntohl(tcph->seq) + round * len);

	csum_replace4(&tcph->check, tcph->seq, seq);
	tcph->seq = seq;
}

/* Gives the packet the client of its flow, and its place there. */
static void inject_set_flow(const struct inject_run *run, u8 *frame, u32 flow,
			    u32 round)
{
	bool reply = run->flags & INJECT_REPLY;
	__sum16 *check;
	u8 *l4h, proto;
	__be16 *ports;

	if (((struct ethhdr *)frame)->h_proto == htons(ETH_P_IP)) {
		struct iphdr *iph = (struct iphdr *)(frame + ETH_HLEN);
		__be32 *addr = reply ? &iph->daddr : &iph->saddr;
		__be32 new = inject_addr(run, *addr, flow);

		l4h = (u8 *)(iph + 1);
		proto = iph->protocol;
		check = inject_check(proto, l4h);
		csum_replace4(&iph->check, *addr, new);
		inject_set_addr(check, addr, new);
	} else {
		struct ipv6hdr *ip6h = (struct ipv6hdr *)(frame + ETH_HLEN);
		struct in6_addr *addr = reply ? &ip6h->daddr : &ip6h->saddr;

		l4h = (u8 *)(ip6h + 1);
		proto = ip6h->nexthdr;
		check = inject_check(proto, l4h);
		inject_set_addr(check, &addr->s6_addr32[3],
				inject_addr(run, addr->s6_addr32[3], flow));
	}
	/* TCP and UDP have them in the same place: source, destination. */
	ports = (__be16 *)l4h;
	inject_set_port(check, ports + reply, flow);
	if (proto == IPPROTO_TCP)
		inject_set_seq(run, frame, (struct tcphdr *)l4h, round);
	else if (!*check)
		*check = CSUM_MANGLED_0;
}

static struct sk_buff *inject_build(const struct inject_run *run,
				    struct net_device *dev, u32 flow, u32 round)
{
	struct sk_buff *skb = netdev_alloc_skb_ip_align(dev, run->len);

	if (!skb)
		return NULL;
	inject_set_flow(run, skb_put_data(skb, run->frame, run->len), flow,
			round);
	skb->protocol = eth_type_trans(skb, dev);
	/* Devices have checked it. */
	skb->ip_summed = CHECKSUM_UNNECESSARY;
	return skb;
}

static int inject_batch(struct inject_run *run, struct net_device *dev,
			u32 begin, u32 end)
{
	cycles_t start;
	u32 i;

	/* As where drivers hand in packets. */
	local_bh_disable();
	start = get_cycles();
	for (i = begin; i < end; i++) {
		struct sk_buff *skb;

		skb = inject_build(run, dev, run->first + i % run->flows,
				   i / run->flows);
		if (!skb)
			break;
		inject_mark(INJECT_PACKET_BEGINS);
		if (run->flags & INJECT_FREE)
			consume_skb(skb);
		else
			netif_receive_skb(skb);
		inject_mark(INJECT_PACKET_ENDS);
	}
	run->cycles += get_cycles() - start;
	local_bh_enable();
	return i == end ? 0 : -ENOMEM;
}

static u64 inject_sent(struct net_device *dev)
{
	struct rtnl_link_stats64 stats;

	return dev_get_stats(dev, &stats)->tx_packets;
}

static int inject_batches(struct inject_run *run, struct net_device *from)
{
	u32 i, n;
	int err;

	for (i = 0; i < run->packets; i += n) {
		n = min_t(u32, run->packets - i, INJECT_BATCH);
		err = inject_batch(run, from, i, i + n);
		if (err)
			return err;
		if (signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	return 0;
}

static int inject_run(struct inject_run *run, struct net_device *from,
		      struct net_device *to)
{
	u64 sent = inject_sent(to);
	int err;

	run->cycles = 0;
	if (run->flags & INJECT_WATCH)
		inject_mark(INJECT_RUN_BEGINS);
	err = inject_batches(run, from);
	if (run->flags & INJECT_WATCH)
		inject_mark(INJECT_RUN_ENDS);
	run->sent = inject_sent(to) - sent;
	return err;
}

static bool inject_valid(const struct inject_run *run)
{
	const struct ethhdr *eth = (const struct ethhdr *)run->frame;
	const void *l3h = run->frame + ETH_HLEN;
	size_t len = ETH_HLEN;
	u8 proto;

	if (eth->h_proto == htons(ETH_P_IP)) {
		proto = ((const struct iphdr *)l3h)->protocol;
		len += sizeof(struct iphdr);
	} else if (eth->h_proto == htons(ETH_P_IPV6)) {
		proto = ((const struct ipv6hdr *)l3h)->nexthdr;
		len += sizeof(struct ipv6hdr);
	} else {
		return false;
	}
	if (proto == IPPROTO_TCP)
		len += sizeof(struct tcphdr);
	else if (proto == IPPROTO_UDP)
		len += sizeof(struct udphdr);
	else
		return false;
	return run->flows && run->len >= len && run->len <= INJECT_FRAME_MAX;
}

static int inject_between(struct inject_run *run)
{
	struct net_device *from = dev_get_by_index(&init_net, run->from);
	struct net_device *to = dev_get_by_index(&init_net, run->to);
	int err = -ENODEV;

	if (from && to)
		err = inject_run(run, from, to);
	dev_put(to);
	dev_put(from);
	return err;
}

static long inject_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	void __user *user = (void __user *)arg;
	struct inject_run *run;
	long err;

	if (cmd != INJECT_RUN)
		return -ENOTTY;

	run = memdup_user(user, sizeof(*run));
	if (IS_ERR(run))
		return PTR_ERR(run);
	err = inject_valid(run) ? inject_between(run) : -EINVAL;
	if (!err && copy_to_user(user, run, sizeof(*run)))
		err = -EFAULT;
	kfree(run);
	return err;
}

static const struct file_operations inject_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = inject_ioctl,
};

static struct miscdevice inject_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "inject",
	.fops = &inject_fops,
	.mode = 0600,
};

module_misc_device(inject_device);

MODULE_DESCRIPTION("Packets for measurements");
MODULE_LICENSE("GPL");
