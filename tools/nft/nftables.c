// SPDX-License-Identifier: GPL-2.0
#include "nftables.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include "../host/kernel_module.h"
#include "../host/netlink.h"
#include "../host/sysfs.h"
#include "../lib/mem.h"

static char *string_of(const struct nlattr *attr)
{
	size_t len = mnl_attr_get_payload_len(attr);

	return xstrndup(mnl_attr_get_payload(attr), len);
}

static void add_device(struct nft_chain *chain, const struct nlattr *attr)
{
	chain->devices = xgrow(chain->devices, chain->devices_n, sizeof(*chain->devices));
	chain->devices[chain->devices_n++] = string_of(attr);
}

static void parse_hook(struct nft_chain *chain, const struct nlattr *nest)
{
	const struct nlattr *attr, *device;

	chain->base = true;
	mnl_attr_for_each_nested(attr, nest) {
		switch (mnl_attr_get_type(attr)) {
		case NFTA_HOOK_HOOKNUM:
			chain->hook = netfilter_u32(attr);
			break;
		case NFTA_HOOK_PRIORITY:
			chain->priority = (int32_t)netfilter_u32(attr);
			break;
		case NFTA_HOOK_DEV:
			if (!chain->devices_n)
				add_device(chain, attr);
			break;
		case NFTA_HOOK_DEVS:
			mnl_attr_for_each_nested(device, attr) {
				add_device(chain, device);
			}
			break;
		default:
			break;
		}
	}
}

static int chain_cb(const struct nlmsghdr *nlh, void *data)
{
	const struct nfgenmsg *nfg = mnl_nlmsg_get_payload(nlh);
	struct ruleset *ruleset = data;
	const struct nlattr *attr;
	struct nft_chain *chain;

	ruleset->v = xgrow(ruleset->v, ruleset->n, sizeof(*ruleset->v));
	chain = &ruleset->v[ruleset->n++];
	chain->family = nfg->nfgen_family;
	mnl_attr_for_each(attr, nlh, sizeof(*nfg)) {
		switch (mnl_attr_get_type(attr)) {
		case NFTA_CHAIN_TABLE:
			free(chain->table);
			chain->table = string_of(attr);
			break;
		case NFTA_CHAIN_NAME:
			free(chain->name);
			chain->name = string_of(attr);
			break;
		case NFTA_CHAIN_TYPE:
			free(chain->type);
			chain->type = string_of(attr);
			break;
		case NFTA_CHAIN_POLICY:
			chain->drops = netfilter_u32(attr) == NF_DROP;
			break;
		case NFTA_CHAIN_HOOK:
			parse_hook(chain, attr);
			break;
		default:
			break;
		}
	}
	chain->table = chain->table ? chain->table : xstrdup("");
	chain->name = chain->name ? chain->name : xstrdup("");
	chain->type = chain->type ? chain->type : xstrdup("");
	return MNL_CB_OK;
}

static int rule_cb(const struct nlmsghdr *nlh, void *data)
{
	const struct nfgenmsg *nfg = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attr, *expressions = NULL;
	char *table = NULL, *name = NULL;
	struct ruleset *ruleset = data;
	struct nft_chain *chain;
	struct nft_rule *rule;

	mnl_attr_for_each(attr, nlh, sizeof(*nfg)) {
		int type = mnl_attr_get_type(attr);

		if (type == NFTA_RULE_TABLE && !table)
			table = string_of(attr);
		else if (type == NFTA_RULE_CHAIN && !name)
			name = string_of(attr);
		else if (type == NFTA_RULE_EXPRESSIONS)
			expressions = attr;
	}
	chain = table && name ?
			(struct nft_chain *)chain_find(ruleset, nfg->nfgen_family, table, name) :
			NULL;
	if (chain && expressions) {
		chain->rules = xgrow(chain->rules, chain->n, sizeof(*chain->rules));
		rule = &chain->rules[chain->n++];
		rule->len = mnl_attr_get_payload_len(expressions);
		rule->expressions = xcalloc(1, rule->len + 1);
		memcpy(rule->expressions, mnl_attr_get_payload(expressions), rule->len);
	}
	free(table);
	free(name);
	return MNL_CB_OK;
}

