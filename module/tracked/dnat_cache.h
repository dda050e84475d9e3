/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNAT_DNAT_CACHE_H
#define CHATDNAT_DNAT_CACHE_H

#include <linux/skbuff.h>
#include <net/netfilter/nf_conntrack.h>

#include "../core/snapshot.h"
#include "../net/validity.h"

/**
 * struct chatdnat_dnat_entry - what became of the latest connection to a service
 * @validity: for how long it is the same for the next
 * @snapshot: under which it was decided; NULL: nothing is noted here
 * @own: the address that it was for, network byte order
 * @port: the TCP port that it was for, network byte order
 * @in: the interface that it came in by
 * @relay: where it was sent on to; the snapshot's
 * @dst: the route that its first packet took, held until another takes its
 *	 place; NULL: it may be another for the next
 * @cookie: what the route is valid with
 * @mark: of the packet that took it
 * @tos: the same
 */
struct chatdnat_dnat_entry {
	struct chatdnat_validity validity;
	const struct chatdnat_snapshot *snapshot;
	struct chatdnat_addr own;
	__be16 port;
	const struct net_device *in;
	const struct chatdnat_addr *relay;
	struct dst_entry *dst;
	u32 cookie;
	u32 mark;
	u8 tos;
};

struct chatdnat_dnat_entry *
chatdnat_dnat_cache_find(const struct chatdnat_snapshot *snapshot,
			 const struct nf_conntrack_tuple *tuple);
const struct chatdnat_snapshot *chatdnat_dnat_cache_by(const struct nf_conn *ct,
						       struct chatdnat_dnat_entry **entry);
void chatdnat_dnat_cache_add(const struct chatdnat_validity *validity,
			     const struct chatdnat_snapshot *snapshot,
			     const struct nf_conntrack_tuple *tuple,
			     const struct net_device *in,
			     const struct chatdnat_addr *relay);
bool chatdnat_dnat_cache_route(const struct chatdnat_dnat_entry *entry, struct sk_buff *skb,
			       enum chatdnat_family family,
			       const struct net_device *in);
void chatdnat_dnat_cache_add_route(struct chatdnat_dnat_entry *entry,
				   const struct sk_buff *skb,
				   enum chatdnat_family family,
				   const struct net_device *in);
int chatdnat_dnat_cache_init(void);
void chatdnat_dnat_cache_exit(void);

#endif /* CHATDNAT_DNAT_CACHE_H */
