// SPDX-License-Identifier: GPL-2.0
/*
 * Marks what a device receives as a switch's driver marks the copies that it
 * hands up of packets which the switch itself has forwarded.
 */
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/netdevice.h>
#include <linux/netfilter.h>
#include <linux/skbuff.h>
#include <net/net_namespace.h>

static char *dev = "eth0";
module_param(dev, charp, 0444);

static unsigned int switch_ingress(void *priv, struct sk_buff *skb,
				   const struct nf_hook_state *state)
{
	skb->offload_l3_fwd_mark = 1;
	return NF_ACCEPT;
}

static struct nf_hook_ops switch_ops = {
	.hook = switch_ingress,
	.pf = NFPROTO_NETDEV,
	.hooknum = NF_NETDEV_INGRESS,
	.priority = INT_MIN,
};

static int __init switch_init(void)
{
	struct net_device *found;
	int err;

	found = dev_get_by_name(&init_net, dev);
	if (!found)
		return -ENODEV;
	switch_ops.dev = found;
	err = nf_register_net_hook(&init_net, &switch_ops);
	dev_put(found);
	return err;
}

static void __exit switch_exit(void)
{
	nf_unregister_net_hook(&init_net, &switch_ops);
}

module_init(switch_init);
module_exit(switch_exit);

MODULE_DESCRIPTION("Packets that a switch has forwarded already");
MODULE_LICENSE("GPL");
