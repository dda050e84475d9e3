// SPDX-License-Identifier: GPL-2.0
/*
 * Offloads connections. All that an entry says is taken from a packet that has
 * passed the stack, with all its hooks, for whatever reason it did: it was the
 * first one, or something has changed.
 */
#include <linux/inetdevice.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/netdevice.h>
#include <net/dst.h>
#include <net/inet_ecn.h>
#include <net/ip.h>
#include <net/ip6_fib.h>
#include <net/netfilter/nf_conntrack_acct.h>
#include <net/netfilter/nf_conntrack_helper.h>
#include <net/netfilter/nf_conntrack_zones.h>
#include <net/netfilter/nf_nat.h>
#include <net/xfrm.h>

#include "../core/snapshot.h"
#include "../net/compat.h"
#include "../net/nfct.h"
#include "offload.h"
#include "offload_learn.h"
#include "offload_renew.h"

/*
 * Devices with an ingress hook, by a hash of their index. An entry of another
 * device would not be found.
 */
static DECLARE_BITMAP(chatdnat_offload_ports, CHATDNAT_OFFLOAD_PORTS);

/**
 * chatdnat_offload_learn_from() - offload connections of a device
 * @ifindex: the device; 0: of none
 *
 * Context: Process context, RTNL held.
 */
void chatdnat_offload_learn_from(int ifindex)
{
	if (ifindex)
		set_bit(ifindex % CHATDNAT_OFFLOAD_PORTS,
			chatdnat_offload_ports);
	else
		bitmap_zero(chatdnat_offload_ports, CHATDNAT_OFFLOAD_PORTS);
}

/*
 * Whether connection tracking knows both windows from their begin; it has no
 * idea of those of a connection that it found midstream.
 */
static bool chatdnat_offload_tcp_is_known(const struct nf_conn *ct)
{
	const struct ip_ct_tcp *tcp = &ct->proto.tcp;

	return READ_ONCE(tcp->state) == TCP_CONNTRACK_ESTABLISHED &&
	       (READ_ONCE(ct->status) & IPS_ASSURED) &&
	       READ_ONCE(tcp->seen[0].td_maxwin) &&
	       READ_ONCE(tcp->seen[1].td_maxwin) &&
	       !((READ_ONCE(tcp->seen[0].flags) | READ_ONCE(tcp->seen[1].flags)) &
		 IP_CT_TCP_FLAG_BE_LIBERAL);
}

/* Whether connection tracking has nothing else to do with its packets. */
static bool chatdnat_offload_is_simple(const struct nf_conn *ct)
{
	const unsigned long no = IPS_DYING | IPS_SEQ_ADJUST | IPS_NAT_CLASH |
				 IPS_OFFLOAD | IPS_HW_OFFLOAD;
	const unsigned long all = IPS_CONFIRMED | IPS_SEEN_REPLY;
	const struct nf_conn_help *help = nfct_help(ct);

	if ((READ_ONCE(ct->status) & (no | all)) != all ||
	    !(READ_ONCE(ct->status) & IPS_NAT_MASK) ||
	    (help && rcu_access_pointer(help->helper)) ||
	    nf_ct_zone(ct)->id != NF_CT_DEFAULT_ZONE_ID)
		return false;
	return nf_ct_protonum(ct) == IPPROTO_UDP ||
	       (nf_ct_protonum(ct) == IPPROTO_TCP &&
		chatdnat_offload_tcp_is_known(ct));
}

/* Whether the module translates a connection, by its active settings. */
static bool chatdnat_offload_is_ours(const struct nf_conn *ct)
{
	enum chatdnat_family family = chatdnat_family_of(nf_ct_l3num(ct));
	const struct nf_conn_nat *nat = nfct_nat(ct);
	const struct chatdnat_snapshot *snapshot;
	const struct net_device *dev;

	snapshot = rcu_dereference(chatdnat_active);
	if (!snapshot)
		return false;
	if (chatdnat_nfct_serves(&snapshot->settings.service, ct))
		return true;
	if (!chatdnat_nfct_only_masqueraded(ct) || !nat || !nat->masq_index)
		return false;
	dev = dev_get_by_index_rcu(&init_net, nat->masq_index);
	return dev && chatdnat_snapshot_masqueraded(snapshot, family, dev->name);
}

static bool chatdnat_offload_in_vrf(const struct net_device *dev)
{
	return netif_is_l3_master(dev) || netif_is_l3_slave(dev);
}

