// SPDX-License-Identifier: GPL-2.0
/*
 * Multi-homing: with several WAN interfaces, replies of the relay and locally
 * generated ICMP errors and resets leave by the interface on which their
 * connection was received. The stack routes a reply before SNAT, with the
 * relay's address as its source, so that a rule for the local address ("ip rule
 * add from ...") does not match. The stack needs some route to the client,
 * otherwise it drops the reply.
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
				      const struct net_device *dev,
				      const struct net_device *wan_dev)
{
	const struct chatdnat_snapshot *snapshot;

	chatdnat_for_each_snapshot(snapshot) {
		const struct chatdnat_ifset *wan = &snapshot->settings.wan;

		if (chatdnat_ifset_has(wan, dev->name) &&
		    chatdnat_ifset_has(wan, wan_dev->name) &&
		    chatdnat_nfct_serves(&snapshot->settings.service, ct))
			return true;
	}
	return false;
}

/*
 * The WAN interface that has the local address of a connection, assumed to be
 * its input interface; NULL if there is none.
 */
static const struct net_device *
chatdnat_return_path_dev(enum chatdnat_family family, const struct nf_conn *ct,
			 const struct net_device *wan_dev)
{
	const struct nf_conntrack_tuple *tuple;
	const struct net_device *dev;

	tuple = nf_ct_tuple(ct, IP_CT_DIR_ORIGINAL);
	dev = chatdnat_lookup_addr_dev(family, chatdnat_addr_of(&tuple->dst.u3));
	return dev && chatdnat_return_path_ours(ct, dev, wan_dev) ? dev : NULL;
}

static struct dst_entry *
chatdnat_return_path_by(int ifindex, enum chatdnat_family family,
			const struct chatdnat_addr *local,
			const struct chatdnat_addr *client, u32 mark)
{
	struct dst_entry *dst;

	dst = chatdnat_lookup_route(family, local, client, ifindex, mark);
	if (dst && dst->dev->ifindex != ifindex) {
		dst_release(dst);
		return NULL;
	}
	return dst;
}

static struct dst_entry *chatdnat_return_path_by_ct(const struct net_device *dev,
						    enum chatdnat_family family,
						    const struct nf_conn *ct,
						    u32 mark)
{
	const struct nf_conntrack_tuple *tuple;

	tuple = nf_ct_tuple(ct, IP_CT_DIR_ORIGINAL);
	return chatdnat_return_path_by(dev->ifindex, family,
				       chatdnat_addr_of(&tuple->dst.u3),
				       chatdnat_addr_of(&tuple->src.u3), mark);
}

/**
 * chatdnat_return_path_route() - route to the client of a connection from the
 *				  WAN
 * @family: IPv4 or IPv6
 * @ct: the connection
 * @in: the WAN interface that its packet uses
 * @mark: the packet's mark
 *
 * Context: Softirq, RCU read lock held.
 * Return: The route to the client, to be released by dst_release(). NULL if the
 * module does not forward the connection, if it was not received on a WAN
 * interface, or if there is no route.
 */
struct dst_entry *chatdnat_return_path_route(enum chatdnat_family family,
					     const struct nf_conn *ct,
					     const struct net_device *in,
					     u32 mark)
{
	const struct net_device *dev = chatdnat_return_path_dev(family, ct, in);

	return dev ? chatdnat_return_path_by_ct(dev, family, ct, mark) : NULL;
}

/*
 * The route of a reply of a tracked connection, if it has to change; or NULL.
 */
static struct dst_entry *
chatdnat_return_path_tracked(const struct sk_buff *skb,
			     const struct nf_hook_state *state,
			     const struct nf_conn *ct)
{
	enum chatdnat_family family = chatdnat_family_of(state->pf);
	const struct net_device *dev;

	dev = chatdnat_return_path_dev(family, ct, state->out);
	return dev && dev != state->out ?
		       chatdnat_return_path_by_ct(dev, family, ct, skb->mark) :
		       NULL;
}

/* The route of a reply without state, if it has to change; otherwise NULL. */
static struct dst_entry *
chatdnat_return_path_stateless(const struct sk_buff *skb,
			       const struct nf_hook_state *state)
{
	const struct chatdnat_settings *settings;
	const struct chatdnat_binding *binding;
	struct chatdnat_parsed parsed;

	if (chatdnat_stateless_direction(skb, state, &parsed, &settings,
					 &binding) != CHATDNAT_DIR_TO_CLIENT ||
	    !binding->ifindex || binding->ifindex == state->out->ifindex ||
	    !chatdnat_ifset_has(&settings->wan, state->out->name))
		return NULL;
	return chatdnat_return_path_by(binding->ifindex, parsed.flow.family,
				       &binding->local, &parsed.flow.daddr,
				       skb->mark);
}

/**
 * chatdnat_return_path() - hook: FORWARD and LOCAL_OUT, route replies through
 *			    the input interface of their connection
 * @priv: unused
 * @skb: the packet, routed
 * @state: the state of the current hook
 *
 * Later hooks still see the old output interface as @state->out.
 *
 * If there is no route by that interface, the route is not changed. Locally
 * generated packets are resets of rejected connections, and ICMP errors.
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
	 * The stack has checked the MTU of the old route. After SNAT, an ICMP
	 * error would be sent to the local address instead of the relay.
	 * Locally generated packets fit any MTU.
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
