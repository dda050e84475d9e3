// SPDX-License-Identifier: GPL-2.0
/* The local addresses that clients on the WAN side connect to. */
#include <linux/inetdevice.h>
#include <linux/netdevice.h>
#include <linux/rtnetlink.h>
#include <net/addrconf.h>
#include <net/l3mdev.h>

#include "../net/lookup.h"
#include "local_addr.h"

static void chatdnat_local_addr_add(struct chatdnat_local_addrs *local,
				    const struct chatdnat_relays *relays,
				    const struct chatdnat_addr *addr,
				    const struct net_device *dev)
{
	if (chatdnat_relays_names(relays, addr) ||
	    (local->n && chatdnat_addr_equal(&local->addr, addr)))
		return;
	local->n++;
	local->addr = *addr;
	local->ifindex = dev->flags & IFF_LOOPBACK ? 0 : dev->ifindex;
}

static void chatdnat_local_addr_add_ipv4(struct chatdnat_local_addrs *local,
					 const struct chatdnat_relays *relays,
					 const struct net_device *dev)
{
	const struct in_device *in_dev = __in_dev_get_rcu(dev);
	const struct in_ifaddr *ifa;

	if (!in_dev)
		return;
	in_dev_for_each_ifa_rcu(ifa, in_dev) {
		const struct chatdnat_addr addr = {
			.word = { ifa->ifa_local },
		};

		if (ifa->ifa_scope == RT_SCOPE_UNIVERSE)
			chatdnat_local_addr_add(local, relays, &addr, dev);
	}
}

static void chatdnat_local_addr_add_ipv6(struct chatdnat_local_addrs *local,
					 const struct chatdnat_relays *relays,
					 const struct net_device *dev)
{
#if IS_ENABLED(CONFIG_IPV6)
	const struct inet6_dev *idev = __in6_dev_get(dev);
	const struct inet6_ifaddr *ifp;
	struct chatdnat_addr addr;

	if (!idev)
		return;
	list_for_each_entry_rcu(ifp, &idev->addr_list, if_list) {
		memcpy(addr.word, &ifp->addr, sizeof(addr.word));
		/*
		 * Temporary addresses are not published, so no client uses
		 * them.
		 */
		if (!(READ_ONCE(ifp->flags) &
		      (IFA_F_DADFAILED | IFA_F_TEMPORARY)) &&
		    !(ipv6_addr_type(&ifp->addr) &
		      (IPV6_ADDR_LINKLOCAL | IPV6_ADDR_LOOPBACK)))
			chatdnat_local_addr_add(local, relays, &addr, dev);
	}
#endif
}

/*
 * Addresses with global scope of WAN and loopback interfaces, except those that
 * "v4" or "v6" names.
 */
static void chatdnat_local_addr_others(struct chatdnat_local_addrs *local,
				       const struct chatdnat_settings *settings,
				       enum chatdnat_family family)
{
	const struct chatdnat_relays *relays = &settings->service.relays[family];
	struct net_device *dev;

	rcu_read_lock();
	for_each_netdev_rcu(&init_net, dev) {
		if (netif_is_l3_slave(dev) ||
		    (!(dev->flags & IFF_LOOPBACK) &&
		     !chatdnat_ifset_has(&settings->wan, dev->name)))
			continue;
		if (family == CHATDNAT_IPV6)
			chatdnat_local_addr_add_ipv6(local, relays, dev);
		else
			chatdnat_local_addr_add_ipv4(local, relays, dev);
	}
	rcu_read_unlock();
}

/* Whether a WAN interface is in a VRF: lookups do not use its routes. */
static bool
chatdnat_local_addr_wan_in_vrf(const struct chatdnat_settings *settings)
{
	const struct net_device *dev;

	ASSERT_RTNL();

	for_each_netdev(&init_net, dev)
		if (netif_is_l3_slave(dev) &&
		    chatdnat_ifset_has(&settings->wan, dev->name))
			return true;
	return false;
}

/*
 * A named address counts even if no interface has it now: a failover address
 * comes and goes.
 */
static void chatdnat_local_addr_named(struct chatdnat_local_addrs *local,
				      const struct chatdnat_settings *settings,
				      enum chatdnat_family family,
				      const struct chatdnat_addr *addr)
{
	const struct net_device *dev;
	bool vrf;

	rcu_read_lock();
	dev = chatdnat_lookup_addr_dev(family, addr);
	vrf = dev ? l3mdev_master_ifindex_rcu(dev) :
		    chatdnat_local_addr_wan_in_vrf(settings);
	if (dev && chatdnat_ifset_has(&settings->wan, dev->name))
		local->ifindex = dev->ifindex;
	rcu_read_unlock();

	local->n = !vrf;
	local->addr = *addr;
}

/**
 * chatdnat_local_addr_find() - find the local addresses of a relay
 * @local: filled in
 * @settings: the settings
 * @family: IPv4 or IPv6
 * @relay: one of the settings' relays
 *
 * Context: Process context, may sleep, RTNL held.
 */
void chatdnat_local_addr_find(struct chatdnat_local_addrs *local,
			      const struct chatdnat_settings *settings,
			      enum chatdnat_family family,
			      const struct chatdnat_relay *relay)
{
	memset(local, 0, sizeof(*local));
	if (chatdnat_relay_serves_others(relay))
		chatdnat_local_addr_others(local, settings, family);
	else
		chatdnat_local_addr_named(local, settings, family,
					  &relay->local);
}

/* The entry of a relay, or NULL if there is none or more than one. */
static const struct chatdnat_relay *
chatdnat_local_addr_entry(const struct chatdnat_relays *relays,
			  const struct chatdnat_addr *relay)
{
	const struct chatdnat_relay *entry = NULL;
	u8 i;

	for (i = 0; i < relays->n; i++) {
		if (!chatdnat_addr_equal(&relays->relay[i].addr, relay))
			continue;
		if (entry)
			return NULL;
		entry = &relays->relay[i];
	}
	return entry;
}

/**
 * chatdnat_local_addr_of_relay() - find the only local address of a relay
 * @addr: set to it, network byte order
 * @settings: the settings
 * @family: IPv4 or IPv6
 * @relay: the relay's address, network byte order
 *
 * A named address counts even if no interface has it now. With scope=any, a
 * relay without a named address may be reached by any address.
 *
 * Context: RCU read lock held; on the packet path, for rare packets.
 * Return: False if it is ambiguous: the relay has no entry, several entries, or
 * several local addresses.
 */
bool chatdnat_local_addr_of_relay(struct chatdnat_addr *addr,
				  const struct chatdnat_settings *settings,
				  enum chatdnat_family family,
				  const struct chatdnat_addr *relay)
{
	const struct chatdnat_relay *entry;
	struct chatdnat_local_addrs local = {};

	entry = chatdnat_local_addr_entry(&settings->service.relays[family],
					  relay);
	if (!entry)
		return false;
	if (!chatdnat_relay_serves_others(entry)) {
		*addr = entry->local;
		return true;
	}
	if (settings->scope == CHATDNAT_SCOPE_ANY)
		return false;
	chatdnat_local_addr_others(&local, settings, family);
	*addr = local.addr;
	return local.n == 1;
}
