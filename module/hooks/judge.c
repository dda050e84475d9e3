// SPDX-License-Identifier: GPL-2.0
/* Judges a packet by the settings, and by what of this host they ask for. */
#include <linux/atomic.h>
#include <linux/jiffies.h>
#include <linux/netdevice.h>
#include <linux/timekeeping.h>
#include <net/netfilter/nf_conntrack.h>

#include "../core/drop.h"
#include "../core/snapshot.h"
#include "../net/lookup.h"
#include "../net/nfct.h"
#include "../net/packet.h"
#include "../net/socket.h"
#include "../policy/guard_policy.h"
#include "../tracked/stale.h"
#include "judge.h"

#define CHATDNAT_ECHOES_PER_SECOND	100

/* How many there were since when, in jiffies. */
static struct chatdnat_judge_echoes {
	unsigned long since;
	atomic_t count;
} chatdnat_judge_echoes[CHATDNAT_FAMILIES];

/*
 * Processors that count at the same time must not wait for each other, nor be
 * taken for a flood, as by __ratelimit(). When a second begins, one may count
 * an echo request that another is about to forget.
 */
static bool chatdnat_judge_echo_in_time(enum chatdnat_family family)
{
	struct chatdnat_judge_echoes *echoes = &chatdnat_judge_echoes[family];
	unsigned long since = READ_ONCE(echoes->since);

	if (jiffies - since >= HZ &&
	    cmpxchg(&echoes->since, since, jiffies) == since)
		atomic_set(&echoes->count, 0);
	return atomic_read(&echoes->count) < CHATDNAT_ECHOES_PER_SECOND &&
	       atomic_inc_return(&echoes->count) <= CHATDNAT_ECHOES_PER_SECOND;
}

/* Whether a device is a WAN interface, or belongs to a VRF whose device is one. */
static bool chatdnat_judge_is_wan(const struct chatdnat_settings *settings,
				  struct net_device *dev)
{
	const struct net_device *vrf = NULL;

	if (chatdnat_ifset_has(&settings->wan, dev->name))
		return true;
	if (netif_is_l3_slave(dev))
		vrf = netdev_master_upper_dev_get_rcu(dev);
	return vrf && chatdnat_ifset_has(&settings->wan, vrf->name);
}

/*
 * A VRF's device may stand in WAN too. What waited for a multicast route has
 * come in by the interface again.
 */
static bool chatdnat_judge_from_wan(const struct chatdnat_settings *settings,
				    const struct net_device *entered,
				    const struct nf_hook_state *state)
{
	return chatdnat_ifset_has(&settings->wan, entered->name) ||
	       chatdnat_judge_is_wan(settings, state->in);
}

/* Whether there is anything to judge. */
static bool chatdnat_judge_concerns(const struct chatdnat_settings *settings,
				    const struct sk_buff *skb,
				    const struct nf_hook_state *state)
{
	const struct net_device *in = chatdnat_lookup_indev(skb, state);
	enum chatdnat_guard least = state->hook == NF_INET_LOCAL_IN ?
				    CHATDNAT_GUARD_FULL : CHATDNAT_GUARD_FORWARD;

	if (settings->guard < least || in->flags & IFF_LOOPBACK)
		return false;
	/* Only what this host sends itself enters by a VRF's own device. */
	return chatdnat_judge_from_wan(settings, in, state) ||
	       (settings->guard == CHATDNAT_GUARD_STRICT &&
		!netif_is_l3_master(in));
}

static enum chatdnat_admission
chatdnat_judge_admit_input(const struct chatdnat_settings *settings,
			   struct chatdnat_guard_packet *packet,
			   const struct net_device *entered)
{
	enum chatdnat_admission admission;

	admission = chatdnat_guard_policy_input(settings, packet);
	if (admission != CHATDNAT_ADMIT_LOOK_UP_SOCKET)
		return admission;

	packet->socket = chatdnat_socket_tcp(&packet->flow, entered) ?
			  CHATDNAT_SOCKET_BOUND : CHATDNAT_SOCKET_NONE;
	return chatdnat_guard_policy_input(settings, packet);
}

/*
 * Whether chatdnat_invalid() has given a segment its source: it drops what else
 * comes from inside in this host's name.
 */
static bool chatdnat_judge_is_own(const struct chatdnat_settings *settings,
				  const struct chatdnat_flow *flow,
				  const struct net_device *out)
{
	return settings->masquerade != CHATDNAT_MASQUERADE_OFF &&
	       (chatdnat_relays_names(&settings->service.relays[flow->family],
				      &flow->saddr) ||
		chatdnat_lookup_addr_type(flow->family, &flow->saddr, out) ==
		CHATDNAT_ADDR_LOCAL);
}

/*
 * Whether the middle of a forwarded connection may be that of one from before
 * the guard. Who claims an address of this host has forged it: IPv6 forwards
 * that, and the next segment would enter this host as the answer to it.
 */
