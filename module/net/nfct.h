/* SPDX-License-Identifier: GPL-2.0 */
/* Conversion of conntrack entries to plain values. */
#ifndef CHATDNAT_NFCT_H
#define CHATDNAT_NFCT_H

#include <linux/netfilter/nf_conntrack_common.h>
#include <net/netfilter/nf_conntrack.h>
#include <net/netfilter/nf_conntrack_tuple.h>

#include "../policy/settings.h"

static_assert(sizeof(struct chatdnat_addr) == sizeof(union nf_inet_addr));

/**
 * chatdnat_family_of() - convert from netfilter's family
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
 * chatdnat_pf_of() - convert to netfilter's family
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
 * chatdnat_addr_of() - view conntrack's address type as chatdnat's
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
 * chatdnat_proto_of() - convert a protocol number to enum chatdnat_proto
 * @protonum: its number
 * @proto: set; undefined if the result is false
 *
 * Context: Any.
 * Return: False if the protocol is neither TCP nor UDP.
 */
static inline bool chatdnat_proto_of(u8 protonum, enum chatdnat_proto *proto)
{
	*proto = protonum == IPPROTO_UDP ? CHATDNAT_UDP : CHATDNAT_TCP;
	return protonum == IPPROTO_TCP || protonum == IPPROTO_UDP;
}

/**
 * chatdnat_flow_of() - convert a conntrack tuple to a flow
 * @tuple: the tuple
 * @flow: filled in
 *
 * Context: Any.
 * Return: False if the protocol is neither TCP nor UDP.
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
 * chatdnat_nfct_serves() - whether a connection is forwarded by a service
 * @service: the relays and forwarded ports
 * @ct: the connection
 *
 * The NAT core does not record who translated a connection. It counts as the
 * service's if @service would translate it in the same way.
 *
 * Context: Any.
 * Return: True if @service translates the connection in the same way.
 */
static inline bool chatdnat_nfct_serves(const struct chatdnat_service *service,
					const struct nf_conn *ct)
{
	const struct nf_conntrack_tuple *to = nf_ct_tuple(ct,
							  IP_CT_DIR_ORIGINAL);
	const struct nf_conntrack_tuple *reply = nf_ct_tuple(ct,
							     IP_CT_DIR_REPLY);
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
 * chatdnat_nfct_midstream() - whether a new conntrack entry was created
 *			       midstream
 * @ct: the connection, of which conntrack has seen one packet
 *
 * Conntrack sets the state from the first packet: anything but SYN_SENT means
 * that it was not a SYN.
 *
 * Context: Softirq or process context; on the packet path.
 * Return: True for TCP if the first packet was not a SYN.
 */
static inline bool chatdnat_nfct_midstream(const struct nf_conn *ct)
{
	return nf_ct_protonum(ct) == IPPROTO_TCP &&
	       ct->proto.tcp.state != TCP_CONNTRACK_SYN_SENT;
}

/**
 * chatdnat_nfct_only_masqueraded() - whether only the source of a connection is
 *				      translated
 * @ct: the connection
 *
 * Context: Any.
 * Return: True if there is SNAT and no DNAT, as for connections from the LAN.
 */
static inline bool chatdnat_nfct_only_masqueraded(const struct nf_conn *ct)
{
	return (READ_ONCE(ct->status) & IPS_NAT_MASK) == IPS_SRC_NAT;
}

#endif /* CHATDNAT_NFCT_H */
