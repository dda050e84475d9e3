// SPDX-License-Identifier: GPL-2.0
#include <linux/inetdevice.h>
#include <linux/ip.h>
#include <net/arp.h>
#include <net/ip.h>

#include "shortcut.h"

#define CHATDNAT_PLAIN	(sizeof(struct iphdr) + sizeof(struct tcphdr))

/* The TCP header of a segment that may take the shortcut; NULL: it may not. */
static const struct tcphdr *chatdnat_ipv4_plain(struct sk_buff *skb)
{
	const struct iphdr *iph;
	const struct tcphdr *th;

	if (!pskb_may_pull(skb, CHATDNAT_PLAIN))
		return NULL;
	iph = (const struct iphdr *)skb->data;
	if (iph->version != 4 || iph->ihl != sizeof(*iph) / 4 ||
	    iph->protocol != IPPROTO_TCP || iph->ttl <= 1 ||
	    (iph->frag_off & htons(IP_MF | IP_OFFSET)))
		return NULL;
	th = (const struct tcphdr *)(iph + 1);
	/* Its options are looked at; the others' are not. */
	if (th->syn) {
		if (th->doff < sizeof(*th) / 4 ||
		    !pskb_may_pull(skb, sizeof(*iph) + th->doff * 4))
			return NULL;
		th = (const struct tcphdr *)(skb->data + sizeof(*iph));
	}
	return th;
}

/* Whether the header is sound; takes off what a link has padded it with. */
static bool chatdnat_ipv4_sound(struct sk_buff *skb, unsigned int th_len)
{
	const struct iphdr *iph = (const struct iphdr *)skb->data;
	unsigned int len = ntohs(iph->tot_len);

	if (len < sizeof(*iph) + th_len || ip_fast_csum(iph, sizeof(*iph) / 4))
		return false;
	return skb->len == len || (skb->len > len && !pskb_trim_rcsum(skb, len));
}

/* Not one that the stack lets nobody use, and no group. */
static bool chatdnat_ipv4_common(__be32 addr)
{
	return !ipv4_is_zeronet(addr) && !ipv4_is_loopback(addr) &&
	       !ipv4_is_linklocal_169(addr) && !ipv4_is_multicast(addr) &&
	       !ipv4_is_lbcast(addr);
}

static struct chatdnat_addr chatdnat_ipv4_key(__be32 addr, u8 tos)
{
	return (struct chatdnat_addr){
		.word = { addr, 0, 0, (__force __be32)(tos & ~INET_ECN_MASK) },
	};
}

/* Both ways of a segment of the client @addr, if they are good. */
static bool chatdnat_ipv4_ways(struct chatdnat_leg *leg,
			       const struct chatdnat_settings *settings,
			       const struct chatdnat_bindings *bindings,
			       __be32 addr, u8 tos)
{
	struct chatdnat_addr relay, client;

	relay = chatdnat_ipv4_key(leg->binding->relay.word[0], tos);
	client = chatdnat_ipv4_key(addr, tos);
	return chatdnat_leg_ways(leg, settings, bindings, CHATDNAT_IPV4, &relay,
				 &client, chatdnat_hop_learn_ipv4);
}

/* The neighbour that a segment goes to; false where only the stack can tell. */
static bool chatdnat_ipv4_neigh(const struct chatdnat_hop *hop,
				struct neighbour **neigh)
{
	*neigh = NULL;
	if (!hop->dev->header_ops)
		return true;
	*neigh = __ipv4_neigh_lookup_noref(hop->dev,
					   (__force u32)hop->next.word[0]);
	return *neigh && (READ_ONCE((*neigh)->nud_state) & NUD_VALID);
}

/*
 * Rewrites a segment: the sums, its life, and what it announces. The address
 * is the caller's, who gets the header.
 */
static struct iphdr *
chatdnat_ipv4_rewrite(struct sk_buff *skb, const struct chatdnat_leg *leg,
		      const struct chatdnat_settings *settings, __wsum diff)
{
	struct iphdr *iph = (struct iphdr *)skb->data;
	struct tcphdr *th = (struct tcphdr *)(iph + 1);

	chatdnat_leg_check(skb, &th->check, diff);
	if (leg->announces)
		chatdnat_leg_clamp(skb, th, leg, settings, CHATDNAT_IPV4,
				   CHATDNAT_PLAIN);
	csum_replace_by_diff(&iph->check, diff);
	ip_decrease_ttl(iph);
	if (READ_ONCE(init_net.ipv4.sysctl_ip_fwd_update_priority))
		skb->priority = rt_tos2priority(iph->tos);
	memset(IPCB(skb), 0, sizeof(*IPCB(skb)));
	IPCB(skb)->iif = skb->skb_iif;
	IPCB(skb)->flags = IPSKB_FORWARDED;
	skb_set_transport_header(skb, sizeof(*iph));
	return iph;
}

/**
 * chatdnat_shortcut_enter_ipv4() - pass a plain segment on to its relay
 * @skb: a packet that has just arrived by a WAN interface
 * @settings: the settings
 * @bindings: what is translated without state
 *
 * Context: Softirq, RCU read lock held.
 * Return: NF_STOLEN, or NF_ACCEPT with the packet as it came.
 */
