// SPDX-License-Identifier: GPL-2.0
/* The guard's decision about a packet, with the lookups that it needs. */
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

#define CHATDNAT_ECHOES_PER_SECOND 100

/* Echo requests within the current second, which began at @since (jiffies). */
static struct chatdnat_judge_echoes {
	unsigned long since;
	atomic_t count;
} chatdnat_judge_echoes[CHATDNAT_FAMILIES];

/*
 * __ratelimit() is not used: it limits also if its lock is contended. Here CPUs
 * do not wait for each other. At the start of a second, one CPU may count a
 * request that another one resets.
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

/* Whether a device or its VRF device is a WAN interface. */
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
 * "wan" may also name a VRF device. A packet that waited for a multicast route
 * has the original interface again.
 */
static bool chatdnat_judge_from_wan(const struct chatdnat_settings *settings,
				    const struct net_device *entered,
				    const struct nf_hook_state *state)
{
	return chatdnat_ifset_has(&settings->wan, entered->name) ||
	       chatdnat_judge_is_wan(settings, state->in);
}

/* Whether the guard applies to a packet. */
static bool chatdnat_judge_concerns(const struct chatdnat_settings *settings,
				    const struct sk_buff *skb,
				    const struct nf_hook_state *state)
{
	const struct net_device *in = chatdnat_lookup_indev(skb, state);
	enum chatdnat_guard least = state->hook == NF_INET_LOCAL_IN ?
					    CHATDNAT_GUARD_FULL :
					    CHATDNAT_GUARD_FORWARD;

	if (settings->guard < least || in->flags & IFF_LOOPBACK)
		return false;
	/* Packets received on a VRF device itself are locally generated. */
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
				 CHATDNAT_SOCKET_BOUND :
				 CHATDNAT_SOCKET_NONE;
	return chatdnat_guard_policy_input(settings, packet);
}

/*
 * Whether chatdnat_invalid() has translated the source of a segment: it drops
 * other segments from the LAN with a local source address.
 */
static bool chatdnat_judge_is_local(const struct chatdnat_settings *settings,
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
 * Whether a forwarded midstream segment may be of a connection older than the
 * guard. A local source address is forged: IPv6 forwards such packets, and the
 * next segment would be accepted as a reply to it.
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

/* @packet: NULL for a packet that cannot be parsed */
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
	packet->local_source = packet->continues &&
			       packet->track == CHATDNAT_TRACK_INVALID &&
			       chatdnat_judge_is_local(settings, &packet->flow,
						       state->out);
	packet->settling = chatdnat_judge_settling(snapshot, &packet->flow,
						   entered);
	return chatdnat_guard_policy_forward(settings, packet);
}

/*
 * Whether a refused segment belongs to an ended connection of a former relay.
 * With guard=strict it would be dropped here without a reset to either
 * endpoint.
 */
static bool chatdnat_judge_is_stale(const struct chatdnat_snapshot *snapshot,
				    const struct chatdnat_guard_packet *packet,
				    const struct nf_hook_state *state)
{
	return packet && state->hook == NF_INET_FORWARD &&
	       packet->protocol == IPPROTO_TCP && !packet->has_syn &&
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
 * chatdnat_judge() - decide whether the guard lets a packet pass
 * @skb: the packet, after DNAT and before SNAT
 * @state: the state of LOCAL_IN; or of FORWARD, with the input interface
 * @track: its conntrack state
 *
 * Judges packets received on WAN interfaces, with guard=strict also those of
 * other interfaces.
 *
 * Context: Softirq or process context, RCU read lock held.
 * Return: NF_ACCEPT, or NF_DROP after counting the packet.
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

	if (admission == CHATDNAT_ADMIT || (admission == CHATDNAT_ADMIT_SOME &&
					    chatdnat_judge_echo_in_time(family)))
		return NF_ACCEPT;

	/* The packet may have been translated by the previous snapshot. */
	for (old = rcu_dereference(snapshot->prev); old;
	     old = rcu_dereference(old->prev))
		if (!chatdnat_judge_concerns(&old->settings, skb, state) ||
		    chatdnat_judge_admit(old, whole ? &packet : NULL, skb,
					 state) == CHATDNAT_ADMIT)
			return NF_ACCEPT;

	return chatdnat_judge_refuse(snapshot, skb, state,
				     whole ? &packet : NULL, admission);
}
