// SPDX-License-Identifier: GPL-2.0
/*
 * The tracked engine: callbacks of the kernel's NAT core, which asks them once
 * for each new connection and translates every later packet by itself.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/inetdevice.h>
#include <linux/ipv6.h>
#include <linux/netfilter.h>
#include <linux/netfilter_ipv4.h>
#include <linux/netfilter_ipv6.h>
#include <net/dst.h>
#include <net/netfilter/nf_conntrack.h>
#include <net/netfilter/nf_nat.h>
#include <net/netfilter/nf_nat_masquerade.h>

#include "answers.h"
#include "config.h"
#include "ct.h"
#include "drop.h"
#include "host.h"
#include "memo.h"
#include "nat.h"
#include "stats.h"

static unsigned int chatdnat_nat_translate(const struct chatdnat_settings *settings,
					   const struct sk_buff *skb,
					   const struct nf_hook_state *state,
					   struct nf_conn *ct,
					   const struct chatdnat_addr *relay)
{
	/*
	 * With the port that it has anyway, the core does not look whether that
	 * is free: it would not take another, and asks once more behind routing,
	 * where it can.
	 */
	struct nf_nat_range2 range = {
		.flags = NF_NAT_RANGE_MAP_IPS | NF_NAT_RANGE_PROTO_SPECIFIED,
		.min_proto.all = nf_ct_tuple(ct, IP_CT_DIR_ORIGINAL)->dst.u.all,
	};

	memcpy(range.min_addr.all, relay->word, sizeof(relay->word));
	range.max_addr = range.min_addr;
	range.max_proto = range.min_proto;

	if (nf_nat_setup_info(ct, &range, NF_NAT_MANIP_DST) != NF_ACCEPT)
		return chatdnat_drop(settings, skb, state,
				     CHATDNAT_DROPPED_NAT);
	chatdnat_count(chatdnat_family_of(state->pf), CHATDNAT_TRANSLATED);
	return NF_ACCEPT;
}

/*
 * A connection that begins in its middle is one that conntrack did not know,
 * or no longer. It tells by the state after the first packet.
 */
static bool chatdnat_ct_midstream(const struct nf_conn *ct)
{
	return nf_ct_protonum(ct) == IPPROTO_TCP &&
	       ct->proto.tcp.state != TCP_CONNTRACK_SYN_SENT;
}

/*
 * Whether a relay answers without state, and so by the name of one own address:
 * it cannot be reached by another.
 */
static bool chatdnat_nat_bound(const struct chatdnat_snapshot *snapshot,
			       const struct chatdnat_arrival *arrival,
			       const struct chatdnat_addr *relay)
{
	const struct chatdnat_flow *flow = &arrival->flow;
	const struct chatdnat_bindings *bindings;

	bindings = rcu_dereference(snapshot->bindings);
	return bindings && flow->proto == CHATDNAT_TCP && arrival->in &&
	       test_bit(flow->dport, bindings->ports) &&
	       chatdnat_ifset_has(&snapshot->settings.wan, arrival->in) &&
	       chatdnat_bindings_by_relay(bindings, flow->family, relay) &&
	       !chatdnat_bindings_by_own(bindings, flow->family, &flow->daddr);
}

/* Whether a decision follows from address, port and interface alone. */
static bool chatdnat_nat_is_general(const struct chatdnat_arrival *arrival)
{
	return arrival->in && arrival->flow.proto == CHATDNAT_TCP &&
	       arrival->flow.dport != CHATDNAT_PORT_SSH &&
	       arrival->daddr_type == CHATDNAT_ADDR_LOCAL;
}

