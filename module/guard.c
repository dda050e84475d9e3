// SPDX-License-Identifier: GPL-2.0
/*
 * The guard: what enters by a WAN interface and belongs to no known connection
 * is judged, forwarded or for this host itself. Nothing else is, but for pings.
 */
#include <linux/atomic.h>
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/in.h>
#include <linux/jiffies.h>
#include <linux/ipv6.h>
#include <linux/netdevice.h>
#include <net/ip.h>
#include <net/netfilter/nf_conntrack.h>

#include "admit.h"
#include "config.h"
#include "ct.h"
#include "drop.h"
#include "guard.h"
#include "host.h"
#include "memo.h"
#include "packet.h"
#include "stateless.h"

#define CHATDNAT_ECHOES_PER_SECOND	100

/* How many there were since when, in jiffies. */
static struct chatdnat_guard_echoes {
	unsigned long since;
	atomic_t count;
} chatdnat_guard_echoes[CHATDNAT_FAMILIES];

/*
 * Processors that count at the same time must not wait for each other, nor be
 * taken for a flood, as by __ratelimit(). When a second begins, one may count
 * an echo request that another is about to forget.
 */
static bool chatdnat_guard_echo_in_time(enum chatdnat_family family)
{
	struct chatdnat_guard_echoes *echoes = &chatdnat_guard_echoes[family];
	unsigned long since = READ_ONCE(echoes->since);

	if (jiffies - since >= HZ &&
	    cmpxchg(&echoes->since, since, jiffies) == since)
		atomic_set(&echoes->count, 0);
	return atomic_read(&echoes->count) < CHATDNAT_ECHOES_PER_SECOND &&
	       atomic_inc_return(&echoes->count) <= CHATDNAT_ECHOES_PER_SECOND;
}

/* What waited for a multicast route has come in by the interface again. */
static bool chatdnat_guard_vrf_concerns(const struct chatdnat_settings *settings,
					struct net_device *in)
{
	const struct net_device *vrf = NULL;

	if (netif_is_l3_slave(in))
		vrf = netdev_master_upper_dev_get_rcu(in);
	return vrf && chatdnat_ifset_has(&settings->wan, vrf->name);
}

/* Whether there is anything to judge; a VRF's device may stand in WAN too. */
static bool chatdnat_guard_concerns(const struct chatdnat_settings *settings,
				    const struct sk_buff *skb,
				    const struct nf_hook_state *state)
{
	const struct net_device *in = chatdnat_host_entered(skb, state);
	enum chatdnat_guard least = state->hook == NF_INET_LOCAL_IN ?
				    CHATDNAT_GUARD_FULL : CHATDNAT_GUARD_FORWARD;

	return settings->guard >= least &&
	       !(in->flags & IFF_LOOPBACK) &&
	       (chatdnat_ifset_has(&settings->wan, in->name) ||
		chatdnat_ifset_has(&settings->wan, state->in->name) ||
		chatdnat_guard_vrf_concerns(settings, state->in));
}

static enum chatdnat_admission
chatdnat_guard_admit(const struct chatdnat_settings *settings,
		     const struct chatdnat_entrant *entrant,
		     const struct nf_hook_state *state)
{
	if (!entrant)
		return CHATDNAT_REFUSE_INVALID;
	return state->hook == NF_INET_LOCAL_IN ?
		chatdnat_admit_input(settings, entrant) :
		chatdnat_admit_forward(settings, entrant);
}

static unsigned int
chatdnat_guard_refuse(const struct chatdnat_settings *settings,
		      const struct sk_buff *skb,
		      const struct nf_hook_state *state,
		      enum chatdnat_admission admission)
{
	enum chatdnat_counter reason = CHATDNAT_DROPPED_FORWARD;

	if (admission == CHATDNAT_ADMIT_SOME)
		reason = CHATDNAT_DROPPED_ECHO;
	else if (admission == CHATDNAT_REFUSE_INVALID)
		reason = CHATDNAT_DROPPED_INVALID;
	else if (state->hook == NF_INET_LOCAL_IN)
		reason = CHATDNAT_DROPPED_INPUT;
	return chatdnat_drop(settings, skb, state, reason);
}

static unsigned int chatdnat_guard_judge(const struct sk_buff *skb,
					 const struct nf_hook_state *state,
					 enum chatdnat_track track)
{
	enum chatdnat_family family = chatdnat_family_of(state->pf);
	const struct chatdnat_snapshot *snapshot, *old;
	enum chatdnat_admission admission;
	struct chatdnat_entrant entrant;
	bool whole;

	/* Hooks run under the RCU read lock. */
	snapshot = rcu_dereference(chatdnat_active);
	if (!snapshot ||
	    !chatdnat_guard_concerns(&snapshot->settings, skb, state))
		return NF_ACCEPT;

	whole = chatdnat_packet_entrant(skb, family, &entrant);
	entrant.track = track;
	admission = chatdnat_guard_admit(&snapshot->settings,
					 whole ? &entrant : NULL, state);

	if (admission == CHATDNAT_ADMIT ||
	    (admission == CHATDNAT_ADMIT_SOME &&
	     chatdnat_guard_echo_in_time(family)))
		return NF_ACCEPT;

	/* The packet may have been translated under the settings before. */
	for (old = rcu_dereference(snapshot->prev); old;
	     old = rcu_dereference(old->prev))
		if (!chatdnat_guard_concerns(&old->settings, skb, state) ||
		    chatdnat_guard_admit(&old->settings,
					 whole ? &entrant : NULL,
					 state) == CHATDNAT_ADMIT)
			return NF_ACCEPT;

