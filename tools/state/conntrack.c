// SPDX-License-Identifier: GPL-2.0
#include "conntrack.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

#include "../host/netlink.h"

struct query {
	struct relays *relays;
	const struct ports *ports;
};

struct tuple {
	struct address src, dst;
	uint8_t protocol;
	uint16_t dst_port;
};

static bool copy_address(struct address *a, enum family family, const struct nlattr *attr)
{
	if (mnl_attr_get_payload_len(attr) < families[family].size)
		return false;
	a->family = family;
	memcpy(a->bytes, mnl_attr_get_payload(attr), families[family].size);
	return true;
}

static unsigned int parse_ip(struct tuple *t, const struct nlattr *nest)
{
	const struct nlattr *attr;
	unsigned int got = 0;

	mnl_attr_for_each_nested(attr, nest) {
		switch (mnl_attr_get_type(attr)) {
		case CTA_IP_V4_SRC:
			got |= copy_address(&t->src, V4, attr);
			break;
		case CTA_IP_V6_SRC:
			got |= copy_address(&t->src, V6, attr);
			break;
		case CTA_IP_V4_DST:
			got |= copy_address(&t->dst, V4, attr) * 2U;
			break;
		case CTA_IP_V6_DST:
			got |= copy_address(&t->dst, V6, attr) * 2U;
			break;
		default:
			break;
		}
	}
	return got;
}

static unsigned int parse_proto(struct tuple *t, const struct nlattr *nest)
{
	const struct nlattr *attr;
	unsigned int got = 0;

	mnl_attr_for_each_nested(attr, nest) {
		size_t len = mnl_attr_get_payload_len(attr);

		if (mnl_attr_get_type(attr) == CTA_PROTO_NUM && len >= 1) {
			t->protocol = mnl_attr_get_u8(attr);
			got |= 4;
		} else if (mnl_attr_get_type(attr) == CTA_PROTO_DST_PORT && len >= 2) {
			t->dst_port = ntohs(mnl_attr_get_u16(attr));
			got |= 8;
		}
	}
	return got;
}

static bool parse_tuple(struct tuple *t, const struct nlattr *nest)
{
	const struct nlattr *attr;
	unsigned int got = 0;

	mnl_attr_for_each_nested(attr, nest) {
		if (mnl_attr_get_type(attr) == CTA_TUPLE_IP)
			got |= parse_ip(t, attr);
		else if (mnl_attr_get_type(attr) == CTA_TUPLE_PROTO)
			got |= parse_proto(t, attr);
	}
	return got == 15;
}

/* Of several entries with this relay, the one for the address that the client connected to. */
static struct relay *relay_of(const struct relays *relays, const struct address *relay,
			      const struct address *called)
{
	struct relay *best = NULL;
	size_t i;

	for (i = 0; i < relays->n; i++) {
		struct relay *r = &relays->v[i];

		if (!r->valid || !address_equal(&r->address, relay))
			continue;
		if (r->own_text && address_equal(&r->own, called))
			return r;
		if (!best || !r->own_text)
			best = r;
	}
	return best;
}

static int entry_cb(const struct nlmsghdr *nlh, void *data)
{
	struct tuple orig = { 0 }, reply = { 0 };
	bool dnat = false, answered = false, has_orig = false, has_reply = false;
	const struct query *query = data;
	const struct nlattr *attr;
	struct relay *relay;

	mnl_attr_for_each(attr, nlh, sizeof(struct nfgenmsg)) {
		switch (mnl_attr_get_type(attr)) {
		case CTA_STATUS:
			dnat = netfilter_u32(attr) & IPS_DST_NAT;
			answered = netfilter_u32(attr) & IPS_SEEN_REPLY;
			break;
		case CTA_TUPLE_ORIG:
			has_orig = parse_tuple(&orig, attr);
			break;
		case CTA_TUPLE_REPLY:
			has_reply = parse_tuple(&reply, attr);
			break;
		default:
			break;
		}
	}
	if (!dnat || !has_orig || !has_reply ||
	    (orig.protocol != IPPROTO_TCP && orig.protocol != IPPROTO_UDP))
		return MNL_CB_OK;
	if (!ports_contain(query->ports, orig.protocol == IPPROTO_TCP ? TCP : UDP, orig.dst_port))
		return MNL_CB_OK;
	relay = relay_of(query->relays, &reply.src, &orig.dst);
	if (relay) {
		relay->connections++;
		relay->answered += answered;
	}
	return MNL_CB_OK;
}

int conntrack_count(struct relays *relays, const struct ports *ports)
{
	struct query query = { relays, ports };
	_Alignas(NLMSG_ALIGNTO) char buf[128];
	struct nlmsghdr *nlh = netfilter_request(buf, NFNL_SUBSYS_CTNETLINK, IPCTNL_MSG_CT_GET,
						 NLM_F_DUMP, AF_UNSPEC);

	/* Kernels that can filter on the status then send only translated connections; others ignore it. */
	mnl_attr_put_u32(nlh, CTA_STATUS, htonl(IPS_DST_NAT));
	return netlink_request(NETLINK_NETFILTER, nlh, entry_cb, &query);
}
