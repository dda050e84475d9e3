/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNAT_WAY_H
#define CHATDNAT_WAY_H

#include "settings.h"

struct sk_buff;

bool chatdnat_way_is_common(enum chatdnat_family family,
			    const struct chatdnat_addr *addr);
unsigned int chatdnat_way_on(const struct sk_buff *skb,
			     const struct chatdnat_flow *flow);
bool chatdnat_way_is_foreign(enum chatdnat_family family,
			     const struct chatdnat_addr *addr, u32 mark);
int chatdnat_way_init(void);
void chatdnat_way_exit(void);
unsigned int chatdnat_way_back(const struct chatdnat_flow *flow, u32 mark);

#endif /* CHATDNAT_WAY_H */
