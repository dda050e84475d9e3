// SPDX-License-Identifier: GPL-2.0
/*
 * Every packet that we drop is counted here, and logged if the operator asks;
 * but for what homing finds too big for its way, which is the stack's to tell.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kmod.h>
#include <linux/ratelimit.h>
#include <net/netfilter/nf_log.h>

#include "../net/nfct.h"
#include "drop.h"
#include "snapshot.h"

#define CHATDNAT_LOGS_PER_SECOND	10

static DEFINE_RATELIMIT_STATE(chatdnat_drop_ratelimit, HZ,
			      CHATDNAT_LOGS_PER_SECOND);

/* Whether the kernel log's logger is held; under chatdnat_config_lock. */
static bool chatdnat_drop_logger[CHATDNAT_FAMILIES];

static bool chatdnat_drop_logger_get(u8 pf)
{
	if (!nf_logger_find_get(pf, NF_LOG_TYPE_LOG))
		return true;
	request_module("nf-logger-%u-%u", pf, NF_LOG_TYPE_LOG);
	return !nf_logger_find_get(pf, NF_LOG_TYPE_LOG);
}

/**
 * chatdnat_drop_log() - make ready for what settings want logged
 * @settings: the settings that are about to be active; NULL: none
 *
 * The kernel log's logger is a module that nobody may have loaded yet. Where
 * the operator bound another one (nf_log sysctls, ulogd), that one logs.
 *
 * Context: Process context, may sleep, chatdnat_config_lock held.
 */
void chatdnat_drop_log(const struct chatdnat_settings *settings)
{
	bool want = settings && settings->log == CHATDNAT_LOG_DROPS;
	enum chatdnat_family family;

	lockdep_assert_held(&chatdnat_config_lock);

	for (family = 0; family < CHATDNAT_FAMILIES; family++) {
		if (chatdnat_drop_logger[family] == want)
			continue;
		if (!want) {
			nf_logger_put(chatdnat_pf_of(family), NF_LOG_TYPE_LOG);
		} else if (!chatdnat_drop_logger_get(chatdnat_pf_of(family))) {
			pr_warn_once("log: this kernel has no logger of its own, drops are logged only to one that is bound\n");
			continue;
		}
		chatdnat_drop_logger[family] = want;
	}
}

/**
 * chatdnat_drop() - account for a packet that is to be dropped
 * @settings: the settings that want it so
 * @skb: the packet
 * @state: the hook's
 * @reason: the counter of the reason
 *
 * Context: Softirq or process context, RCU read lock held; on the packet path.
 * Return: NF_DROP, so that a hook can return what this returns.
 */
unsigned int chatdnat_drop(const struct chatdnat_settings *settings,
			   const struct sk_buff *skb,
			   const struct nf_hook_state *state,
			   enum chatdnat_counter reason)
{
	chatdnat_count(chatdnat_family_of(state->pf), reason);

	if (settings->log == CHATDNAT_LOG_DROPS &&
	    __ratelimit(&chatdnat_drop_ratelimit))
		nf_log_packet(state->net, state->pf, state->hook, skb,
			      state->in, state->out, NULL, KBUILD_MODNAME " %s: ",
			      chatdnat_counter_names[reason]);
	return NF_DROP;
}
