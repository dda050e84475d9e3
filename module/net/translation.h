/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNAT_TRANSLATION_H
#define CHATDNAT_TRANSLATION_H

/* net/checksum.h of 7.3 does not include it. */
#include <linux/bitops.h>
#include <net/checksum.h>

#include "nexthop.h"
#include "validity.h"

/**
 * struct chatdnat_translation - what the fast path does with the packets of a
 *				 flow
 * @validity: validity of all the other members
 * @nexthop: the next hop; an MTU of 0 passes the packets to the stack
 * @ports: source and destination port as in the header; XOR of old and new
 * @diff: checksum difference of the translation
 * @diff_pseudo: the same for the addresses only, as in the pseudo header
 * @diff_ipv4: the same for the IPv4 header, including the decremented TTL
 *
 * The new addresses are not in here: engines store them differently.
 */
struct chatdnat_translation {
	struct chatdnat_validity validity;
	struct chatdnat_nexthop nexthop;
	__be32 ports;
	__be16 diff;
	__be16 diff_pseudo;
	__be16 diff_ipv4;
};

static inline __be16 chatdnat_translation_fold(__wsum diff)
{
	return (__force __be16)~csum_fold(diff);
}

/**
 * chatdnat_translation_sums() - set the checksum differences
 * @translation: the translation
 * @addrs: checksum of the new addresses less that of the old ones
 * @ports: the same of the ports
 *
 * Context: Any.
 */
static inline void
chatdnat_translation_sums(struct chatdnat_translation *translation,
			  __wsum addrs, __wsum ports)
{
	const __wsum less = (__force __wsum)htons((u16)~0x0100);

	translation->diff = chatdnat_translation_fold(csum_add(addrs, ports));
	translation->diff_pseudo = chatdnat_translation_fold(addrs);
	/* The TTL is the upper half of its word. */
	translation->diff_ipv4 = chatdnat_translation_fold(csum_add(addrs,
								    less));
}

#endif /* CHATDNAT_TRANSLATION_H */
