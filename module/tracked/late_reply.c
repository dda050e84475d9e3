// SPDX-License-Identifier: GPL-2.0
/*
 * Late replies of this host. A local server may be about to reply when its UDP
 * flow is ended, since the flow would be forwarded to the relay now (DNAT). The
 * reply creates a conntrack entry with the client as its destination. It would
 * keep the flow at this host until the flow pauses, so that it is ended too.
 */
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/netdevice.h>
#include <linux/workqueue.h>
#include <net/netfilter/nf_conntrack.h>

#include "../core/snapshot.h"
#include "../net/compat.h"
#include "../net/nfct.h"
#include "../policy/nat_policy.h"
#include "late_reply.h"
#include "misplaced.h"

/*
 * Seconds. By default, conntrack forgets a UDP flow without a reply after that
 * time: a later reply creates an entry of its own anyway.
 */
#define CHATDNAT_LATE_REPLY_TIME 30

/* Several servers, or one with several clients, reply at about the same time. */
#define CHATDNAT_LATE_REPLY_DELAY (HZ / 10)

/* ktime_get_seconds() until which there may be late replies. */
static u32 chatdnat_late_reply_until;

static int chatdnat_late_reply_iter(struct nf_conn *ct, void *data)
{
	const struct chatdnat_settings *settings = data;

	return !nf_ct_is_dying(ct) &&
	       chatdnat_misplaced_reversed(NULL, settings, ct);
}

static void chatdnat_late_reply_work_fn(struct work_struct *work)
{
	struct chatdnat_snapshot *snapshot;

	/* The entry is in the table once all hooks have seen the reply. */
	synchronize_net();

	mutex_lock(&chatdnat_config_lock);
	snapshot = chatdnat_active_locked();
	if (snapshot && snapshot->settings.stale == CHATDNAT_STALE_FLUSH)
		chatdnat_nfct_cleanup(&init_net, chatdnat_late_reply_iter,
				      &snapshot->settings);
	mutex_unlock(&chatdnat_config_lock);
}

static DECLARE_DELAYED_WORK(chatdnat_late_reply_work,
			    chatdnat_late_reply_work_fn);

/**
 * chatdnat_late_reply_expect() - look for late replies for some time
 *
 * To be called before flows are ended.
 *
 * Context: Process context, chatdnat_config_lock held.
 */
void chatdnat_late_reply_expect(void)
{
	lockdep_assert_held(&chatdnat_config_lock);

	WRITE_ONCE(chatdnat_late_reply_until,
		   (u32)ktime_get_seconds() + CHATDNAT_LATE_REPLY_TIME);
}

/**
 * chatdnat_late_reply() - a new connection of this host may be a late reply
 * @settings: the active settings
 * @ct: the connection, unconfirmed
 *
 * Context: On the packet path, process context or softirq, RCU read lock held.
 */
void chatdnat_late_reply(const struct chatdnat_settings *settings,
			 const struct nf_conn *ct)
{
	struct chatdnat_flow request;

	if ((u32)ktime_get_seconds() >= READ_ONCE(chatdnat_late_reply_until) ||
	    nf_ct_protonum(ct) != IPPROTO_UDP ||
	    !chatdnat_flow_of(nf_ct_tuple(ct, IP_CT_DIR_REPLY), &request) ||
	    !chatdnat_service_relay(&settings->service, &request) ||
	    chatdnat_nat_policy_heeds_socket(settings, &request))
		return;
	schedule_delayed_work(&chatdnat_late_reply_work,
			      CHATDNAT_LATE_REPLY_DELAY);
}

/**
 * chatdnat_late_reply_exit() - wait for the work
 *
 * Context: Process context, may sleep, after the last packet.
 */
void chatdnat_late_reply_exit(void)
{
	cancel_delayed_work_sync(&chatdnat_late_reply_work);
}
