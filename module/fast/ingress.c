// SPDX-License-Identifier: GPL-2.0
/*
 * Ingress hooks of the fast path. They have the last priority, so that other
 * netdev chains can drop packets before.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/if_vlan.h>
#include <linux/netdevice.h>
#include <linux/netfilter.h>
#include <linux/rtnetlink.h>
#include <linux/slab.h>
#include <net/dst.h>
#include <net/sock.h>

#include "../core/snapshot.h"
#include "../net/lookup.h"
#include "../net/validity.h"
#include "../tracked/offload_learn.h"
#include "fastpath.h"
#include "ingress.h"

/**
 * struct chatdnat_ingress_port - a device with an ingress hook
 * @ops: the registered hook
 * @list: in chatdnat_ingress_ports
 * @wan: it is a WAN interface
 * @wanted: used while the list is updated
 * @rcu: for kfree_rcu()
 */
struct chatdnat_ingress_port {
	struct nf_hook_ops ops;
	struct list_head list;
	bool wan;
	bool wanted;
	struct rcu_head rcu;
};

/* Under RTNL. */
static LIST_HEAD(chatdnat_ingress_ports);

static unsigned int chatdnat_ingress_offload(struct sk_buff *skb)
{
	switch (skb->protocol) {
	case htons(ETH_P_IP):
		return chatdnat_fastpath_ipv4_offload(skb);
#if IS_ENABLED(CONFIG_IPV6)
	case htons(ETH_P_IPV6):
		return chatdnat_fastpath_ipv6_offload(skb);
#endif
	default:
		return NF_ACCEPT;
	}
}

static unsigned int
chatdnat_ingress_stateless(const struct chatdnat_ingress_port *port,
			   struct sk_buff *skb)
{
	const struct chatdnat_snapshot *snapshot;
	const struct chatdnat_bindings *bindings;

	/* Hooks run under the RCU read lock. */
	snapshot = rcu_dereference(chatdnat_active);
	bindings = snapshot ? rcu_dereference(snapshot->bindings) : NULL;
	if (!bindings)
		return NF_ACCEPT;

	switch (skb->protocol) {
	case htons(ETH_P_IP):
		return chatdnat_fastpath_ipv4(skb, &snapshot->settings,
					      bindings, port->wan);
#if IS_ENABLED(CONFIG_IPV6)
	case htons(ETH_P_IPV6):
		return chatdnat_fastpath_ipv6(skb, &snapshot->settings,
					      bindings, port->wan);
#endif
	default:
		return NF_ACCEPT;
	}
}

static unsigned int chatdnat_ingress(void *priv, struct sk_buff *skb,
				     const struct nf_hook_state *state)
{
	/* The stack will pass a VLAN-tagged packet to another device. */
	if (skb->pkt_type != PACKET_HOST || skb_vlan_tag_present(skb))
		return NF_ACCEPT;
	return READ_ONCE(chatdnat_active_bound) ?
		       chatdnat_ingress_stateless(priv, skb) :
		       chatdnat_ingress_offload(skb);
}

static struct chatdnat_ingress_port *
chatdnat_ingress_port_find(const struct net_device *dev)
{
	struct chatdnat_ingress_port *port;

	list_for_each_entry(port, &chatdnat_ingress_ports, list)
		if (port->ops.dev == dev)
			return port;
	return NULL;
}

static void chatdnat_ingress_port_remove(struct chatdnat_ingress_port *port)
{
	nf_unregister_net_hook(&init_net, &port->ops);
	list_del(&port->list);
	kfree_rcu(port, rcu);
}

