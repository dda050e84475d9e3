// SPDX-License-Identifier: GPL-2.0
/*
 * Hooks that are called for all packets, also of established connections.
 * Because of that cost, each is registered only while a setting needs it.
 * docs/architecture.md lists all hooks in the order of a packet.
 */
#include <linux/ipv6.h>
#include <linux/kernel.h>
#include <linux/netfilter.h>
#include <linux/netfilter_ipv4.h>
#include <linux/netfilter_ipv6.h>
#include <net/netfilter/nf_conntrack.h>

#include "../core/snapshot.h"
#include "../net/nfct.h"
#include "../stateless/local.h"
#include "../stateless/stateless.h"
#include "../tracked/offload_learn.h"
#include "early_route.h"
#include "guard.h"
#include "hooks.h"
#include "quoted.h"
#include "return_path.h"
#include "via.h"

static bool chatdnat_needs_forward(const struct chatdnat_settings *settings,
				   enum chatdnat_family family)
{
	return settings->wan.n && settings->guard != CHATDNAT_GUARD_OFF;
}

static bool chatdnat_needs_input(const struct chatdnat_settings *settings,
				 enum chatdnat_family family)
{
	return settings->wan.n && settings->guard >= CHATDNAT_GUARD_FULL;
}

static bool chatdnat_needs_via(const struct chatdnat_settings *settings,
			       enum chatdnat_family family)
{
	return chatdnat_settings_active(settings, family) && settings->via[0];
}

static bool chatdnat_needs_via_local(const struct chatdnat_settings *settings,
				     enum chatdnat_family family)
{
	return chatdnat_needs_via(settings, family) && settings->hairpin;
}

static bool chatdnat_needs_return_path(const struct chatdnat_settings *settings,
				       enum chatdnat_family family)
{
	return chatdnat_settings_active(settings, family) &&
	       chatdnat_settings_multihomed(settings);
}

static bool chatdnat_needs_quoted(const struct chatdnat_settings *settings,
				  enum chatdnat_family family)
{
	return chatdnat_settings_active(settings, family) &&
	       settings->masquerade != CHATDNAT_MASQUERADE_OFF;
}

static bool chatdnat_needs_stateless(const struct chatdnat_settings *settings,
				     enum chatdnat_family family)
{
	return chatdnat_settings_active(settings, family) &&
	       settings->engine != CHATDNAT_ENGINE_TRACKED;
}

static bool chatdnat_needs_offload(const struct chatdnat_settings *settings,
				   enum chatdnat_family family)
{
	return chatdnat_settings_active(settings, family) &&
	       settings->fast != CHATDNAT_FAST_OFF;
}

/* IPv6 priorities have the same values; see the assertions below. */
/* clang-format off */
static const struct chatdnat_hook {
	bool (*needs)(const struct chatdnat_settings *settings,
		      enum chatdnat_family family);
	nf_hookfn *fn;
	unsigned int hooknum;
	int priority;
} chatdnat_hooks[] = {
	/* After defragmentation and the raw tables. */
	{ chatdnat_needs_stateless, chatdnat_stateless_prerouting,
	  NF_INET_PRE_ROUTING, NF_IP_PRI_CONNTRACK - 1 },
	{ chatdnat_needs_stateless, chatdnat_stateless_local_out,
	  NF_INET_LOCAL_OUT, NF_IP_PRI_CONNTRACK - 1 },
	{ chatdnat_needs_stateless, chatdnat_stateless_postrouting,
	  NF_INET_POST_ROUTING, NF_IP_PRI_NAT_SRC - 1 },
	/* After DNAT; the last ones before the stack routes the packet. */
	{ chatdnat_needs_via, chatdnat_via,
	  NF_INET_PRE_ROUTING, NF_IP_PRI_LAST - 1 },
	{ chatdnat_settings_active, chatdnat_early_route,
	  NF_INET_PRE_ROUTING, NF_IP_PRI_LAST },
	{ chatdnat_needs_via_local, chatdnat_via,
	  NF_INET_LOCAL_OUT, NF_IP_PRI_LAST },
	{ chatdnat_needs_quoted, chatdnat_quoted,
	  NF_INET_LOCAL_OUT, NF_IP_PRI_LAST },
	{ chatdnat_needs_return_path, chatdnat_return_path,
	  NF_INET_FORWARD, NF_IP_PRI_MANGLE - 1 },
	{ chatdnat_needs_return_path, chatdnat_return_path,
	  NF_INET_LOCAL_OUT, NF_IP_PRI_LAST - 1 },
	/* Before SNAT. */
	{ chatdnat_needs_forward, chatdnat_guard_forward,
	  NF_INET_POST_ROUTING, NF_IP_PRI_FILTER - 1 },
	{ chatdnat_needs_input, chatdnat_guard_input,
	  NF_INET_LOCAL_IN, NF_IP_PRI_FILTER - 1 },
	/* After all chains that may drop a packet. */
	{ chatdnat_needs_offload, chatdnat_offload_learn,
	  NF_INET_POST_ROUTING, NF_IP_PRI_LAST - 1 },
};
/* clang-format on */

