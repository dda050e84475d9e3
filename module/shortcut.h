/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The stateless engine's shortcut: a plain segment is rewritten as it arrives
 * and sent to the next hop. Whatever is not plain, or needs more of the stack
 * than to be passed on, is left untouched for the stack's own way.
 */
#ifndef CHATDNAT_SHORTCUT_H
#define CHATDNAT_SHORTCUT_H

#include <linux/hash.h>
#include <linux/netdevice.h>
#include <linux/skbuff.h>
#include <linux/tcp.h>
#include <net/checksum.h>
#include <net/dst.h>
#include <net/neighbour.h>
#include <net/xfrm.h>

#include "bindings.h"
#include "compat.h"
#include "mss.h"
#include "stats.h"

/**
 * struct chatdnat_leg - a segment that takes the shortcut
 * @binding: by which it is translated
 * @relay: the next hop towards the relay
 * @client: the next hop towards the client
 * @opens: it has SYN and no ACK
 * @answers: it has SYN and ACK, or refuses what opens
 * @announces: it may announce a segment size
 * @len: bytes of its header that are looked at
 */
struct chatdnat_leg {
	const struct chatdnat_binding *binding;
	const struct chatdnat_hop *relay;
	const struct chatdnat_hop *client;
	bool opens;
	bool answers;
	bool announces;
	unsigned int len;
};

unsigned int
chatdnat_shortcut_enter_ipv4(struct sk_buff *skb,
			     const struct chatdnat_settings *settings,
			     const struct chatdnat_bindings *bindings);
unsigned int
chatdnat_shortcut_leave_ipv4(struct sk_buff *skb,
			     const struct chatdnat_settings *settings,
			     const struct chatdnat_bindings *bindings);
unsigned int
chatdnat_shortcut_enter_ipv6(struct sk_buff *skb,
			     const struct chatdnat_settings *settings,
			     const struct chatdnat_bindings *bindings);
unsigned int
chatdnat_shortcut_leave_ipv6(struct sk_buff *skb,
			     const struct chatdnat_settings *settings,
			     const struct chatdnat_bindings *bindings);

/**
 * chatdnat_leg_policies() - whether IPsec may have a say
 * @skb: the packet
 *
 * Context: On the packet path.
 */
static inline bool chatdnat_leg_policies(const struct sk_buff *skb)
{
#ifdef CONFIG_XFRM
	return secpath_exists(skb) || chatdnat_xfrm_default_blocks() ||
	       READ_ONCE(init_net.xfrm.policy_count[XFRM_POLICY_FWD]) ||
	       READ_ONCE(init_net.xfrm.policy_count[XFRM_POLICY_OUT]);
#else
	return false;
#endif
}

/**
 * chatdnat_leg_flags() - see what a segment is for the connection
 * @leg: to be filled in
 * @th: the segment's header
 *
 * Context: On the packet path.
 */
static inline void chatdnat_leg_flags(struct chatdnat_leg *leg,
				      const struct tcphdr *th)
{
	leg->opens = th->syn && !th->ack;
	/* RFC 9293, 3.10.7.1: what refuses a SYN has no sequence number. */
	leg->answers = th->ack && (th->syn || (th->rst && !th->seq));
	leg->announces = th->syn && th->doff > sizeof(*th) / 4;
	leg->len = leg->announces ? th->doff * 4 : sizeof(*th);
}

/**
 * chatdnat_leg_hop() - a next hop that is good for the shortcut
 * @settings: the settings
 * @hop: where it is kept
 * @addr: for whom, as chatdnat_hop_holds() has it
 * @learn: finds it anew
 *
 * Context: Softirq, RCU read lock held; on the packet path.
 * Return: The hop, or NULL where only the stack can tell.
 */
static inline const struct chatdnat_hop *
chatdnat_leg_hop(const struct chatdnat_settings *settings,
		 struct chatdnat_hop *hop, const struct chatdnat_addr *addr,
		 void (*learn)(struct chatdnat_hop *hop,
			       const struct chatdnat_addr *addr))
{
	if (unlikely(!chatdnat_hop_holds(hop, addr))) {
		learn(hop, addr);
		hop->wan = hop->dev && chatdnat_ifset_has(&settings->wan,
							  hop->dev->name);
	}
	return hop->dev ? hop : NULL;
}

/**
 * chatdnat_leg_goes() - whether a segment goes the ways that it should
 * @leg: with both hops
 * @bindings: what is translated without state
 *
 * Context: On the packet path.
 */
static inline bool chatdnat_leg_goes(const struct chatdnat_leg *leg,
				     const struct chatdnat_bindings *bindings)
{
	return !leg->relay->wan &&
	       (!bindings->via || bindings->via == leg->relay->dev->ifindex) &&
	       (!leg->binding->home ||
		leg->binding->home == leg->client->dev->ifindex);
}

