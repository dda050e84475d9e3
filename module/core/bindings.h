/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNAT_BINDINGS_H
#define CHATDNAT_BINDINGS_H

#include <linux/bitmap.h>
#include <linux/percpu.h>
#include <linux/types.h>

#include "../policy/settings.h"

struct chatdnat_flow_cache;
struct dst_entry;

/**
 * struct chatdnat_relay_route - the way to a relay, as one processor knows it
 * @dst: the way; NULL: not looked up yet
 * @cookie: with which @dst is checked
 */
struct chatdnat_relay_route {
	struct dst_entry *dst;
	u32 cookie;
};

/**
 * struct chatdnat_binding - an own address and the relay that it stands for
 * @own: one of this host's addresses, or one that is named with @relay
 * @relay: the relay that all of @own's connections are sent on to, and none of
 *	   another address
 * @diff: by what a sum changes in which @relay takes the place of @own
 * @home: index of the WAN interface that has @own; 0: another one, or none
 * @route: to @relay; only for softirqs
 */
struct chatdnat_binding {
	struct chatdnat_addr own;
	struct chatdnat_addr relay;
	__wsum diff;
	int home;
	struct chatdnat_relay_route __percpu *route;
};

/**
 * struct chatdnat_bindings - what is translated without state
 * @n: how many bindings each family has
 * @binding: the bindings
 * @via: index of the interface that all must leave by; 0: any
 * @paths: as the shortcut knows them, freed with the bindings; only for
 *	   softirqs
 * @ports: TCP ports for which they hold, host byte order
 */
struct chatdnat_bindings {
	u8 n[CHATDNAT_FAMILIES];
	struct chatdnat_binding binding[CHATDNAT_FAMILIES][CHATDNAT_RELAYS_MAX];
	int via;
	struct chatdnat_flow_cache __percpu *paths;
	DECLARE_BITMAP(ports, U16_MAX + 1);
};

/**
 * chatdnat_bindings_has_port() - whether bindings hold for a port
 * @bindings: the bindings
 * @port: a TCP port, host byte order
 *
 * Context: Any.
 * Return: True if segments of @port are translated without state.
 */
static inline bool
chatdnat_bindings_has_port(const struct chatdnat_bindings *bindings, u16 port)
{
	return test_bit(port, bindings->ports);
}

struct chatdnat_bindings *chatdnat_bindings_new(void);
void chatdnat_bindings_free(struct chatdnat_bindings *bindings);
bool chatdnat_bindings_equal(const struct chatdnat_bindings *a,
			     const struct chatdnat_bindings *b);
bool chatdnat_bindings_add(struct chatdnat_bindings *bindings,
			   enum chatdnat_family family,
			   const struct chatdnat_addr *own, int home,
			   const struct chatdnat_addr *relay);
const struct chatdnat_binding *
chatdnat_bindings_by_own(const struct chatdnat_bindings *bindings,
			 enum chatdnat_family family,
			 const struct chatdnat_addr *own);
const struct chatdnat_binding *
chatdnat_bindings_by_relay(const struct chatdnat_bindings *bindings,
			   enum chatdnat_family family,
			   const struct chatdnat_addr *relay);
struct dst_entry *
chatdnat_binding_route(const struct chatdnat_binding *binding,
		       enum chatdnat_family family);

#endif /* CHATDNAT_BINDINGS_H */
