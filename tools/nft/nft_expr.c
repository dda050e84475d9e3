// SPDX-License-Identifier: GPL-2.0
#include "nft_expr.h"

#include <stdlib.h>
#include <string.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nf_tables_compat.h>

#include "../host/netlink.h"
#include "../lib/mem.h"
#include "nft_load.h"
#include "nft_xt.h"

#define ATTRIBUTES_MAX 16

/* An expression's attributes by type. */
struct expression {
	const struct nlattr *attr[ATTRIBUTES_MAX];
};

static uint32_t number(const struct expression *e, int type)
{
	const struct nlattr *attr = e->attr[type];

	return attr ? netfilter_u32(attr) : 0;
}

static char *string(const struct expression *e, int type)
{
	const struct nlattr *attr = e->attr[type];

	return attr ? xstrndup(mnl_attr_get_payload(attr), mnl_attr_get_payload_len(attr)) :
		      xstrdup("");
}

static void parse(struct expression *e, const struct nlattr *nest)
{
	const struct nlattr *attr;

	memset(e, 0, sizeof(*e));
	if (!nest)
		return;
	mnl_attr_for_each_nested(attr, nest)
		if (mnl_attr_get_type(attr) < ATTRIBUTES_MAX)
			e->attr[mnl_attr_get_type(attr)] = attr;
}

static bool value(struct element *element, const struct expression *e, int type)
{
	memset(element, 0, sizeof(*element));
	if (e->attr[type])
		data_parse(element, e->attr[type]);
	return element->len || element->verdict.given;
}

static enum step step_of(enum truth truth)
{
	return truth == TRUE ? NEXT : truth == FALSE ? NO_MATCH : NOT_KNOWN;
}

static enum step do_cmp(struct machine *m, const struct expression *e)
{
	uint32_t op = number(e, NFTA_CMP_OP);
	struct element with;
	bool known, differs = false;
	int place, order;
	size_t i;

	if (!value(&with, e, NFTA_CMP_DATA))
		return NOT_KNOWN;
	place = reg_place(number(e, NFTA_CMP_SREG), with.len);
	if (place < 0)
		return NOT_KNOWN;
	known = reg_known(&m->regs, place, with.len);
	for (i = 0; i < with.len; i++)
		differs |= m->regs.known[(size_t)place + i] &&
			   m->regs.v[(size_t)place + i] != with.data[i];
	if (!known && !(differs && op <= NFT_CMP_NEQ))
		return NOT_KNOWN;
	order = memcmp(m->regs.v + place, with.data, with.len);
	switch (op) {
	case NFT_CMP_EQ:
		return differs ? NO_MATCH : NEXT;
	case NFT_CMP_NEQ:
		return differs ? NEXT : NO_MATCH;
	case NFT_CMP_LT:
		return order < 0 ? NEXT : NO_MATCH;
	case NFT_CMP_LTE:
		return order <= 0 ? NEXT : NO_MATCH;
	case NFT_CMP_GT:
		return order > 0 ? NEXT : NO_MATCH;
	case NFT_CMP_GTE:
		return order >= 0 ? NEXT : NO_MATCH;
	default:
		return NOT_KNOWN;
	}
}

static enum step do_range(struct machine *m, const struct expression *e)
{
	struct element from, to;
	bool inside;
	int place;

	if (!value(&from, e, NFTA_RANGE_FROM_DATA) || !value(&to, e, NFTA_RANGE_TO_DATA) ||
	    from.len != to.len)
		return NOT_KNOWN;
	place = reg_place(number(e, NFTA_RANGE_SREG), from.len);
	if (place < 0 || !reg_known(&m->regs, place, from.len))
		return NOT_KNOWN;
	inside = memcmp(m->regs.v + place, from.data, from.len) >= 0 &&
		 memcmp(m->regs.v + place, to.data, to.len) <= 0;
	return inside == (number(e, NFTA_RANGE_OP) == NFT_RANGE_EQ) ? NEXT : NO_MATCH;
}

static enum step do_bitwise(struct machine *m, const struct expression *e)
{
	uint32_t len = number(e, NFTA_BITWISE_LEN), dreg = number(e, NFTA_BITWISE_DREG), i;
	struct element mask, flip;
	bool known[64];
	int from, to;