/* Whether the stack has forwarded a packet, as plainly as the fast path would. */
static bool chatdnat_offload_is_forwarded(const struct sk_buff *skb,
					  const struct nf_hook_state *state)
{
	const struct dst_entry *dst = skb_dst(skb);
	bool forwarded;

#if IS_ENABLED(CONFIG_IPV6)
	/* The stack does not mark what it forwards; this is 0 for its own. */
	if (state->pf == NFPROTO_IPV6)
		forwarded = IP6CB(skb)->iif;
	else
#endif
		forwarded = IPCB(skb)->flags & IPSKB_FORWARDED;
	return forwarded && dst && dst->dev == state->out && !dst->error &&
	       !dst_xfrm(dst) && !dst->lwtstate && !secpath_exists(skb) &&
	       !chatdnat_offload_in_vrf(state->in) &&
	       !chatdnat_offload_in_vrf(state->out) &&
	       test_bit(state->in->ifindex % CHATDNAT_OFFLOAD_PORTS,
			chatdnat_offload_ports);
}

static __be32 chatdnat_offload_ports_of(__be16 source, __be16 dest)
{
	const __be16 ports[] = { source, dest };
	__be32 both;

	memcpy(&both, ports, sizeof(both));
	return both;
}

/* Set addresses and ports of a direction, and the checksum differences. */
static void chatdnat_offload_set_tuples(struct chatdnat_offload *offload,
					enum chatdnat_family family,
					const struct nf_conn *ct)
{
	const struct nf_conntrack_tuple *was = nf_ct_tuple(ct, offload->dir);
	const struct nf_conntrack_tuple *reply = nf_ct_tuple(ct, !offload->dir);
	unsigned int words = chatdnat_offload_words(family);
	unsigned int size = words * sizeof(__be32);
	__be32 ports;
	__wsum addrs;

	memcpy(offload->addr, was->src.u3.all, size);
	memcpy(offload->addr + words, was->dst.u3.all, size);
	memcpy(offload->addr + 2 * words, reply->dst.u3.all, size);
	memcpy(offload->addr + 3 * words, reply->src.u3.all, size);
	offload->ports = chatdnat_offload_ports_of(was->src.u.all,
						   was->dst.u.all);
	ports = chatdnat_offload_ports_of(reply->dst.u.all, reply->src.u.all);
	offload->translation.ports = offload->ports ^ ports;

	addrs = csum_sub(csum_partial(offload->addr + 2 * words, 2 * size, 0),
			 csum_partial(offload->addr, 2 * size, 0));
	chatdnat_translation_sums(&offload->translation, addrs,
				  csum_sub((__force __wsum)ports,
					   (__force __wsum)offload->ports));
}

/* Whether the packet has left with the addresses that the entry would give it. */
static bool chatdnat_offload_agrees(const struct chatdnat_offload *offload,
				    enum chatdnat_family family,
				    const struct sk_buff *skb)
{
	unsigned int words = chatdnat_offload_words(family);
	const void *addr = family == CHATDNAT_IPV6 ?
				   (const void *)&ipv6_hdr(skb)->saddr :
				   (const void *)&ip_hdr(skb)->saddr;

	return !memcmp(offload->addr + 2 * words, addr,
		       2 * words * sizeof(__be32));
}

static bool chatdnat_offload_set_ipv4(struct chatdnat_offload *offload,
				      const struct sk_buff *skb,
				      const struct net_device *in)
{
	struct in_device *in_dev = __in_dev_get_rcu(in);

	if (!in_dev)
		return false;
	offload->tos = ip_hdr(skb)->tos & ~INET_ECN_MASK;
	offload->priority =
		READ_ONCE(init_net.ipv4.sysctl_ip_fwd_update_priority) ?
			rt_tos2priority(ip_hdr(skb)->tos) :
			-1;
	offload->rp_filter = IN_DEV_RPFILTER(in_dev);
	return true;
}

static struct chatdnat_offload *chatdnat_offload_of(const struct nf_conn *ct,
						    enum ip_conntrack_dir dir,
						    int iif)
{
	const struct nf_conntrack_tuple *tuple = nf_ct_tuple(ct, dir);
	enum chatdnat_family family = chatdnat_family_of(tuple->src.l3num);
	unsigned int words = chatdnat_offload_words(family);
	__be32 addr[8];

	memcpy(addr, tuple->src.u3.all, words * sizeof(__be32));
	memcpy(addr + words, tuple->dst.u3.all, words * sizeof(__be32));
	return chatdnat_offload_find(family, addr,
				     chatdnat_offload_ports_of(tuple->src.u.all,
							       tuple->dst.u.all),
				     tuple->dst.protonum, iif);
}

