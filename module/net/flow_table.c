// SPDX-License-Identifier: GPL-2.0
/*
 * Flow tables of others. The packets of an offloaded connection pass no hook
 * of the module, so that new settings do not apply to it.
 */
#include <linux/module.h>
#include <linux/netdevice.h>
#include <linux/rtnetlink.h>
#include <net/netfilter/nf_flow_table.h>

#include "flow_table.h"

/**
 * chatdnat_flow_table_end() - end the offload of connections
 * @wan: the interfaces whose connections are to be tracked again
 *
 * The next packet of each passes all hooks. A rule may offload the connection
 * again then.
 *
 * The module must not depend on nf_flow_table: most hosts do not load it.
 *
 * Context: Process context, may sleep, takes RTNL.
 */
void chatdnat_flow_table_end(const struct chatdnat_ifset *wan)
{
	typeof(nf_flow_table_cleanup) *cleanup;
	struct net_device *dev;

	cleanup = symbol_get(nf_flow_table_cleanup);
	if (!cleanup)
		return;

	rtnl_lock();
	for_each_netdev(&init_net, dev)
		if (chatdnat_ifset_has(wan, dev->name))
			cleanup(dev);
	rtnl_unlock();
	symbol_put(nf_flow_table_cleanup);
}
