/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNAT_INGRESS_H
#define CHATDNAT_INGRESS_H

struct chatdnat_snapshot;
struct net_device;

#ifdef CONFIG_NETFILTER_INGRESS
void chatdnat_ingress_set(const struct chatdnat_snapshot *snapshot);
void chatdnat_ingress_leave(const struct net_device *dev);
#else
/* Without ingress hooks the stack handles all packets. */
static inline void chatdnat_ingress_set(const struct chatdnat_snapshot *snapshot)
{
}

static inline void chatdnat_ingress_leave(const struct net_device *dev)
{
}
#endif

#endif /* CHATDNAT_INGRESS_H */