/**
 * chatdnat_leg_ways() - both ways of a segment, if they are good
 * @leg: with its binding; gets the hops
 * @settings: the settings
 * @bindings: what is translated without state
 * @family: IPv4 or IPv6
 * @relay: the relay, as chatdnat_hop_holds() has it
 * @client: the client, alike
 * @learn: finds a hop anew
 *
 * Context: Softirq, RCU read lock held; on the packet path.
 */
static inline bool
chatdnat_leg_ways(struct chatdnat_leg *leg,
		  const struct chatdnat_settings *settings,
		  const struct chatdnat_bindings *bindings,
		  enum chatdnat_family family,
		  const struct chatdnat_addr *relay,
		  const struct chatdnat_addr *client,
		  void (*learn)(struct chatdnat_hop *hop,
				const struct chatdnat_addr *addr))
{
	struct chatdnat_hops *hops = this_cpu_ptr(bindings->hops);
	u32 key = (__force u32)(client->word[0] ^ client->word[1] ^
				client->word[2] ^ client->word[3]);
	struct chatdnat_hop *at_relay, *at_client;

	at_relay = hops->relay[family];
	at_relay += leg->binding - bindings->binding[family];
	at_client = hops->client[family];
	at_client += hash_32(key, ilog2(CHATDNAT_HOPS));
	leg->relay = chatdnat_leg_hop(settings, at_relay, relay, learn);
	leg->client = chatdnat_leg_hop(settings, at_client, client, learn);
	return leg->relay && leg->client && chatdnat_leg_goes(leg, bindings);
}

/**
 * chatdnat_leg_fits() - whether a segment fits the way that it is to go
 * @skb: the packet
 * @hop: where it goes
 *
 * Context: On the packet path.
 */
static inline bool chatdnat_leg_fits(const struct sk_buff *skb,
				     const struct chatdnat_hop *hop)
{
	return skb->len <= hop->mtu ||
	       (skb_is_gso(skb) &&
		skb_gso_validate_network_len(skb, hop->mtu));
}

/**
 * chatdnat_leg_check() - mend a segment's checksum
 * @skb: the packet
 * @check: the checksum
 * @diff: by what the sum of its addresses changes
 *
 * Context: On the packet path.
 */
static inline void chatdnat_leg_check(struct sk_buff *skb, __sum16 *check,
				      __wsum diff)
{
	/* Partial: the device adds the rest. */
	if (skb->ip_summed == CHECKSUM_PARTIAL)
		*check = ~csum_fold(csum_add(csum_unfold(*check), diff));
	else
		*check = csum_fold(csum_add(~csum_unfold(*check), diff));
	skb_forward_csum(skb);
}

/**
 * chatdnat_leg_clamp() - clamp what a segment announces
 * @skb: the packet
 * @th: its TCP header, writable
 * @leg: the segment
 * @settings: the settings
 * @family: IPv4 or IPv6
 * @headers: bytes of an IP and a TCP header without options
 *
 * Context: Softirq; on the packet path.
 */
static inline void chatdnat_leg_clamp(struct sk_buff *skb, struct tcphdr *th,
				      const struct chatdnat_leg *leg,
				      const struct chatdnat_settings *settings,
				      enum chatdnat_family family,
				      unsigned int headers)
{
	unsigned int max = settings->mss;

	if (max == CHATDNAT_MSS_OFF)
		return;
	if (max == CHATDNAT_MSS_AUTO)
		max = min3(leg->relay->mtu - headers, leg->client->mtu - headers,
			   (unsigned int)U16_MAX);
	if (chatdnat_mss_clamp(skb, th, max))
		chatdnat_count(family, CHATDNAT_CLAMPED);
}

/**
 * chatdnat_leg_keeps_dst() - whether a device looks at a packet's route
 * @dev: the device
 *
 * Tunnels do, when they have an error to tell.
 *
 * Context: Any.
 */
static inline bool chatdnat_leg_keeps_dst(const struct net_device *dev)
{
	return !(dev->priv_flags & IFF_XMIT_DST_RELEASE);
}

/**
 * chatdnat_leg_send() - send a packet that is all done
 * @skb: the packet
 * @dev: the device to leave by
 * @neigh: the next hop; NULL: the device has none
 * @dst: its route, for a device that looks at it; else NULL
 *
 * Context: Softirq, RCU read lock held; on the packet path.
 * Return: NF_STOLEN.
 */
static inline unsigned int chatdnat_leg_send(struct sk_buff *skb,
					     struct net_device *dev,
					     struct neighbour *neigh,
					     struct dst_entry *dst)
{
	/* Nobody's any more but this host's. */
	skb_orphan(skb);
	skb_dst_drop(skb);
	if (dst)
		skb_dst_set_noref(skb, dst);
	chatdnat_clear_tstamp(skb);
	skb->dev = dev;
	if (neigh)
		neigh_output(neigh, skb, false);
	else
		dev_queue_xmit(skb);
	return NF_STOLEN;
}

#endif /* CHATDNAT_SHORTCUT_H */
