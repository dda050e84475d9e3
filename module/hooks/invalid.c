// SPDX-License-Identifier: GPL-2.0
/*
 * Packets that conntrack calls invalid. They have no entry, so that the NAT
 * core does not translate them: a client's segment would reach the local stack,
 * which answers by a reset, and a relay's segment would leave with its inside
 * address. Here segments are translated if possible, so that the endpoints
 * judge them, and dropped otherwise.
 */
#include <linux/netdevice.h>
#include <linux/tcp.h>
#include <net/dst.h>
#include <net/dst_metadata.h>
#include <net/netfilter/nf_conntrack.h>
#include <net/netfilter/nf_conntrack_core.h>
#include <net/netfilter/nf_conntrack_helper.h>
#include <net/netfilter/nf_nat.h>

#include "../core/drop.h"
#include "../core/local_addr.h"
#include "../core/nfct_snapshot.h"
#include "../core/snapshot.h"
#include "../net/lookup.h"
#include "../net/nfct.h"
#include "../net/rewrite.h"
#include "../net/route_input.h"
#include "../net/socket.h"
#include "../tracked/dnat.h"
#include "invalid.h"
#include "leak.h"
#include "via.h"

/**
 * struct chatdnat_invalid_packet - an invalid packet
 * @skb: the packet
 * @state: the state of the current hook
 * @snapshot: the active snapshot
 * @family: IPv4 or IPv6
 * @in: the input interface
 * @parsed: the parsed packet, if @is_tcp
 * @is_tcp: a TCP segment with a complete header
 * @is_possible: its combination of flags is valid
 * @has_syn: SYN is set
 */
struct chatdnat_invalid_packet {
	struct sk_buff *skb;
	const struct nf_hook_state *state;
	const struct chatdnat_snapshot *snapshot;
	enum chatdnat_family family;
	const struct net_device *in;
	struct chatdnat_parsed parsed;
	bool is_tcp;
	bool is_possible;
	bool has_syn;
};

static unsigned int
chatdnat_invalid_drop(const struct chatdnat_invalid_packet *invalid,
		      enum chatdnat_counter reason)
{
	return chatdnat_drop(&invalid->snapshot->settings, invalid->skb,
			     invalid->state, reason);
}

static void chatdnat_invalid_parse(struct chatdnat_invalid_packet *invalid)
{
	const struct sk_buff *skb = invalid->skb;
	const struct tcphdr *th;
	struct tcphdr buf;

	if (!chatdnat_packet_parse(skb, invalid->family, &invalid->parsed) ||
	    invalid->parsed.quoted)
		return;
	th = skb_header_pointer(skb, invalid->parsed.offset, sizeof(buf), &buf);
	if (!th || th->doff < sizeof(*th) / 4 ||
	    invalid->parsed.offset + th->doff * 4 > skb->len)
		return;
	invalid->is_tcp = true;
	invalid->is_possible = chatdnat_packet_flags_exist(th);
	invalid->has_syn = th->syn;
}

static bool chatdnat_invalid_serves(const struct chatdnat_snapshot *snapshot,
				    const struct nf_conn *ct)
{
	unsigned int i;

	for (i = 0; i < snapshot->n_former; i++)
		if (chatdnat_nfct_serves(&snapshot->former[i]->service, ct))
			return true;
	return chatdnat_nfct_snapshot(ct);
}

/* Whether a connection is masqueraded by a WAN interface. */
static bool
chatdnat_invalid_is_masqueraded(const struct chatdnat_invalid_packet *invalid,
				const struct nf_conn *ct)
{
	const struct nf_conn_nat *nat = nfct_nat(ct);
	const struct net_device *dev;

	if (!nat || !nat->masq_index)
		return false;
	dev = dev_get_by_index_rcu(&init_net, nat->masq_index);
	return dev && chatdnat_snapshot_masqueraded(invalid->snapshot,
						    invalid->family, dev->name);
}

/* Whether a packet to a relay would violate "via". */
static bool
chatdnat_invalid_misses_via(const struct chatdnat_invalid_packet *invalid,
			    const struct nf_conn *ct, enum ip_conntrack_dir dir)
{
	const struct chatdnat_snapshot *by = NULL;

	if (dir == IP_CT_DIR_ORIGINAL && READ_ONCE(ct->status) & IPS_DST_NAT)
		by = chatdnat_nfct_snapshot(ct);
	return by &&
	       chatdnat_via_misses(&by->settings, invalid->skb, invalid->state);
}

