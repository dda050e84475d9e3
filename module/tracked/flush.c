// SPDX-License-Identifier: GPL-2.0
/*
 * Ends connections that a change leaves behind. Conntrack never binds a
 * connection anew, so what is not ended goes on as it was set up.
 */
#include <linux/netdevice.h>
#include <linux/slab.h>
#include <net/netfilter/nf_conntrack.h>
#include <net/netfilter/nf_nat.h>

#include "../net/compat.h"
#include "../net/lookup.h"
#include "../net/nfct.h"
#include "../net/tcp_reset.h"
#include "flush.h"
#include "misplaced.h"
#include "reply_count.h"

/* How many connections are ended between two rounds of resets. */
#define CHATDNAT_FLUSH_BATCH	2048u

/**
 * struct chatdnat_flush - a walk over conntrack's table
 * @ends: whether a connection is to end; under its bucket lock
 * @old: the snapshot before, may be NULL
 * @new: the snapshot after
 * @forgotten: a former service that @new has no room for, may be NULL
 * @resets: room for what is needed to reset those that ended, may be NULL
 * @n_resets: how much of it is used
 * @full: there was no room for all
 */
struct chatdnat_flush {
	bool (*ends)(const struct chatdnat_flush *flush,
		     const struct nf_conn *ct);
	const struct chatdnat_snapshot *old;
	const struct chatdnat_snapshot *new;
	const struct chatdnat_former *forgotten;
	struct chatdnat_tcp_reset *resets;
	unsigned int n_resets;
	bool full;
};

static int chatdnat_flush_iter(struct nf_conn *ct, void *data)
{
	struct chatdnat_flush *flush = data;

	/* Another one's to end: it stays in the table until that is done. */
	if (nf_ct_is_dying(ct) || !flush->ends(flush, ct))
		return 0;

	if (!flush->resets)
		return 1;
	if (flush->n_resets == CHATDNAT_FLUSH_BATCH) {
		flush->full = true;
		return 0;
	}
	if (chatdnat_tcp_reset_prepare(&flush->resets[flush->n_resets], ct))
		flush->n_resets++;
	return 1;
}

static void chatdnat_flush_run(struct chatdnat_flush *flush)
{
	/* Those by which the connections came in, mostly. */
	const struct chatdnat_snapshot *since = flush->old ? : flush->new;
	unsigned int i;

	/* Without memory connections end all the same, only less politely. */
	flush->resets = kvmalloc_array(CHATDNAT_FLUSH_BATCH,
				       sizeof(flush->resets[0]), GFP_KERNEL);
	do {
		flush->full = false;
		flush->n_resets = 0;
		chatdnat_nfct_cleanup(&init_net, chatdnat_flush_iter, flush);
		for (i = 0; i < flush->n_resets; i++) {
			chatdnat_tcp_reset_send(&flush->resets[i],
						&since->settings.wan);
			cond_resched();
		}
	} while (flush->full);
	kvfree(flush->resets);
}

/*
 * Whether a connection of a service is the relay's to conntrack, which was told
 * to forget it and then heard the relay first. The address that it took is the
 * one that the client calls, so it goes on; but nobody opened it from there.
 */
static bool chatdnat_flush_taken_up(const struct chatdnat_service *service,
				    const struct nf_conn *ct)
{
	const struct nf_conntrack_tuple *reply = nf_ct_tuple(ct, IP_CT_DIR_REPLY);
	const struct chatdnat_addr *relay;
	struct chatdnat_flow back;

	if (!chatdnat_nfct_only_masqueraded(ct) ||
	    !chatdnat_flow_of(nf_ct_tuple(ct, IP_CT_DIR_ORIGINAL), &back) ||
	    back.sport != ntohs(reply->dst.u.all))
		return false;
	/* Conntrack checks no windows of what it took up in the middle. */
	if (back.proto == CHATDNAT_TCP &&
	    !(READ_ONCE(ct->proto.tcp.seen[IP_CT_DIR_ORIGINAL].flags) &
	      IP_CT_TCP_FLAG_BE_LIBERAL))
		return false;
	/* Perhaps a query of the relay's, not an answer. */
	if (back.proto == CHATDNAT_UDP && back.sport >= CHATDNAT_PORT_EPHEMERAL)
		return false;

	relay = chatdnat_service_find(service, back.family, back.proto,
				      chatdnat_addr_of(&reply->dst.u3),
				      back.sport);
	return relay && chatdnat_addr_equal(relay, &back.saddr);
}