	from = reg_place(number(e, NFTA_BITWISE_SREG), len);
	to = reg_place(dreg, len);
	if (from < 0 || to < 0)
		return NOT_KNOWN;
	if (number(e, NFTA_BITWISE_OP) != 0 /* no shift */ || !value(&mask, e, NFTA_BITWISE_MASK) ||
	    !value(&flip, e, NFTA_BITWISE_XOR) || mask.len < len || flip.len < len) {
		reg_forget(&m->regs, dreg, len);
		return NEXT;
	}
	for (i = 0; i < len; i++) {
		known[i] = m->regs.known[(size_t)from + i] || !mask.data[i];
		mask.data[i] = (uint8_t)((m->regs.v[(size_t)from + i] & mask.data[i]) ^
					 flip.data[i]);
	}
	memcpy(m->regs.v + to, mask.data, len);
	memcpy(m->regs.known + to, known, len);
	return NEXT;
}

static enum step do_immediate(struct machine *m, const struct expression *e)
{
	struct element data;

	if (!value(&data, e, NFTA_IMMEDIATE_DATA))
		return NOT_KNOWN;
	if (data.verdict.given) {
		m->verdict = data.verdict;
		return VERDICT;
	}
	reg_load(&m->regs, number(e, NFTA_IMMEDIATE_DREG), data.data, data.len);
	return NEXT;
}

static enum step do_lookup(struct machine *m, const struct expression *e)
{
	bool invert = number(e, NFTA_LOOKUP_FLAGS) & NFT_LOOKUP_F_INV, to_verdict;
	char *set = string(e, NFTA_LOOKUP_SET);
	size_t len = set_key_size(m->where, set);
	int place = reg_place(number(e, NFTA_LOOKUP_SREG), len);
	enum truth found = UNKNOWN;
	struct element element;

	if (len && place >= 0 && reg_known(&m->regs, place, len))
		found = set_lookup(m->where, set, m->regs.v + place, len, &element);
	free(set);
	if (found == UNKNOWN)
		return NOT_KNOWN;
	if ((found == TRUE) == invert)
		return NO_MATCH;
	to_verdict = e->attr[NFTA_LOOKUP_DREG] && number(e, NFTA_LOOKUP_DREG) == NFT_REG_VERDICT;
	if (to_verdict) {
		m->verdict = element.verdict;
		return element.verdict.given ? VERDICT : NOT_KNOWN;
	}
	if (e->attr[NFTA_LOOKUP_DREG])
		reg_load(&m->regs, number(e, NFTA_LOOKUP_DREG), element.data, element.len);
	return NEXT;
}

static enum step do_match(struct machine *m, const struct expression *e)
{
	char *name = string(e, NFTA_MATCH_NAME);
	const struct nlattr *info = e->attr[NFTA_MATCH_INFO];
	enum truth truth = UNKNOWN;

	if (info)
		truth = xt_match(name, number(e, NFTA_MATCH_REV), mnl_attr_get_payload(info),
				 mnl_attr_get_payload_len(info), m->packet);
	free(name);
	return step_of(truth);
}

static enum step give(struct machine *m, int32_t code)
{
	m->verdict = (struct verdict){ .given = true, .code = code };
	return VERDICT;
}

static enum step do_target(struct machine *m, const struct expression *e)
{
	static const char *const neutral[] = { "LOG",	   "NFLOG", "TCPMSS",  "MARK",
					       "CONNMARK", "CT",    "NOTRACK", "TRACE" };
	char *name = string(e, NFTA_TARGET_NAME);
	enum step step = NOT_KNOWN;
	size_t i;

	for (i = 0; i < sizeof(neutral) / sizeof(neutral[0]); i++)
		if (!strcmp(name, neutral[i]))
			step = NEXT;
	if (!strcmp(name, "REJECT") || !strcmp(name, "DROP"))
		step = give(m, NF_DROP);
	else if (!strcmp(name, "DNAT") || !strcmp(name, "REDIRECT") || !strcmp(name, "NETMAP") ||
		 !strcmp(name, "TPROXY"))
		step = TRANSLATED;
	else if (!strcmp(name, "MASQUERADE") || !strcmp(name, "SNAT"))
		step = give(m, NF_ACCEPT);
	free(name);
	return step;
}

/* "over" a limit is the exception, up to it the normal case. */
static enum step do_limit(const struct machine *m, const struct expression *e, int flags)
{
	if (m->packet->anybody)
		return NOT_KNOWN;
	return number(e, flags) & 1 ? NO_MATCH : NEXT;
}

