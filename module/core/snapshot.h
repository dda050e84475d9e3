/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNAT_SNAPSHOT_H
#define CHATDNAT_SNAPSHOT_H

#include <linux/mutex.h>
#include <linux/rcupdate.h>

#include "../policy/settings.h"
#include "bindings.h"
#include "survey.h"

#define CHATDNAT_FORMER_MAX 16

/**
 * struct chatdnat_former - a former configuration, shared by snapshots
 * @users: reference count; under chatdnat_config_lock
 * @service: its relays and forwarded ports
 * @masqueraded: its interfaces with masquerading
 * @rcu: for kfree_rcu()
 */
struct chatdnat_former {
	unsigned int users;
	struct chatdnat_service service;
	struct chatdnat_ifset masqueraded;
	struct rcu_head rcu;
};

/**
 * struct chatdnat_snapshot - a configuration, immutable once published, except
 *			      for members that depend on the host's state
 * @settings: the settings
 * @guarded_since: ktime_get_seconds() at which the guard was enabled for
 *		   forwarded packets
 * @bindings: connections translated without state; NULL: none. Replaced if
 *	      addresses or interfaces of this host change
 * @prev_bindings: the previous bindings, for packets that saw them before
 *		   routing; NULL if there are none in flight
 * @survey: digest of the host's state that the other members are based on;
 *	    under chatdnat_config_lock
 * @prev: the previous snapshot, for packets that saw it before routing and see
 *	  this one after; NULL if there are none in flight
 * @n_former: number of former configurations
 * @former: former configurations that differ from this one, oldest first. Their
 *	    connections may still exist, or have ended without the relay knowing
 * @rcu: for kfree_rcu()
 */
struct chatdnat_snapshot {
	struct chatdnat_settings settings;
	s64 guarded_since;
	struct chatdnat_bindings __rcu *bindings;
	struct chatdnat_bindings __rcu *prev_bindings;
	struct chatdnat_survey survey;
	struct chatdnat_snapshot __rcu *prev;
	unsigned int n_former;
	struct chatdnat_former *former[CHATDNAT_FORMER_MAX];
	struct rcu_head rcu;
};

extern struct mutex chatdnat_config_lock;
extern struct chatdnat_snapshot __rcu *chatdnat_active;
extern bool chatdnat_active_bound;

/**
 * chatdnat_for_each_snapshot() - iterate over the snapshots that a packet may
 *				  have seen
 * @snapshot: the active one, then the previous one while packets that saw it
 *	      are in flight
 *
 * Needs the RCU read lock, which hooks have.
 */
#define chatdnat_for_each_snapshot(snapshot)                            \
	for ((snapshot) = rcu_dereference(chatdnat_active); (snapshot); \
	     (snapshot) = rcu_dereference((snapshot)->prev))

struct chatdnat_snapshot *chatdnat_active_locked(void);
struct chatdnat_snapshot *
chatdnat_snapshot_new(const struct chatdnat_settings *settings,
		      struct chatdnat_former **forgotten);
void chatdnat_snapshot_publish(struct chatdnat_snapshot *snapshot);
void chatdnat_snapshot_free(struct chatdnat_snapshot *snapshot);
void chatdnat_former_put(struct chatdnat_former *former);

bool chatdnat_snapshot_masqueraded(const struct chatdnat_snapshot *snapshot,
				   enum chatdnat_family family,
				   const char *ifname);
bool chatdnat_snapshot_stale(const struct chatdnat_snapshot *snapshot,
			     const struct chatdnat_flow *flow);

#endif /* CHATDNAT_SNAPSHOT_H */