static int flowtable_cb(const struct nlmsghdr *nlh, void *data)
{
	const struct nfgenmsg *nfg = mnl_nlmsg_get_payload(nlh);
	char *table = NULL, *name = NULL;
	struct ruleset *ruleset = data;
	const struct nlattr *attr;

	mnl_attr_for_each(attr, nlh, sizeof(*nfg)) {
		if (mnl_attr_get_type(attr) == NFTA_FLOWTABLE_TABLE && !table)
			table = string_of(attr);
		else if (mnl_attr_get_type(attr) == NFTA_FLOWTABLE_NAME && !name)
			name = string_of(attr);
	}
	if (table && name && !ruleset->flowtable)
		ruleset->flowtable = xasprintf("%s %s %s", nft_family_name(nfg->nfgen_family),
					       table, name);
	free(table);
	free(name);
	return MNL_CB_OK;
}

/* The chains of a dormant table have no effect. */
static int table_cb(const struct nlmsghdr *nlh, void *data)
{
	const struct nfgenmsg *nfg = mnl_nlmsg_get_payload(nlh);
	struct ruleset *ruleset = data;
	const struct nlattr *attr;
	bool dormant = false;
	char *name = NULL;
	size_t i;

	mnl_attr_for_each(attr, nlh, sizeof(*nfg)) {
		if (mnl_attr_get_type(attr) == NFTA_TABLE_NAME && !name)
			name = string_of(attr);
		else if (mnl_attr_get_type(attr) == NFTA_TABLE_FLAGS)
			dormant = netfilter_u32(attr) & NFT_TABLE_F_DORMANT;
	}
	for (i = 0; dormant && name && i < ruleset->n; i++)
		if (ruleset->v[i].family == nfg->nfgen_family && !strcmp(ruleset->v[i].table, name))
			ruleset->v[i].base = false;
	free(name);
	return MNL_CB_OK;
}

static int dump(int message, mnl_cb_t cb, struct ruleset *ruleset)
{
	_Alignas(NLMSG_ALIGNTO) char buf[64];
	struct nlmsghdr *nlh = netfilter_request(buf, NFNL_SUBSYS_NFTABLES, message, NLM_F_DUMP,
						 NFPROTO_UNSPEC);

	return netlink_request(NETLINK_NETFILTER, nlh, cb, ruleset);
}

static bool legacy_tables(void)
{
	char *v4 = sysfs_read("/proc/net/ip_tables_names"),
	     *v6 = sysfs_read("/proc/net/ip6_tables_names");
	bool any = (v4 && *v4) || (v6 && *v6);

	free(v4);
	free(v6);
	return any;
}

static void clear(struct ruleset *ruleset)
{
	size_t i, j;

	for (i = 0; i < ruleset->n; i++) {
		struct nft_chain *chain = &ruleset->v[i];

		for (j = 0; j < chain->n; j++)
			free(chain->rules[j].expressions);
		for (j = 0; j < chain->devices_n; j++)
			free(chain->devices[j]);
		free(chain->rules);
		free(chain->devices);
		free(chain->table);
		free(chain->name);
		free(chain->type);
	}
	free(ruleset->v);
	free(ruleset->flowtable);
	*ruleset = (struct ruleset){ 0 };
}

void ruleset_read(struct ruleset *ruleset)
{
	int tries;

	*ruleset = (struct ruleset){ 0 };
	for (tries = 0; kernel_module_loaded("nf_tables") && tries < 5; tries++) {
		int err = dump(NFT_MSG_GETCHAIN, chain_cb, ruleset);

		if (!err)
			err = dump(NFT_MSG_GETRULE, rule_cb, ruleset);
		if (!err)
			err = dump(NFT_MSG_GETTABLE, table_cb, ruleset);
		if (!err)
			dump(NFT_MSG_GETFLOWTABLE, flowtable_cb, ruleset);
		if (!err)
			break;
		clear(ruleset);
		ruleset->err = err;
		/* EINTR: something changed while the kernel was listing. */
		if (err != -EINTR)
			break;
		ruleset->err = tries < 4 ? 0 : err;
	}
	ruleset->legacy = legacy_tables();
}

void ruleset_free(struct ruleset *ruleset)
{
	clear(ruleset);
}

const struct nft_chain *chain_find(const struct ruleset *ruleset, int family, const char *table,
				   const char *name)
{
	size_t i;

	for (i = 0; i < ruleset->n; i++) {
		const struct nft_chain *chain = &ruleset->v[i];

		if (chain->family == family && !strcmp(chain->name, name) &&
		    !strcmp(chain->table, table))
			return chain;
	}
	return NULL;
}

const char *nft_family_name(int family)
{
	switch (family) {
	case NFPROTO_INET:
		return "inet";
	case NFPROTO_IPV4:
		return "ip";
	case NFPROTO_IPV6:
		return "ip6";
	case NFPROTO_NETDEV:
		return "netdev";
	case NFPROTO_BRIDGE:
		return "bridge";
	case NFPROTO_ARP:
		return "arp";
	default:
		return "?";
	}
}
