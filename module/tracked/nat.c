// SPDX-License-Identifier: GPL-2.0
/*
 * Tracked engine: callbacks of the kernel's NAT core, which calls them once for
 * each new connection and translates all later packets by itself.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/ipv6.h>
#include <linux/netfilter.h>
#include <linux/netfilter_ipv4.h>
#include <linux/netfilter_ipv6.h>
#include <net/netfilter/nf_conntrack.h>
#include <net/netfilter/nf_nat.h>
#include <net/netfilter/nf_nat_masquerade.h>

#include "../core/snapshot.h"
#include "dnat.h"
#include "masquerade.h"
#include "nat.h"

#define CHATDNAT_NAT_OPS_MAX 3

/* In order of unregistration: DNAT ends before masquerading. */
/* clang-format off */
#define CHATDNAT_NAT_OPS(family, dst_priority, src_priority) {	\
	{							\
		.hook = chatdnat_dnat,				\
		.pf = family,					\
		.hooknum = NF_INET_PRE_ROUTING,			\
		.priority = (dst_priority) - 1,			\
	}, {							\
		.hook = chatdnat_dnat,				\
		.pf = family,					\
		.hooknum = NF_INET_LOCAL_OUT,			\
		.priority = (dst_priority) - 1,			\
	}, {							\
		.hook = chatdnat_masquerade,			\
		.pf = family,					\
		.hooknum = NF_INET_POST_ROUTING,		\
		.priority = (src_priority) - 1,			\
	},							\
}
/* clang-format on */

/*
 * Priority minus one: before nftables and iptables NAT chains of the default
 * priority.
 */
static const struct nf_hook_ops
	chatdnat_nat_ops[CHATDNAT_FAMILIES][CHATDNAT_NAT_OPS_MAX] = {
		[CHATDNAT_IPV4] = CHATDNAT_NAT_OPS(NFPROTO_IPV4,
						   NF_IP_PRI_NAT_DST,
						   NF_IP_PRI_NAT_SRC),
		[CHATDNAT_IPV6] = CHATDNAT_NAT_OPS(NFPROTO_IPV6,
						   NF_IP6_PRI_NAT_DST,
						   NF_IP6_PRI_NAT_SRC),
	};

/* Under chatdnat_config_lock. */
static bool chatdnat_nat_registered[CHATDNAT_FAMILIES];

static int chatdnat_nat_register_fn(const struct nf_hook_ops *ops)
{
#if IS_ENABLED(CONFIG_IPV6)
	if (ops->pf == NFPROTO_IPV6)
		return nf_nat_ipv6_register_fn(&init_net, ops);
#endif
	return nf_nat_ipv4_register_fn(&init_net, ops);
}

static void chatdnat_nat_unregister_fn(const struct nf_hook_ops *ops)
{
#if IS_ENABLED(CONFIG_IPV6)
	if (ops->pf == NFPROTO_IPV6) {
		nf_nat_ipv6_unregister_fn(&init_net, ops);
		return;
	}
#endif
	nf_nat_ipv4_unregister_fn(&init_net, ops);
}

/**
 * chatdnat_nat_register() - register the NAT callbacks of a family
 * @family: IPv4 or IPv6
 *
 * Connection tracking of a family is not enabled before it has a relay. From
 * then on the callbacks stay registered until the module is unloaded, for
 * existing connections.
 *
 * Context: Process context, may sleep, chatdnat_config_lock held.
 * Return: 0, also if IPv6 is disabled in the kernel; or a negative errno.
 */
int chatdnat_nat_register(enum chatdnat_family family)
{
	const struct nf_hook_ops *ops = chatdnat_nat_ops[family];
	int err, i;

	lockdep_assert_held(&chatdnat_config_lock);

	if (chatdnat_nat_registered[family])
		return 0;
	if (family == CHATDNAT_IPV6 && !ipv6_mod_enabled()) {
		pr_warn_once("v6: this kernel runs without IPv6, nothing is forwarded over it\n");
		return 0;
	}

	err = nf_ct_netns_get(&init_net, ops[0].pf);
	if (err)
		return err;
	for (i = CHATDNAT_NAT_OPS_MAX - 1; i >= 0; i--) {
		err = chatdnat_nat_register_fn(&ops[i]);
		if (err)
			goto err_ops;
	}

	chatdnat_nat_registered[family] = true;
	return 0;

err_ops:
	while (++i < CHATDNAT_NAT_OPS_MAX)
		chatdnat_nat_unregister_fn(&ops[i]);
	nf_ct_netns_put(&init_net, ops[0].pf);
	return err;
}

static void chatdnat_nat_unregister(enum chatdnat_family family)
{
	const struct nf_hook_ops *ops = chatdnat_nat_ops[family];
	int i;

	if (!chatdnat_nat_registered[family])
		return;

	for (i = 0; i < CHATDNAT_NAT_OPS_MAX; i++)
		chatdnat_nat_unregister_fn(&ops[i]);
	nf_ct_netns_put(&init_net, ops[0].pf);
	chatdnat_nat_registered[family] = false;
}

/**
 * chatdnat_nat_init() - register the masquerading notifiers
 *
 * Context: Process context, may sleep.
 * Return: 0 or a negative errno.
 */
int chatdnat_nat_init(void)
{
	/*
	 * They end masqueraded connections if the address or device is removed.
	 */
	return nf_nat_masquerade_inet_register_notifiers();
}

/**
 * chatdnat_nat_exit() - unregister all callbacks
 *
 * On return no packet is in a callback.
 *
 * Context: Process context, may sleep.
 */
void chatdnat_nat_exit(void)
{
	chatdnat_nat_unregister(CHATDNAT_IPV6);
	chatdnat_nat_unregister(CHATDNAT_IPV4);
	synchronize_net();
	nf_nat_masquerade_inet_unregister_notifiers();
}
