/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNAT_SNAPSHOT_H
#define CHATDNAT_SNAPSHOT_H

#include <linux/mutex.h>
#include <linux/rcupdate.h>

#include "../policy/settings.h"
#include "bindings.h"
#include "survey.h"

#define CHATDNAT_FORMER_MAX	16

/**
 * struct chatdnat_former - what was configured earlier; shared by snapshots
 * @users: how many snapshots; under chatdnat_config_lock
 * @service: what was sent on where
 * @masqueraded: the interfaces whose addresses connections took
 * @rcu: delays its end past the last reader
 */
struct chatdnat_former {
	unsigned int users;
	struct chatdnat_service service;
	struct chatdnat_ifset masqueraded;
	struct rcu_head rcu;
};

/**
 * struct chatdnat_snapshot - one configuration, immutable once published, but
 *			     for what follows from this host's state
 * @settings: what the operator set
 * @guarded_since: ktime_get_seconds() when forwarded packets began to be judged
 *		   as they are
 * @bindings: what is translated without state; NULL: nothing. Replaced as this
 *	      host's addresses and interfaces change
 * @before: the bindings before, for packets that met them before they were
 *	    routed; NULL once there are none
 * @survey: of this host, by which all that follows from its state is up to date;
 *	    under chatdnat_config_lock
 * @walks: how often conntrack's table is still to be walked for what has
 *	   arrived; under chatdnat_config_lock
 * @prev: the one before, for packets that met it before they were routed and
 *	  this one after; NULL once there are none
 * @n_former: how many earlier ones are remembered
 * @former: earlier ones that differ from this one, oldest first. Connections
 *	    of theirs may live on, or their relays may not know yet that they
 *	    have ended
 * @rcu: delays its end past the last reader
 */
struct chatdnat_snapshot {
	struct chatdnat_settings settings;
	s64 guarded_since;
	struct chatdnat_bindings __rcu *bindings;
	struct chatdnat_bindings __rcu *before;
	struct chatdnat_survey survey;
	u8 walks;
	struct chatdnat_snapshot __rcu *prev;
	unsigned int n_former;
	struct chatdnat_former *former[CHATDNAT_FORMER_MAX];
	struct rcu_head rcu;
};

extern struct mutex chatdnat_config_lock;
extern struct chatdnat_snapshot __rcu *chatdnat_active;

/**
 * chatdnat_for_each_snapshot() - the snapshots that a packet may have met
 * @snapshot: the active one, then the one before while packets that met it are
 *	      under way
 *
 * Under the RCU read lock, under which hooks run.
 */
#define chatdnat_for_each_snapshot(snapshot)				\
	for ((snapshot) = rcu_dereference(chatdnat_active); (snapshot);	\
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
