// SPDX-License-Identifier: GPL-2.0
/*
 * Resets for segments of a former relay whose connection was ended: its client
 * may be idle and not have noticed. The segment has the sequence numbers to
 * reset both endpoints.
 */
#include <linux/inetdevice.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <net/addrconf.h>

#include "../core/snapshot.h"
#include "../net/lookup.h"
#include "../net/nfct.h"
#include "../net/packet.h"
#include "../net/tcp_reset.h"
#include "stale.h"

/* The first address of an interface that clients may use. */
static bool chatdnat_stale_first(enum chatdnat_family family,
				 const struct net_device *dev,
				 struct chatdnat_addr *local)
{
	*local = (struct chatdnat_addr){};
#if IS_ENABLED(CONFIG_IPV6)
	if (family == CHATDNAT_IPV6) {
		const struct inet6_dev *idev = __in6_dev_get(dev);
		const struct inet6_ifaddr *ifp;

		if (!idev)
			return false;
		list_for_each_entry_rcu(ifp, &idev->addr_list, if_list) {
			if ((READ_ONCE(ifp->flags) &
			     (IFA_F_TENTATIVE | IFA_F_DADFAILED |
			      IFA_F_TEMPORARY | IFA_F_DEPRECATED)) ||
			    ipv6_addr_type(&ifp->addr) & IPV6_ADDR_LINKLOCAL)
				continue;
			memcpy(local->word, &ifp->addr, sizeof(local->word));
			return true;
		}
		return false;
	}
#endif
	local->word[0] = inet_select_addr(dev, 0, RT_SCOPE_UNIVERSE);
	return local->word[0];
}

/* The local address of the relay that sent a segment. */
static bool chatdnat_stale_local(const struct chatdnat_snapshot *snapshot,
				 const struct chatdnat_flow *flow,
				 const struct net_device *out,
				 struct chatdnat_addr *local)
{
	const struct chatdnat_relays *relays;
	unsigned int i = snapshot->n_former;
	u8 j;

	while (i--) {
		if (!chatdnat_service_is_reply(&snapshot->former[i]->service,
					       flow))
			continue;
		relays = &snapshot->former[i]->service.relays[flow->family];
		for (j = 0; j < relays->n; j++) {
			if (!chatdnat_addr_equal(&relays->relay[j].addr,
						 &flow->saddr))
				continue;
			if (chatdnat_relay_serves_others(&relays->relay[j]))
				return chatdnat_stale_first(flow->family, out,
							    local);
			*local = relays->relay[j].local;
			return true;
		}
	}
	return false;
}

static void chatdnat_stale_reset_relay(const struct chatdnat_flow *flow,
				       u32 seq, u32 ack)
{
	struct chatdnat_segment segment = {
		.flow = *flow,
		.seq = ack,
		.ack = seq,
		.rst = true,
	};

	swap(segment.flow.saddr, segment.flow.daddr);
	swap(segment.flow.sport, segment.flow.dport);
	chatdnat_tcp_reset_emit(&segment, GFP_ATOMIC);
}

/* Returns false if out of memory. */
static bool chatdnat_stale_reset_client(const struct chatdnat_flow *flow,
					const struct chatdnat_addr *local,
					const struct chatdnat_ifset *wan,
					u32 seq, u32 ack)
{
	struct chatdnat_segment segment = {
		.flow = *flow,
		.seq = seq,
		.ack = ack,
		.rst = true,
		.wan = wan,
	};

	segment.flow.saddr = *local;
	return chatdnat_tcp_reset_emit(&segment, GFP_ATOMIC);
}

/**
 * chatdnat_stale_reset() - reset both endpoints of an ended connection
 * @snapshot: the active snapshot
 * @skb: a packet for which chatdnat_snapshot_stale() is true; the caller drops
 *	 it
 * @state: the state of the hook, POST_ROUTING
 *
 * Context: Softirq, RCU read lock held; on the packet path.
 */
void chatdnat_stale_reset(const struct chatdnat_snapshot *snapshot,
			  const struct sk_buff *skb,
			  const struct nf_hook_state *state)
{
	enum chatdnat_family family = chatdnat_family_of(state->pf);
	const struct tcphdr *th;
	struct chatdnat_parsed parsed;
	struct chatdnat_addr local;
	struct tcphdr buf;
	u32 seq, len;

	/*
	 * A packet from the WAN side with the relay's source address is forged.
	 */
	if (chatdnat_lookup_from_wan(&snapshot->settings, skb, state,
				     chatdnat_lookup_indev(skb, state)) ||
	    !chatdnat_packet_parse(skb, family, &parsed) || parsed.quoted)
		return;
	th = skb_header_pointer(skb, parsed.offset, sizeof(buf), &buf);
	if (!th || th->rst || !th->ack)
		return;

	seq = ntohl(th->seq);
	len = skb->len - parsed.offset - 4 * th->doff + th->syn + th->fin;
	/*
	 * The client first: if out of memory, the relay retransmits the
	 * segment. The sequence number of a keepalive is one less than the
	 * next, with one byte of data or none.
	 */
	if (chatdnat_stale_local(snapshot, &parsed.flow, state->out, &local) &&
	    (!chatdnat_stale_reset_client(&parsed.flow, &local,
					  &snapshot->settings.wan, seq,
					  ntohl(th->ack_seq)) ||
	     (len <= 1 &&
	      !chatdnat_stale_reset_client(&parsed.flow, &local,
					   &snapshot->settings.wan, seq + 1,
					   ntohl(th->ack_seq)))))
		return;
	chatdnat_stale_reset_relay(&parsed.flow, seq + len, ntohl(th->ack_seq));
}
