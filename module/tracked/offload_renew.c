// SPDX-License-Identifier: GPL-2.0
/*
 * Looks after offloaded connections once a second: conntrack's timeout, and what
 * may have changed without a notification.
 */
#include <net/dst.h>
#include <net/netfilter/nf_conntrack_l4proto.h>
#include <net/netfilter/nf_conntrack_timeout.h>
#include <net/route.h>

#include "offload_renew.h"

static unsigned int chatdnat_offload_tcp_timeout(const struct nf_conn *ct)
{
	const unsigned int *timeouts = nf_ct_timeout_lookup(ct);

	if (!timeouts)
		timeouts = nf_tcp_pernet(&init_net)->timeouts;
	return timeouts[TCP_CONNTRACK_ESTABLISHED];
}

static unsigned int chatdnat_offload_udp_timeout(const struct nf_conn *ct)
{
	const unsigned int *timeouts = nf_ct_timeout_lookup(ct);

	if (!timeouts)
		timeouts = nf_udp_pernet(&init_net)->timeouts;
	return timeouts[UDP_CT_REPLIED];
}

/*
 * An IPv4 route without a path MTU has that of its device or of the routing
 * table, whose changes send notifications.
 */
static __always_inline bool
chatdnat_offload_holds_ipv4(const struct chatdnat_offload *offload)
{
	const struct rtable *rt = container_of(offload->dst,
					       const struct rtable, dst);

	return (likely(!rt->rt_pmtu) ||
		dst_mtu(offload->dst) == offload->translation.nexthop.mtu) &&
	       !READ_ONCE(init_net.ipv4.sysctl_ip_fwd_update_priority) ==
		       (offload->priority < 0);
}

static __always_inline bool
chatdnat_offload_holds_now(const struct chatdnat_offload *offload)
{
	return dst_check(offload->dst, offload->cookie) &&
	       (chatdnat_offload_family(offload) == CHATDNAT_IPV6 ?
			dst_mtu(offload->dst) ==
				offload->translation.nexthop.mtu :
			chatdnat_offload_holds_ipv4(offload)) &&
	       !nf_ct_is_expired(offload->ct);
}

/**
 * chatdnat_offload_holds() - look at what sends no notification
 * @offload: a direction
 *
 * Connection tracking has to see a flow of datagrams for some seconds, before it
 * takes it for one that lasts.
 *
 * Context: Softirq, RCU read lock held; on the packet path.
 * Return: False if the stack has to see the next packet.
 */
bool chatdnat_offload_holds(const struct chatdnat_offload *offload)
{
	return chatdnat_offload_holds_now(offload) &&
	       (READ_ONCE(offload->ct->status) & IPS_ASSURED);
}

/**
 * chatdnat_offload_acknowledge() - take all data of a connection for acknowledged
 * @ct: the connection, TCP
 *
 * Connection tracking shortens the timeout while data is not acknowledged. It
 * would wait for acknowledgments that it does not see; retransmissions, which it
 * sees, shorten the timeout as well.
 *
 * Context: Any; on the packet path.
 */
noinline void chatdnat_offload_acknowledge(struct nf_conn *ct)
{
	const u8 flag = IP_CT_TCP_FLAG_DATA_UNACKNOWLEDGED;
	struct ip_ct_tcp_state *seen = ct->proto.tcp.seen;

	spin_lock_bh(&ct->lock);
	seen[0].flags &= ~flag;
	seen[1].flags &= ~flag;
	spin_unlock_bh(&ct->lock);
}

static bool chatdnat_offload_is_unacknowledged(const struct nf_conn *ct)
{
	const struct ip_ct_tcp_state *seen = ct->proto.tcp.seen;

	return (READ_ONCE(seen[0].flags) | READ_ONCE(seen[1].flags)) &
	       IP_CT_TCP_FLAG_DATA_UNACKNOWLEDGED;
}

/**
 * chatdnat_offload_renew() - look after a connection, once a second
 * @offload: its direction
 *
 * To be called for packets only that connection tracking would accept: no other
 * one extends a connection.
 *
 * Context: Softirq, RCU read lock held; on the packet path.
 * Return: False if the stack has to see the packet.
 */
bool chatdnat_offload_renew(struct chatdnat_offload *offload)
{
	struct nf_conn *ct = offload->ct;
	unsigned long status, now;
	unsigned int timeout;

	if (!chatdnat_offload_holds_now(offload))
		return false;
	status = READ_ONCE(ct->status);
	if (!(status & IPS_ASSURED))
		return false;
	if (nf_ct_protonum(ct) == IPPROTO_TCP) {
		if (unlikely(chatdnat_offload_is_unacknowledged(ct)))
			chatdnat_offload_acknowledge(ct);
		timeout = chatdnat_offload_tcp_timeout(ct);
	} else {
		timeout = chatdnat_offload_udp_timeout(ct);
	}
	now = jiffies;
	if (likely(!(status & IPS_FIXED_TIMEOUT)))
		WRITE_ONCE(ct->timeout, (u32)now + timeout);
	WRITE_ONCE(offload->translation.validity.until, now + HZ);
	return true;
}
