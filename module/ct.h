/* SPDX-License-Identifier: GPL-2.0 */
/* Conntrack's entries as the plain values that decisions are made of. */
#ifndef CHATDNAT_CT_H
#define CHATDNAT_CT_H

#include <linux/netfilter/nf_conntrack_common.h>
#include <net/netfilter/nf_conntrack.h>
#include <net/netfilter/nf_conntrack_tuple.h>

#include "settings.h"

static_assert(sizeof(struct chatdnat_addr) == sizeof(union nf_inet_addr));

static inline enum chatdnat_family chatdnat_family_of(u8 pf)
{
	return pf == NFPROTO_IPV6 ? CHATDNAT_IPV6 : CHATDNAT_IPV4;
}

static inline u8 chatdnat_pf_of(enum chatdnat_family family)
{
	return family == CHATDNAT_IPV6 ? NFPROTO_IPV6 : NFPROTO_IPV4;
}

static inline const struct chatdnat_addr *
chatdnat_addr_of(const union nf_inet_addr *addr)
{
	return (const struct chatdnat_addr *)addr->all;
}

/**
 * chatdnat_flow_of() - one direction of a connection
 * @tuple: the direction
 * @flow: filled in
 *
 * Context: Any.
 * Return: False when it is neither TCP nor UDP.
 */
static inline bool chatdnat_flow_of(const struct nf_conntrack_tuple *tuple,
				    struct chatdnat_flow *flow)
{
	switch (tuple->dst.protonum) {
	case IPPROTO_TCP:
		flow->proto = CHATDNAT_TCP;
		break;
	case IPPROTO_UDP:
		flow->proto = CHATDNAT_UDP;
		break;
	default:
		return false;
	}

	flow->family = chatdnat_family_of(tuple->src.l3num);
	flow->saddr = *chatdnat_addr_of(&tuple->src.u3);
	flow->daddr = *chatdnat_addr_of(&tuple->dst.u3);
	flow->sport = ntohs(tuple->src.u.all);
	flow->dport = ntohs(tuple->dst.u.all);
	return true;
}

/**
 * chatdnat_ct_serves() - whether a service sent a connection on
 * @service: what is sent on
 * @ct: the connection
 *
 * The NAT core does not keep who set a connection up. It is the service's when
 * it looks as if the service had done it.
 *
 * Context: Any.
 */
static inline bool chatdnat_ct_serves(const struct chatdnat_service *service,
				      const struct nf_conn *ct)
{
	const struct nf_conntrack_tuple *reply = nf_ct_tuple(ct, IP_CT_DIR_REPLY);
	const struct chatdnat_addr *relay;
	struct chatdnat_flow flow;

	if (!(READ_ONCE(ct->status) & IPS_DST_NAT) ||
	    !chatdnat_flow_of(nf_ct_tuple(ct, IP_CT_DIR_ORIGINAL), &flow))
		return false;

	relay = chatdnat_service_relay(service, &flow);
	return relay &&
	       chatdnat_addr_equal(relay, chatdnat_addr_of(&reply->src.u3)) &&
	       ntohs(reply->src.u.all) == flow.dport;
}

#endif /* CHATDNAT_CT_H */
