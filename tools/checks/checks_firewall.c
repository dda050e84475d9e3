// SPDX-License-Identifier: GPL-2.0
#include "checks_firewall.h"

#include <stdlib.h>
#include <string.h>

#include <linux/netfilter.h>

#include "../lib/mem.h"
#include "../module/boot.h"
#include "fix_rule.h"

/* Matches in nft's JSON. */
#define CT(key, right) \
	"{\"match\":{\"op\":\"in\",\"left\":{\"ct\":{\"key\":\"" key "\"}},\"right\":" right "}}"
#define META "{\"match\":{\"op\":\"==\",\"left\":{\"meta\":{\"key\":\"%s\"}},\"right\":%s}}"

static const char *name_of(struct findings *f, const struct link *link, const char *otherwise)
{
	return link ? word(f, link->name) : otherwise;
}

/* nft takes "6in4-wan", "bridge" or "a;b" only as a string. No keyword that may be in its place has a digit. */
static const char *nft_name_of(struct findings *f, const struct link *link, const char *otherwise)
{
	static const char digits[] = "0123456789",
			  plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_.-0123456789";
	const char *quoted;
	char *string;

	if (!link)
		return otherwise;
	if (!strspn(link->name, digits) && strpbrk(link->name, digits) &&
	    !link->name[strspn(link->name, plain)])
		return link->name;
	string = xasprintf("\"%s\"", link->name);
	quoted = word(f, string);
	free(string);
	return quoted;
}

/* Chains as iptables-nft writes them, which ufw and Docker use. */
static bool by_iptables(const struct nft_chain *chain)
{
	return (chain->family == NFPROTO_IPV4 || chain->family == NFPROTO_IPV6) &&
	       !strcmp(chain->table, "filter") && !strcmp(chain->name, "FORWARD");
}

static bool has_chain(const struct state *state, const struct nft_chain *base, const char *name)
{
	return chain_find(&state->ruleset, base->family, base->table, name);
}

static void fix_iptables(struct findings *f, const struct state *state, enum family family,
			 enum direction direction, const struct obstacle *o)
{
	const char *iptables = family == V4 ? "iptables" : "ip6tables",
		   *in = name_of(f, o->in, "INTERFACE"), *out = name_of(f, o->out, "INTERFACE");
	bool docker = has_chain(state, o->base, "DOCKER-USER");
	const char *chain = docker ? "DOCKER-USER" : "FORWARD";

	if (has_chain(state, o->base, family == V4 ? "ufw-user-forward" : "ufw6-user-forward")) {
		/* ufw's own rules accept replies. */
		fix(f, "ufw route allow in on %s out on %s", direction == ANSWER ? out : in,
		    direction == ANSWER ? in : out);
		if (!docker)
			return;
	}
	if (direction == OUTWARD) {
		fix(f, "%s -I %s -i %s -o %s -j ACCEPT", iptables, chain, in, out);
		fix(f, "%s -I %s -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT", iptables,
		    chain);
	} else {
		fix(f, "%s -I %s -m conntrack --ctstate DNAT -j ACCEPT", iptables, chain);
	}
}

static bool named_before(const struct relays *relays, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (!strcmp(relays->v[i].text, relays->v[n].text))
			return true;
	return false;
}

/* By the relays' addresses, of all families at once, since interfaces change their zones and need not have one. */
static void fix_firewalld(struct findings *f, const struct state *state, enum direction direction,
			  const struct obstacle *o)
{
	const char *policy = direction == INWARD ? "chatdnat-in" : "chatdnat-out",
		   *side = direction == INWARD ? "destination" : "source";
	char *chain = xasprintf("filter_FWD_policy_%s", policy);
	size_t i, n;

	if (!has_chain(state, o->base, chain))
		fix(f, "firewall-cmd --permanent --new-policy=%s", policy);
	fix(f, "firewall-cmd --permanent --policy=%s --add-ingress-zone=ANY", policy);
	fix(f, "firewall-cmd --permanent --policy=%s --add-egress-zone=ANY", policy);
	for (i = n = 0; i < state->relays.n && n < FIXES_MAX - 4; i++) {
		const struct relay *relay = &state->relays.v[i];

		if (!relay->valid || named_before(&state->relays, i))
			continue;
		fix(f,
		    "firewall-cmd --permanent --policy=%s --add-rich-rule='rule family=%s %s address=%s accept'",
		    policy, relay->family == V4 ? "ipv4" : "ipv6", side, relay->text);
		n++;
	}
	fix(f, "firewall-cmd --reload");
	free(chain);
}

