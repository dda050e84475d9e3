// SPDX-License-Identifier: GPL-2.0
#include "checks.h"

#include <linux/netfilter.h>
#include <string.h>

/* The base chain that the module has found by its hook and priority, or NULL. */
static const struct nft_chain *base_chain(const struct state *state, enum family family,
					  const char *hook, int priority)
{
	static const char *const hooks[] = {
		[NF_INET_PRE_ROUTING] = "prerouting",
		[NF_INET_FORWARD] = "forward",
		[NF_INET_POST_ROUTING] = "postrouting",
	};
	size_t i;

	for (i = 0; i < state->ruleset.n; i++) {
		const struct nft_chain *chain = &state->ruleset.v[i];

		if (!chain->base || chain->priority != priority ||
		    (chain->family != NFPROTO_INET &&
		     chain->family != (family == V4 ? NFPROTO_IPV4 : NFPROTO_IPV6)))
			continue;
		if (chain->hook < sizeof(hooks) / sizeof(hooks[0]) && hooks[chain->hook] &&
		    !strcmp(hooks[chain->hook], hook))
			return chain;
	}
	return NULL;
}

/* With fast=auto somebody else's hook keeps all connections of the family from the fast path. */
static void report_chain(struct findings *f, const struct state *state, enum family family,
			 const char *hook, int priority)
{
	const struct nft_chain *chain = base_chain(state, family, hook, priority);

	if (chain)
		finding(f, NOTE, "fast-path-off",
			"%s: established connections take the whole path through the stack, at several times the cost, so that "
			"the chain %s %s %s sees all of their packets (fast=auto).",
			families[family].name, nft_family_name(chain->family), chain->table,
			chain->name);
	else
		finding(f, NOTE, "fast-path-off",
			"%s: established connections take the whole path through the stack, at several times the cost, so that "
			"a hook at %s with priority %d sees all of their packets (fast=auto). It is not a chain of nftables.",
			families[family].name, hook, priority);
	fix_set(f,
		"fast=on    # if it needs to see the first and last packets of a connection only");
}

void check_fast(struct findings *f, const struct state *state)
{
	enum family family;
	char hook[16];
	int priority;

	check_begin_setting(f, "fast-path");
	if (!setting_exists(state, "fast"))
		skipped(f, "This version of the module has no setting fast.");
	for (family = 0; family < FAMILIES; family++) {
		const struct fastpath *fast = &state->fast[family];

		if (!fast->known || !fastpath_chain(fast, hook, &priority))
			continue;
		report_chain(f, state, family, hook, priority);
	}
	check_end(f, "fast=%s.", config_text(&state->module.config, "fast"));
}