static bool chatdnat_flush_serves(const struct chatdnat_service *service,
				  const struct nf_conn *ct)
{
	return chatdnat_nfct_serves(service, ct) ||
	       chatdnat_flush_taken_up(service, ct);
}

static bool chatdnat_flush_former(const struct chatdnat_snapshot *snapshot,
				  const struct nf_conn *ct)
{
	unsigned int i;

	for (i = 0; i < snapshot->n_former; i++)
		if (chatdnat_flush_serves(&snapshot->former[i]->service, ct))
			return true;
	return false;
}

static bool chatdnat_flush_ends_change(const struct chatdnat_flush *flush,
				       const struct nf_conn *ct)
{
	const struct chatdnat_snapshot *new = flush->new;

	if (chatdnat_flush_serves(&new->settings.service, ct))
		return false;
	if (flush->forgotten &&
	    chatdnat_flush_serves(&flush->forgotten->service, ct))
		return true;
	if (new->settings.stale == CHATDNAT_STALE_KEEP)
		return false;
	return chatdnat_flush_former(new, ct) ||
	       chatdnat_misplaced(flush->old ? &flush->old->settings : NULL,
				  &new->settings, ct);
}

/**
 * chatdnat_flush_change() - end what a change of settings leaves behind
 * @old: the snapshot before the change; NULL before the first
 * @new: the active snapshot
 * @forgotten: a former service that fell off @new's list; NULL mostly.
 *	       Its connections end even with stale=keep: nobody would know
 *	       later whose they are
 *
 * Context: Process context, may sleep, chatdnat_config_lock held, after the
 * last packet that met @old.
 */
void chatdnat_flush_change(const struct chatdnat_snapshot *old,
			   const struct chatdnat_snapshot *new,
			   const struct chatdnat_former *forgotten)
{
	struct chatdnat_flush flush = {
		.ends = chatdnat_flush_ends_change,
		.old = old,
		.new = new,
		.forgotten = forgotten,
	};

	lockdep_assert_held(&chatdnat_config_lock);

	if (new->settings.stale == CHATDNAT_STALE_KEEP && !forgotten)
		return;
	chatdnat_reply_count_forget();
	chatdnat_flush_run(&flush);
}

static bool chatdnat_flush_ends_misplaced(const struct chatdnat_flush *flush,
					  const struct nf_conn *ct)
{
	const struct chatdnat_snapshot *new = flush->new;

	/* Events come again and again: who has gone on so far may do so. */
	return !chatdnat_flush_serves(&new->settings.service, ct) &&
	       chatdnat_misplaced_is_sure(ct) &&
	       chatdnat_misplaced(NULL, &new->settings, ct);
}

/**
 * chatdnat_flush_misplaced() - end what an interface, address or route that has
 *				arrived leaves behind
 * @snapshot: the active snapshot
 *
 * Context: Process context, may sleep, chatdnat_config_lock held.
 */
void chatdnat_flush_misplaced(const struct chatdnat_snapshot *snapshot)
{
	struct chatdnat_flush flush = {
		.ends = chatdnat_flush_ends_misplaced,
		.new = snapshot,
	};

	lockdep_assert_held(&chatdnat_config_lock);

	if (snapshot->settings.stale == CHATDNAT_STALE_FLUSH &&
	    snapshot->settings.wan.n)
		chatdnat_flush_run(&flush);
}

/*
 * Whether a connection took the address of a WAN interface by us. What this
 * host opens itself keeps the address that it chose: another table did that.
 */