/* The table that keeps a host closed until the module is loaded. */
static bool keeps_closed(const struct nft_chain *base)
{
	return base->family == NFPROTO_INET && !strcmp(base->table, "chatdnat_closed");
}

/* From one interface to the other. */
static void fix_between(struct findings *f, const struct obstacle *o)
{
	char *in = fix_string(o->in ? o->in->name : "INTERFACE"),
	     *out = fix_string(o->out ? o->out->name : "INTERFACE");
	char *words = xasprintf("iifname %s oifname %s", nft_name_of(f, o->in, "INTERFACE"),
				nft_name_of(f, o->out, "INTERFACE"));
	char *json = xasprintf(META "," META, "iifname", in, "oifname", out);

	fix_rule(f, o->base, words, json);
	free(json);
	free(words);
	free(out);
	free(in);
}

/* What a firewall must accept if it sees a relay's packets untracked. */
static void fix_rest(struct findings *f, const struct state *state, enum family family,
		     const struct obstacle *o)
{
	const struct nft_chain *base = o->base;

	if (by_iptables(base))
		fix(f, "%s -I %s -m conntrack --ctstate UNTRACKED -j ACCEPT",
		    family == V4 ? "iptables" : "ip6tables",
		    has_chain(state, base, "DOCKER-USER") ? "DOCKER-USER" : "FORWARD");
	else if (strcmp(base->table, "firewalld") != 0)
		fix_rule(f, base, "ct state untracked", CT("state", "\"untracked\""));
}

void fix_obstacle(struct findings *f, const struct state *state, enum family family,
		  enum direction direction, const struct obstacle *o)
{
	const struct nft_chain *base = o->base;

	if (keeps_closed(base)) {
		fix(f, boot_closed() ? "systemctl stop chatdnat-closed" :
				       "nft delete table inet chatdnat_closed");
		return;
	}
	if (o->stopped == REST) {
		fix_rest(f, state, family, o);
		fix_set(f, "engine=tracked    # or this");
		return;
	}
	if (o->fate == TAKEN || base->hook != NF_INET_FORWARD || base->family == NFPROTO_NETDEV)
		fix_list(f, o->chain);
	else if (!strcmp(base->table, "firewalld"))
		fix_firewalld(f, state, direction, o);
	else if (by_iptables(base))
		fix_iptables(f, state, family, direction, o);
	else if (direction != OUTWARD)
		fix_rule(f, base, "ct status dnat", CT("status", "\"dnat\""));
	else
		fix_rule(f, base, "ct state established,related",
			 CT("state", "[\"established\",\"related\"]"));
	if (direction == OUTWARD && base->hook == NF_INET_FORWARD &&
	    strcmp(base->table, "firewalld") != 0 && !by_iptables(base))
		fix_between(f, o);
}

static void report(struct findings *f, const struct state *state, enum family family,
		   enum direction direction, const struct obstacle *o)
{
	static const char *const id[DIRECTIONS] = { "firewall-drops", "firewall-drops-answers",
						    "firewall-drops-outbound" };
	static const char *const what[DIRECTIONS] = {
		"connections to the relay", "the relay's answers",
		"connections that the relay opens, such as its own mail"
	};
	const char *verb = o->fate == TAKEN ? "translates" : "drops",
		   *kind = nft_family_name(o->base->family);
	char *more = o->ports > 1 ? xasprintf(" and %zu more", o->ports - 1) : xstrdup("");
	char *inside = o->chain != o->base ? xasprintf(" (in chain %s)", o->chain->name) :
					     xstrdup("");

	finding(f, o->unsure || direction == OUTWARD ? WARNING : PROBLEM,
		o->fate == TAKEN ? "translated-elsewhere" : id[direction],
		"%s: the table %s %s, chain %s%s, %s%s %s (%s%s).", families[family].name, kind,
		o->base->table, o->base->name, inside, o->unsure ? "apparently " : "", verb,
		o->fate == TAKEN ? "before the module does" : what[direction], o->port, more);
	fix_obstacle(f, state, family, direction, o);
	free(more);
	free(inside);
}

/* What a chain does to stateless connections. */
static void report_stateless(struct findings *f, const struct state *state, enum family family,
			     enum direction direction, const struct obstacle *o)
{
	const char *kind = nft_family_name(o->base->family);
	const char *what = direction == ANSWER ? "the relay's answers" : "connections to the relay";
	char *more = o->ports > 1 ? xasprintf(" and %zu more", o->ports - 1) : xstrdup("");