static noinline unsigned int
chatdnat_nat_decide(const struct chatdnat_snapshot *snapshot,
		    const struct sk_buff *skb,
		    const struct nf_hook_state *state, struct nf_conn *ct)
{
	enum chatdnat_family family = chatdnat_family_of(state->pf);
	const struct nf_conntrack_tuple *tuple;
	struct chatdnat_arrival arrival = {};
	const struct chatdnat_addr *relay;
	struct chatdnat_lease lease;

	tuple = nf_ct_tuple(ct, IP_CT_DIR_ORIGINAL);
	if (!chatdnat_flow_of(tuple, &arrival.flow))
		return NF_ACCEPT;

	chatdnat_lease_begin(&lease);
	arrival.opens = !chatdnat_ct_midstream(ct);
	arrival.in = state->in ? state->in->name : NULL;
	switch (chatdnat_host_decide_dst(&snapshot->settings, &arrival,
					 state->in, &relay)) {
	case CHATDNAT_DST_TRANSLATE:
		if (chatdnat_nat_bound(snapshot, &arrival, relay))
			return NF_ACCEPT;
		if (chatdnat_nat_is_general(&arrival))
			chatdnat_memo_note(&lease, snapshot, tuple, state->in,
					   relay);
		chatdnat_count(family, CHATDNAT_SEEN);
		return chatdnat_nat_translate(&snapshot->settings, skb, state,
					      ct, relay);
	case CHATDNAT_DST_DRAIN:
		chatdnat_count(family, CHATDNAT_SEEN);
		return NF_ACCEPT;
	default:
		return NF_ACCEPT;
	}
}

static unsigned int chatdnat_nat_dst(void *priv, struct sk_buff *skb,
				     const struct nf_hook_state *state)
{
	enum chatdnat_family family = chatdnat_family_of(state->pf);
	const struct chatdnat_snapshot *snapshot;
	const struct nf_conntrack_tuple *tuple;
	const struct chatdnat_memo *memo;
	enum ip_conntrack_info ctinfo;
	struct nf_conn *ct;

	/* A flow from before anybody translated is asked about, but stays. */
	ct = nf_ct_get(skb, &ctinfo);
	if (!ct || ctinfo != IP_CT_NEW || nf_ct_is_confirmed(ct))
		return NF_ACCEPT;

	/* Hooks run under the RCU read lock. */
	snapshot = rcu_dereference(chatdnat_active);
	if (!snapshot)
		return NF_ACCEPT;

	tuple = nf_ct_tuple(ct, IP_CT_DIR_ORIGINAL);
	memo = chatdnat_memo_find(snapshot, tuple);
	if (!memo || memo->in != state->in ||
	    rcu_access_pointer(snapshot->bindings) ||
	    chatdnat_addr_is_link_local(family,
					chatdnat_addr_of(&tuple->src.u3)))
		return chatdnat_nat_decide(snapshot, skb, state, ct);

	chatdnat_count(family, CHATDNAT_SEEN);
	return chatdnat_nat_translate(&snapshot->settings, skb, state, ct,
				      memo->relay);
}

/*
 * The snapshot under which a connection was sent on to a relay, or NULL: the
 * active one, or the one before if the packet met that before it was routed.
 */
static const struct chatdnat_snapshot *
chatdnat_nat_translated_by(const struct nf_conn *ct,
			   const struct net_device *in)
{
	const struct chatdnat_snapshot *snapshot;
	struct chatdnat_memo *memo;

	snapshot = chatdnat_memo_by(ct, &memo);
	if (memo && memo->in == in)
		return snapshot;
	for (; snapshot; snapshot = rcu_dereference(snapshot->prev))
		if (chatdnat_ct_serves(&snapshot->settings.service, ct) &&
		    (snapshot->settings.hairpin ||
		     (in && chatdnat_ifset_has(&snapshot->settings.wan,
					       in->name))))
			return snapshot;
	return NULL;
}

static unsigned int chatdnat_nat_take_source(struct sk_buff *skb,
					     const struct nf_hook_state *state)
{
	const struct nf_nat_range2 range = {};

#if IS_ENABLED(CONFIG_IPV6)
	if (state->pf == NFPROTO_IPV6)
		return nf_nat_masquerade_ipv6(skb, &range, state->out);
#endif
	/* It would log each packet for which there is no address. */
	if (!inet_select_addr(state->out, 0, RT_SCOPE_UNIVERSE))
		return NF_DROP;
	return nf_nat_masquerade_ipv4(skb, state->hook, &range, state->out);
}

static unsigned int chatdnat_nat_masquerade(const struct chatdnat_settings *settings,
					    struct sk_buff *skb,
					    const struct nf_hook_state *state,
					    const struct nf_conn *ct)
{
	if (chatdnat_nat_take_source(skb, state) != NF_ACCEPT)
		return chatdnat_drop(settings, skb, state,
				     CHATDNAT_DROPPED_SOURCE);
	if (nf_nat_initialized(ct, NF_NAT_MANIP_SRC))
		chatdnat_count(chatdnat_family_of(state->pf),
			       CHATDNAT_MASQUERADED);
	return NF_ACCEPT;
}

