// SPDX-License-Identifier: GPL-2.0
#include <linux/ipv6.h>
#include <net/addrconf.h>
#include <net/ipv6.h>
#include <net/ndisc.h>

#include "shortcut.h"

#define CHATDNAT_PLAIN	(sizeof(struct ipv6hdr) + sizeof(struct tcphdr))

/* The TCP header of a segment that may take the shortcut; NULL: it may not. */
static const struct tcphdr *chatdnat_ipv6_plain(struct sk_buff *skb)
{
	const struct ipv6hdr *ip6h;
	const struct tcphdr *th;

	if (!pskb_may_pull(skb, CHATDNAT_PLAIN))
		return NULL;
	ip6h = (const struct ipv6hdr *)skb->data;
	if (ip6h->version != 6 || ip6h->nexthdr != IPPROTO_TCP ||
	    ip6h->hop_limit <= 1)
		return NULL;
	th = (const struct tcphdr *)(ip6h + 1);
	/* Its options are looked at; the others' are not. */
	if (th->syn) {
		if (th->doff < sizeof(*th) / 4 ||
		    !pskb_may_pull(skb, sizeof(*ip6h) + th->doff * 4))
			return NULL;
		th = (const struct tcphdr *)(skb->data + sizeof(*ip6h));
	}
	return th;
}

/* Whether the header is sound; takes off what a link has padded it with. */
static bool chatdnat_ipv6_sound(struct sk_buff *skb, unsigned int th_len)
{
	const struct ipv6hdr *ip6h = (const struct ipv6hdr *)skb->data;
	unsigned int len = ntohs(ip6h->payload_len) + sizeof(*ip6h);

	if (len < sizeof(*ip6h) + th_len)
		return false;
	return skb->len == len || (skb->len > len && !pskb_trim_rcsum(skb, len));
}

/* Global unicast, 2000::/3, or unique local, fc00::/7. */
static bool chatdnat_ipv6_common(const struct in6_addr *addr)
{
	return (addr->s6_addr[0] & 0xe0) == 0x20 ||
	       (addr->s6_addr[0] & 0xfe) == 0xfc;
}

static bool chatdnat_ipv6_forwards(const struct sk_buff *skb)
{
	const struct inet6_dev *idev = __in6_dev_get(skb->dev);

	return idev && !READ_ONCE(idev->cnf.disable_ipv6) &&
	       READ_ONCE(init_net.ipv6.devconf_all->forwarding) &&
	       !chatdnat_leg_policies(skb);
}

/* Both ways of a segment of the client @addr, if they are good. */
static bool chatdnat_ipv6_ways(struct chatdnat_leg *leg,
			       const struct chatdnat_settings *settings,
			       const struct chatdnat_bindings *bindings,
			       const struct in6_addr *addr)
{
	return chatdnat_leg_ways(leg, settings, bindings, CHATDNAT_IPV6,
				 &leg->binding->relay,
				 (const struct chatdnat_addr *)addr,
				 chatdnat_hop_learn_ipv6);
}

/* The neighbour that a segment goes to; false where only the stack can tell. */
static bool chatdnat_ipv6_neigh(const struct chatdnat_hop *hop,
				struct neighbour **neigh)
{
	*neigh = NULL;
	if (!hop->dev->header_ops)
		return true;
	*neigh = __ipv6_neigh_lookup_noref_stub(hop->dev, hop->next.word);
	return *neigh && (READ_ONCE((*neigh)->nud_state) & NUD_VALID);
}

/*
 * Rewrites a segment: the sum, its life, and what it announces. The address is
 * the caller's, who gets the header.
 */
static struct ipv6hdr *
chatdnat_ipv6_rewrite(struct sk_buff *skb, const struct chatdnat_leg *leg,
		      const struct chatdnat_settings *settings, __wsum diff)
{
	struct ipv6hdr *ip6h = (struct ipv6hdr *)skb->data;
	struct tcphdr *th = (struct tcphdr *)(ip6h + 1);

	chatdnat_leg_check(skb, &th->check, diff);
	if (leg->announces)
		chatdnat_leg_clamp(skb, th, leg, settings, CHATDNAT_IPV6,
				   CHATDNAT_PLAIN);
	ip6h->hop_limit--;
	memset(IP6CB(skb), 0, sizeof(*IP6CB(skb)));
	IP6CB(skb)->iif = skb->skb_iif;
	IP6CB(skb)->flags = IP6SKB_FORWARDED;
	skb_set_transport_header(skb, sizeof(*ip6h));
	return ip6h;
}

/**
 * chatdnat_shortcut_enter_ipv6() - pass a plain segment on to its relay
 * @skb: a packet that has just arrived by a WAN interface
 * @settings: the settings
 * @bindings: what is translated without state
 *
 * Context: Softirq, RCU read lock held.
 * Return: NF_STOLEN, or NF_ACCEPT with the packet as it came.
 */