static bool chatdnat_flush_masqueraded(const struct chatdnat_snapshot *snapshot,
				       const struct nf_conn *ct)
{
	enum chatdnat_family family = chatdnat_family_of(nf_ct_l3num(ct));
	const struct nf_conn_nat *nat = nfct_nat(ct);
	const struct chatdnat_addr *saddr;
	const struct net_device *dev;
	bool ours;

	if (!nat || !nat->masq_index)
		return false;

	saddr = chatdnat_addr_of(&nf_ct_tuple(ct, IP_CT_DIR_ORIGINAL)->src.u3);
	rcu_read_lock();
	dev = dev_get_by_index_rcu(&init_net, nat->masq_index);
	ours = dev && chatdnat_snapshot_masqueraded(snapshot, family, dev->name) &&
	       chatdnat_lookup_addr_type(family, saddr, dev) != CHATDNAT_ADDR_LOCAL;
	rcu_read_unlock();
	return ours;
}

static bool chatdnat_flush_ends_all(const struct chatdnat_flush *flush,
				    const struct nf_conn *ct)
{
	const struct chatdnat_snapshot *snapshot = flush->new;

	return chatdnat_nfct_serves(&snapshot->settings.service, ct) ||
	       chatdnat_flush_former(snapshot, ct) ||
	       chatdnat_flush_masqueraded(snapshot, ct);
}

/**
 * chatdnat_flush_all() - end all connections that were ever sent on, and those
 *			  that were masqueraded
 * @snapshot: the snapshot before the last one, which sends no new ones on
 *
 * Context: Process context, may sleep, chatdnat_config_lock held.
 */
void chatdnat_flush_all(const struct chatdnat_snapshot *snapshot)
{
	struct chatdnat_flush flush = {
		.ends = chatdnat_flush_ends_all,
		.new = snapshot,
	};

	lockdep_assert_held(&chatdnat_config_lock);

	chatdnat_reply_count_forget();
	chatdnat_flush_run(&flush);
}

struct chatdnat_flush_bound {
	const struct chatdnat_settings *settings;
	const struct chatdnat_bindings *bindings;
};

/* Whether a client is of the world, by the way back to it. */
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
	const struct chatdnat_flush_bound *bound = data;
	const struct chatdnat_bindings *bindings = bound->bindings;
	const struct chatdnat_binding *binding;
	struct chatdnat_flow there, back;

	if (nf_ct_is_dying(ct) ||
	    !chatdnat_flow_of(nf_ct_tuple(ct, IP_CT_DIR_ORIGINAL), &there) ||
	    !chatdnat_flow_of(nf_ct_tuple(ct, IP_CT_DIR_REPLY), &back) ||
	    there.proto != CHATDNAT_TCP)
		return 0;

	/* What was picked up in its middle may have begun with the relay. */
	if (!(READ_ONCE(ct->status) & IPS_DST_NAT))
		swap(there, back);
	binding = chatdnat_bindings_by_own(bindings, there.family,
					   &there.daddr);

	/* A masqueraded one is not what the binding would make of it. */
	return binding && chatdnat_bindings_has_port(bindings, there.dport) &&
	       chatdnat_addr_equal(&binding->relay, &back.saddr) &&
	       chatdnat_addr_equal(&there.saddr, &back.daddr) &&
	       there.sport == back.dport && there.dport == back.sport &&
	       chatdnat_flush_is_outside(&bound->settings->wan, &there);
}

/**
 * chatdnat_flush_bound() - have connection tracking forget what goes on without
 *			    state
 * @settings: the settings
 * @bindings: what is translated without state
 *
 * What it does not see go on it would take for broken when it sees it again.
 *
 * Context: Process context, may sleep, chatdnat_config_lock held.
 */
void chatdnat_flush_bound(const struct chatdnat_settings *settings,
			  const struct chatdnat_bindings *bindings)
{
	struct chatdnat_flush_bound bound = {
		.settings = settings,
		.bindings = bindings,
	};

	lockdep_assert_held(&chatdnat_config_lock);

	chatdnat_reply_count_settle();
	chatdnat_nfct_cleanup(&init_net, chatdnat_flush_bound_iter, &bound);
}
