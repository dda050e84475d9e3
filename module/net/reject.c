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
 * chatdnat_reject() - tell a packet's sender that it does not get through
 * @skb: the packet, which is to be dropped next
 * @state: the hook's
 *
 * As the kernel's own reject does it: a reset for TCP, else "port unreachable".
 * Either passes for an answer of the address that the sender knows.
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

/* As the stack tells when it forwards, of what has been put together too. */
static bool chatdnat_exceeds(const struct sk_buff *skb,
			     unsigned int frag_max_size, unsigned int mtu)
{
	if (frag_max_size > mtu)
		return true;
	return !skb->ignore_df &&
	       !(skb_is_gso(skb) && skb_gso_validate_network_len(skb, mtu));
}

/**
 * chatdnat_reject_too_big() - tell a sender of a narrower way
 * @skb: the packet, not translated yet
 * @family: IPv4 or IPv6
 * @mtu: what fits
 *
 * Context: Softirq, RCU read lock held.
 * Return: Whether the packet is too big, and to be dropped next.
 */
bool chatdnat_reject_too_big(struct sk_buff *skb, enum chatdnat_family family,
			     unsigned int mtu)
{
	if (skb->len <= mtu)
		return false;

#if IS_ENABLED(CONFIG_IPV6)
	if (family == CHATDNAT_IPV6) {
		if (!chatdnat_exceeds(skb, IP6CB(skb)->frag_max_size, mtu))
			return false;
		icmpv6_send(skb, ICMPV6_PKT_TOOBIG, 0, mtu);
		return true;
	}
#endif
	if (!(ip_hdr(skb)->frag_off & htons(IP_DF)) ||
	    !chatdnat_exceeds(skb, IPCB(skb)->frag_max_size, mtu))
		return false;
	icmp_send(skb, ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED, htonl(mtu));
	return true;
}
