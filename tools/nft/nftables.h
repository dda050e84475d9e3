/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNATCTL_NFTABLES_H
#define CHATDNATCTL_NFTABLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A rule's expressions as the kernel sends them: a list of netlink attributes. */
struct nft_rule {
	void *expressions;
	size_t len;
};

struct nft_chain {
	int family; /* NFPROTO_* */
	char *table, *name;
	bool base, drops; /* drops: by its policy */
	uint32_t hook;
	int32_t priority;
	char *type;
	char **devices;
	size_t devices_n;
	struct nft_rule *rules;
	size_t n;
};

/* All nftables rules, which includes iptables-nft, and so ufw, Docker and firewalld. */
struct ruleset {
	int err;	 /* negative errno: it could not be read */
	bool legacy;	 /* the older iptables is in use beside it; its rules are not read */
	char *flowtable; /* "family table name" of the first one, or NULL */
	struct nft_chain *v;
	size_t n;
};

void ruleset_read(struct ruleset *ruleset);
void ruleset_free(struct ruleset *ruleset);

const struct nft_chain *chain_find(const struct ruleset *ruleset, int family, const char *table,
				   const char *name);

/* "inet", "ip", ... as nft(8) has it. */
const char *nft_family_name(int family);

#endif
