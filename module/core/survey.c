// SPDX-License-Identifier: GPL-2.0
/*
 * Digests of this host's interfaces, addresses and routes. Most events do not
 * affect the settings: comparing digests shows that without an allocation.
 */
#include <linux/inetdevice.h>
#include <linux/netdevice.h>
#include <linux/siphash.h>
#include <net/addrconf.h>
#include <net/dst.h>
#include <net/ip.h>

#include "../net/lookup.h"
#include "../policy/settings.h"
#include "survey.h"

/* An address that only a default route is expected to match. */
static const struct chatdnat_addr chatdnat_survey_remote[CHATDNAT_FAMILIES] = {
	/* 192.0.0.8, the dummy address of RFC 7600 */
	[CHATDNAT_IPV4] = { .word = { cpu_to_be32(0xc0000008) } },
	/* 2000::1, not in an assigned prefix */
	[CHATDNAT_IPV6] = { .word = { cpu_to_be32(0x20000000), 0, 0,
				      cpu_to_be32(1) } },
};

static void chatdnat_survey_add(u64 *sum, u64 a, u64 b)
{
	static const siphash_key_t key;

	*sum = siphash_3u64(*sum, a, b, &key);
}

static void chatdnat_survey_add_addr(u64 *sum, const struct chatdnat_addr *addr,
				     u32 flags)
{
	u64 half[2];

	memcpy(half, addr->word, sizeof(half));
	chatdnat_survey_add(sum, half[0], half[1]);
	chatdnat_survey_add(sum, flags, 0);
}

static void chatdnat_survey_add_ipv4(u64 *sum, const struct net_device *dev)
{
	const struct in_device *in_dev = __in_dev_get_rcu(dev);
	const struct in_ifaddr *ifa;

	if (!in_dev)
		return;
	in_dev_for_each_ifa_rcu(ifa, in_dev) {
		const struct chatdnat_addr addr = {
			.word = { ifa->ifa_local },
		};

		chatdnat_survey_add_addr(sum, &addr, ifa->ifa_scope);
	}
}

static void chatdnat_survey_add_ipv6(u64 *sum, const struct net_device *dev)
{
#if IS_ENABLED(CONFIG_IPV6)
	const struct inet6_dev *idev = __in6_dev_get(dev);
	const struct inet6_ifaddr *ifp;
	struct chatdnat_addr addr;

	if (!idev)
		return;
	list_for_each_entry_rcu(ifp, &idev->addr_list, if_list) {
		memcpy(addr.word, &ifp->addr, sizeof(addr.word));
		chatdnat_survey_add_addr(sum, &addr,
					 READ_ONCE(ifp->flags) &
						 (IFA_F_TENTATIVE |
						  IFA_F_DADFAILED |
						  IFA_F_TEMPORARY));
	}
#endif
}

/* A device, and whether the ingress hook of the fast path works on it. */
static void chatdnat_survey_add_dev(u64 *sum,
				    const struct chatdnat_settings *settings,
				    struct net_device *dev)
{
	bool wan = chatdnat_ifset_has(&settings->wan, dev->name);
	bool taken = netdev_master_upper_dev_get_rcu(dev) ||
		     rcu_access_pointer(dev->rx_handler);

	chatdnat_survey_add(sum, dev->ifindex,
			    wan | taken << 1 | netif_is_l3_slave(dev) << 2 |
				    !!(dev->flags & IFF_UP) << 3 |
				    !!(dev->flags & IFF_LOOPBACK) << 4);
}

static void chatdnat_survey_wan(u64 *sum,
				const struct chatdnat_settings *settings)
{
	struct net_device *dev;

	for_each_netdev_rcu(&init_net, dev) {
		if (!(dev->flags & IFF_LOOPBACK) &&
		    !chatdnat_ifset_has(&settings->wan, dev->name))
			continue;
		chatdnat_survey_add_dev(sum, settings, dev);
		chatdnat_survey_add_ipv4(sum, dev);
		chatdnat_survey_add_ipv6(sum, dev);
	}
}

