// SPDX-License-Identifier: GPL-2.0
/*
 * Finds hooks of others that see forwarded packets: base chains of nftables,
 * tables of iptables, IPVS and the like. Hooks are recognised by where they
 * are: those of the module by their functions; those of connection tracking and
 * NAT, of which there is one of a kind, by hook and priority.
 */
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/netfilter_ipv4.h>
#include <linux/netfilter_ipv6.h>
#include <linux/rcupdate.h>

#include "chains.h"

static const unsigned int chatdnat_chains_hooknums[CHATDNAT_CHAINS_HOOKS] = {
	NF_INET_PRE_ROUTING,
	NF_INET_FORWARD,
	NF_INET_POST_ROUTING,
};

/* SELinux and AppArmor have hooks whether packets have labels or not. */
static const struct chatdnat_chains_found chatdnat_chains_known[] = {
	{ NF_INET_PRE_ROUTING, NF_IP_PRI_CONNTRACK_DEFRAG },
	{ NF_INET_PRE_ROUTING, NF_IP_PRI_CONNTRACK },
	{ NF_INET_PRE_ROUTING, NF_IP_PRI_NAT_DST },
	{ NF_INET_FORWARD, NF_IP_PRI_SELINUX_FIRST },
	{ NF_INET_POST_ROUTING, NF_IP_PRI_SELINUX_FIRST },
	{ NF_INET_POST_ROUTING, NF_IP_PRI_NAT_SRC },
	{ NF_INET_POST_ROUTING, NF_IP_PRI_SELINUX_LAST },
	{ NF_INET_POST_ROUTING, NF_IP_PRI_CONNTRACK_HELPER },
	{ NF_INET_POST_ROUTING, NF_IP_PRI_CONNTRACK_CONFIRM },
};

static_assert((int)NF_IP_PRI_CONNTRACK_DEFRAG ==
	      (int)NF_IP6_PRI_CONNTRACK_DEFRAG);
static_assert((int)NF_IP_PRI_CONNTRACK_HELPER ==
	      (int)NF_IP6_PRI_CONNTRACK_HELPER);

/* Whether a hook is one of connection tracking, NAT or a security module. */
static bool chatdnat_chains_is_known(const struct chatdnat_chains_found *hook,
				     const void *priv, unsigned long *met)
{
	const struct chatdnat_chains_found *known = chatdnat_chains_known;
	unsigned int i;

	/*
	 * A chain of nftables, which can have any priority, has private data;
	 * of these hooks NAT only has.
	 */
	if (priv && hook->priority != NF_IP_PRI_NAT_DST &&
	    hook->priority != NF_IP_PRI_NAT_SRC)
		return false;
	for (i = 0; i < ARRAY_SIZE(chatdnat_chains_known); i++)
		if (known[i].hooknum == hook->hooknum &&
		    known[i].priority == hook->priority)
			return !__test_and_set_bit(i, met);
	return false;
}

/* Whether the list of @found->hooknum has a hook that is none of these. */
static bool chatdnat_chains_others(const struct nf_hook_entries *entries,
				   struct chatdnat_chains_found *found)
{
	struct nf_hook_ops *const *ops;
	unsigned long met = 0;
	unsigned int i;

	if (!entries)
		return false;
	ops = nf_hook_entries_get_hook_ops(entries);
	for (i = 0; i < entries->num_hook_entries; i++) {
		/* A hook that is being removed has dummy_ops in its place. */
		found->priority = READ_ONCE(ops[i])->priority;
		if (!within_module((unsigned long)entries->hooks[i].hook,
				   THIS_MODULE) &&
		    !chatdnat_chains_is_known(found, entries->hooks[i].priv,
					      &met))
			return true;
	}
	return false;
}

/**
 * chatdnat_chains_look() - look for hooks of others
 * @chains: filled in with the present hooks
 * @family: IPv4 or IPv6
 * @found: filled in with the first one, if there is any
 *
 * Context: Process context.
 * Return: True if there is a hook that sees forwarded packets, other than those
 * of the module, of connection tracking, of NAT and of security modules.
 */
bool chatdnat_chains_look(struct chatdnat_chains *chains,
			  enum chatdnat_family family,
			  struct chatdnat_chains_found *found)
{
	const struct nf_hook_entries *entries;
	bool others = false;
	unsigned int i;

	rcu_read_lock();
	for (i = 0; i < CHATDNAT_CHAINS_HOOKS; i++) {
		unsigned int hooknum = chatdnat_chains_hooknums[i];

		entries =
			family == CHATDNAT_IPV6 ?
				rcu_dereference(init_net.nf.hooks_ipv6[hooknum]) :
				rcu_dereference(init_net.nf.hooks_ipv4[hooknum]);
		chains->hooks[i] = entries;
		if (!others) {
			found->hooknum = hooknum;
			others = chatdnat_chains_others(entries, found);
		}
	}
	rcu_read_unlock();
	return others;
}