static void chatdnat_ingress_port_add(struct net_device *dev, bool wan)
{
	struct chatdnat_ingress_port *port = kzalloc(sizeof(*port), GFP_KERNEL);

	/* Without a hook, the stack handles its packets. */
	if (!port)
		return;
	port->wan = wan;
	port->wanted = true;
	port->ops = (struct nf_hook_ops){
		.hook = chatdnat_ingress,
		.dev = dev,
		.priv = port,
		.pf = NFPROTO_NETDEV,
		.hooknum = NF_NETDEV_INGRESS,
		.priority = INT_MAX,
	};
	if (nf_register_net_hook(&init_net, &port->ops)) {
		kfree(port);
		return;
	}
	list_add(&port->list, &chatdnat_ingress_ports);
}

static void chatdnat_ingress_port_want(struct net_device *dev, bool wan)
{
	struct chatdnat_ingress_port *port = chatdnat_ingress_port_find(dev);

	/*
	 * Packets of a bridge port, bond port or VRF member belong to its
	 * master.
	 */
	if (netdev_master_upper_dev_get(dev) || netdev_is_rx_handler_busy(dev))
		return;
	if (port && port->wan == wan) {
		port->wanted = true;
		return;
	}
	if (port)
		chatdnat_ingress_port_remove(port);
	chatdnat_ingress_port_add(dev, wan);
}

static void chatdnat_ingress_want_inside(const struct chatdnat_settings *settings,
					 enum chatdnat_family family)
{
	const struct chatdnat_relays *relays = &settings->service.relays[family];
	struct dst_entry *dst;
	u8 i;

	for (i = 0; i < relays->n; i++) {
		dst = chatdnat_lookup_route(family, NULL,
					    &relays->relay[i].addr, 0, 0);
		if (dst && !(dst->dev->flags & IFF_LOOPBACK) &&
		    !chatdnat_ifset_has(&settings->wan, dst->dev->name))
			chatdnat_ingress_port_want(dst->dev, false);
		dst_release(dst);
	}
}

/**
 * chatdnat_ingress_set() - register the ingress hooks that are needed
 * @snapshot: the active snapshot; NULL: no hooks
 *
 * Errors are ignored: packets of a device without a hook take the slower path
 * through the stack.
 *
 * Context: Process context, may sleep, chatdnat_config_lock held.
 */
void chatdnat_ingress_set(const struct chatdnat_snapshot *snapshot)
{
	struct chatdnat_ingress_port *port, *next;
	enum chatdnat_family family;
	struct net_device *dev;
	bool bound, needed;

	lockdep_assert_held(&chatdnat_config_lock);

	bound = snapshot && rcu_access_pointer(snapshot->bindings);
	WRITE_ONCE(chatdnat_active_bound, bound);
	needed = snapshot && !CHATDNAT_SOFTIRQ_PREEMPTED &&
		 (bound || chatdnat_offload_table.mode[CHATDNAT_IPV4] ||
		  chatdnat_offload_table.mode[CHATDNAT_IPV6]);

	rtnl_lock();
	list_for_each_entry(port, &chatdnat_ingress_ports, list)
		port->wanted = false;

	if (needed) {
		for_each_netdev(&init_net, dev)
			if (chatdnat_ifset_has(&snapshot->settings.wan,
					       dev->name))
				chatdnat_ingress_port_want(dev, true);
		for (family = 0; family < CHATDNAT_FAMILIES; family++)
			chatdnat_ingress_want_inside(&snapshot->settings,
						     family);
	}

	list_for_each_entry_safe(port, next, &chatdnat_ingress_ports, list)
		if (!port->wanted)
			chatdnat_ingress_port_remove(port);

	chatdnat_offload_learn_from(0);
	list_for_each_entry(port, &chatdnat_ingress_ports, list)
		chatdnat_offload_learn_from(port->ops.dev->ifindex);
	rtnl_unlock();
}

/**
 * chatdnat_ingress_leave() - unregister the hook of a device
 * @dev: the device
 *
 * Context: Process context, RTNL held.
 */
void chatdnat_ingress_leave(const struct net_device *dev)
{
	struct chatdnat_ingress_port *port;

	ASSERT_RTNL();

	port = chatdnat_ingress_port_find(dev);
	if (port)
		chatdnat_ingress_port_remove(port);
}