static bool chatdnat_judge_settling(const struct chatdnat_snapshot *snapshot,
				    const struct chatdnat_flow *flow,
				    const struct net_device *entered)
{
	return chatdnat_guard_policy_settling(snapshot->guarded_since,
					      ktime_get_seconds()) &&
	       chatdnat_lookup_addr_type(flow->family, &flow->saddr, entered) !=
		       CHATDNAT_ADDR_LOCAL;
}

/* @packet: NULL for a packet that cannot be read */
static enum chatdnat_admission
chatdnat_judge_admit(const struct chatdnat_snapshot *snapshot,
		     struct chatdnat_guard_packet *packet,
		     const struct sk_buff *skb,
		     const struct nf_hook_state *state)
{
	const struct net_device *entered = chatdnat_lookup_indev(skb, state);
	const struct chatdnat_settings *settings = &snapshot->settings;

	if (!packet)
		return CHATDNAT_REFUSE_INVALID;
	packet->from_wan = chatdnat_judge_from_wan(settings, entered, state);
	if (state->hook == NF_INET_LOCAL_IN)
		return chatdnat_judge_admit_input(settings, packet, entered);

	packet->to_wan = chatdnat_judge_is_wan(settings, state->out);
	packet->own_source = packet->continues &&
			      packet->track == CHATDNAT_TRACK_INVALID &&
			      chatdnat_judge_is_own(settings, &packet->flow,
						    state->out);
	packet->settling = chatdnat_judge_settling(snapshot, &packet->flow,
						   entered);
	return chatdnat_guard_policy_forward(settings, packet);
}

/*
 * Whether a refused segment is left of a connection with a former relay. With
 * guard=strict it would vanish here, and neither end be told.
 */
static bool chatdnat_judge_is_stale(const struct chatdnat_snapshot *snapshot,
				    const struct chatdnat_guard_packet *packet,
				    const struct nf_hook_state *state)
{
	return packet && state->hook == NF_INET_FORWARD &&
	       packet->protocol == IPPROTO_TCP && !packet->opens &&
	       !packet->from_wan && packet->to_wan &&
	       chatdnat_snapshot_stale(snapshot, &packet->flow);
}

static unsigned int
chatdnat_judge_refuse(const struct chatdnat_snapshot *snapshot,
		      const struct sk_buff *skb,
		      const struct nf_hook_state *state,
		      const struct chatdnat_guard_packet *packet,
		      enum chatdnat_admission admission)
{
	enum chatdnat_counter reason = CHATDNAT_DROPPED_FORWARD;

	if (chatdnat_judge_is_stale(snapshot, packet, state)) {
		chatdnat_stale_reset(snapshot, skb, state);
		reason = CHATDNAT_DROPPED_STALE;
	} else if (admission == CHATDNAT_ADMIT_SOME) {
		reason = CHATDNAT_DROPPED_ECHO;
	} else if (admission == CHATDNAT_REFUSE_INVALID) {
		reason = CHATDNAT_DROPPED_INVALID;
	} else if (state->hook == NF_INET_LOCAL_IN) {
		reason = CHATDNAT_DROPPED_INPUT;
	}
	return chatdnat_drop(&snapshot->settings, skb, state, reason);
}

/**
 * chatdnat_judge() - the guard's verdict on a packet
 * @skb: the packet, after DNAT and before SNAT
 * @state: the hook's: LOCAL_IN; or FORWARD, with the interface that it entered by
 * @track: what conntrack makes of it
 *
 * Packets that enter by a WAN interface are judged, with guard=strict those of
 * other interfaces too.
 *
 * Context: Softirq or process context, RCU read lock held.
 * Return: NF_ACCEPT, or NF_DROP, then counted.
 */
unsigned int chatdnat_judge(const struct sk_buff *skb,
			    const struct nf_hook_state *state,
			    enum chatdnat_track track)
{
	enum chatdnat_family family = chatdnat_family_of(state->pf);
	const struct chatdnat_snapshot *snapshot, *old;
	enum chatdnat_admission admission;
	struct chatdnat_guard_packet packet;
	bool whole;

	/* Hooks run under the RCU read lock. */
	snapshot = rcu_dereference(chatdnat_active);
	if (!snapshot ||
	    !chatdnat_judge_concerns(&snapshot->settings, skb, state))
		return NF_ACCEPT;

	whole = chatdnat_packet_for_guard(skb, family, &packet);
	packet.track = track;
	admission = chatdnat_judge_admit(snapshot, whole ? &packet : NULL, skb,
					 state);

	if (admission == CHATDNAT_ADMIT ||
	    (admission == CHATDNAT_ADMIT_SOME &&
	     chatdnat_judge_echo_in_time(family)))
		return NF_ACCEPT;

	/* The packet may have been translated under the settings before. */
	for (old = rcu_dereference(snapshot->prev); old;
	     old = rcu_dereference(old->prev))
		if (!chatdnat_judge_concerns(&old->settings, skb, state) ||
		    chatdnat_judge_admit(old, whole ? &packet : NULL, skb,
					 state) == CHATDNAT_ADMIT)
			return NF_ACCEPT;

	return chatdnat_judge_refuse(snapshot, skb, state,
				     whole ? &packet : NULL, admission);
}
