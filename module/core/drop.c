// SPDX-License-Identifier: GPL-2.0
/*
 * Counts and logs all packets that the module drops, except those that
 * chatdnat_return_path() finds too big for their route: it reports these to the
 * sender by an ICMP error, as the stack does.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kmod.h>
#include <linux/ratelimit.h>
#include <net/netfilter/nf_log.h>

#include "../net/nfct.h"
#include "drop.h"
#include "snapshot.h"

#define CHATDNAT_LOGS_PER_SECOND 10

static DEFINE_RATELIMIT_STATE(chatdnat_drop_ratelimit, HZ,
			      CHATDNAT_LOGS_PER_SECOND);

/* Whether a reference to the logger is held; under chatdnat_config_lock. */
static bool chatdnat_drop_logger[CHATDNAT_FAMILIES];

static bool chatdnat_drop_logger_get(u8 pf)
{
	if (!nf_logger_find_get(pf, NF_LOG_TYPE_LOG))
		return true;
	request_module("nf-logger-%u-%u", pf, NF_LOG_TYPE_LOG);
	return !nf_logger_find_get(pf, NF_LOG_TYPE_LOG);
}

/**
 * chatdnat_drop_log() - acquire or release the loggers
 * @settings: the settings to be activated; NULL: none
 *
 * The module of the kernel log backend may not be loaded yet. If another
 * backend is bound (nf_log sysctls, ulogd), that one logs.
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
 * chatdnat_drop() - count and log a packet that the caller drops
 * @settings: the settings
 * @skb: the packet
 * @state: the state of the current hook
 * @reason: the counter of the reason
 *
 * Context: Softirq or process context, RCU read lock held; on the packet path.
 * Return: NF_DROP, so that a hook can return the result of this function.
 */
unsigned int chatdnat_drop(const struct chatdnat_settings *settings,
			   const struct sk_buff *skb,
			   const struct nf_hook_state *state,
			   enum chatdnat_counter reason)
{
	chatdnat_count(chatdnat_family_of(state->pf), reason);

	if (settings->log == CHATDNAT_LOG_DROPS &&
	    __ratelimit(&chatdnat_drop_ratelimit))
		nf_log_packet(state->net, state->pf, state->hook, skb, state->in,
			      state->out, NULL, KBUILD_MODNAME " %s: ",
			      chatdnat_counter_names[reason]);
	return NF_DROP;
}
