/* SPDX-License-Identifier: GPL-2.0 */
/* Conntrack's entries as the plain values that decisions are made of. */
#ifndef CHATDNAT_NFCT_H
#define CHATDNAT_NFCT_H

#include <linux/netfilter/nf_conntrack_common.h>
#include <net/netfilter/nf_conntrack.h>
#include <net/netfilter/nf_conntrack_tuple.h>

#include "../policy/settings.h"

static_assert(sizeof(struct chatdnat_addr) == sizeof(union nf_inet_addr));

/**
 * chatdnat_family_of() - netfilter's family as ours
 * @pf: NFPROTO_IPV4 or NFPROTO_IPV6
 *
 * Context: Any.
 * Return: The family.
 */
static inline enum chatdnat_family chatdnat_family_of(u8 pf)
{
	return pf == NFPROTO_IPV6 ? CHATDNAT_IPV6 : CHATDNAT_IPV4;
}

/**
 * chatdnat_pf_of() - our family as netfilter's
 * @family: IPv4 or IPv6
 *
 * Context: Any.
 * Return: NFPROTO_IPV4 or NFPROTO_IPV6.
 */
static inline u8 chatdnat_pf_of(enum chatdnat_family family)
{
	return family == CHATDNAT_IPV6 ? NFPROTO_IPV6 : NFPROTO_IPV4;
}

/**
 * chatdnat_addr_of() - an address as connection tracking keeps it
 * @addr: the address, network byte order
 *
 * Context: Any.
 * Return: The same memory.
 */
static inline const struct chatdnat_addr *
chatdnat_addr_of(const union nf_inet_addr *addr)
{
	return (const struct chatdnat_addr *)addr->all;
}

/**
 * chatdnat_proto_of() - a protocol that has ports
 * @protonum: its number
 * @proto: set, to whatever if there is nothing to set it to
 *
 * Context: Any.
 * Return: False when it is neither TCP nor UDP.
 */
static inline bool chatdnat_proto_of(u8 protonum, enum chatdnat_proto *proto)
{
	*proto = protonum == IPPROTO_UDP ? CHATDNAT_UDP : CHATDNAT_TCP;
	return protonum == IPPROTO_TCP || protonum == IPPROTO_UDP;
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
	if (!chatdnat_proto_of(tuple->dst.protonum, &flow->proto))
		return false;
	flow->family = chatdnat_family_of(tuple->src.l3num);
	flow->saddr = *chatdnat_addr_of(&tuple->src.u3);
	flow->daddr = *chatdnat_addr_of(&tuple->dst.u3);
	flow->sport = ntohs(tuple->src.u.all);
	flow->dport = ntohs(tuple->dst.u.all);
	return true;
}

/**
 * chatdnat_nfct_serves() - whether a service sent a connection on
 * @service: what is sent on
 * @ct: the connection
 *
 * The NAT core does not keep who set a connection up. It is the service's when
 * it looks as if the service had done it.
 *
 * Context: Any.
 * Return: True if @service translates the connection like that.
 */
static inline bool chatdnat_nfct_serves(const struct chatdnat_service *service,
					const struct nf_conn *ct)
{
	const struct nf_conntrack_tuple *to = nf_ct_tuple(ct, IP_CT_DIR_ORIGINAL);
	const struct nf_conntrack_tuple *reply = nf_ct_tuple(ct, IP_CT_DIR_REPLY);
	const struct chatdnat_addr *relay;
	enum chatdnat_proto proto;

	if (!(READ_ONCE(ct->status) & IPS_DST_NAT) ||
	    !chatdnat_proto_of(to->dst.protonum, &proto) ||
	    reply->src.u.all != to->dst.u.all)
		return false;

	relay = chatdnat_service_find(service, chatdnat_family_of(to->src.l3num),
				      proto, chatdnat_addr_of(&to->dst.u3),
				      ntohs(to->dst.u.all));
	return relay &&
	       chatdnat_addr_equal(relay, chatdnat_addr_of(&reply->src.u3));
}

/**
 * chatdnat_nfct_midstream() - whether a new connection began in its middle
 * @ct: the connection, of which one packet was seen
 *
 * It is one that conntrack did not know, or no longer. It tells by the state
 * after the first packet.
 *
 * Context: Softirq or process context; on the packet path.
 * Return: True for TCP whose first packet was not a SYN.
 */
static inline bool chatdnat_nfct_midstream(const struct nf_conn *ct)
{
	return nf_ct_protonum(ct) == IPPROTO_TCP &&
	       ct->proto.tcp.state != TCP_CONNTRACK_SYN_SENT;
}

/**
 * chatdnat_nfct_only_masqueraded() - whether a connection's source alone is
 *				    translated, as that of one from behind is
 * @ct: the connection
 *
 * Context: Any.
 * Return: True if only the source is translated.
 */
static inline bool chatdnat_nfct_only_masqueraded(const struct nf_conn *ct)
{
	return (READ_ONCE(ct->status) & IPS_NAT_MASK) == IPS_SRC_NAT;
}

#endif /* CHATDNAT_NFCT_H */