/*
 * A segment of a tracked connection, as one outside its window: the NAT core
 * translates it, here and in POST_ROUTING, without a change of the conntrack
 * state.
 */
static unsigned int
chatdnat_invalid_known(const struct chatdnat_invalid_packet *invalid,
		       struct nf_conn *ct, enum ip_conntrack_dir dir)
{
	struct sk_buff *skb = invalid->skb;
	enum ip_conntrack_info ctinfo = dir == IP_CT_DIR_REPLY ?
						IP_CT_ESTABLISHED_REPLY :
						IP_CT_ESTABLISHED;

	/* A helper would parse the payload, whatever its sequence number. */
	if (!invalid->is_possible || nfct_help(ct))
		return chatdnat_invalid_drop(invalid, CHATDNAT_DROPPED_INVALID);

	/* From here on, the packet has its own reference. */
	nf_conntrack_get(&ct->ct_general);
	nf_ct_set(skb, ct, ctinfo);
	if (nf_nat_packet(ct, ctinfo, NF_INET_PRE_ROUTING, skb) != NF_ACCEPT)
		return chatdnat_invalid_drop(invalid, CHATDNAT_DROPPED_NAT);
	if (skb_valid_dst(skb))
		skb_dst_drop(skb);
	if (chatdnat_invalid_misses_via(invalid, ct, dir))
		return chatdnat_invalid_drop(invalid, CHATDNAT_DROPPED_VIA);
	return NF_ACCEPT;
}

/* Look up the connection. Returns true and sets @verdict if there is one. */
static bool chatdnat_invalid_find(const struct chatdnat_invalid_packet *invalid,
				  unsigned int *verdict)
{
	struct nf_conntrack_tuple_hash *hash;
	struct nf_conntrack_tuple tuple;
	struct nf_conn *ct;

	if (!nf_ct_get_tuplepr(invalid->skb, skb_network_offset(invalid->skb),
			       invalid->state->pf, &init_net, &tuple))
		return false;
	hash = nf_conntrack_find_get(&init_net, &nf_ct_zone_dflt, &tuple);
	if (!hash)
		return false;

	/* Ignore local connections and those translated by other tables. */
	ct = nf_ct_tuplehash_to_ctrack(hash);
	*verdict = NF_ACCEPT;
	if (chatdnat_invalid_serves(invalid->snapshot, ct) ||
	    chatdnat_invalid_is_masqueraded(invalid, ct))
		*verdict = chatdnat_invalid_known(invalid, ct,
						  NF_CT_DIRECTION(hash));
	nf_ct_put(ct);
	return true;
}

/* The address of the relay if a segment is for one, or NULL. */
static const struct chatdnat_addr *
chatdnat_invalid_relay(const struct chatdnat_invalid_packet *invalid)
{
	struct chatdnat_dst_packet packet = {
		.flow = invalid->parsed.flow,
		/* Local connections are checked below. */
		.midstream = false,
		.in = invalid->in->name,
	};
	const struct chatdnat_addr *relay;

	switch (chatdnat_dnat_decision(&invalid->snapshot->settings, &packet,
				       invalid->state->in, &relay)) {
	case CHATDNAT_DST_TRANSLATE:
	case CHATDNAT_DST_DRAIN:
		break;
	default:
		return NULL;
	}
	return chatdnat_socket_tcp(&packet.flow, invalid->in) ? NULL : relay;
}

/* Whether its destination is the local address that replies would have. */
static bool
chatdnat_invalid_reversible(const struct chatdnat_invalid_packet *invalid,
			    const struct chatdnat_addr *relay)
{
	struct chatdnat_addr local;

	return !chatdnat_local_addr_of_relay(&local,
					     &invalid->snapshot->settings,
					     invalid->family, relay) ||
	       chatdnat_addr_equal(&local, &invalid->parsed.flow.daddr);
}

/*
 * A segment to a relay without a conntrack entry. If only its destination has
 * to be translated, it is forwarded: thus a FIN or reset reaches the relay.
 */
