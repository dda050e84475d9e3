/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNAT_CHAINS_H
#define CHATDNAT_CHAINS_H

#include <linux/netfilter.h>
#include <net/net_namespace.h>

#include "../policy/addr.h"

/* The hooks that a forwarded packet passes. */
#define CHATDNAT_CHAINS_HOOKS 3

/**
 * struct chatdnat_chains - which hooks were registered at some time
 * @hooks: netfilter's lists for PRE_ROUTING, FORWARD and POST_ROUTING, to be
 *	   compared only. Each registration makes a new list
 */
struct chatdnat_chains {
	const void *hooks[CHATDNAT_CHAINS_HOOKS];
};

/**
 * struct chatdnat_chains_found - a hook that sees forwarded packets
 * @hooknum: NF_INET_PRE_ROUTING, NF_INET_FORWARD or NF_INET_POST_ROUTING
 * @priority: its priority
 */
struct chatdnat_chains_found {
	unsigned int hooknum;
	int priority;
};

/**
 * chatdnat_chains_of() - netfilter's list of hooks
 * @family: IPv4 or IPv6
 * @hooknum: NF_INET_...
 *
 * Context: Any; on the packet path.
 * Return: The list, to be compared only.
 */
static inline const void *chatdnat_chains_of(enum chatdnat_family family,
					     unsigned int hooknum)
{
	return family == CHATDNAT_IPV6 ?
		       rcu_access_pointer(init_net.nf.hooks_ipv6[hooknum]) :
		       rcu_access_pointer(init_net.nf.hooks_ipv4[hooknum]);
}

/**
 * chatdnat_chains_same() - whether no hook was registered or removed
 * @chains: the hooks at an earlier time
 * @family: IPv4 or IPv6
 *
 * Context: Any; on the packet path.
 * Return: False after a change. A list that was freed and allocated again at
 * the same address is taken for the old one.
 */
static inline bool chatdnat_chains_same(const struct chatdnat_chains *chains,
					enum chatdnat_family family)
{
	return READ_ONCE(chains->hooks[0]) ==
		       chatdnat_chains_of(family, NF_INET_PRE_ROUTING) &&
	       READ_ONCE(chains->hooks[1]) ==
		       chatdnat_chains_of(family, NF_INET_FORWARD) &&
	       READ_ONCE(chains->hooks[2]) ==
		       chatdnat_chains_of(family, NF_INET_POST_ROUTING);
}

/**
 * chatdnat_chains_set() - remember the present hooks
 * @chains: changed, while the packet path compares it
 * @now: the present hooks, without any of others
 *
 * Context: Process context, one caller at a time.
 */
static inline void chatdnat_chains_set(struct chatdnat_chains *chains,
				       const struct chatdnat_chains *now)
{
	unsigned int i;

	for (i = 0; i < CHATDNAT_CHAINS_HOOKS; i++)
		WRITE_ONCE(chains->hooks[i], now->hooks[i]);
}

bool chatdnat_chains_look(struct chatdnat_chains *chains,
			  enum chatdnat_family family,
			  struct chatdnat_chains_found *found);

#endif /* CHATDNAT_CHAINS_H */