static_assert((int)NF_IP_PRI_LAST == (int)NF_IP6_PRI_LAST);
static_assert((int)NF_IP_PRI_CONNTRACK == (int)NF_IP6_PRI_CONNTRACK);
static_assert((int)NF_IP_PRI_NAT_SRC == (int)NF_IP6_PRI_NAT_SRC);
static_assert((int)NF_IP_PRI_MANGLE == (int)NF_IP6_PRI_MANGLE);
static_assert((int)NF_IP_PRI_FILTER == (int)NF_IP6_PRI_FILTER);

/* Registered hooks; .hook is NULL if not. Under chatdnat_config_lock. */
static struct nf_hook_ops chatdnat_hook_ops[CHATDNAT_FAMILIES]
					   [ARRAY_SIZE(chatdnat_hooks)];

static int chatdnat_hook_add(const struct chatdnat_hook *hook,
			     struct nf_hook_ops *ops, u8 pf)
{
	int err;

	if (pf == NFPROTO_IPV6 && !ipv6_mod_enabled())
		return 0;

	/* The hooks need conntrack to be enabled. */
	err = nf_ct_netns_get(&init_net, pf);
	if (err)
		return err;

	*ops = (struct nf_hook_ops){
		.hook = hook->fn,
		.pf = pf,
		.hooknum = hook->hooknum,
		.priority = hook->priority,
	};
	err = nf_register_net_hook(&init_net, ops);
	if (err) {
		ops->hook = NULL;
		nf_ct_netns_put(&init_net, pf);
	}
	return err;
}

static void chatdnat_hook_remove(struct nf_hook_ops *ops)
{
	nf_unregister_net_hook(&init_net, ops);
	nf_ct_netns_put(&init_net, ops->pf);
	ops->hook = NULL;
}

/**
 * chatdnat_hooks_add() - register the hooks that settings need
 * @settings: the settings to be activated
 *
 * Until the settings are activated, the hooks use the active ones.
 *
 * Context: Process context, may sleep, chatdnat_config_lock held.
 * Return: 0, or a negative errno; hooks registered before the error stay until
 * chatdnat_hooks_prune().
 */
int chatdnat_hooks_add(const struct chatdnat_settings *settings)
{
	enum chatdnat_family family;
	unsigned int i;
	int err;

	lockdep_assert_held(&chatdnat_config_lock);

	for (family = 0; family < CHATDNAT_FAMILIES; family++) {
		for (i = 0; i < ARRAY_SIZE(chatdnat_hooks); i++) {
			struct nf_hook_ops *ops = &chatdnat_hook_ops[family][i];

			if (ops->hook ||
			    !chatdnat_hooks[i].needs(settings, family))
				continue;
			err = chatdnat_hook_add(&chatdnat_hooks[i], ops,
						chatdnat_pf_of(family));
			if (err)
				return err;
		}
	}
	return 0;
}

/**
 * chatdnat_hooks_prune() - unregister the hooks that settings do not need
 * @settings: the active settings; NULL: no hook is needed
 *
 * Context: Process context, may sleep, chatdnat_config_lock held.
 */
void chatdnat_hooks_prune(const struct chatdnat_settings *settings)
{
	enum chatdnat_family family;
	unsigned int i;

	lockdep_assert_held(&chatdnat_config_lock);

	for (family = 0; family < CHATDNAT_FAMILIES; family++) {
		for (i = 0; i < ARRAY_SIZE(chatdnat_hooks); i++) {
			struct nf_hook_ops *ops = &chatdnat_hook_ops[family][i];

			if (!ops->hook ||
			    (settings &&
			     chatdnat_hooks[i].needs(settings, family)))
				continue;
			chatdnat_hook_remove(ops);
		}
	}
}
