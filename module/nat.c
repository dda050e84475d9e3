// SPDX-License-Identifier: GPL-2.0
/*
 * The tracked engine: callbacks of the kernel's NAT core, which asks them once
 * for each new connection and translates every later packet by itself.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/ipv6.h>
#include <linux/netfilter.h>
#include <linux/netfilter_ipv4.h>
#include <linux/netfilter_ipv6.h>
#include <net/addrconf.h>
#include <net/ip6_fib.h>
#include <net/netfilter/nf_conntrack.h>
#include <net/netfilter/nf_nat.h>
#include <net/netfilter/nf_nat_masquerade.h>
#include <net/route.h>

#include "answers.h"
#include "config.h"
#include "ct.h"
#include "nat.h"
#include "stats.h"

static enum chatdnat_addr_type
chatdnat_ipv4_addr_type(const struct chatdnat_addr *addr)
{
	switch (inet_addr_type(&init_net, addr->word[0])) {
	case RTN_LOCAL:
		return CHATDNAT_ADDR_LOCAL;
	case RTN_BROADCAST:
	case RTN_ANYCAST:
	case RTN_MULTICAST:
		return CHATDNAT_ADDR_GROUP;
	default:
		return CHATDNAT_ADDR_UNICAST;
	}
}

#if IS_ENABLED(CONFIG_IPV6)
static enum chatdnat_addr_type
chatdnat_ipv6_addr_type(const struct chatdnat_addr *addr)
{
	struct flowi fl = {};
	struct dst_entry *dst;
	u32 flags;

	memcpy(&fl.u.ip6.daddr, addr->word, sizeof(fl.u.ip6.daddr));
	if (ipv6_chk_addr(&init_net, &fl.u.ip6.daddr, NULL, 0))
		return CHATDNAT_ADDR_LOCAL;

	/* Local without being an interface's: ip -6 route add local ... */
	if (nf_route(&init_net, &dst, &fl, false, AF_INET6))
		return CHATDNAT_ADDR_UNICAST;
	flags = container_of(dst, struct rt6_info, dst)->rt6i_flags;
	dst_release(dst);

	if (flags & RTF_ANYCAST)
		return CHATDNAT_ADDR_GROUP;
	return flags & RTF_LOCAL ? CHATDNAT_ADDR_LOCAL : CHATDNAT_ADDR_UNICAST;
}
#else
static enum chatdnat_addr_type
chatdnat_ipv6_addr_type(const struct chatdnat_addr *addr)
{
	return CHATDNAT_ADDR_UNICAST;
}
#endif

/**
 * chatdnat_nat_addr_type() - whose an address is
 * @family: which kind of address
 * @addr: the address, network byte order
 *
 * Context: Process context or softirq; on the packet path.
 */
enum chatdnat_addr_type
chatdnat_nat_addr_type(enum chatdnat_family family,
		       const struct chatdnat_addr *addr)
{
	if (chatdnat_addr_is_multicast(family, addr))
		return CHATDNAT_ADDR_GROUP;
	return family == CHATDNAT_IPV6 ? chatdnat_ipv6_addr_type(addr)
				       : chatdnat_ipv4_addr_type(addr);
}

static unsigned int chatdnat_nat_translate(struct nf_conn *ct,
					   enum chatdnat_family family,
					   const struct chatdnat_addr *relay)
{
	struct nf_nat_range2 range = {
		.flags = NF_NAT_RANGE_MAP_IPS,
	};
	unsigned int verdict;

	memcpy(range.min_addr.all, relay->word, sizeof(relay->word));
	range.max_addr = range.min_addr;

	verdict = nf_nat_setup_info(ct, &range, NF_NAT_MANIP_DST);
	chatdnat_count(family, verdict == NF_ACCEPT ? CHATDNAT_TRANSLATED
						    : CHATDNAT_DROPPED_NAT);
	return verdict;
}

/*
 * A connection that begins in its middle is one that conntrack did not know,
 * or no longer. It tells by the state after the first packet.
 */
