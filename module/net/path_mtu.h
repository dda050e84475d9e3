/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNAT_PATH_MTU_H
#define CHATDNAT_PATH_MTU_H

#include "../policy/settings.h"

struct sk_buff;

/**
 * struct chatdnat_flow_addrs - addresses and ports after PRE_ROUTING
 * @family: IPv4 or IPv6
 * @saddr: source address, before SNAT
 * @daddr: destination address, after DNAT
 * @sport: source port, network byte order
 * @dport: destination port, network byte order
 */
struct chatdnat_flow_addrs {
	enum chatdnat_family family;
	const struct chatdnat_addr *saddr;
	const struct chatdnat_addr *daddr;
	__be16 sport;
	__be16 dport;
};

unsigned int chatdnat_path_mtu_forward(const struct sk_buff *skb,
				       const struct chatdnat_flow_addrs *addrs);
unsigned int chatdnat_path_mtu_reverse(const struct chatdnat_flow_addrs *addrs,
				       u32 mark);
bool chatdnat_path_mtu_is_foreign(const struct chatdnat_addr *addr, u32 mark);
int chatdnat_path_mtu_init(void);
void chatdnat_path_mtu_exit(void);

#endif /* CHATDNAT_PATH_MTU_H */