	if (o->stopped == REST) {
		finding(f, WARNING, "firewall-drops-untracked",
			"%s: the table %s %s, chain %s, drops %s (%s%s), which are stateless: the chain sees, untracked, only packets "
			"that bypass the fast path, such as ICMP errors and the first packets to a neighbour. It must accept "
			"these; rules that drop belong in an ingress chain of the family netdev.",
			families[family].name, kind, o->base->table, o->base->name, what, o->port,
			more);
		fix_rest(f, state, family, o);
	} else {
		finding(f, WARNING, "firewall-passed-by",
			"%s: the table %s %s, chain %s, drops %s (%s%s) of some clients. They are stateless and bypass "
			"this chain: such rules belong in an ingress chain of the family netdev.",
			families[family].name, kind, o->base->table, o->base->name, what, o->port,
			more);
	}
	fix(f, "nft add table netdev ban");
	fix(f,
	    "nft add chain netdev ban in { type filter hook ingress device %s priority 0 \\; }    # and the rules there",
	    nft_name_of(f, o->in, "INTERFACE"));
	fix_set(f, "engine=tracked    # or this");
	free(more);
}

static void check_ways(struct findings *f, const struct state *state, enum family family)
{
	size_t met = 0, i, n;
	enum direction direction;

	check_begin(f, "firewall");
	if (state->ruleset.err) {
		skipped(f, "%s: the rules of nftables cannot be read: %s.", families[family].name,
			reason(state->ruleset.err));
		return;
	}
	for (direction = 0; direction < DIRECTIONS; direction++) {
		struct obstacle *obstacles;

		met += obstacles_find(state, family, direction, &obstacles, &n);
		/* If connections are dropped, their answers are not reported. */
		for (i = 0; i < n; i++)
			if (direction == ANSWER && !findings_clean(f, f->begun))
				continue;
			else if (obstacles[i].stopped == ALL || keeps_closed(obstacles[i].base))
				report(f, state, family, direction, &obstacles[i]);
			else
				report_stateless(f, state, family, direction, &obstacles[i]);
		obstacles_free(obstacles, n);
	}
	check_end(f, "%s: %s.", families[family].name,
		  met ? "no other chain stops connections to the relay, its answers or its own connections" :
			"there are no other chains on the path");
}

static void check_legacy(struct findings *f, const struct state *state)
{
	check_begin(f, "iptables-legacy");
	if (state->ruleset.legacy) {
		skipped(f,
			"Rules of iptables-legacy are in use, beside nftables; they are not checked.");
		fix(f, "iptables-legacy -S FORWARD; iptables-legacy -t nat -S PREROUTING");
		fix(f,
		    "iptables-legacy -I FORWARD -m conntrack --ctstate DNAT -j ACCEPT    # if its policy is DROP");
	}
	check_end(f, "iptables-legacy is not in use.");
}

/* Packets that they handle bypass the usual path and its counters. */
static void check_shortcuts(struct findings *f, const struct state *state)
{
	const struct nft_chain *ingress = NULL;
	size_t i;

	check_begin(f, "shortcuts");
	if (state->ruleset.err) {
		skipped(f, "Ingress chains and flowtables cannot be seen: %s.",
			reason(state->ruleset.err));
		return;
	}
	for (i = 0; i < state->ruleset.n && !ingress; i++)
		if (state->ruleset.v[i].base && state->ruleset.v[i].family == NFPROTO_NETDEV)
			ingress = &state->ruleset.v[i];
	if (state->ruleset.flowtable) {
		finding(f, NOTE, "flowtable",
			"The flowtable %s may offload connections: their packets then bypass all other hooks, so that via does "
			"not follow their routes, and on some kernels idle connections end early.",
			state->ruleset.flowtable);
		fix(f, "nft list flowtables");
	}
	if (ingress)
		check_end(f,
			  "The chain netdev %s %s sees packets before all other hooks; there are no flowtables.",
			  ingress->table, ingress->name);
	check_end(f, "There are no ingress chains and no flowtables.");
}

void check_firewall(struct findings *f, const struct state *state)
{
	enum family family;

	for (family = 0; family < FAMILIES; family++)
		if (relays_of(&state->relays, family))
			check_ways(f, state, family);
	check_legacy(f, state);
	check_shortcuts(f, state);
}