static enum step do_load(struct machine *m, const char *name, const struct expression *e)
{
	if (!strcmp(name, "meta")) {
		if (!e->attr[NFTA_META_SREG])
			load_meta(&m->regs, number(e, NFTA_META_DREG), number(e, NFTA_META_KEY),
				  m->packet);
	} else if (!strcmp(name, "ct")) {
		/* Without an entry there are no other keys. */
		if (m->packet->untracked && !e->attr[NFTA_CT_SREG] &&
		    number(e, NFTA_CT_KEY) != NFT_CT_STATE)
			return NO_MATCH;
		if (!e->attr[NFTA_CT_SREG])
			load_ct(&m->regs, number(e, NFTA_CT_DREG), number(e, NFTA_CT_KEY),
				m->packet);
	} else if (!strcmp(name, "fib")) {
		load_fib(&m->regs, number(e, NFTA_FIB_DREG), number(e, NFTA_FIB_RESULT),
			 number(e, NFTA_FIB_FLAGS), m->packet);
	} else if (!strcmp(name, "payload")) {
		if (!e->attr[NFTA_PAYLOAD_SREG])
			load_payload(&m->regs, number(e, NFTA_PAYLOAD_DREG),
				     number(e, NFTA_PAYLOAD_BASE), number(e, NFTA_PAYLOAD_OFFSET),
				     number(e, NFTA_PAYLOAD_LEN), m->packet);
	} else if (!strcmp(name, "exthdr") || !strcmp(name, "rt")) {
		/* Read to be compared, or written. */
		if (!strcmp(name, "rt") || !e->attr[NFTA_EXTHDR_SREG])
			reg_forget(&m->regs, number(e, NFTA_EXTHDR_DREG), 16);
	} else if (!strcmp(name, "byteorder")) {
		reg_forget(&m->regs, number(e, NFTA_BYTEORDER_DREG), 16);
	} else {
		return NOT_KNOWN;
	}
	return NEXT;
}

static enum step do_nat(struct machine *m, const struct expression *e)
{
	return number(e, NFTA_NAT_TYPE) == NFT_NAT_DNAT ? TRANSLATED : give(m, NF_ACCEPT);
}

static enum step by_name(struct machine *m, const char *name, const struct expression *e)
{
	static const char *const neutral[] = { "counter", "log",	  "last", "notrack",
					       "objref",  "flow_offload", "dup" };
	static const struct {
		const char *name;
		enum step (*run)(struct machine *m, const struct expression *e);
	} known[] = {
		{ "cmp", do_cmp },	   { "range", do_range },
		{ "bitwise", do_bitwise }, { "immediate", do_immediate },
		{ "lookup", do_lookup },   { "match", do_match },
		{ "target", do_target },   { "nat", do_nat },
	};
	size_t i;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (!strcmp(name, known[i].name))
			return known[i].run(m, e);
	for (i = 0; i < sizeof(neutral) / sizeof(neutral[0]); i++)
		if (!strcmp(name, neutral[i]))
			return NEXT;
	if (!strcmp(name, "reject"))
		return give(m, NF_DROP);
	if (!strcmp(name, "masq") || !strcmp(name, "queue"))
		return give(m, NF_ACCEPT);
	if (!strcmp(name, "redir") || !strcmp(name, "tproxy"))
		return TRANSLATED;
	if (!strcmp(name, "limit"))
		return do_limit(m, e, NFTA_LIMIT_FLAGS);
	if (!strcmp(name, "connlimit"))
		return do_limit(m, e, NFTA_CONNLIMIT_FLAGS);
	if (!strcmp(name, "quota"))
		return do_limit(m, e, NFTA_QUOTA_FLAGS);
	if (!strcmp(name, "dynset"))
		return e->attr[NFTA_DYNSET_EXPR] || e->attr[NFTA_DYNSET_EXPRESSIONS] ? NOT_KNOWN :
										       NEXT;
	return do_load(m, name, e);
}

enum step expression_run(struct machine *m, const struct nlattr *attr)
{
	struct expression list, e;
	enum step step;
	char *name;

	parse(&list, attr);
	name = string(&list, NFTA_EXPR_NAME);
	parse(&e, list.attr[NFTA_EXPR_DATA]);
	step = by_name(m, name, &e);
	free(name);
	return step;
}
