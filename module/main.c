// SPDX-License-Identifier: GPL-2.0
#include <linux/init.h>
#include <linux/module.h>

/* First, so that a missing kernel option is reported before other errors. */
#include "net/compat.h"

#include "core/stats.h"
#include "fast/gate.h"
#include "net/path_mtu.h"
#include "notifier.h"
#include "params.h"
#include "stateless/flow_cache.h"
#include "sysfs.h"
#include "tracked/dnat_cache.h"
#include "tracked/late_reply.h"
#include "tracked/nat.h"
#include "tracked/offload.h"
#include "tracked/reply_count.h"

static int __init chatdnat_init(void)
{
	int err;

	chatdnat_stats_init();
	chatdnat_offload_init();
	err = chatdnat_reply_count_init();
	if (err)
		return err;
	err = chatdnat_path_mtu_init();
	if (err)
		goto err_reply_count;
	err = chatdnat_dnat_cache_init();
	if (err)
		goto err_path_mtu;
	err = chatdnat_nat_init();
	if (err)
		goto err_dnat_cache;
	err = chatdnat_notifier_init();
	if (err)
		goto err_nat;
	err = chatdnat_sysfs_init();
	if (err)
		goto err_notifier;
	err = chatdnat_params_start();
	if (err)
		goto err_sysfs;
	return 0;

err_sysfs:
	chatdnat_sysfs_exit();
	chatdnat_gate_exit();
err_notifier:
	chatdnat_notifier_exit();
err_nat:
	chatdnat_nat_exit();
	chatdnat_late_reply_exit();
err_dnat_cache:
	chatdnat_dnat_cache_exit();
err_path_mtu:
	chatdnat_path_mtu_exit();
err_reply_count:
	chatdnat_flow_cache_exit();
	chatdnat_offload_exit();
	chatdnat_reply_count_exit();
	return err;
}

static void __exit chatdnat_exit(void)
{
	chatdnat_params_stop();
	chatdnat_sysfs_exit();
	chatdnat_gate_exit();
	chatdnat_notifier_exit();
	chatdnat_nat_exit();
	chatdnat_late_reply_exit();
	chatdnat_dnat_cache_exit();
	chatdnat_path_mtu_exit();
	chatdnat_flow_cache_exit();
	chatdnat_offload_exit();
	chatdnat_reply_count_exit();
}

module_init(chatdnat_init);
module_exit(chatdnat_exit);

MODULE_AUTHOR("The chatdnat authors");
MODULE_DESCRIPTION("Front door of a chatmail relay: forwards new connections for its ports to it (DNAT) and masquerades outgoing ones, IPv4 and IPv6");
MODULE_LICENSE("GPL");
MODULE_VERSION(CHATDNAT_VERSION);