static unsigned int
chatdnat_invalid_enter(struct chatdnat_invalid_packet *invalid,
		       const struct chatdnat_addr *relay)
{
	const struct chatdnat_settings *settings = &invalid->snapshot->settings;
	struct sk_buff *skb = invalid->skb;
	const struct dst_entry *dst;

	if (!invalid->is_possible || invalid->has_syn ||
	    settings->masquerade == CHATDNAT_MASQUERADE_ALL ||
	    !chatdnat_invalid_reversible(invalid, relay) ||
	    !chatdnat_lookup_from_wan(settings, skb, invalid->state,
				      invalid->in))
		return chatdnat_invalid_drop(invalid, CHATDNAT_DROPPED_INVALID);

	if (skb_valid_dst(skb))
		skb_dst_drop(skb);
	if (!chatdnat_rewrite(skb, invalid->state->hook, &invalid->parsed,
			      CHATDNAT_DST, relay, true))
		return chatdnat_invalid_drop(invalid, CHATDNAT_DROPPED_NAT);
	dst = chatdnat_route_input(skb, invalid->family);
	if (!dst || dst->error ||
	    !chatdnat_route_input_forwards(skb, invalid->family) ||
	    (settings->masquerade != CHATDNAT_MASQUERADE_OFF &&
	     chatdnat_ifset_has(&settings->wan, dst->dev->name)))
		return chatdnat_invalid_drop(invalid, CHATDNAT_DROPPED_INVALID);
	if (chatdnat_via_misses(settings, skb, invalid->state))
		return chatdnat_invalid_drop(invalid, CHATDNAT_DROPPED_VIA);
	if (chatdnat_leak_is_bridged(skb))
		skb_dst_drop(skb);
	return NF_ACCEPT;
}

/*
 * SNAT happens here, after the route lookup: before it, IPv4 would drop
 * the segment for its local source address. A bridged packet is routed again by
 * br_netfilter.
 */
static unsigned int
chatdnat_invalid_leave(struct chatdnat_invalid_packet *invalid)
{
	const struct chatdnat_settings *settings = &invalid->snapshot->settings;
	const struct chatdnat_flow *flow = &invalid->parsed.flow;
	struct sk_buff *skb = invalid->skb;
	struct chatdnat_addr local;

	if (!invalid->is_tcp || !invalid->is_possible || invalid->has_syn ||
	    chatdnat_leak_is_bridged(skb) ||
	    !chatdnat_service_is_reply(&settings->service, flow) ||
	    !chatdnat_local_addr_of_relay(&local, settings, invalid->family,
					  &flow->saddr))
		return chatdnat_invalid_drop(invalid, CHATDNAT_DROPPED_INVALID);
	if (!chatdnat_rewrite(skb, invalid->state->hook, &invalid->parsed,
			      CHATDNAT_SRC, &local, true))
		return chatdnat_invalid_drop(invalid, CHATDNAT_DROPPED_NAT);
	return NF_ACCEPT;
}

/**
 * chatdnat_invalid() - handle a packet that conntrack calls invalid
 * @skb: the packet, received for this host, after all other hooks
 * @state: the state of the hook, PRE_ROUTING
 *
 * Context: Softirq, RCU read lock held; on the packet path.
 * Return: NF_ACCEPT, or NF_DROP if the packet cannot be translated and must not
 * pass untranslated.
 */
unsigned int chatdnat_invalid(struct sk_buff *skb,
			      const struct nf_hook_state *state)
{
	struct chatdnat_invalid_packet invalid = {
		.skb = skb,
		.state = state,
		.snapshot = rcu_dereference(chatdnat_active),
		.family = chatdnat_family_of(state->pf),
	};
	const struct chatdnat_addr *relay;
	unsigned int verdict;

	if (!invalid.snapshot ||
	    !chatdnat_settings_active(&invalid.snapshot->settings,
				      invalid.family))
		return NF_ACCEPT;

	invalid.in = chatdnat_lookup_indev(skb, state);
	chatdnat_invalid_parse(&invalid);
	if (invalid.is_tcp) {
		if (chatdnat_invalid_find(&invalid, &verdict))
			return verdict;
		relay = chatdnat_invalid_relay(&invalid);
		if (relay)
			return chatdnat_invalid_enter(&invalid, relay);
	}
	return chatdnat_leak(&invalid.snapshot->settings, skb, state) ?
		       chatdnat_invalid_leave(&invalid) :
		       NF_ACCEPT;
}