/* The entry of a packet; NULL if its connection cannot be offloaded. */
static struct chatdnat_offload *
chatdnat_offload_from(const struct sk_buff *skb,
		      const struct nf_hook_state *state, struct nf_conn *ct,
		      enum ip_conntrack_dir dir)
{
	enum chatdnat_family family = chatdnat_family_of(state->pf);
	struct dst_entry *dst = skb_dst(skb);
	struct chatdnat_offload *offload = chatdnat_offload_new();
	struct chatdnat_translation *translation;
	struct chatdnat_offload *back;

	if (!offload)
		return NULL;
	translation = &offload->translation;
	chatdnat_validity_begin(&translation->validity);
	/* A first packet renews it. */
	if (READ_ONCE(ct->status) & IPS_ASSURED)
		translation->validity.until = jiffies;

	offload->kind = CHATDNAT_OFFLOAD_KIND(family, nf_ct_protonum(ct));
	offload->iif = state->in->ifindex;
	offload->dir = dir;
	offload->counts = nf_conn_acct_find(ct);
	chatdnat_offload_set_tuples(offload, family, ct);
	if (!chatdnat_offload_agrees(offload, family, skb) ||
	    (family == CHATDNAT_IPV4 &&
	     !chatdnat_offload_set_ipv4(offload, skb, state->in)) ||
	    !dst_hold_safe(dst))
		goto discard;
	back = chatdnat_offload_of(ct, !dir, state->out->ifindex);
	if (back && back->ct == ct &&
	    back->translation.nexthop.dev == state->in) {
		WRITE_ONCE(back->sourced, true);
		offload->sourced = true;
	}
	offload->dst = dst;
	offload->cookie = chatdnat_nexthop_from_dst(&translation->nexthop,
						    family, dst, skb);
	if (!chatdnat_nexthop_ready(&translation->nexthop))
		goto discard;
	nf_conntrack_get(&ct->ct_general);
	offload->ct = ct;
	return offload;

discard:
	chatdnat_offload_discard(offload);
	return NULL;
}

/*
 * Whether a direction needs no new entry. Connection tracking may just have
 * shortened the timeout: the next packet of the fast path sets it again.
 */
static bool chatdnat_offload_is_learnt(const struct nf_conn *ct,
				       const struct sk_buff *skb,
				       const struct nf_hook_state *state,
				       enum ip_conntrack_dir dir)
{
	struct chatdnat_offload *offload, *back;
	bool assured = READ_ONCE(ct->status) & IPS_ASSURED;

	back = chatdnat_offload_of(ct, !dir, state->out->ifindex);
	if (back && assured)
		WRITE_ONCE(back->translation.validity.until, jiffies);
	offload = chatdnat_offload_of(ct, dir, state->in->ifindex);
	if (!offload || offload->ct != ct ||
	    !chatdnat_offload_is_current(offload) ||
	    (chatdnat_offload_is_due(offload) &&
	     !chatdnat_offload_holds(offload)))
		return false;
	if (assured)
		WRITE_ONCE(offload->translation.validity.until, jiffies);
	return state->pf == NFPROTO_IPV6 ||
	       offload->tos == (ip_hdr(skb)->tos & ~INET_ECN_MASK);
}

static noinline void chatdnat_offload_packet(const struct sk_buff *skb,
					     const struct nf_hook_state *state,
					     struct nf_conn *ct,
					     enum ip_conntrack_dir dir)
{
	struct chatdnat_offload *offload;

	if (!chatdnat_offload_is_simple(ct) ||
	    !chatdnat_offload_is_forwarded(skb, state) ||
	    chatdnat_offload_is_learnt(ct, skb, state, dir) ||
	    !chatdnat_offload_is_ours(ct))
		return;
	offload = chatdnat_offload_from(skb, state, ct, dir);
	if (!offload)
		return;
	chatdnat_offload_add(offload);
	if (nf_ct_protonum(ct) == IPPROTO_TCP)
		chatdnat_offload_acknowledge(ct);
}

/**
 * chatdnat_offload_learn() - hook: POST_ROUTING, last, offload established
 *			      connections
 * @priv: unused
 * @skb: the packet
 * @state: the state of the current hook
 *
 * Context: Softirq or process context, RCU read lock held; on the packet path.
 * Return: NF_ACCEPT.
 */
unsigned int chatdnat_offload_learn(void *priv, struct sk_buff *skb,
				    const struct nf_hook_state *state)
{
	enum ip_conntrack_info ctinfo;
	struct nf_conn *ct = nf_ct_get(skb, &ctinfo);

	if ((ctinfo == IP_CT_ESTABLISHED || ctinfo == IP_CT_ESTABLISHED_REPLY) &&
	    ct && state->in &&
	    chatdnat_offload_is_open(chatdnat_family_of(state->pf)))
		chatdnat_offload_packet(skb, state, ct, CTINFO2DIR(ctinfo));
	return NF_ACCEPT;
}
