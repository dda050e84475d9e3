/* SPDX-License-Identifier: GPL-2.0 */
/* Packets as the kernel has them, with bounds that AddressSanitizer knows. */
#ifndef FUZZ_PACKET_STANDINS_H
#define FUZZ_PACKET_STANDINS_H

#include <linux/if.h>
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_conntrack_tuple_common.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <sys/socket.h>


#define IP_MF 0x2000
#define IP_OFFSET 0x1fff
#define IP6_OFFSET 0xfff8

enum { CHECKSUM_NONE, CHECKSUM_UNNECESSARY, CHECKSUM_COMPLETE, CHECKSUM_PARTIAL };

struct nf_conn;
struct dst_entry;

/**
 * struct sk_buff - a packet, IP header first
 * @data: the linear part, an allocation of its own of exactly that length
 * @len: length of all
 * @data_len: length of what is not linear
 * @frag: what is not linear, an allocation too
 * @ip_summed: CHECKSUM_...
 * @csum: with CHECKSUM_COMPLETE, the sum of all
 * @mark: the operator's
 * @nfct: its connection, or NULL
 * @ctinfo: what it is to that
 * @dst: its route
 * @stingy: no memory to make it writable
 */
struct sk_buff {
	unsigned char *data;
	unsigned int len;
	unsigned int data_len;
	unsigned char *frag;
	u8 ip_summed;
	__wsum csum;
	u32 mark;
	struct nf_conn *nfct;
	u8 ctinfo;
	struct dst_entry *dst;
	bool stingy;
};

static inline unsigned int skb_headlen(const struct sk_buff *skb)
{
	return skb->len - skb->data_len;
}

static inline int skb_network_offset(const struct sk_buff *skb)
{
	return 0;
}

static inline unsigned char *skb_network_header(const struct sk_buff *skb)
{
	return skb->data;
}

static inline struct iphdr *ip_hdr(const struct sk_buff *skb)
{
	return (struct iphdr *)skb->data;
}

static inline struct ipv6hdr *ipv6_hdr(const struct sk_buff *skb)
{
	return (struct ipv6hdr *)skb->data;
}

static inline unsigned int ip_hdrlen(const struct sk_buff *skb)
{
	return ip_hdr(skb)->ihl * 4;
}

static inline bool ip_is_fragment(const struct iphdr *iph)
{
	return iph->frag_off & htons(IP_MF | IP_OFFSET);
}

static inline bool ipv6_addr_equal(const struct in6_addr *a, const struct in6_addr *b)
{
	return !memcmp(a, b, sizeof(*a));
}

void *skb_header_pointer(const struct sk_buff *skb, int offset, int len, void *buffer);
int skb_ensure_writable(struct sk_buff *skb, unsigned int len);
int ipv6_skip_exthdr(const struct sk_buff *skb, int offset, u8 *nexthdr, __be16 *fragment);

__wsum csum_add(__wsum a, __wsum b);
__wsum csum_partial(const void *data, int len, __wsum sum);
__sum16 csum_fold(__wsum sum);
__sum16 csum_ipv6_magic(const struct in6_addr *saddr, const struct in6_addr *daddr, u32 len, u8 proto,
			__wsum sum);
__wsum skb_checksum(const struct sk_buff *skb, int offset, int len, __wsum sum);
void csum_replace4(__sum16 *sum, __be32 from, __be32 to);
void inet_proto_csum_replace2(__sum16 *sum, struct sk_buff *skb, __be16 from, __be16 to, bool pseudo);
void inet_proto_csum_replace4(__sum16 *sum, struct sk_buff *skb, __be32 from, __be32 to, bool pseudo);
void inet_proto_csum_replace16(__sum16 *sum, struct sk_buff *skb, const __be32 *from, const __be32 *to,
			       bool pseudo);
__sum16 nf_checksum(struct sk_buff *skb, unsigned int hook, unsigned int offset, u8 protocol,
		    unsigned short family);

/* Connections, devices and routes, as far as they are looked at. */
#define IP_CT_UNTRACKED 7

struct nf_conntrack_tuple {
	struct {
		union nf_inet_addr u3;
		union nf_conntrack_man_proto u;
		u16 l3num;
	} src;
	struct {
		union nf_inet_addr u3;
		union nf_conntrack_man_proto u;
		u8 protonum;
	} dst;
};

enum tcp_conntrack { TCP_CONNTRACK_SYN_SENT = 1 };

struct nf_conn {
	unsigned long status;
	struct nf_conntrack_tuple tuple[IP_CT_DIR_MAX];
	union {
		struct {
			u8 state;
		} tcp;
	} proto;
};

static inline const struct nf_conntrack_tuple *nf_ct_tuple(const struct nf_conn *ct, enum ip_conntrack_dir dir)
{
	return &ct->tuple[dir];
}

static inline u8 nf_ct_protonum(const struct nf_conn *ct)
{
	return ct->tuple[IP_CT_DIR_ORIGINAL].dst.protonum;
}

static inline struct nf_conn *nf_ct_get(const struct sk_buff *skb, enum ip_conntrack_info *ctinfo)
{
	*ctinfo = (enum ip_conntrack_info)skb->ctinfo;
	return skb->nfct;
}

struct net_device {
	char name[16];
};

struct dst_entry {
	struct net_device *dev;
	unsigned int mtu;
};

#define dst_mtu(dst) ((dst)->mtu)
#define dst_release(dst) ((void)(dst))
#define skb_dst(skb) ((skb)->dst)

struct nf_hook_state {
	u8 hook;
	u8 pf;
	const struct net_device *in;
	const struct net_device *out;
};

#endif
