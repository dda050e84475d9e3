/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNAT_BINDINGS_H
#define CHATDNAT_BINDINGS_H

#include <linux/bitmap.h>
#include <linux/percpu.h>
#include <linux/types.h>

#include "../policy/settings.h"

struct dst_entry;

/* Serial numbers of bindings are multiples of this. */
#define CHATDNAT_BINDINGS_SERIAL 256

/**
 * struct chatdnat_relay_route - route to a relay, cached per CPU
 * @dst: the route; NULL: not looked up yet
 * @cookie: for dst_check()
 */
struct chatdnat_relay_route {
	struct dst_entry *dst;
	u32 cookie;
};

/**
 * struct chatdnat_binding - a local address and the relay that it is bound to
 * @local: a local address, or one that "v4" or "v6" names with @relay
 * @relay: the relay that connections to @local are forwarded to (DNAT); no
 *	   other address has the same relay
 * @diff: checksum difference of replacing @local by @relay
 * @ifindex: index of the WAN interface that has @local; 0 if none does
 * @route: route to @relay; used in softirq only
 */
struct chatdnat_binding {
	struct chatdnat_addr local;
	struct chatdnat_addr relay;
	__wsum diff;
	int ifindex;
	struct chatdnat_relay_route __percpu *route;
};

/**
 * struct chatdnat_bindings - the connections translated without state
 * @n: number of bindings of each family
 * @binding: the bindings
 * @via: index of the required output interface ("via"); 0: any
 * @serial: serial number, for the flow cache; others have it again after 2^24
 *	    bindings only
 * @ports: bitmap of TCP ports, host byte order
 */
struct chatdnat_bindings {
	u8 n[CHATDNAT_FAMILIES];
	struct chatdnat_binding binding[CHATDNAT_FAMILIES][CHATDNAT_RELAYS_MAX];
	int via;
	u32 serial;
	DECLARE_BITMAP(ports, U16_MAX + 1);
};

/**
 * chatdnat_bindings_has_port() - whether bindings include a port
 * @bindings: the bindings
 * @port: a TCP port, host byte order
 *
 * Context: Any.
 * Return: True if segments to or from @port are translated without state.
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
			   const struct chatdnat_addr *local, int ifindex,
			   const struct chatdnat_addr *relay);
const struct chatdnat_binding *
chatdnat_bindings_by_local(const struct chatdnat_bindings *bindings,
			   enum chatdnat_family family,
			   const struct chatdnat_addr *local);
const struct chatdnat_binding *
chatdnat_bindings_by_relay(const struct chatdnat_bindings *bindings,
			   enum chatdnat_family family,
			   const struct chatdnat_addr *relay);
struct dst_entry *chatdnat_binding_route(const struct chatdnat_binding *binding,
					 enum chatdnat_family family);

#endif /* CHATDNAT_BINDINGS_H */
