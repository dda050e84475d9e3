// SPDX-License-Identifier: GPL-2.0
/*
 * Clamps the maximum segment size that both ends of a connection announce to
 * what fits the narrower way, so that mail passes where ICMP does not.
 */
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/swab.h>
#include <linux/tcp.h>
#include <net/dst.h>
#include <net/netfilter/nf_conntrack.h>

#include "config.h"
#include "ct.h"
#include "homing.h"
#include "host.h"
#include "mss.h"
#include "packet.h"
#include "stats.h"
#include "tcpopt.h"

/* RFC 6691: the headers without options. */
static const unsigned int chatdnat_mss_headers[CHATDNAT_FAMILIES] = {
	[CHATDNAT_IPV4] = sizeof(struct iphdr) + sizeof(struct tcphdr),
	[CHATDNAT_IPV6] = sizeof(struct ipv6hdr) + sizeof(struct tcphdr),
};

/* Whether a connection is one that the relay opened to the world. */
static bool chatdnat_mss_outbound(const struct chatdnat_settings *settings,
				  const struct nf_conn *ct,
				  enum ip_conntrack_dir dir,
				  const struct sk_buff *skb,
				  const struct nf_hook_state *state)
{
	const struct nf_conntrack_tuple *tuple;
	const struct net_device *far;

	tuple = nf_ct_tuple(ct, IP_CT_DIR_ORIGINAL);
	far = dir == IP_CT_DIR_ORIGINAL ? state->out
					: chatdnat_host_entered(skb, state);
	return chatdnat_relays_has(&settings->service.relays[chatdnat_family_of(state->pf)],
				   chatdnat_addr_of(&tuple->src.u3)) &&
	       chatdnat_ifset_has(&settings->wan, far->name);
}

/* The settings under which a connection is ours; NULL when it is not. */
static const struct chatdnat_settings *
chatdnat_mss_settings(const struct nf_conn *ct, enum ip_conntrack_dir dir,
		      const struct sk_buff *skb,
		      const struct nf_hook_state *state)
{
	const struct chatdnat_snapshot *snapshot;

	chatdnat_for_each_snapshot(snapshot)
		if (chatdnat_ct_serves(&snapshot->settings.service, ct) ||
		    chatdnat_mss_outbound(&snapshot->settings, ct, dir, skb,
					  state))
			return &snapshot->settings;
	return NULL;
}

static unsigned int chatdnat_mss_narrower(unsigned int mtu,
					  struct dst_entry *dst)
{
	if (dst) {
		mtu = min(mtu, dst_mtu(dst));
		dst_release(dst);
	}
	return mtu;
}

/* What fits both ways; 0 when that cannot be told. */
static u16 chatdnat_mss_of_path(const struct sk_buff *skb,
				const struct nf_hook_state *state,
				const struct nf_conn *ct,
				enum ip_conntrack_dir dir)
{
	enum chatdnat_family family = chatdnat_family_of(state->pf);
	unsigned int headers = chatdnat_mss_headers[family];
	unsigned int mtu = dst_mtu(skb_dst(skb));
	const struct chatdnat_addr *back;
	const struct net_device *in;

	/* Where it is from: sources are translated behind routing only. */
	back = chatdnat_addr_of(&nf_ct_tuple(ct, dir)->src.u3);
	mtu = chatdnat_mss_narrower(mtu, chatdnat_host_route(family, NULL,
							     back, 0,
							     skb->mark));
	if (dir == IP_CT_DIR_ORIGINAL) {
		in = chatdnat_host_entered(skb, state);
		mtu = chatdnat_mss_narrower(mtu,
					    chatdnat_homing_route(family, ct, in,
								  skb->mark));
	}
	return mtu > headers ? min(mtu - headers, (unsigned int)U16_MAX) : 0;
}

/* The sum covers 16-bit words, in which a value at an odd offset is turned. */
static void chatdnat_mss_put(struct sk_buff *skb, struct tcphdr *th, u8 *value,
			     u16 old, u16 new)
{
	__be16 from = htons(old), to = htons(new);

	if ((value - (u8 *)th) & 1) {
		from = (__force __be16)swab16((__force u16)from);
		to = (__force __be16)swab16((__force u16)to);
	}
	value[0] = new >> 8;
	value[1] = new & 0xff;
	inet_proto_csum_replace2(&th->check, skb, from, to, false);
}

static bool chatdnat_mss_clamp(struct sk_buff *skb, struct tcphdr *th, u16 max)
{
	size_t len = th->doff * 4 - sizeof(*th), at = 0;
	u8 *options = (u8 *)(th + 1);
	bool clamped = false;
	u16 mss;

	if (!chatdnat_tcpopt_valid(options, len))
		return false;

	for (;;) {
		at = chatdnat_tcpopt_next_mss(options, len, at);
		if (at == len)
			return clamped;

		mss = options[at + 2] << 8 | options[at + 3];
		if (mss > max) {
			chatdnat_mss_put(skb, th, options + at + 2, mss, max);
			clamped = true;
		}
		at += options[at + 1];
	}
}

/* Where the TCP header of a SYN begins that has options; 0: it is no such. */
static int chatdnat_mss_syn(const struct sk_buff *skb,
			    enum chatdnat_family family, size_t *len)
{
	const struct tcphdr *th;
	struct tcphdr buf;
	u8 protocol;
	int offset;

	offset = chatdnat_packet_transport(skb, family, &protocol);
	if (offset < 0 || protocol != IPPROTO_TCP)
		return 0;
	th = skb_header_pointer(skb, offset, sizeof(buf), &buf);
	if (!th || !th->syn)
		return 0;

	*len = th->doff * 4;
	return *len > sizeof(*th) && offset + *len <= skb->len ? offset : 0;
}

/**
 * chatdnat_mss() - hook: clamp what a connection's ends announce
 * @priv: unused
 * @skb: the packet
 * @state: the hook's
 *
 * Conntrack's state does not tell whether a packet is a SYN: one that is sent
 * in the middle, by an end that has forgotten, leaves the state as it is.
 *
 * Context: Softirq, RCU read lock held.
 * Return: NF_ACCEPT; what is malformed is not ours to judge.
 */
unsigned int chatdnat_mss(void *priv, struct sk_buff *skb,
			  const struct nf_hook_state *state)
{
	enum chatdnat_family family = chatdnat_family_of(state->pf);
	const struct chatdnat_settings *settings;
	enum ip_conntrack_info ctinfo;
	enum ip_conntrack_dir dir;
	struct nf_conn *ct;
	size_t len;
	int offset;
	u16 max;

	ct = nf_ct_get(skb, &ctinfo);
	if (!ct || nf_ct_protonum(ct) != IPPROTO_TCP)
		return NF_ACCEPT;

	/* Nearly all go no further. */
	offset = chatdnat_mss_syn(skb, family, &len);
	if (!offset)
		return NF_ACCEPT;

	dir = CTINFO2DIR(ctinfo);
	settings = chatdnat_mss_settings(ct, dir, skb, state);
	if (!settings || settings->mss == CHATDNAT_MSS_OFF)
		return NF_ACCEPT;

	max = settings->mss;
	if (max == CHATDNAT_MSS_AUTO)
		max = chatdnat_mss_of_path(skb, state, ct, dir);
	if (!max || skb_ensure_writable(skb, offset + len))
		return NF_ACCEPT;

	if (chatdnat_mss_clamp(skb, (struct tcphdr *)(skb->data + offset), max))
		chatdnat_count(family, CHATDNAT_CLAMPED);
	return NF_ACCEPT;
}
