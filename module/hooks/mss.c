// SPDX-License-Identifier: GPL-2.0
/*
 * Clamps the MSS of both endpoints to the smaller path MTU of both directions,
 * so that connections work where ICMP is filtered.
 */
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <net/dst.h>
#include <net/netfilter/nf_conntrack.h>

#include "../core/snapshot.h"
#include "../core/stats.h"
#include "../net/lookup.h"
#include "../net/nfct.h"
#include "../net/packet.h"
#include "../net/path_mtu.h"
#include "../net/tcp_mss.h"
#include "../stateless/stateless.h"
#include "mss.h"
#include "return_path.h"

/* RFC 6691: headers without options. */
static const unsigned int chatdnat_mss_headers[CHATDNAT_FAMILIES] = {
	[CHATDNAT_IPV4] = sizeof(struct iphdr) + sizeof(struct tcphdr),
	[CHATDNAT_IPV6] = sizeof(struct ipv6hdr) + sizeof(struct tcphdr),
};

/* The settings with the relay that opened an outbound connection, or NULL. */
static const struct chatdnat_settings *
chatdnat_mss_outbound(const struct nf_conn *ct, enum ip_conntrack_dir dir,
		      const struct sk_buff *skb,
		      const struct nf_hook_state *state)
{
	enum chatdnat_family family = chatdnat_family_of(state->pf);
	const struct chatdnat_snapshot *snapshot;
	const struct chatdnat_addr *saddr;
	const struct net_device *wan_dev;

	saddr = chatdnat_addr_of(&nf_ct_tuple(ct, IP_CT_DIR_ORIGINAL)->src.u3);
	wan_dev = dir == IP_CT_DIR_ORIGINAL ? state->out :
					      chatdnat_lookup_indev(skb, state);
	chatdnat_for_each_snapshot(snapshot) {
		const struct chatdnat_settings *settings = &snapshot->settings;

		if (chatdnat_relays_has(&settings->service.relays[family],
					saddr) &&
		    chatdnat_ifset_has(&settings->wan, wan_dev->name))
			return settings;
	}
	return NULL;
}

/*
 * MSS for the path MTU of both directions; 0 if unknown. @return_dst: the route
 * to the client by the WAN interface of its connection, or NULL; the reference
 * is consumed. The MTU of the
 * routing table's choice counts too, so that both endpoints get the same MSS.
 */
static u16 chatdnat_mss_of_path(const struct sk_buff *skb,
				const struct chatdnat_flow_addrs *addrs,
				struct dst_entry *return_dst)
{
	unsigned int headers = chatdnat_mss_headers[addrs->family];
	unsigned int mtu = chatdnat_path_mtu_reverse(addrs, skb->mark);

	mtu = min(mtu, chatdnat_path_mtu_forward(skb, addrs));
	if (return_dst)
		mtu = min(mtu, dst_mtu(return_dst));
	dst_release(return_dst);
	return mtu > headers ? min(mtu - headers, (unsigned int)U16_MAX) : 0;
}

/* Offset of the TCP header of a SYN with options; 0 for other packets. */
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

/* MSS limit of a tracked connection; 0: none. */
static u16 chatdnat_mss_tracked(const struct sk_buff *skb,
				const struct nf_hook_state *state,
				const struct nf_conn *ct,
				enum ip_conntrack_dir dir,
				const struct chatdnat_settings *settings)
{
	const struct nf_conntrack_tuple *tuple = nf_ct_tuple(ct, dir);
	const struct nf_conntrack_tuple *reply = nf_ct_tuple(ct, !dir);
	const struct chatdnat_flow_addrs addrs = {
		.family = chatdnat_family_of(state->pf),
		.saddr = chatdnat_addr_of(&tuple->src.u3),
		.daddr = chatdnat_addr_of(&reply->src.u3),
		.sport = tuple->src.u.tcp.port,
		.dport = reply->src.u.tcp.port,
	};
	const struct net_device *wan_dev = state->out;
	struct dst_entry *return_dst = NULL;

	if (!settings)
		settings = chatdnat_mss_outbound(ct, dir, skb, state);
	if (!settings || settings->mss != CHATDNAT_MSS_AUTO)
		return settings ? settings->mss : 0;

	if (chatdnat_settings_multihomed(settings)) {
		if (dir == IP_CT_DIR_ORIGINAL)
			wan_dev = chatdnat_lookup_indev(skb, state);
		return_dst = chatdnat_return_path_route(addrs.family, ct,
							wan_dev, skb->mark);
	}
	return chatdnat_mss_of_path(skb, &addrs, return_dst);
}