static bool chatdnat_ct_unopened(const struct nf_conn *ct)
{
	return nf_ct_protonum(ct) != IPPROTO_TCP ||
	       ct->proto.tcp.state != TCP_CONNTRACK_SYN_SENT;
}

static unsigned int chatdnat_nat_dst(void *priv, struct sk_buff *skb,
				     const struct nf_hook_state *state)
{
	const struct chatdnat_snapshot *snapshot;
	enum chatdnat_dst_decision decision;
	struct chatdnat_arrival arrival;
	const struct chatdnat_addr *relay;
	enum ip_conntrack_info ctinfo;
	enum chatdnat_family family;
	struct nf_conn *ct;

	ct = nf_ct_get(skb, &ctinfo);
	if (!ct || ctinfo != IP_CT_NEW ||
	    !chatdnat_flow_of(nf_ct_tuple(ct, IP_CT_DIR_ORIGINAL),
			      &arrival.flow))
		return NF_ACCEPT;

	/* Hooks run under the RCU read lock. */
	snapshot = rcu_dereference(chatdnat_active);
	if (!snapshot)
		return NF_ACCEPT;

	family = arrival.flow.family;
	arrival.in = state->in->name;
	arrival.daddr_type = CHATDNAT_ADDR_UNKNOWN;
	decision = chatdnat_decide_dst(&snapshot->settings, &arrival, &relay);
	if (decision == CHATDNAT_DST_LOOK_UP) {
		arrival.daddr_type = chatdnat_nat_addr_type(family,
							    &arrival.flow.daddr);
		decision = chatdnat_decide_dst(&snapshot->settings, &arrival,
					       &relay);
	}

	switch (decision) {
	case CHATDNAT_DST_TRANSLATE:
		chatdnat_count(family, CHATDNAT_SEEN);
		return chatdnat_nat_translate(ct, family, relay);
	case CHATDNAT_DST_DRAIN:
		chatdnat_count(family, CHATDNAT_SEEN);
		return NF_ACCEPT;
	case CHATDNAT_DST_LEAVE:
	case CHATDNAT_DST_LOOK_UP:
		break;
	}

	if (snapshot->n_former && chatdnat_ct_unopened(ct) &&
	    chatdnat_snapshot_stale(snapshot, &arrival.flow)) {
		chatdnat_count(family, CHATDNAT_DROPPED_STALE);
		return NF_DROP;
	}
	return NF_ACCEPT;
}

/*
 * The snapshot under which a connection was sent on to a relay, or NULL: the
 * active one, or the one before if the packet met that before it was routed.
 */
static const struct chatdnat_snapshot *
chatdnat_nat_translated_by(const struct chatdnat_snapshot *snapshot,
			   const struct nf_conn *ct,
			   const struct nf_hook_state *state)
{
	for (; snapshot; snapshot = rcu_dereference(snapshot->prev))
		if (chatdnat_ct_serves(&snapshot->settings.service, ct) &&
		    chatdnat_ifset_has(&snapshot->settings.wan,
				       state->in->name))
			return snapshot;
	return NULL;
}

