// SPDX-License-Identifier: GPL-2.0
#include <net/netfilter/ipv4/nf_reject.h>
#include <net/netfilter/ipv6/nf_reject.h>

#include "compat.h"
#include "ct.h"
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
