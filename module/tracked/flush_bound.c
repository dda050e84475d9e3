// SPDX-License-Identifier: GPL-2.0
/*
 * Deletes conntrack entries of connections that are translated without state
 * from now on, and continue.
 */
#include <linux/netdevice.h>
#include <net/dst.h>
#include <net/netfilter/nf_conntrack.h>

#include "../core/snapshot.h"
#include "../net/compat.h"
#include "../net/lookup.h"
#include "../net/nfct.h"
#include "flush_bound.h"
#include "reply_count.h"

struct chatdnat_flush_bound_args {
	const struct chatdnat_settings *settings;
	const struct chatdnat_bindings *bindings;
};

/* Whether a client is on the WAN side, according to the route to it. */
static bool chatdnat_flush_is_outside(const struct chatdnat_ifset *wan,
				      const struct chatdnat_flow *flow)
{
	struct dst_entry *dst;
	bool outside;

	dst = chatdnat_lookup_route(flow->family, NULL, &flow->saddr, 0, 0);
	outside = dst && chatdnat_ifset_has(wan, dst->dev->name);
	dst_release(dst);
	return outside;
}

static int chatdnat_flush_bound_iter(struct nf_conn *ct, void *data)
{
	const struct chatdnat_flush_bound_args *bound = data;
	const struct chatdnat_bindings *bindings = bound->bindings;
	const struct chatdnat_binding *binding;
	struct chatdnat_flow to_relay, reply;

	if (nf_ct_is_dying(ct) ||
	    !chatdnat_flow_of(nf_ct_tuple(ct, IP_CT_DIR_ORIGINAL), &to_relay) ||
	    !chatdnat_flow_of(nf_ct_tuple(ct, IP_CT_DIR_REPLY), &reply) ||
	    to_relay.proto != CHATDNAT_TCP)
		return 0;

	/* An entry created midstream may have the relay as its origin. */
	if (!(READ_ONCE(ct->status) & IPS_DST_NAT))
		swap(to_relay, reply);
	binding = chatdnat_bindings_by_local(bindings, to_relay.family,
					     &to_relay.daddr);

	/* A masqueraded connection does not match its stateless translation. */
	return binding &&
	       chatdnat_bindings_has_port(bindings, to_relay.dport) &&
	       chatdnat_addr_equal(&binding->relay, &reply.saddr) &&
	       chatdnat_addr_equal(&to_relay.saddr, &reply.daddr) &&
	       to_relay.sport == reply.dport && to_relay.dport == reply.sport &&
	       chatdnat_flush_is_outside(&bound->settings->wan, &to_relay);
}

/**
 * chatdnat_flush_bound() - delete conntrack entries of connections that are
 *			    translated without state from now on
 * @settings: the settings
 * @bindings: the bindings
 *
 * Conntrack would not see their packets any more, and call later ones invalid.
 *
 * Context: Process context, may sleep, chatdnat_config_lock held.
 */
void chatdnat_flush_bound(const struct chatdnat_settings *settings,
			  const struct chatdnat_bindings *bindings)
{
	struct chatdnat_flush_bound_args bound = {
		.settings = settings,
		.bindings = bindings,
	};

	lockdep_assert_held(&chatdnat_config_lock);

	chatdnat_reply_count_settle();
	chatdnat_nfct_cleanup(&init_net, chatdnat_flush_bound_iter, &bound);
}