unsigned int
chatdnat_shortcut_enter_ipv4(struct sk_buff *skb,
			     const struct chatdnat_settings *settings,
			     const struct chatdnat_bindings *bindings)
{
	struct in_device *in_dev;
	struct chatdnat_addr own;
	struct dst_entry *dst = NULL;
	struct chatdnat_leg leg;
	struct neighbour *neigh;
	const struct tcphdr *th;
	struct iphdr *iph;

	th = chatdnat_ipv4_plain(skb);
	if (!th || !test_bit(ntohs(th->dest), bindings->ports))
		return NF_ACCEPT;
	iph = (struct iphdr *)skb->data;
	own = (struct chatdnat_addr){ .word = { iph->daddr } };
	leg.binding = chatdnat_bindings_by_own(bindings, CHATDNAT_IPV4, &own);
	if (!leg.binding)
		return NF_ACCEPT;
	chatdnat_leg_flags(&leg, th);
	if (leg.opens && !settings->enabled)
		return NF_ACCEPT;

	/* A source that has no way back, or is this host's, is not plain. */
	in_dev = __in_dev_get_rcu(skb->dev);
	if (!in_dev || !IN_DEV_FORWARD(in_dev) || chatdnat_leg_policies(skb) ||
	    !chatdnat_ipv4_common(iph->saddr) ||
	    !chatdnat_ipv4_ways(&leg, settings, bindings, iph->saddr, iph->tos) ||
	    (IN_DEV_RPFILTER(in_dev) == 1 && leg.client->dev != skb->dev) ||
	    !chatdnat_leg_fits(skb, leg.relay) || !chatdnat_ipv4_sound(skb, leg.len) ||
	    !chatdnat_ipv4_neigh(leg.relay, &neigh) ||
	    skb_cow(skb, LL_RESERVED_SPACE(leg.relay->dev)))
		return NF_ACCEPT;

	if (chatdnat_leg_keeps_dst(leg.relay->dev)) {
		dst = chatdnat_binding_route(leg.binding, CHATDNAT_IPV4);
		if (!dst || dst->dev != leg.relay->dev)
			return NF_ACCEPT;
	}

	if (leg.opens) {
		chatdnat_count(CHATDNAT_IPV4, CHATDNAT_SEEN);
		chatdnat_count(CHATDNAT_IPV4, CHATDNAT_TRANSLATED);
		chatdnat_count(CHATDNAT_IPV4, CHATDNAT_SENT);
	}
	iph = chatdnat_ipv4_rewrite(skb, &leg, settings, leg.binding->diff);
	iph->daddr = leg.binding->relay.word[0];
	return chatdnat_leg_send(skb, leg.relay->dev, neigh, dst);
}

/**
 * chatdnat_shortcut_leave_ipv4() - pass a relay's plain segment to a client
 * @skb: a packet that has just arrived by another interface
 * @settings: the settings
 * @bindings: what is translated without state
 *
 * Context: Softirq, RCU read lock held.
 * Return: NF_STOLEN, or NF_ACCEPT with the packet as it came.
 */
unsigned int
chatdnat_shortcut_leave_ipv4(struct sk_buff *skb,
			     const struct chatdnat_settings *settings,
			     const struct chatdnat_bindings *bindings)
{
	struct in_device *in_dev;
	struct chatdnat_addr relay;
	struct chatdnat_leg leg;
	struct neighbour *neigh;
	const struct tcphdr *th;
	struct iphdr *iph;

	th = chatdnat_ipv4_plain(skb);
	if (!th || !test_bit(ntohs(th->source), bindings->ports))
		return NF_ACCEPT;
	iph = (struct iphdr *)skb->data;
	relay = (struct chatdnat_addr){ .word = { iph->saddr } };
	leg.binding = chatdnat_bindings_by_relay(bindings, CHATDNAT_IPV4,
						 &relay);
	if (!leg.binding)
		return NF_ACCEPT;
	chatdnat_leg_flags(&leg, th);
	/* What the relay opens itself is for connection tracking. */
	if (leg.opens)
		return NF_ACCEPT;

	/* It comes from where the way to the relay leads: no spoof. */
	in_dev = __in_dev_get_rcu(skb->dev);
	if (!in_dev || !IN_DEV_FORWARD(in_dev) || chatdnat_leg_policies(skb) ||
	    !chatdnat_ipv4_common(iph->daddr) ||
	    !chatdnat_ipv4_ways(&leg, settings, bindings, iph->daddr, iph->tos) ||
	    leg.relay->dev != skb->dev || !leg.client->wan ||
	    chatdnat_leg_keeps_dst(leg.client->dev) ||
	    !chatdnat_leg_fits(skb, leg.client) || !chatdnat_ipv4_sound(skb, leg.len) ||
	    !chatdnat_ipv4_neigh(leg.client, &neigh) ||
	    skb_cow(skb, LL_RESERVED_SPACE(leg.client->dev)))
		return NF_ACCEPT;

	if (leg.answers)
		chatdnat_count(CHATDNAT_IPV4, CHATDNAT_ANSWERED);
	iph = chatdnat_ipv4_rewrite(skb, &leg, settings, ~leg.binding->diff);
	iph->saddr = leg.binding->own.word[0];
	return chatdnat_leg_send(skb, leg.client->dev, neigh, NULL);
}
