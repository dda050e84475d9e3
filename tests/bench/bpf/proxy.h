/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What both programs know: tests/bench/lib/box.py has the addresses. They serve
 * plain TCP segments, and leave everything else to the stack.
 */
#ifndef PROXY_H
#define PROXY_H

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/pkt_cls.h>
#include <linux/tcp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <stdbool.h>
#include <stddef.h>

#define OWN4	bpf_htonl(0xcb007101)	/* 203.0.113.1 */
#define RELAY4	bpf_htonl(0x0a090002)	/* 10.9.0.2 */

#define IP6(a, b, c, d)							\
	{ .in6_u.u6_addr32 = { bpf_htonl(a), bpf_htonl(b), bpf_htonl(c),	\
			       bpf_htonl(d) } }
#define OWN6	((struct in6_addr)IP6(0x20010db8, 0x10000, 0, 1))
#define RELAY6	((struct in6_addr)IP6(0xfd000009, 0, 0, 2))

#define FRAGMENT	0x3fff	/* more fragments follow, or this is a later one */

#define SUM4	(ETH_HLEN + sizeof(struct iphdr) + offsetof(struct tcphdr, check))
#define SUM6	(ETH_HLEN + sizeof(struct ipv6hdr) + offsetof(struct tcphdr, check))

enum way { PASS, IN, OUT };

static __always_inline bool served(__be16 port)
{
	switch (bpf_ntohs(port)) {
	case 25:
	case 80:
	case 143:
	case 443:
	case 465:
	case 587:
	case 993:
		return true;
	}
	return false;
}

static __always_inline bool same(const struct in6_addr *a,
				 const struct in6_addr *b)
{
	const __u32 *x = a->in6_u.u6_addr32, *y = b->in6_u.u6_addr32;

	return x[0] == y[0] && x[1] == y[1] && x[2] == y[2] && x[3] == y[3];
}

/* The header of an IPv4 packet that has room for TCP's, or NULL. */
static __always_inline struct iphdr *header4(struct __sk_buff *skb)
{
	struct iphdr *ip = (void *)(long)skb->data + ETH_HLEN;

	if ((void *)(ip + 1) + sizeof(struct tcphdr) > (void *)(long)skb->data_end)
		return NULL;
	return ip;
}

static __always_inline struct ipv6hdr *header6(struct __sk_buff *skb)
{
	struct ipv6hdr *ip = (void *)(long)skb->data + ETH_HLEN;

	if ((void *)(ip + 1) + sizeof(struct tcphdr) > (void *)(long)skb->data_end)
		return NULL;
	return ip;
}

/* Not byte by byte, as for a struct ethhdr, which may be anywhere. */
static __always_inline void set_link(void *network, const __u16 *to,
				     const __u16 *from)
{
	__u16 *link = network - ETH_HLEN;

	for (int i = 0; i < 3; i++) {
		link[i] = to[i];
		link[3 + i] = from[i];
	}
}

static __always_inline enum way way4(const struct iphdr *ip)
{
	const struct tcphdr *tcp = (const void *)(ip + 1);

	if (ip->ihl != 5 || ip->version != 4 || ip->ttl <= 1 ||
	    ip->protocol != IPPROTO_TCP || ip->frag_off & bpf_htons(FRAGMENT))
		return PASS;
	if (ip->daddr == OWN4 && served(tcp->dest))
		return IN;
	if (ip->saddr == RELAY4 && served(tcp->source))
		return OUT;
	return PASS;
}

static __always_inline enum way way6(const struct ipv6hdr *ip)
{
	const struct tcphdr *tcp = (const void *)(ip + 1);

	if (ip->version != 6 || ip->hop_limit <= 1 || ip->nexthdr != IPPROTO_TCP)
		return PASS;
	if (same(&ip->daddr, &OWN6) && served(tcp->dest))
		return IN;
	if (same(&ip->saddr, &RELAY6) && served(tcp->source))
		return OUT;
	return PASS;
}

/* A checksum after words of its data have become others (RFC 1624). */
static __always_inline __sum16 adjusted(__sum16 check, const __u32 *old,
					const __u32 *new, int words)
{
	__u64 sum = 0;

	/* The compiler knows what they come to. */
	for (int i = 0; i < words; i++)
		sum += (__u64)(__u32)~old[i] + new[i];
	sum += (__u16)~check;
	sum = (sum >> 32) + (sum & 0xffffffff);
	sum = (sum >> 16) + (sum & 0xffff);
	sum = (sum >> 16) + (sum & 0xffff);
	sum = (sum >> 16) + (sum & 0xffff);
	return ~sum;
}

/* Time to live, and with it the header's checksum, which is 16 bits on. */
static __always_inline void one_hop(struct iphdr *ip)
{
	const __u32 old = bpf_htons(0x100), new = 0;

	ip->check = adjusted(ip->check, &old, &new, 1);
	ip->ttl--;
}

/* Each program's own: what becomes of a packet of a family. */
static __always_inline int proxy4(struct __sk_buff *skb);
static __always_inline int proxy6(struct __sk_buff *skb);

SEC("tc")
int proxy(struct __sk_buff *skb)
{
	if (skb->protocol == bpf_htons(ETH_P_IP))
		return proxy4(skb);
	if (skb->protocol == bpf_htons(ETH_P_IPV6))
		return proxy6(skb);
	return TC_ACT_OK;
}

char LICENSE[] SEC("license") = "GPL";

#endif /* PROXY_H */
