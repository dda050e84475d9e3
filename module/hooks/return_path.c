// SPDX-License-Identifier: GPL-2.0
/*
 * Multi-homing: with several WAN interfaces the relay's replies, and what this
 * host says in its place, leave by the one that their connection came in by.
 * The stack routes a reply while it still has the relay's address as its
 * source, so a rule for the own address that it gets later ("ip rule add from
 * ...") cannot choose its way. It has to find some way, or there is no reply.
 */
#include <linux/netdevice.h>
#include <net/dst.h>
#include <net/netfilter/nf_conntrack.h>

#include "../core/snapshot.h"
#include "../net/lookup.h"
#include "../net/nfct.h"
#include "../net/reject.h"
#include "../stateless/stateless.h"
#include "return_path.h"

static bool chatdnat_return_path_ours(const struct nf_conn *ct,
				      const struct net_device *home,
				      const struct net_device *far)
{
	const struct chatdnat_snapshot *snapshot;

	chatdnat_for_each_snapshot(snapshot) {
		const struct chatdnat_ifset *wan = &snapshot->settings.wan;

		if (chatdnat_ifset_has(wan, home->name) &&
		    chatdnat_ifset_has(wan, far->name) &&
		    chatdnat_nfct_serves(&snapshot->settings.service, ct))
			return true;
	}
	return false;
}

/*
 * The WAN interface that has a connection's own address, and so is taken for
 * the one that it came in by. NULL where it came in by none.
 */
static const struct net_device *
chatdnat_return_path_home(enum chatdnat_family family, const struct nf_conn *ct,
			  const struct net_device *far)
{
	const struct nf_conntrack_tuple *tuple;
	const struct net_device *home;

	tuple = nf_ct_tuple(ct, IP_CT_DIR_ORIGINAL);
	home = chatdnat_lookup_addr_dev(family, chatdnat_addr_of(&tuple->dst.u3));
	return home && chatdnat_return_path_ours(ct, home, far) ? home : NULL;
}

static struct dst_entry *chatdnat_return_path_by(int home,
						 enum chatdnat_family family,
						 const struct chatdnat_addr *own,
						 const struct chatdnat_addr *client,
						 u32 mark)
{
	struct dst_entry *dst;

	dst = chatdnat_lookup_route(family, own, client, home, mark);
	if (dst && dst->dev->ifindex != home) {
		dst_release(dst);
		return NULL;
	}
	return dst;
}

static struct dst_entry *chatdnat_return_path_by_ct(const struct net_device *home,
						    enum chatdnat_family family,
						    const struct nf_conn *ct,
						    u32 mark)
{
	const struct nf_conntrack_tuple *tuple;

	tuple = nf_ct_tuple(ct, IP_CT_DIR_ORIGINAL);
	return chatdnat_return_path_by(home->ifindex, family,
				       chatdnat_addr_of(&tuple->dst.u3),
				       chatdnat_addr_of(&tuple->src.u3), mark);
}

/**
 * chatdnat_return_path_route() - the way back of a connection from the world
 * @family: the connection's
 * @ct: the connection
 * @in: the interface that its packet came in by
 * @mark: of the packet
 *
 * Context: Softirq, RCU read lock held.
 * Return: The route to the client, the caller's to release, or NULL: the
 * connection is not ours or came in by no WAN interface, or there is no route.
 */
struct dst_entry *chatdnat_return_path_route(enum chatdnat_family family,
					     const struct nf_conn *ct,
					     const struct net_device *in, u32 mark)
{
	const struct net_device *home = chatdnat_return_path_home(family, ct, in);

	return home ? chatdnat_return_path_by_ct(home, family, ct, mark) : NULL;
}

/* The other way that a reply of a tracked connection must take, if any. */
static struct dst_entry *
chatdnat_return_path_tracked(const struct sk_buff *skb,
			     const struct nf_hook_state *state,
			     const struct nf_conn *ct)
{
	enum chatdnat_family family = chatdnat_family_of(state->pf);
	const struct net_device *home;

	home = chatdnat_return_path_home(family, ct, state->out);
	return home && home != state->out ?
		chatdnat_return_path_by_ct(home, family, ct, skb->mark) : NULL;
}

/* The same of one that is translated without state. */
static struct dst_entry *
chatdnat_return_path_stateless(const struct sk_buff *skb,
			       const struct nf_hook_state *state)
{
	const struct chatdnat_settings *settings;
	const struct chatdnat_binding *binding;
	struct chatdnat_parsed parsed;

	if (chatdnat_stateless_direction(skb, state, &parsed, &settings, &binding) !=
	    CHATDNAT_DIR_TO_CLIENT || !binding->home ||
	    binding->home == state->out->ifindex ||
	    !chatdnat_ifset_has(&settings->wan, state->out->name))
		return NULL;
	return chatdnat_return_path_by(binding->home, parsed.flow.family,
				       &binding->own, &parsed.flow.daddr, skb->mark);
}

/**
 * chatdnat_return_path() - hook: route a reply by where its connection came in
 * @priv: unused
 * @skb: the packet, routed
 * @state: the hook's
 *
 * Hooks behind this one still see the way before as @state->out.
 *
 * Without a route by that interface the packet goes as it was routed. This host
 * itself sends resets of what is refused, and ICMP errors.
 *
 * Context: Softirq or process context, RCU read lock held.
 * Return: NF_ACCEPT or NF_DROP.
 */
unsigned int chatdnat_return_path(void *priv, struct sk_buff *skb,
				  const struct nf_hook_state *state)
{
	enum chatdnat_family family = chatdnat_family_of(state->pf);
	enum ip_conntrack_info ctinfo;
	const struct nf_conn *ct;
	struct dst_entry *dst;

	ct = nf_ct_get(skb, &ctinfo);
	if (ctinfo == IP_CT_UNTRACKED)
		dst = chatdnat_return_path_stateless(skb, state);
	else if (ct && (READ_ONCE(ct->status) & IPS_DST_NAT) &&
		 CTINFO2DIR(ctinfo) == IP_CT_DIR_REPLY)
		dst = chatdnat_return_path_tracked(skb, state, ct);
	else
		return NF_ACCEPT;
	if (!dst)
		return NF_ACCEPT;

	/*
	 * The stack asked the other way whether it fits. Once translated, an
	 * error would be for the own address, and routed as that one's. What
	 * this host says is short enough for every way.
	 */
	if (state->hook == NF_INET_FORWARD &&
	    chatdnat_reject_too_big(skb, family, dst_mtu(dst))) {
		dst_release(dst);
		return NF_DROP;
	}

	skb_dst_drop(skb);
	skb_dst_set(skb, dst);
	return NF_ACCEPT;
}