	return chatdnat_guard_refuse(&snapshot->settings, skb, state, admission);
}

/* One that was answered is known, and may be a flood all the same. */
static bool chatdnat_guard_is_ping(const struct nf_conn *ct,
				   enum ip_conntrack_info ctinfo)
{
	const struct nf_conntrack_tuple *tuple;

	if (ctinfo != IP_CT_ESTABLISHED)
		return false;
	tuple = nf_ct_tuple(ct, IP_CT_DIR_ORIGINAL);
	switch (tuple->dst.protonum) {
	case IPPROTO_ICMP:
		return tuple->dst.u.icmp.type == ICMP_ECHO;
	case IPPROTO_ICMPV6:
		return tuple->dst.u.icmp.type == ICMPV6_ECHO_REQUEST;
	default:
		return false;
	}
}

/* A packet that begins something, or belongs to nothing that is known. */
static noinline unsigned int
chatdnat_guard_unknown(const struct sk_buff *skb,
		       const struct nf_hook_state *state,
		       const struct nf_conn *ct, enum ip_conntrack_info ctinfo)
{
	const struct chatdnat_settings *settings;
	const struct chatdnat_binding *binding;
	struct chatdnat_parcel parcel;

	/* Out of IPsec: nobody out there sent it, but who holds the keys. */
	if (secpath_exists(skb))
		return NF_ACCEPT;

	if (ct)
		return chatdnat_guard_judge(skb, state, CHATDNAT_TRACK_NEW);
	if (ctinfo != IP_CT_UNTRACKED)
		return chatdnat_guard_judge(skb, state, CHATDNAT_TRACK_INVALID);
	if (chatdnat_stateless_way(skb, state, &parcel, &settings, &binding) ==
	    CHATDNAT_WAY_TO_RELAY)
		return NF_ACCEPT;
	return chatdnat_guard_judge(skb, state, CHATDNAT_TRACK_UNTRACKED);
}

static int chatdnat_guard_ipv6_iif(const struct sk_buff *skb)
{
#if IS_ENABLED(CONFIG_IPV6)
	return IP6CB(skb)->iif;
#else
	return 0;
#endif
}

/*
 * The device that a packet came in by which this host passes on; NULL: it does
 * not. A tunnel's outer packet leaves with the interface of the inner one as its
 * own, but the stack's notes are wiped. What multicast routing passes on leaves
 * with none (IPv4) or with that by which it leaves (IPv6); what this host itself
 * sent to a group comes by again.
 */
static struct net_device *
chatdnat_guard_forwarded_from(const struct sk_buff *skb,
			      const struct nf_hook_state *state)
{
	bool forwarded, group;

	if (state->pf == NFPROTO_IPV6) {
		forwarded = state->in && chatdnat_guard_ipv6_iif(skb);
		group = ipv6_addr_is_multicast(&ipv6_hdr(skb)->daddr);
	} else {
		forwarded = IPCB(skb)->flags & IPSKB_FORWARDED;
		group = ipv4_is_multicast(ip_hdr(skb)->daddr);
	}
	if (!forwarded || (group && skb->pkt_type == PACKET_LOOPBACK))
		return NULL;
	return group ? dev_get_by_index_rcu(&init_net, skb->skb_iif) : state->in;
}

static noinline unsigned int
chatdnat_guard_onwards(struct sk_buff *skb, const struct nf_hook_state *state,
		       const struct nf_conn *ct, enum ip_conntrack_info ctinfo)
{
	struct nf_hook_state forward = *state;
	struct chatdnat_memo *memo;
	struct net_device *in;

	/* What is sent on needs no judge, and is what there is most of. */
	if (ct && chatdnat_memo_by(ct, &memo))
		return NF_ACCEPT;
	in = chatdnat_guard_forwarded_from(skb, state);
	if (!in)
		return NF_ACCEPT;

	forward.hook = NF_INET_FORWARD;
	forward.in = in;
	return chatdnat_guard_unknown(skb, &forward, ct, ctinfo);
}

/**
 * chatdnat_guard_forward() - hook: forward no other than the settings say
 * @priv: unused
 * @skb: the packet
 * @state: the hook's, behind routing
 *
 * There the stack comes by anyway: a hook at forward, where nobody else is, is
 * dearer than this for each packet of each connection.
 *
 * Context: Softirq or process context, RCU read lock held.
 */
unsigned int chatdnat_guard_forward(void *priv, struct sk_buff *skb,
				    const struct nf_hook_state *state)
{
	enum ip_conntrack_info ctinfo;
	const struct nf_conn *ct;

	ct = nf_ct_get(skb, &ctinfo);
	if (likely(ct && ctinfo != IP_CT_NEW))
		return NF_ACCEPT;
	return chatdnat_guard_onwards(skb, state, ct, ctinfo);
}

/**
 * chatdnat_guard_input() - hook: take in no other than the settings say
 * @priv: unused
 * @skb: the packet
 * @state: the hook's
 *
 * Context: Softirq, RCU read lock held.
 */
unsigned int chatdnat_guard_input(void *priv, struct sk_buff *skb,
				  const struct nf_hook_state *state)
{
	enum ip_conntrack_info ctinfo;
	const struct nf_conn *ct;

	ct = nf_ct_get(skb, &ctinfo);
	if (ct && ctinfo != IP_CT_NEW && !chatdnat_guard_is_ping(ct, ctinfo))
		return NF_ACCEPT;
	return chatdnat_guard_unknown(skb, state, ct, ctinfo);
}
