// SPDX-License-Identifier: GPL-2.0
/*
 * The least that a stateless proxy in tc-BPF does: two devices and two next
 * hops that never change, and sums of its own, which are wrong for a packet
 * whose checksum a device is still to complete (CHECKSUM_PARTIAL).
 */
#include "proxy.h"

/* The guest's devices, in the order in which they are made. */
#define WAN	2
#define TUNNEL	3

static __always_inline int transmit(void *ip, enum way way)
{
	const __u16 from[] = { bpf_htons(0x200), 0, bpf_htons(1) };
	const __u16 to[] = { bpf_htons(0x200), 0, bpf_htons(2) };

	set_link(ip, to, from);
	return bpf_redirect(way == IN ? TUNNEL : WAN, 0);
}

static __always_inline int proxy4(struct __sk_buff *skb)
{
	const __be32 own = OWN4, relay = RELAY4;
	struct iphdr *ip = header4(skb);
	struct tcphdr *tcp;
	enum way way;

	if (!ip)
		return TC_ACT_OK;
	tcp = (void *)(ip + 1);
	way = way4(ip);
	if (way == PASS)
		return TC_ACT_OK;
	if (way == IN) {
		ip->check = adjusted(ip->check, &own, &relay, 1);
		tcp->check = adjusted(tcp->check, &own, &relay, 1);
		ip->daddr = relay;
	} else {
		ip->check = adjusted(ip->check, &relay, &own, 1);
		tcp->check = adjusted(tcp->check, &relay, &own, 1);
		ip->saddr = own;
	}
	one_hop(ip);
	return transmit(ip, way);
}

static __always_inline __sum16 adjusted6(__sum16 check, struct in6_addr old,
					 struct in6_addr new)
{
	return adjusted(check, old.in6_u.u6_addr32, new.in6_u.u6_addr32, 4);
}

static __always_inline int proxy6(struct __sk_buff *skb)
{
	struct ipv6hdr *ip = header6(skb);
	struct tcphdr *tcp;
	enum way way;

	if (!ip)
		return TC_ACT_OK;
	tcp = (void *)(ip + 1);
	way = way6(ip);
	if (way == PASS)
		return TC_ACT_OK;
	if (way == IN) {
		tcp->check = adjusted6(tcp->check, OWN6, RELAY6);
		ip->daddr = RELAY6;
	} else {
		tcp->check = adjusted6(tcp->check, RELAY6, OWN6);
		ip->saddr = OWN6;
	}
	ip->hop_limit--;
	return transmit(ip, way);
}
