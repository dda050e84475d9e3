// SPDX-License-Identifier: GPL-2.0
#include <linux/icmpv6.h>
#include <linux/ipv6.h>
#include <net/icmp.h>
#include <net/netfilter/ipv4/nf_reject.h>
#include <net/netfilter/ipv6/nf_reject.h>

#include "compat.h"
#include "nfct.h"
#include "packet.h"
#include "reject.h"

/**
 * chatdnat_reject() - reject a packet
 * @skb: the packet; the caller drops it
 * @state: the state of the current hook
 *
 * Like nft's reject: a TCP reset, or "port unreachable" for other protocols. It
 * is translated like any reply, so that the sender sees the address that it has
 * sent to.
 *
 * Context: Softirq or process context, RCU read lock held.
 */
void chatdnat_reject(struct sk_buff *skb, const struct nf_hook_state *state)
{
	enum chatdnat_family family = chatdnat_family_of(state->pf);
	u8 protocol;

	if (chatdnat_packet_transport(skb, family, &protocol) < 0)
		return;

#if IS_ENABLED(CONFIG_IPV6)
	if (family == CHATDNAT_IPV6) {
		if (protocol == IPPROTO_TCP)
			chatdnat_send_reset6(state, skb);
		else
			nf_send_unreach6(state->net, skb, ICMPV6_PORT_UNREACH,
					 state->hook);
		return;
	}
#endif
	if (protocol == IPPROTO_TCP)
		chatdnat_send_reset(state, skb);
	else
		nf_send_unreach(skb, ICMP_PORT_UNREACH, state->hook);
}

/* Same check as in ip_forward(), also for reassembled and GSO packets. */
static bool chatdnat_reject_exceeds(const struct sk_buff *skb,
				    unsigned int frag_max_size, unsigned int mtu)
{
	if (frag_max_size > mtu)
		return true;
	return !skb->ignore_df &&
	       !(skb_is_gso(skb) && skb_gso_validate_network_len(skb, mtu));
}

/**
 * chatdnat_reject_too_big() - send "fragmentation needed" or "packet too big"
 * @skb: the packet, not translated yet
 * @family: IPv4 or IPv6
 * @mtu: MTU of the route, in bytes
 *
 * Context: Softirq, RCU read lock held.
 * Return: True if the packet is too big; the caller drops it.
 */
bool chatdnat_reject_too_big(struct sk_buff *skb, enum chatdnat_family family,
			     unsigned int mtu)
{
	if (skb->len <= mtu)
		return false;

#if IS_ENABLED(CONFIG_IPV6)
	if (family == CHATDNAT_IPV6) {
		if (!chatdnat_reject_exceeds(skb, IP6CB(skb)->frag_max_size,
					     mtu))
			return false;
		icmpv6_send(skb, ICMPV6_PKT_TOOBIG, 0, mtu);
		return true;
	}
#endif
	if (!(ip_hdr(skb)->frag_off & htons(IP_DF)) ||
	    !chatdnat_reject_exceeds(skb, IPCB(skb)->frag_max_size, mtu))
		return false;
	icmp_send(skb, ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED, htonl(mtu));
	return true;
}
