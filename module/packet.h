/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNAT_PACKET_H
#define CHATDNAT_PACKET_H

#include <linux/skbuff.h>

#include "admit.h"

int chatdnat_packet_transport(const struct sk_buff *skb,
			      enum chatdnat_family family, u8 *protocol);
bool chatdnat_packet_entrant(const struct sk_buff *skb,
			     enum chatdnat_family family,
			     struct chatdnat_entrant *entrant);

#endif /* CHATDNAT_PACKET_H */
