/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNAT_DNAT_CACHE_H
#define CHATDNAT_DNAT_CACHE_H

#include <linux/skbuff.h>
#include <net/netfilter/nf_conntrack.h>

#include "../core/snapshot.h"
#include "../net/validity.h"

/**
 * struct chatdnat_dnat_entry - a cached DNAT decision
 * @validity: validity of the entry
 * @snapshot: the snapshot that decided; NULL: unused entry
 * @daddr: destination address before DNAT, network byte order
 * @service: chatdnat_dnat_cache_service()
 * @in: input interface
 * @relay: address of the relay, in @snapshot
 * @dst: cached route to the relay, held until it is replaced; NULL: not
 *	 cacheable
 * @cookie: for dst_check()
 * @mark: mark of the packets that use the route
 * @tos: TOS of the packets that use the route
 * @out: output interface of the last connection without IPsec; NULL: none yet
 * @masquerade: whether connections by @out without IPsec are masqueraded
 */
struct chatdnat_dnat_entry {
	struct chatdnat_validity validity;
	const struct chatdnat_snapshot *snapshot;
	struct chatdnat_addr daddr;
	u32 service;
	const struct net_device *in;
	const struct chatdnat_addr *relay;
	struct dst_entry *dst;
	u32 cookie;
	u32 mark;
	u8 tos;
	const struct net_device *out;
	bool masquerade;
};

struct chatdnat_dnat_entry *
chatdnat_dnat_cache_find(const struct chatdnat_snapshot *snapshot,
			 const struct nf_conntrack_tuple *tuple);
const struct chatdnat_snapshot *
chatdnat_dnat_cache_by(const struct nf_conn *ct,
		       struct chatdnat_dnat_entry **entry);
void chatdnat_dnat_cache_add(const struct chatdnat_validity *validity,
			     const struct chatdnat_snapshot *snapshot,
			     const struct nf_conntrack_tuple *tuple,
			     const struct net_device *in,
			     const struct chatdnat_addr *relay);
bool chatdnat_dnat_cache_route(const struct chatdnat_dnat_entry *entry,
			       struct sk_buff *skb, enum chatdnat_family family,
			       const struct net_device *in);
void chatdnat_dnat_cache_add_route(struct chatdnat_dnat_entry *entry,
				   const struct sk_buff *skb,
				   enum chatdnat_family family,
				   const struct net_device *in);
int chatdnat_dnat_cache_init(void);
void chatdnat_dnat_cache_exit(void);

#endif /* CHATDNAT_DNAT_CACHE_H */
