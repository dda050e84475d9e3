// SPDX-License-Identifier: GPL-2.0
/*
 * Ends connections that no longer match the configuration. Conntrack sets up
 * NAT once for each connection, so that others continue as they were set up.
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
#include "late_reply.h"
#include "misplaced.h"
#include "reply_count.h"

/* Number of connections ended in one walk, before their resets are sent. */
#define CHATDNAT_FLUSH_BATCH 2048u

/**
 * struct chatdnat_flush - a walk over the conntrack table
 * @ends: whether to end a connection; under its bucket lock
 * @old: the previous snapshot, may be NULL
 * @new: the active snapshot
 * @forgotten: a former configuration that @new has no room for, may be NULL
 * @spares_answered: TCP connections with replies are spared
 * @resets: array with the data to reset ended connections, may be NULL
 * @n_resets: number of entries in @resets
 * @full: @resets was full: walk again
 */
struct chatdnat_flush {
	bool (*ends)(const struct chatdnat_flush *flush,
		     const struct nf_conn *ct);
	const struct chatdnat_snapshot *old;
	const struct chatdnat_snapshot *new;
	const struct chatdnat_former *forgotten;
	bool spares_answered;
	struct chatdnat_tcp_reset *resets;
	unsigned int n_resets;
	bool full;
};

static int chatdnat_flush_iter(struct nf_conn *ct, void *data)
{
	struct chatdnat_flush *flush = data;

	/* Being deleted already; it is still in the table until then. */
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
	/*
	 * The WAN interfaces when the connections were opened, in most cases.
	 */
	const struct chatdnat_snapshot *since = flush->old ?: flush->new;
	unsigned int i;

	/* Without memory, connections are ended without a reset. */
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
 * Whether conntrack has a client's connection in the wrong direction: its entry
 * was deleted, and the relay sent the next packet. It was masqueraded to the
 * address that the client uses, so that the connection continues.
 */
static bool chatdnat_flush_picked_up(const struct chatdnat_service *service,
				     const struct nf_conn *ct)
{
	const struct nf_conntrack_tuple *reply = nf_ct_tuple(ct,
							     IP_CT_DIR_REPLY);
	const struct chatdnat_addr *relay;
	struct chatdnat_flow flow;

	if (!chatdnat_nfct_only_masqueraded(ct) ||
	    !chatdnat_flow_of(nf_ct_tuple(ct, IP_CT_DIR_ORIGINAL), &flow) ||
	    flow.sport != ntohs(reply->dst.u.all))
		return false;
	/* Conntrack is liberal about windows of entries created midstream. */
	if (flow.proto == CHATDNAT_TCP &&
	    !(READ_ONCE(ct->proto.tcp.seen[IP_CT_DIR_ORIGINAL].flags) &
	      IP_CT_TCP_FLAG_BE_LIBERAL))
		return false;
	/* May be a query of the relay, not a reply. */
	if (flow.proto == CHATDNAT_UDP && flow.sport >= CHATDNAT_PORT_EPHEMERAL)
		return false;

	relay = chatdnat_service_find(service, flow.family, flow.proto,
				      chatdnat_addr_of(&reply->dst.u3),
				      flow.sport);
	return relay && chatdnat_addr_equal(relay, &flow.saddr);
}

static bool chatdnat_flush_serves(const struct chatdnat_service *service,
				  const struct nf_conn *ct)
{
	return chatdnat_nfct_serves(service, ct) ||
	       chatdnat_flush_picked_up(service, ct);
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
 * chatdnat_flush_change() - end connections after a change of settings
 * @old: the snapshot before the change; NULL for the first
 * @new: the active snapshot
 * @forgotten: a former configuration that @new has no room for, or NULL. Its
 *	       connections end even with stale=keep: they could not be
 *	       recognised later
 *
 * Context: Process context, may sleep, chatdnat_config_lock held, after the
 * last packet that saw @old.
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
	chatdnat_late_reply_expect();
	chatdnat_flush_run(&flush);
}

static bool chatdnat_flush_ends_misplaced(const struct chatdnat_flush *flush,
					  const struct nf_conn *ct)
{
	const struct chatdnat_snapshot *new = flush->new;

	if (flush->spares_answered && nf_ct_protonum(ct) == IPPROTO_TCP &&
	    test_bit(IPS_SEEN_REPLY_BIT, &ct->status))
		return false;
	/* Events repeat: connections that were kept so far are kept. */
	return !chatdnat_flush_serves(&new->settings.service, ct) &&
	       chatdnat_misplaced_is_sure(ct) &&
	       chatdnat_misplaced(NULL, &new->settings, ct);
}

/**
 * chatdnat_flush_misplaced() - end connections that would be translated
 *				otherwise after a change of addresses or routes
 * @snapshot: the active snapshot
 * @reverted: nothing differs from before: end only what may have begun in
 *	      between, flows of datagrams and connections without replies
 *
 * Context: Process context, may sleep, chatdnat_config_lock held.
 */
void chatdnat_flush_misplaced(const struct chatdnat_snapshot *snapshot,
			      bool reverted)
{
	struct chatdnat_flush flush = {
		.ends = chatdnat_flush_ends_misplaced,
		.new = snapshot,
		.spares_answered = reverted,
	};

	lockdep_assert_held(&chatdnat_config_lock);

	if (snapshot->settings.stale != CHATDNAT_STALE_FLUSH ||
	    !snapshot->settings.wan.n)
		return;
	chatdnat_late_reply_expect();
	/* So that the flows of packets in flight are confirmed. */
	synchronize_net();
	chatdnat_flush_run(&flush);
}

/*
 * Whether the module masqueraded a connection to the address of a WAN
 * interface. It does not masquerade local connections, but another table may.
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
	ours = dev &&
	       chatdnat_snapshot_masqueraded(snapshot, family, dev->name) &&
	       chatdnat_lookup_addr_type(family, saddr, dev) !=
		       CHATDNAT_ADDR_LOCAL;
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
 * chatdnat_flush_all() - end all connections that were translated
 * @snapshot: the last snapshot before the one that disables all translation
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
