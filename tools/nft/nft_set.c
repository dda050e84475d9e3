// SPDX-License-Identifier: GPL-2.0
#include "nft_set.h"

#include <errno.h>
#include <string.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include "../host/netlink.h"

static void verdict_parse(struct verdict *verdict, const struct nlattr *nest)
{
	const struct nlattr *attr;

	mnl_attr_for_each_nested(attr, nest) {
		size_t len = mnl_attr_get_payload_len(attr);

		if (mnl_attr_get_type(attr) == NFTA_VERDICT_CODE && len >= 4) {
			verdict->code = (int32_t)netfilter_u32(attr);
			verdict->given = true;
		} else if (mnl_attr_get_type(attr) == NFTA_VERDICT_CHAIN) {
			len = len < sizeof(verdict->chain) ? len : sizeof(verdict->chain) - 1;
			memcpy(verdict->chain, mnl_attr_get_payload(attr), len);
			verdict->chain[len] = '\0';
		}
	}
}

void data_parse(struct element *element, const struct nlattr *nest)
{
	const struct nlattr *attr;

	memset(element, 0, sizeof(*element));
	mnl_attr_for_each_nested(attr, nest) {
		size_t len = mnl_attr_get_payload_len(attr);

		if (mnl_attr_get_type(attr) == NFTA_DATA_VERDICT) {
			verdict_parse(&element->verdict, attr);
		} else if (mnl_attr_get_type(attr) == NFTA_DATA_VALUE &&
			   len <= sizeof(element->data)) {
			memcpy(element->data, mnl_attr_get_payload(attr), len);
			element->len = len;
		}
	}
}

static struct nlmsghdr *request(char *buf, const struct nft_chain *where, int message)
{
	return netfilter_request(buf, NFNL_SUBSYS_NFTABLES, message, NLM_F_ACK, where->family);
}

static int set_cb(const struct nlmsghdr *nlh, void *data)
{
	const struct nlattr *attr;
	size_t *size = data;

	mnl_attr_for_each(attr, nlh, sizeof(struct nfgenmsg))
		if (mnl_attr_get_type(attr) == NFTA_SET_KEY_LEN)
			*size = netfilter_u32(attr);
	return MNL_CB_OK;
}

size_t set_key_size(const struct nft_chain *where, const char *set)
{
	_Alignas(NLMSG_ALIGNTO) char buf[1024];
	struct nlmsghdr *nlh = request(buf, where, NFT_MSG_GETSET);
	size_t size = 0;

	if (!mnl_attr_put_strz_check(nlh, sizeof(buf), NFTA_SET_TABLE, where->table) ||
	    !mnl_attr_put_strz_check(nlh, sizeof(buf), NFTA_SET_NAME, set))
		return 0;
	return netlink_request(NETLINK_NETFILTER, nlh, set_cb, &size) ? 0 : size;
}

static int element_cb(const struct nlmsghdr *nlh, void *data)
{
	const struct nlattr *list, *item, *attr;

	mnl_attr_for_each(list, nlh, sizeof(struct nfgenmsg)) {
		if (mnl_attr_get_type(list) != NFTA_SET_ELEM_LIST_ELEMENTS)
			continue;
		mnl_attr_for_each_nested(item, list) {
			mnl_attr_for_each_nested(attr, item)
				if (mnl_attr_get_type(attr) == NFTA_SET_ELEM_DATA)
					data_parse(data, attr);
		}
	}
	return MNL_CB_OK;
}

enum truth set_lookup(const struct nft_chain *where, const char *set, const void *key, size_t len,
		      struct element *element)
{
	_Alignas(NLMSG_ALIGNTO) char buf[1024];
	struct nlmsghdr *nlh = request(buf, where, NFT_MSG_GETSETELEM);
	struct nlattr *list, *item, *nest;
	int err;

	memset(element, 0, sizeof(*element));
	if (len > 64 ||
	    !mnl_attr_put_strz_check(nlh, sizeof(buf) - 128, NFTA_SET_ELEM_LIST_TABLE,
				     where->table) ||
	    !mnl_attr_put_strz_check(nlh, sizeof(buf) - 128, NFTA_SET_ELEM_LIST_SET, set))
		return UNKNOWN;
	list = mnl_attr_nest_start(nlh, NFTA_SET_ELEM_LIST_ELEMENTS);
	item = mnl_attr_nest_start(nlh, NFTA_LIST_ELEM);
	nest = mnl_attr_nest_start(nlh, NFTA_SET_ELEM_KEY);
	mnl_attr_put(nlh, NFTA_DATA_VALUE, len, key);
	mnl_attr_nest_end(nlh, nest);
	mnl_attr_nest_end(nlh, item);
	mnl_attr_nest_end(nlh, list);
	err = netlink_request(NETLINK_NETFILTER, nlh, element_cb, element);
	return !err ? TRUE : err == -ENOENT ? FALSE : UNKNOWN;
}
