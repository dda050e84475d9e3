// SPDX-License-Identifier: GPL-2.0
/*
 * A stateless proxy in tc-BPF as one would write it to be used: the kernel's
 * routing table and neighbours, and checksums that are right for every kind of
 * packet, for which the kernel has helpers.
 */
#include "proxy.h"

#ifndef AF_INET
#define AF_INET 2
#define AF_INET6 10
#endif

/* Sends the packet, which is translated, to the next hop. */
static __always_inline int transmit(void *ip, struct bpf_fib_lookup *fib,
				    long found)
{
	struct bpf_redir_neigh next = { .nh_family = fib->family };

	if (found == BPF_FIB_LKUP_RET_SUCCESS) {
		set_link(ip, (__u16 *)fib->dmac, (__u16 *)fib->smac);
		return bpf_redirect(fib->ifindex, 0);
	}
	/* The kernel finds the neighbour, for the next packets too. */
	if (fib->family == AF_INET)
		next.ipv4_nh = fib->ipv4_dst;
	else
		__builtin_memcpy(next.ipv6_nh, fib->ipv6_dst, 16);
	return bpf_redirect_neigh(fib->ifindex, &next, sizeof(next), 0);
}

static __always_inline int proxy4(struct __sk_buff *skb)
{
	struct iphdr *ip = header4(skb);
	struct bpf_fib_lookup fib = { .family = AF_INET };
	__be32 old, new;
	enum way way;
	long found;

	if (!ip)
		return TC_ACT_OK;
	way = way4(ip);
	if (way == PASS)
		return TC_ACT_OK;
	old = way == IN ? OWN4 : RELAY4;
	new = way == IN ? RELAY4 : OWN4;

	fib.l4_protocol = IPPROTO_TCP;
	fib.tot_len = bpf_ntohs(ip->tot_len);
	fib.ifindex = skb->ingress_ifindex;
	fib.tos = ip->tos;
	fib.ipv4_src = way == IN ? ip->saddr : new;
	fib.ipv4_dst = way == IN ? new : ip->daddr;
	found = bpf_fib_lookup(skb, &fib, sizeof(fib), 0);
	if (found != BPF_FIB_LKUP_RET_SUCCESS &&
	    found != BPF_FIB_LKUP_RET_NO_NEIGH)
		return TC_ACT_OK;

	if (bpf_l4_csum_replace(skb, SUM4, old,
				new, BPF_F_PSEUDO_HDR | sizeof(new)))
		return TC_ACT_SHOT;
	ip = header4(skb);
	if (!ip)
		return TC_ACT_SHOT;
	ip->check = adjusted(ip->check, &old, &new, 1);
	if (way == IN)
		ip->daddr = new;
	else
		ip->saddr = new;
	one_hop(ip);
	return transmit(ip, &fib, found);
}

static __always_inline int proxy6(struct __sk_buff *skb)
{
	struct ipv6hdr *ip = header6(skb);
	struct bpf_fib_lookup fib = { .family = AF_INET6 };
	struct in6_addr old, new;
	enum way way;
	long found;
	__s64 diff;

	if (!ip)
		return TC_ACT_OK;
	way = way6(ip);
	if (way == PASS)
		return TC_ACT_OK;
	old = way == IN ? OWN6 : RELAY6;
	new = way == IN ? RELAY6 : OWN6;

	fib.l4_protocol = IPPROTO_TCP;
	fib.tot_len = bpf_ntohs(ip->payload_len) + sizeof(*ip);
	fib.ifindex = skb->ingress_ifindex;
	fib.flowinfo = *(__be32 *)ip & bpf_htonl(0x0fffffff);
	*(struct in6_addr *)fib.ipv6_src = way == IN ? ip->saddr : new;
	*(struct in6_addr *)fib.ipv6_dst = way == IN ? new : ip->daddr;
	found = bpf_fib_lookup(skb, &fib, sizeof(fib), 0);
	if (found != BPF_FIB_LKUP_RET_SUCCESS &&
	    found != BPF_FIB_LKUP_RET_NO_NEIGH)
		return TC_ACT_OK;

	diff = bpf_csum_diff(old.in6_u.u6_addr32, sizeof(old),
			     new.in6_u.u6_addr32, sizeof(new), 0);
	if (bpf_l4_csum_replace(skb, SUM6, 0,
				diff, BPF_F_PSEUDO_HDR))
		return TC_ACT_SHOT;
	ip = header6(skb);
	if (!ip)
		return TC_ACT_SHOT;
	if (way == IN)
		ip->daddr = new;
	else
		ip->saddr = new;
	ip->hop_limit--;
	return transmit(ip, &fib, found);
}
