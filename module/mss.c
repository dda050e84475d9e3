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
#include <net/ip.h>
#include <net/netfilter/nf_conntrack.h>

#include "config.h"
#include "ct.h"
#include "homing.h"
#include "host.h"
#include "mss.h"
#include "packet.h"
#include "stateless.h"
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

/*
 * What fits both ways; 0 when that cannot be told. @home: a way back that is
 * not the routing table's alone to choose; NULL: there is none.
 */
static u16 chatdnat_mss_of_path(const struct sk_buff *skb,
				const struct chatdnat_flow *flow,
				struct dst_entry *home)
{
	unsigned int headers = chatdnat_mss_headers[flow->family];
	unsigned int mtu = dst_mtu(skb_dst(skb));

	/* Where it is from: sources are translated behind routing only. */
	mtu = chatdnat_mss_narrower(mtu, chatdnat_host_route(flow->family, NULL,
							     &flow->saddr, 0,
							     skb->mark));
	mtu = chatdnat_mss_narrower(mtu, home);
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

/**
 * chatdnat_mss_clamp_all() - clamp what a segment announces, wherever it does
 * @skb: the packet
 * @th: its TCP header, writable with all options
 * @max: bytes
 *
 * Context: Any; on the packet path.
 * Return: Whether anything was clamped; a malformed list is left alone.
 */
bool chatdnat_mss_clamp_all(struct sk_buff *skb, struct tcphdr *th, u16 max)
{
	size_t len = th->doff * 4 - sizeof(*th), at;
	u8 *options = (u8 *)(th + 1);
	bool clamped = false;

	at = chatdnat_tcpopt_mss_above(options, len, 0, max);
	while (at < len) {
		chatdnat_mss_put(skb, th, options + at,
				 chatdnat_tcpopt_mss(options + at), max);
		clamped = true;
		at = chatdnat_tcpopt_mss_above(options, len,
					       at + sizeof(__be16), max);
	}
	return clamped;
}

/* Where the TCP header of a SYN begins that has options; 0: it is no such. */
static int chatdnat_mss_options(const struct sk_buff *skb,
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

/* What both ways allow a tracked connection to announce; 0: anything. */
static u16 chatdnat_mss_tracked(const struct sk_buff *skb,
				const struct nf_hook_state *state,
				const struct nf_conn *ct,
				enum ip_conntrack_dir dir)
{
	const struct chatdnat_settings *settings;
	struct dst_entry *home = NULL;
	struct chatdnat_flow flow;

	settings = chatdnat_mss_settings(ct, dir, skb, state);
	if (!settings || settings->mss != CHATDNAT_MSS_AUTO)
		return settings ? settings->mss : 0;

	if (!chatdnat_flow_of(nf_ct_tuple(ct, dir), &flow))
		return 0;
	/* With one way out the reply's has been asked for already. */
	if (dir == IP_CT_DIR_ORIGINAL && chatdnat_settings_multihomed(settings))
		home = chatdnat_homing_route(flow.family, ct,
					     chatdnat_host_entered(skb, state),
					     skb->mark);
	return chatdnat_mss_of_path(skb, &flow, home);
}

/* The same of one without state. */
static u16 chatdnat_mss_stateless(const struct sk_buff *skb,
				  const struct nf_hook_state *state)
{
	const struct chatdnat_settings *settings;
	const struct chatdnat_binding *binding;
	struct dst_entry *home = NULL;
	struct chatdnat_parcel parcel;
	enum chatdnat_way way;

	way = chatdnat_stateless_way(skb, state, &parcel, &settings, &binding);
	if (way == CHATDNAT_WAY_NONE)
		return 0;
	if (settings->mss != CHATDNAT_MSS_AUTO)
		return settings->mss;

	if (way == CHATDNAT_WAY_TO_RELAY && binding->home &&
	    chatdnat_settings_multihomed(settings))
		home = chatdnat_host_route(parcel.flow.family, &binding->own,
					   &parcel.flow.saddr, binding->home,
					   skb->mark);
	return chatdnat_mss_of_path(skb, &parcel.flow, home);
}

static noinline unsigned int chatdnat_mss_syn(struct sk_buff *skb,
					      const struct nf_hook_state *state,
					      const struct nf_conn *ct,
					      enum ip_conntrack_info ctinfo)
{
	enum chatdnat_family family = chatdnat_family_of(state->pf);
	size_t len;
	int offset;
	u16 max;

	offset = chatdnat_mss_options(skb, family, &len);
	if (!offset)
		return NF_ACCEPT;

	max = ct ? chatdnat_mss_tracked(skb, state, ct, CTINFO2DIR(ctinfo))
		 : chatdnat_mss_stateless(skb, state);
	if (!max || skb_ensure_writable(skb, offset + len))
		return NF_ACCEPT;
	if (chatdnat_mss_clamp(skb, (struct tcphdr *)(skb->data + offset), max))
		chatdnat_count(family, CHATDNAT_CLAMPED);
	return NF_ACCEPT;
}

/* Whether a segment is no SYN, where that is seen at once. */
static bool chatdnat_mss_is_plain(const struct sk_buff *skb, u8 pf)
{
	unsigned int offset = skb_network_offset(skb);
	const struct tcphdr *th;

	if (pf == NFPROTO_IPV4)
		offset += ip_hdrlen(skb);
	else if (ipv6_hdr(skb)->nexthdr == IPPROTO_TCP)
		offset += sizeof(struct ipv6hdr);
	else
		return false;
	if (offset + sizeof(*th) > skb_headlen(skb))
		return false;
	th = (const struct tcphdr *)(skb->data + offset);
	return !th->syn;
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
	enum ip_conntrack_info ctinfo;
	const struct nf_conn *ct;

	ct = nf_ct_get(skb, &ctinfo);
	if (ct ? nf_ct_protonum(ct) != IPPROTO_TCP : ctinfo != IP_CT_UNTRACKED)
		return NF_ACCEPT;
	if (chatdnat_mss_is_plain(skb, state->pf))
		return NF_ACCEPT;
	return chatdnat_mss_syn(skb, state, ct, ctinfo);
}