static bool chatdnat_nat_opened_by_relay(const struct chatdnat_settings *settings,
					 enum chatdnat_family family,
					 const struct chatdnat_addr *saddr,
					 const struct nf_hook_state *state)
{
	return state->in &&
	       chatdnat_relays_has(&settings->service.relays[family], saddr) &&
	       chatdnat_ifset_has(&settings->wan, state->out->name);
}

/* Whether a packet that goes out to the world is left of an ended connection. */
static bool chatdnat_nat_stale(const struct chatdnat_snapshot *snapshot,
			       const struct nf_conn *ct,
			       const struct nf_hook_state *state)
{
	struct chatdnat_flow flow;

	if (!snapshot->n_former || !state->in ||
	    !chatdnat_ifset_has(&snapshot->settings.wan, state->out->name) ||
	    !chatdnat_flow_of(nf_ct_tuple(ct, IP_CT_DIR_ORIGINAL), &flow))
		return false;
	return (flow.proto == CHATDNAT_UDP || chatdnat_ct_midstream(ct)) &&
	       chatdnat_snapshot_stale(snapshot, &flow);
}

static unsigned int chatdnat_nat_src(void *priv, struct sk_buff *skb,
				     const struct nf_hook_state *state)
{
	const struct chatdnat_snapshot *snapshot, *by;
	enum chatdnat_family family = chatdnat_family_of(state->pf);
	struct chatdnat_departure departure = {};
	enum chatdnat_src_decision decision;
	const struct chatdnat_addr *saddr;
	enum ip_conntrack_info ctinfo;
	const struct net_device *in;
	struct nf_conn *ct;

	/* Also asked about what this host replies, as the reset of a refusal. */
	ct = nf_ct_get(skb, &ctinfo);
	snapshot = rcu_dereference(chatdnat_active);
	if (!ct || (ctinfo != IP_CT_NEW && ctinfo != IP_CT_RELATED) ||
	    nf_ct_is_confirmed(ct) || !snapshot)
		return NF_ACCEPT;

	saddr = chatdnat_addr_of(&nf_ct_tuple(ct, IP_CT_DIR_ORIGINAL)->src.u3);
	in = chatdnat_host_entered(skb, state);
	by = chatdnat_nat_translated_by(ct, in);
	if (by)
		snapshot = by;

	if (ctinfo == IP_CT_NEW && by) {
		chatdnat_count(family, CHATDNAT_SENT);
		chatdnat_answers_await(ct);
	} else if (ctinfo == IP_CT_NEW &&
		   chatdnat_nat_stale(snapshot, ct, state)) {
		return chatdnat_drop(&snapshot->settings, skb, state,
				     CHATDNAT_DROPPED_STALE);
	} else if (ctinfo == IP_CT_NEW &&
		   chatdnat_nat_opened_by_relay(&snapshot->settings, family,
						saddr, state)) {
		chatdnat_count(family, CHATDNAT_OUTBOUND);
	}

	if (!chatdnat_settings_active(&snapshot->settings, family))
		return NF_ACCEPT;

	departure.in = in ? in->name : NULL;
	departure.out = state->out->name;
	departure.translated = by;
	departure.transformed = dst_xfrm(skb_dst(skb));
	decision = chatdnat_decide_src(&snapshot->settings, &departure);
	if (decision == CHATDNAT_SRC_LOOK_UP) {
		departure.saddr_type = chatdnat_host_addr_type(family, saddr,
							       state->out);
		decision = chatdnat_decide_src(&snapshot->settings, &departure);
	}
	if (decision != CHATDNAT_SRC_MASQUERADE)
		return NF_ACCEPT;
	return chatdnat_nat_masquerade(&snapshot->settings, skb, state, ct);
}

#define CHATDNAT_NAT_OPS_MAX	3

/* In the order in which they go: nothing is sent on without its way out. */
#define CHATDNAT_NAT_OPS(family, dst_priority, src_priority) {	\
	{							\
		.hook = chatdnat_nat_dst,			\
		.pf = family,					\
		.hooknum = NF_INET_PRE_ROUTING,			\
		.priority = (dst_priority) - 1,			\
	}, {							\
		.hook = chatdnat_nat_dst,			\
		.pf = family,					\
		.hooknum = NF_INET_LOCAL_OUT,			\
		.priority = (dst_priority) - 1,			\
	}, {							\
		.hook = chatdnat_nat_src,			\
		.pf = family,					\
		.hooknum = NF_INET_POST_ROUTING,		\
		.priority = (src_priority) - 1,			\
	},							\
}

