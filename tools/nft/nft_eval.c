// SPDX-License-Identifier: GPL-2.0
#include "nft_eval.h"

#include <stdlib.h>
#include <string.h>

#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include "nft_expr.h"

#define DEPTH_MAX 16
#define STEPS_MAX 200000

struct run {
	const struct ruleset *ruleset;
	struct machine machine;
	struct outcome outcome;
	unsigned int steps;
};

/* @doubt: set if it may match, or may not. */
static enum step do_rule(struct run *run, const struct nft_rule *rule, bool *doubt)
{
	const char *end = (const char *)rule->expressions + rule->len;
	const struct nlattr *attr = rule->expressions;

	memset(&run->machine.regs, 0, sizeof(run->machine.regs));
	for (; mnl_attr_ok(attr, (int)(end - (const char *)attr)); attr = mnl_attr_next(attr)) {
		enum step step = expression_run(&run->machine, attr);

		if (step == NOT_KNOWN && run->machine.packet->anybody)
			*doubt = true;
		else if (step != NEXT)
			return step;
	}
	return NEXT;
}

enum ending { FELL_THROUGH, ENDED };

static enum ending do_chain(struct run *run, const struct nft_chain *chain, unsigned int depth);

static enum ending end(struct run *run, enum fate fate, const struct nft_chain *chain)
{
	run->outcome.fate = fate;
	run->outcome.chain = chain;
	return ENDED;
}

/* True if the chain continues with its next rule. */
static bool obey(struct run *run, const struct nft_chain *chain, unsigned int depth,
		 enum ending *ending)
{
	const struct nft_chain *target;

	*ending = FELL_THROUGH;
	switch (run->machine.verdict.code) {
	case NF_DROP:
		*ending = end(run, DROPPED, chain);
		return false;
	case NFT_CONTINUE:
	case NFT_BREAK:
		return true;
	case NFT_RETURN:
		return false;
	case NFT_JUMP:
	case NFT_GOTO:
		target = chain_find(run->ruleset, chain->family, chain->table,
				    run->machine.verdict.chain);
		if (!target) {
			run->outcome.unsure = true;
			return true;
		}
		if (run->machine.verdict.code == NFT_GOTO) {
			*ending = do_chain(run, target, depth + 1);
			return false;
		}
		*ending = do_chain(run, target, depth + 1);
		run->machine.where = chain;
		return *ending == FELL_THROUGH;
	default:
		*ending = end(run, PASSES, chain);
		return false;
	}
}

static enum ending do_chain(struct run *run, const struct nft_chain *chain, unsigned int depth)
{
	enum ending ending;
	bool doubt;
	size_t i;

	run->machine.where = chain;
	for (i = 0; depth < DEPTH_MAX && i < chain->n; i++) {
		if (run->steps++ > STEPS_MAX) {
			run->outcome.unsure = true;
			break;
		}
		doubt = false;
		switch (do_rule(run, &chain->rules[i], &doubt)) {
		case NOT_KNOWN:
			run->outcome.unsure = true;
			break;
		case TRANSLATED:
			if (!doubt)
				return end(run, TAKEN, chain);
			break;
		case VERDICT:
			/* If a rule in doubt does not drop the packet, later ones may. */
			if (!obey(run, chain, depth, &ending) &&
			    (!doubt || run->outcome.fate == DROPPED))
				return ending;
			run->machine.where = chain;
			break;
		default:
			break;
		}
	}
	return FELL_THROUGH;
}

struct outcome chain_outcome(const struct ruleset *ruleset, const struct nft_chain *chain,
			     const struct packet *packet)
{
	struct run run = { .ruleset = ruleset, .machine = { .packet = packet } };

	if (do_chain(&run, chain, 0) == FELL_THROUGH)
		end(&run, chain->drops ? DROPPED : PASSES, chain);
	return run.outcome;
}
