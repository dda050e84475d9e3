// SPDX-License-Identifier: GPL-2.0
#include "neighbour.h"

#include <string.h>

#include <linux/if_ether.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>

#include "netlink.h"

struct query {
	unsigned int bridge;
	const struct address *neighbour;
	unsigned char mac[ETH_ALEN];
	bool has_mac;
	unsigned int port;
};

struct entry {
	const struct nlattr *dst, *mac, *master;
};

static bool parse(struct entry *entry, const struct nlmsghdr *nlh)
{
	const struct nlattr *attr;

	*entry = (struct entry){ 0 };
	if (nlh->nlmsg_type != RTM_NEWNEIGH || mnl_nlmsg_get_payload_len(nlh) < sizeof(struct ndmsg))
		return false;
	mnl_attr_for_each(attr, nlh, sizeof(struct ndmsg)) {
		if (mnl_attr_get_type(attr) == NDA_DST)
			entry->dst = attr;
		else if (mnl_attr_get_type(attr) == NDA_LLADDR &&
			 mnl_attr_get_payload_len(attr) == ETH_ALEN)
			entry->mac = attr;
		else if (mnl_attr_get_type(attr) == NDA_MASTER &&
			 mnl_attr_get_payload_len(attr) >= 4)
			entry->master = attr;
	}
	return entry->mac;
}

static int neighbour_cb(const struct nlmsghdr *nlh, void *data)
{
	const struct ndmsg *ndm = mnl_nlmsg_get_payload(nlh);
	struct query *query = data;
	size_t size = families[query->neighbour->family].size;
	struct entry entry;

	if (!parse(&entry, nlh) || (unsigned int)ndm->ndm_ifindex != query->bridge || !entry.dst ||
	    mnl_attr_get_payload_len(entry.dst) != size ||
	    memcmp(mnl_attr_get_payload(entry.dst), query->neighbour->bytes, size) != 0)
		return MNL_CB_OK;
	memcpy(query->mac, mnl_attr_get_payload(entry.mac), ETH_ALEN);
	query->has_mac = true;
	return MNL_CB_OK;
}

/* An entry of the bridge's forwarding table. */
static int port_cb(const struct nlmsghdr *nlh, void *data)
{
	const struct ndmsg *ndm = mnl_nlmsg_get_payload(nlh);
	struct query *query = data;
	struct entry entry;

	if (parse(&entry, nlh) && entry.master && mnl_attr_get_u32(entry.master) == query->bridge &&
	    !memcmp(mnl_attr_get_payload(entry.mac), query->mac, ETH_ALEN))
		query->port = (unsigned int)ndm->ndm_ifindex;
	return MNL_CB_OK;
}

static int dump(int af, mnl_cb_t cb, struct query *query)
{
	_Alignas(NLMSG_ALIGNTO) char buf[64];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct ndmsg *ndm;

	nlh->nlmsg_type = RTM_GETNEIGH;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	ndm = mnl_nlmsg_put_extra_header(nlh, sizeof(*ndm));
	ndm->ndm_family = (unsigned char)af;
	return netlink_request(NETLINK_ROUTE, nlh, cb, query);
}

unsigned int neighbour_port(unsigned int bridge, const struct address *neighbour)
{
	struct query query = { .bridge = bridge, .neighbour = neighbour };

	if (dump(families[neighbour->family].af, neighbour_cb, &query) || !query.has_mac ||
	    dump(AF_BRIDGE, port_cb, &query))
		return 0;
	return query.port;
}