static unsigned int chatdnat_nat_masquerade(struct sk_buff *skb,
					    const struct nf_hook_state *state,
					    const struct nf_conn *ct)
{
	const struct nf_nat_range2 range = {};
	enum chatdnat_family family = chatdnat_family_of(state->pf);
	unsigned int verdict;

#if IS_ENABLED(CONFIG_IPV6)
	if (family == CHATDNAT_IPV6)
		verdict = nf_nat_masquerade_ipv6(skb, &range, state->out);
	else
#endif
		verdict = nf_nat_masquerade_ipv4(skb, state->hook, &range,
						 state->out);

	if (verdict != NF_ACCEPT)
		chatdnat_count(family, CHATDNAT_DROPPED_SOURCE);
	else if (nf_nat_initialized(ct, NF_NAT_MANIP_SRC))
		chatdnat_count(family, CHATDNAT_MASQUERADED);
	return verdict;
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

static unsigned int chatdnat_nat_src(void *priv, struct sk_buff *skb,
				     const struct nf_hook_state *state)
{
	const struct chatdnat_snapshot *snapshot, *by = NULL;
	enum chatdnat_family family = chatdnat_family_of(state->pf);
	struct chatdnat_departure departure = {};
	enum chatdnat_src_decision decision;
	const struct chatdnat_addr *saddr;
	enum ip_conntrack_info ctinfo;
	struct nf_conn *ct;

	ct = nf_ct_get(skb, &ctinfo);
	snapshot = rcu_dereference(chatdnat_active);
	if (!ct || !snapshot)
		return NF_ACCEPT;

	saddr = chatdnat_addr_of(&nf_ct_tuple(ct, IP_CT_DIR_ORIGINAL)->src.u3);
	if (state->in)
		by = chatdnat_nat_translated_by(snapshot, ct, state);
	if (by)
		snapshot = by;

	if (ctinfo == IP_CT_NEW && by) {
		chatdnat_count(family, CHATDNAT_SENT);
		chatdnat_answers_await(ct);
	} else if (ctinfo == IP_CT_NEW &&
		   chatdnat_nat_opened_by_relay(&snapshot->settings, family,
						saddr, state)) {
		chatdnat_count(family, CHATDNAT_OUTBOUND);
	}

	if (!chatdnat_settings_active(&snapshot->settings, family))
		return NF_ACCEPT;

	departure.in = state->in ? state->in->name : NULL;
	departure.out = state->out->name;
	departure.translated = by;
	decision = chatdnat_decide_src(&snapshot->settings, &departure);
	if (decision == CHATDNAT_SRC_LOOK_UP) {
		departure.saddr_type = chatdnat_nat_addr_type(family, saddr);
		decision = chatdnat_decide_src(&snapshot->settings, &departure);
	}
	if (decision != CHATDNAT_SRC_MASQUERADE)
		return NF_ACCEPT;
	return chatdnat_nat_masquerade(skb, state, ct);
}

#define CHATDNAT_NAT_OPS(family, dst_priority, src_priority) {	\
	{							\
		.hook = chatdnat_nat_dst,			\
		.pf = family,					\
		.hooknum = NF_INET_PRE_ROUTING,			\
		.priority = (dst_priority) - 1,			\
	}, {							\
		.hook = chatdnat_nat_src,			\
		.pf = family,					\
		.hooknum = NF_INET_POST_ROUTING,		\
		.priority = (src_priority) - 1,			\
	},							\
}

/* One before the rest: ahead of the tables that others make by default. */
static const struct nf_hook_ops chatdnat_nat_ops[CHATDNAT_FAMILIES][2] = {
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
	int err;

	lockdep_assert_held(&chatdnat_config_lock);

	if (chatdnat_nat_registered[family])
		return 0;
	if (family == CHATDNAT_IPV6 && !ipv6_mod_enabled()) {
		pr_warn("v6: this kernel runs without IPv6, nothing is sent on over it\n");
		return 0;
	}

	err = nf_ct_netns_get(&init_net, ops[0].pf);
	if (err)
		return err;
	err = chatdnat_nat_register_fn(&ops[1]);
	if (err)
		goto err_netns;
	err = chatdnat_nat_register_fn(&ops[0]);
	if (err)
		goto err_src;

	chatdnat_nat_registered[family] = true;
	return 0;

err_src:
	chatdnat_nat_unregister_fn(&ops[1]);
err_netns:
	nf_ct_netns_put(&init_net, ops[0].pf);
	return err;
}

static void chatdnat_nat_unregister(enum chatdnat_family family)
{
	const struct nf_hook_ops *ops = chatdnat_nat_ops[family];

	if (!chatdnat_nat_registered[family])
		return;

	chatdnat_nat_unregister_fn(&ops[0]);
	chatdnat_nat_unregister_fn(&ops[1]);
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