unsigned int
chatdnat_shortcut_enter_ipv6(struct sk_buff *skb,
			     const struct chatdnat_settings *settings,
			     const struct chatdnat_bindings *bindings)
{
	struct dst_entry *dst = NULL;
	struct chatdnat_leg leg;
	struct neighbour *neigh;
	const struct tcphdr *th;
	struct ipv6hdr *ip6h;

	th = chatdnat_ipv6_plain(skb);
	if (!th || !test_bit(ntohs(th->dest), bindings->ports))
		return NF_ACCEPT;
	ip6h = (struct ipv6hdr *)skb->data;
	leg.binding = chatdnat_bindings_by_own(bindings, CHATDNAT_IPV6,
					       (const void *)&ip6h->daddr);
	if (!leg.binding)
		return NF_ACCEPT;
	chatdnat_leg_flags(&leg, th);
	if (leg.opens && !settings->enabled)
		return NF_ACCEPT;

	if (!chatdnat_ipv6_common(&ip6h->saddr) ||
	    !chatdnat_ipv6_forwards(skb) ||
	    !chatdnat_ipv6_ways(&leg, settings, bindings, &ip6h->saddr) ||
	    !chatdnat_leg_fits(skb, leg.relay) || !chatdnat_ipv6_sound(skb, leg.len) ||
	    !chatdnat_ipv6_neigh(leg.relay, &neigh) ||
	    skb_cow(skb, LL_RESERVED_SPACE(leg.relay->dev)))
		return NF_ACCEPT;

	if (chatdnat_leg_keeps_dst(leg.relay->dev)) {
		dst = chatdnat_binding_route(leg.binding, CHATDNAT_IPV6);
		if (!dst || dst->dev != leg.relay->dev)
			return NF_ACCEPT;
	}

	if (leg.opens) {
		chatdnat_count(CHATDNAT_IPV6, CHATDNAT_SEEN);
		chatdnat_count(CHATDNAT_IPV6, CHATDNAT_TRANSLATED);
		chatdnat_count(CHATDNAT_IPV6, CHATDNAT_SENT);
	}
	ip6h = chatdnat_ipv6_rewrite(skb, &leg, settings, leg.binding->diff);
	memcpy(&ip6h->daddr, leg.binding->relay.word, sizeof(ip6h->daddr));
	return chatdnat_leg_send(skb, leg.relay->dev, neigh, dst);
}

/**
 * chatdnat_shortcut_leave_ipv6() - pass a relay's plain segment to a client
 * @skb: a packet that has just arrived by another interface
 * @settings: the settings
 * @bindings: what is translated without state
 *
 * Context: Softirq, RCU read lock held.
 * Return: NF_STOLEN, or NF_ACCEPT with the packet as it came.
 */
unsigned int
chatdnat_shortcut_leave_ipv6(struct sk_buff *skb,
			     const struct chatdnat_settings *settings,
			     const struct chatdnat_bindings *bindings)
{
	struct chatdnat_leg leg;
	struct neighbour *neigh;
	const struct tcphdr *th;
	struct ipv6hdr *ip6h;

	th = chatdnat_ipv6_plain(skb);
	if (!th || !test_bit(ntohs(th->source), bindings->ports))
		return NF_ACCEPT;
	ip6h = (struct ipv6hdr *)skb->data;
	leg.binding = chatdnat_bindings_by_relay(bindings, CHATDNAT_IPV6,
						 (const void *)&ip6h->saddr);
	if (!leg.binding)
		return NF_ACCEPT;
	chatdnat_leg_flags(&leg, th);
	/* What the relay opens itself is for connection tracking. */
	if (leg.opens)
		return NF_ACCEPT;

	/* It comes from where the way to the relay leads: no spoof. */
	if (!chatdnat_ipv6_common(&ip6h->daddr) ||
	    !chatdnat_ipv6_forwards(skb) ||
	    !chatdnat_ipv6_ways(&leg, settings, bindings, &ip6h->daddr) ||
	    leg.relay->dev != skb->dev || !leg.client->wan ||
	    chatdnat_leg_keeps_dst(leg.client->dev) ||
	    !chatdnat_leg_fits(skb, leg.client) || !chatdnat_ipv6_sound(skb, leg.len) ||
	    !chatdnat_ipv6_neigh(leg.client, &neigh) ||
	    skb_cow(skb, LL_RESERVED_SPACE(leg.client->dev)))
		return NF_ACCEPT;

	if (leg.answers)
		chatdnat_count(CHATDNAT_IPV6, CHATDNAT_ANSWERED);
	ip6h = chatdnat_ipv6_rewrite(skb, &leg, settings, ~leg.binding->diff);
	memcpy(&ip6h->saddr, leg.binding->own.word, sizeof(ip6h->saddr));
	return chatdnat_leg_send(skb, leg.client->dev, neigh, NULL);
}
