// SPDX-License-Identifier: GPL-2.0
#include <linux/netdevice.h>
#include <linux/percpu.h>
#include <linux/slab.h>
#include <net/checksum.h>
#include <net/dst.h>
#include <net/ip6_fib.h>

#include "../net/lookup.h"
#include "bindings.h"

/**
 * chatdnat_bindings_new() - allocate bindings
 *
 * Context: Process context, may sleep, chatdnat_config_lock held.
 * Return: Empty bindings, without ports; or NULL if out of memory.
 */
struct chatdnat_bindings *chatdnat_bindings_new(void)
{
	struct chatdnat_bindings *bindings;
	static u32 serial;

	bindings = kvzalloc(sizeof(*bindings), GFP_KERNEL);
	if (!bindings)
		return NULL;
	serial += CHATDNAT_BINDINGS_SERIAL;
	bindings->serial = serial;
	return bindings;
}

static void chatdnat_binding_free(struct chatdnat_binding *binding)
{
	int cpu;

	for_each_possible_cpu(cpu)
		dst_release(per_cpu_ptr(binding->route, cpu)->dst);
	free_percpu(binding->route);
}

/**
 * chatdnat_bindings_free() - free bindings
 * @bindings: the bindings, no longer in use by packets; may be NULL
 *
 * Context: Process context, may sleep.
 */
void chatdnat_bindings_free(struct chatdnat_bindings *bindings)
{
	enum chatdnat_family family;
	u8 i;

	if (!bindings)
		return;

	for (family = 0; family < CHATDNAT_FAMILIES; family++)
		for (i = 0; i < bindings->n[family]; i++)
			chatdnat_binding_free(&bindings->binding[family][i]);
	kvfree(bindings);
}

/**
 * chatdnat_bindings_add() - bind a local address to a relay
 * @bindings: the bindings, not published, with a free entry
 * @family: IPv4 or IPv6
 * @local: the local address, network byte order
 * @ifindex: index of the WAN interface that has @local; 0 if none does
 * @relay: the relay's address, network byte order
 *
 * Context: Process context, may sleep.
 * Return: False if out of memory.
 */
bool chatdnat_bindings_add(struct chatdnat_bindings *bindings,
			   enum chatdnat_family family,
			   const struct chatdnat_addr *local, int ifindex,
			   const struct chatdnat_addr *relay)
{
	struct chatdnat_binding *binding;
	__wsum minus, plus;

	binding = &bindings->binding[family][bindings->n[family]];
	binding->route = alloc_percpu(struct chatdnat_relay_route);
	if (!binding->route)
		return false;

	binding->local = *local;
	binding->relay = *relay;
	binding->ifindex = ifindex;
	minus = csum_partial(local->word, sizeof(local->word), 0);
	plus = csum_partial(relay->word, sizeof(relay->word), 0);
	binding->diff = csum_sub(plus, minus);
	bindings->n[family]++;
	return true;
}

/**
 * chatdnat_bindings_by_local() - find the binding of a local address
 * @bindings: the bindings
 * @family: IPv4 or IPv6
 * @local: the local address, network byte order
 *
 * Context: RCU read lock held; on the packet path.
 * Return: The binding or NULL.
 */
const struct chatdnat_binding *
chatdnat_bindings_by_local(const struct chatdnat_bindings *bindings,
			   enum chatdnat_family family,
			   const struct chatdnat_addr *local)
{
	u8 i;

	for (i = 0; i < bindings->n[family]; i++)
		if (chatdnat_addr_equal(&bindings->binding[family][i].local,
					local))
			return &bindings->binding[family][i];
	return NULL;
}

/**
 * chatdnat_bindings_by_relay() - find the binding of a relay
 * @bindings: the bindings
 * @family: IPv4 or IPv6
 * @relay: the relay's address, network byte order
 *
 * Context: RCU read lock held; on the packet path.
 * Return: The binding or NULL.
 */
const struct chatdnat_binding *
chatdnat_bindings_by_relay(const struct chatdnat_bindings *bindings,
			   enum chatdnat_family family,
			   const struct chatdnat_addr *relay)
{
	u8 i;

	for (i = 0; i < bindings->n[family]; i++)
		if (chatdnat_addr_equal(&bindings->binding[family][i].relay,
					relay))
			return &bindings->binding[family][i];
	return NULL;
}

/**
 * chatdnat_bindings_equal() - whether two sets of bindings are equal
 * @a: bindings, or NULL
 * @b: bindings, or NULL
 *
 * Context: Any.
 * Return: True if both translate the same packets in the same way.
 */
bool chatdnat_bindings_equal(const struct chatdnat_bindings *a,
			     const struct chatdnat_bindings *b)
{
	enum chatdnat_family family;
	u8 i;

	if (!a || !b)
		return a == b;
	if (a->via != b->via || memcmp(a->n, b->n, sizeof(a->n)) ||
	    !bitmap_equal(a->ports, b->ports, U16_MAX + 1))
		return false;
	for (family = 0; family < CHATDNAT_FAMILIES; family++) {
		for (i = 0; i < a->n[family]; i++) {
			const struct chatdnat_binding *one, *other;

			one = &a->binding[family][i];
			other = &b->binding[family][i];
			if (one->ifindex != other->ifindex ||
			    !chatdnat_addr_equal(&one->local, &other->local) ||
			    !chatdnat_addr_equal(&one->relay, &other->relay))
				return false;
		}
	}
	return true;
}

static u32 chatdnat_relay_route_cookie(enum chatdnat_family family,
				       const struct dst_entry *dst)
{
#if IS_ENABLED(CONFIG_IPV6)
	if (family == CHATDNAT_IPV6)
		return rt6_get_cookie(container_of(dst, struct rt6_info, dst));
#endif
	return 0;
}

/**
 * chatdnat_binding_route() - route to a relay
 * @binding: the binding of the relay
 * @family: IPv4 or IPv6
 *
 * Context: RCU read lock held, not preemptible by another softirq; on the
 * packet path.
 * Return: The route, owned by the per-CPU cache; NULL if there is none.
 */
struct dst_entry *chatdnat_binding_route(const struct chatdnat_binding *binding,
					 enum chatdnat_family family)
{
	struct chatdnat_relay_route *route = this_cpu_ptr(binding->route);

	if (route->dst && dst_check(route->dst, route->cookie))
		return route->dst;

	dst_release(route->dst);
	route->dst = chatdnat_lookup_route(family, NULL, &binding->relay, 0, 0);
	if (route->dst)
		route->cookie = chatdnat_relay_route_cookie(family, route->dst);
	return route->dst;
}
