/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNAT_ROUTE_INPUT_H
#define CHATDNAT_ROUTE_INPUT_H

#include "../policy/addr.h"

struct dst_entry;
struct sk_buff;

bool chatdnat_route_input_forwards(const struct sk_buff *skb,
				   enum chatdnat_family family);
const struct dst_entry *chatdnat_route_input(struct sk_buff *skb,
					     enum chatdnat_family family);

#endif /* CHATDNAT_ROUTE_INPUT_H */
