// SPDX-License-Identifier: GPL-2.0
#include <linux/kconfig.h>
#include <linux/socket.h>
#include <net/fib_notifier.h>
#include <net/ip6_fib.h>
#include <net/ip_fib.h>

#include "fib_event.h"

static bool chatdnat_fib_event_ipv4(const struct fib_notifier_info *info)
{
	const struct fib_entry_notifier_info *entry;

	entry = container_of(info, const struct fib_entry_notifier_info, info);
	return entry->tb_id == RT_TABLE_MAIN && entry->dst_len <= 1;
}

#if IS_ENABLED(CONFIG_IPV6)
static bool chatdnat_fib_event_ipv6(const struct fib_notifier_info *info)
{
	const struct fib6_info *rt =
		container_of(info, const struct fib6_entry_notifier_info, info)
			->rt;

	return rt->fib6_table->tb6_id == RT6_TABLE_MAIN &&
	       rt->fib6_dst.plen <= 3;
}
#endif

/**
 * chatdnat_fib_event_is_default() - whether an event is about a default route or
 *				     a policy rule
 * @event: FIB_EVENT_...
 * @info: the argument of the notifier
 *
 * ::/0, 2000::/3 and the halves of 0.0.0.0/0 and ::/0, as VPNs add them, count as
 * default routes. Tables other than the main table do not.
 *
 * Context: Any.
 * Return: True if so.
 */
bool chatdnat_fib_event_is_default(unsigned long event,
				   const struct fib_notifier_info *info)
{
	switch (event) {
	case FIB_EVENT_RULE_ADD:
	case FIB_EVENT_RULE_DEL:
		return info->family == AF_INET || info->family == AF_INET6;
	case FIB_EVENT_ENTRY_REPLACE:
	case FIB_EVENT_ENTRY_APPEND:
	case FIB_EVENT_ENTRY_ADD:
	case FIB_EVENT_ENTRY_DEL:
		break;
	default:
		return false;
	}
	if (info->family == AF_INET)
		return chatdnat_fib_event_ipv4(info);
#if IS_ENABLED(CONFIG_IPV6)
	if (info->family == AF_INET6)
		return chatdnat_fib_event_ipv6(info);
#endif
	return false;
}
