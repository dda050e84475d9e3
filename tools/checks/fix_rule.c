// SPDX-License-Identifier: GPL-2.0
#include "fix_rule.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/json.h"
#include "../lib/mem.h"

/* nft's keywords, which it takes for no name. In doubt a word is here: the JSON is right for it as well. */
static const char *const keywords[] = {
	"accept",   "add",	"ah",	     "all",	 "and",	       "arp",	   "bridge",
	"cgroup",   "chain",	"comment",   "comp",	 "constant",   "continue", "counter",
	"cpu",	    "create",	"ct",	     "day",	 "dccp",       "define",   "delete",
	"destroy",  "device",	"devices",   "dnat",	 "drop",       "dst",	   "dup",
	"dynamic",  "element",	"eq",	     "esp",	 "ether",      "expires",  "export",
	"exthdr",   "fib",	"flags",     "flow",	 "flowtable",  "flush",	   "frag",
	"fwd",	    "ge",	"geneve",    "get",	 "goto",       "gre",	   "gt",
	"handle",   "hbh",	"hook",	     "hour",	 "icmp",       "icmpv6",   "igmp",
	"iif",	    "iifgroup", "iifname",   "iiftype",	 "import",     "include",  "index",
	"inet",	    "inner",	"insert",    "interval", "ip",	       "ip6",	   "ipsec",
	"jhash",    "jump",	"last",	     "le",	 "limit",      "list",	   "log",
	"lshift",   "lt",	"map",	     "mark",	 "masquerade", "meta",	   "meter",
	"mh",	    "monitor",	"ne",	     "netdev",	 "not",	       "notrack",  "numgen",
	"oif",	    "oifgroup", "oifname",   "oiftype",	 "or",	       "osf",	   "pkttype",
	"policy",   "position", "priority",  "queue",	 "quota",      "random",   "redefine",
	"redirect", "reject",	"rename",    "replace",	 "reset",      "return",   "rshift",
	"rt",	    "rt0",	"rtclassid", "rule",	 "ruleset",    "sctp",	   "secmark",
	"set",	    "size",	"skgid",     "skuid",	 "snat",       "socket",   "srh",
	"symhash",  "synproxy", "table",     "tcp",	 "th",	       "time",	   "timeout",
	"tproxy",   "type",	"typeof",    "udp",	 "udplite",    "undefine", "update",
	"vlan",	    "vmap",	"vxlan",     "xor",	 "xt"
};

/* nft does not take a string as the name of a table or of a chain. */
static bool is_name(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++)
		if (!strcmp(name, keywords[i]))
			return false;
	if (!isalpha((unsigned char)*name) && *name != '_' && *name != '.')
		return false;
	for (; *name; name++)
		if (!isalnum((unsigned char)*name) && !strchr("/-_.", *name))
			return false;
	return true;
}

static bool has_names(const struct nft_chain *chain)
{
	return is_name(chain->table) && is_name(chain->name);
}

char *fix_string(const char *name)
{
	json_object *string = json_object_new_string(name);
	char *text = xstrdup(json_object_to_json_string_ext(string,
							    JSON_C_TO_STRING_PLAIN |
								    JSON_C_TO_STRING_NOSLASHESCAPE));

	json_object_put(string);
	return text;
}

void fix_rule(struct findings *f, const struct nft_chain *chain, const char *words, const char *json)
{
	const char *family = nft_family_name(chain->family);
	char *table, *name, *command;

	if (has_names(chain)) {
		fix(f, "nft insert rule %s %s %s %s accept", family, chain->table, chain->name,
		    words);
		return;
	}
	table = fix_string(chain->table);
	name = fix_string(chain->name);
	command = xasprintf("{\"nftables\":[{\"insert\":{\"rule\":{\"family\":\"%s\",\"table\":%s,\"chain\":%s,\"expr\":[%s,{\"accept\":null}]}}}]}",
			    family, table, name, json);
	/* Not echo, which some shells have read backslashes. */
	fix(f, "printf %%s %s | nft -j -f -", word(f, command));
	free(command);
	free(name);
	free(table);
}

void fix_list(struct findings *f, const struct nft_chain *chain)
{
	if (has_names(chain))
		fix(f, "nft -a list chain %s %s %s    # and delete the rule for the port",
		    nft_family_name(chain->family), chain->table, chain->name);
	else
		fix(f, "nft -a list ruleset    # and delete the rule for the port");
}