static void chatdnat_survey_default(u64 *sum,
				    const struct chatdnat_settings *settings,
				    enum chatdnat_family family)
{
	struct dst_entry *dst;

	dst = chatdnat_lookup_route(family, NULL,
				    &chatdnat_survey_remote[family], 0, 0);
	chatdnat_survey_add(sum, family,
			    dst && chatdnat_ifset_has(&settings->wan,
						      dst->dev->name) ?
				    dst->dev->ifindex :
				    0);
	dst_release(dst);
}

/* Like chatdnat_survey_add_dev(), for a device that may not exist. */
static void chatdnat_survey_add_dev_if(u64 *sum,
				       const struct chatdnat_settings *settings,
				       struct net_device *dev)
{
	if (dev)
		chatdnat_survey_add_dev(sum, settings, dev);
	else
		chatdnat_survey_add(sum, 0, 0);
}

static void chatdnat_survey_relay(u64 *sum,
				  const struct chatdnat_settings *settings,
				  enum chatdnat_family family,
				  const struct chatdnat_relay *relay)
{
	struct dst_entry *dst;

	dst = chatdnat_lookup_route(family, NULL, &relay->addr, 0, 0);
	chatdnat_survey_add_dev_if(sum, settings, dst ? dst->dev : NULL);
	dst_release(dst);
}

/* The device of the local address that is named with a relay. */
static void chatdnat_survey_local(u64 *sum,
				  const struct chatdnat_settings *settings,
				  enum chatdnat_family family,
				  const struct chatdnat_relay *relay)
{
	struct net_device *dev;

	if (chatdnat_relay_serves_others(relay))
		return;
	dev = chatdnat_lookup_addr_dev(family, &relay->local);
	chatdnat_survey_add_dev_if(sum, settings, dev);
}

static void
chatdnat_survey_relays(u64 *sum, const struct chatdnat_settings *settings,
		       void (*add)(u64 *sum,
				   const struct chatdnat_settings *settings,
				   enum chatdnat_family family,
				   const struct chatdnat_relay *relay))
{
	const struct chatdnat_relays *relays;
	enum chatdnat_family family;
	u8 i;

	for (family = 0; family < CHATDNAT_FAMILIES; family++) {
		relays = &settings->service.relays[family];
		for (i = 0; i < relays->n; i++)
			add(sum, settings, family, &relays->relay[i]);
	}
}

static void chatdnat_survey_bindings(u64 *sum,
				     const struct chatdnat_settings *settings)
{
	const struct net_device *via;
	int low, high;

	via = dev_get_by_name_rcu(&init_net, settings->via);
	inet_get_local_port_range(&init_net, &low, &high);
	chatdnat_survey_add(sum, via ? via->ifindex : 0, (u64)low << 32 | high);
	chatdnat_survey_relays(sum, settings, chatdnat_survey_local);
}

/**
 * chatdnat_survey_take() - compute the digests for settings
 * @survey: filled in
 * @settings: the settings
 *
 * If the digests are equal, nothing relevant has changed. The reverse is not
 * always true.
 *
 * Context: Process context.
 */
void chatdnat_survey_take(struct chatdnat_survey *survey,
			  const struct chatdnat_settings *settings)
{
	enum chatdnat_family family;

	*survey = (struct chatdnat_survey){};
	if (!settings->wan.n)
		return;

	rcu_read_lock();
	chatdnat_survey_wan(&survey->wan, settings);
	for (family = 0; family < CHATDNAT_FAMILIES; family++)
		if (settings->service.relays[family].n)
			chatdnat_survey_default(&survey->wan, settings, family);
	survey->ports = survey->wan;
	chatdnat_survey_relays(&survey->ports, settings, chatdnat_survey_relay);
	if (settings->engine != CHATDNAT_ENGINE_TRACKED) {
		survey->bindings = survey->ports;
		chatdnat_survey_bindings(&survey->bindings, settings);
	}
	rcu_read_unlock();
}