/* One before the rest: ahead of the tables that others make by default. */
static const struct nf_hook_ops chatdnat_nat_ops[CHATDNAT_FAMILIES][CHATDNAT_NAT_OPS_MAX] = {
	[CHATDNAT_IPV4] = CHATDNAT_NAT_OPS(NFPROTO_IPV4, NF_IP_PRI_NAT_DST,
					   NF_IP_PRI_NAT_SRC),
	[CHATDNAT_IPV6] = CHATDNAT_NAT_OPS(NFPROTO_IPV6, NF_IP6_PRI_NAT_DST,
					   NF_IP6_PRI_NAT_SRC),
};

/* Under chatdnat_config_lock. */
static bool chatdnat_nat_registered[CHATDNAT_FAMILIES];

static int chatdnat_nat_register_fn(const struct nf_hook_ops *ops)
{
#if IS_ENABLED(CONFIG_IPV6)
	if (ops->pf == NFPROTO_IPV6)
		return nf_nat_ipv6_register_fn(&init_net, ops);
#endif
	return nf_nat_ipv4_register_fn(&init_net, ops);
}

static void chatdnat_nat_unregister_fn(const struct nf_hook_ops *ops)
{
#if IS_ENABLED(CONFIG_IPV6)
	if (ops->pf == NFPROTO_IPV6) {
		nf_nat_ipv6_unregister_fn(&init_net, ops);
		return;
	}
#endif
	nf_nat_ipv4_unregister_fn(&init_net, ops);
}

/**
 * chatdnat_nat_register() - have the NAT core ask us for a family
 * @family: IPv4 or IPv6
 *
 * Until a family has a relay nothing of it is tracked for our sake. From then
 * on it stays registered until the module goes, for the connections' sake.
 *
 * Context: Process context, may sleep, chatdnat_config_lock held.
 * Return: 0, also where the kernel runs without IPv6; negative errno.
 */
int chatdnat_nat_register(enum chatdnat_family family)
{
	const struct nf_hook_ops *ops = chatdnat_nat_ops[family];
	int err, i;

	lockdep_assert_held(&chatdnat_config_lock);

	if (chatdnat_nat_registered[family])
		return 0;
	if (family == CHATDNAT_IPV6 && !ipv6_mod_enabled()) {
		pr_warn_once("v6: this kernel runs without IPv6, nothing is sent on over it\n");
		return 0;
	}

	err = nf_ct_netns_get(&init_net, ops[0].pf);
	if (err)
		return err;
	for (i = CHATDNAT_NAT_OPS_MAX - 1; i >= 0; i--) {
		err = chatdnat_nat_register_fn(&ops[i]);
		if (err)
			goto err_ops;
	}

	chatdnat_nat_registered[family] = true;
	return 0;

err_ops:
	while (++i < CHATDNAT_NAT_OPS_MAX)
		chatdnat_nat_unregister_fn(&ops[i]);
	nf_ct_netns_put(&init_net, ops[0].pf);
	return err;
}

static void chatdnat_nat_unregister(enum chatdnat_family family)
{
	const struct nf_hook_ops *ops = chatdnat_nat_ops[family];
	int i;

	if (!chatdnat_nat_registered[family])
		return;

	for (i = 0; i < CHATDNAT_NAT_OPS_MAX; i++)
		chatdnat_nat_unregister_fn(&ops[i]);
	nf_ct_netns_put(&init_net, ops[0].pf);
	chatdnat_nat_registered[family] = false;
}

/**
 * chatdnat_nat_init() - make ready for the first family
 *
 * Context: Process context, may sleep.
 * Return: 0 or a negative errno.
 */
int chatdnat_nat_init(void)
{
	/* They end what is masqueraded when an address or a device goes. */
	return nf_nat_masquerade_inet_register_notifiers();
}

/**
 * chatdnat_nat_exit() - leave the NAT core
 *
 * On return no packet is in our callbacks.
 *
 * Context: Process context, may sleep.
 */
void chatdnat_nat_exit(void)
{
	chatdnat_nat_unregister(CHATDNAT_IPV6);
	chatdnat_nat_unregister(CHATDNAT_IPV4);
	synchronize_net();
	nf_nat_masquerade_inet_unregister_notifiers();
}