/* MSS limit of a connection without state; 0: none. */
static noinline u16 chatdnat_mss_stateless(const struct sk_buff *skb,
					   const struct nf_hook_state *state)
{
	const struct chatdnat_settings *settings;
	const struct chatdnat_binding *binding;
	const struct chatdnat_addr *client;
	struct dst_entry *return_dst = NULL;
	struct chatdnat_parsed parsed;
	struct chatdnat_flow_addrs addrs;
	enum chatdnat_direction dir;

	dir = chatdnat_stateless_direction(skb, state, &parsed, &settings,
					   &binding);
	if (dir == CHATDNAT_DIR_NONE)
		return 0;
	if (settings->mss != CHATDNAT_MSS_AUTO)
		return settings->mss;

	if (binding->ifindex && chatdnat_settings_multihomed(settings) &&
	    (dir == CHATDNAT_DIR_TO_RELAY ||
	     chatdnat_ifset_has(&settings->wan, state->out->name))) {
		client = dir == CHATDNAT_DIR_TO_RELAY ? &parsed.flow.saddr :
							&parsed.flow.daddr;
		return_dst = chatdnat_lookup_route(parsed.flow.family,
						   &binding->local, client,
						   binding->ifindex, skb->mark);
	}

	addrs.family = parsed.flow.family;
	addrs.saddr = &parsed.flow.saddr;
	addrs.daddr = &parsed.flow.daddr;
	addrs.sport = htons(parsed.flow.sport);
	addrs.dport = htons(parsed.flow.dport);
	return chatdnat_mss_of_path(skb, &addrs, return_dst);
}

/**
 * chatdnat_mss() - clamp the MSS of a connection
 * @skb: the packet, routed, after DNAT and before SNAT
 * @state: the state of a FORWARD hook
 * @settings: the settings that translated its connection; NULL for connections
 *	      not forwarded (DNAT), and for those without state
 *
 * Malformed segments are not changed.
 *
 * Context: Softirq, RCU read lock held.
 */
void chatdnat_mss(struct sk_buff *skb, const struct nf_hook_state *state,
		  const struct chatdnat_settings *settings)
{
	enum chatdnat_family family = chatdnat_family_of(state->pf);
	enum ip_conntrack_info ctinfo;
	const struct nf_conn *ct;
	const struct tcphdr *th;
	size_t len;
	int offset;
	u16 max;

	ct = nf_ct_get(skb, &ctinfo);
	if (ct ? nf_ct_protonum(ct) != IPPROTO_TCP : ctinfo != IP_CT_UNTRACKED)
		return;
	offset = chatdnat_mss_options(skb, family, &len);
	if (!offset)
		return;

	max = ct ? chatdnat_mss_tracked(skb, state, ct, CTINFO2DIR(ctinfo),
					settings) :
		   chatdnat_mss_stateless(skb, state);
	th = (const struct tcphdr *)(skb->data + offset);
	if (!max ||
	    (offset + len <= skb_headlen(skb) &&
	     chatdnat_tcp_mss_fits(th, max)) ||
	    skb_ensure_writable(skb, offset + len))
		return;
	if (chatdnat_tcp_mss_clamp_all(skb,
				       (struct tcphdr *)(skb->data + offset),
				       max))
		chatdnat_count(family, CHATDNAT_CLAMPED);
}
