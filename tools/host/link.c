// SPDX-License-Identifier: GPL-2.0
#include "link.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include "../lib/mem.h"
#include "link_info.h"
#include "netlink.h"

static int link_cb(const struct nlmsghdr *nlh, void *data)
{
	const struct ifinfomsg *info = mnl_nlmsg_get_payload(nlh);
	struct links *links = data;
	const struct nlattr *attr;
	struct link *link;

	if (nlh->nlmsg_type != RTM_NEWLINK || mnl_nlmsg_get_payload_len(nlh) < sizeof(*info))
		return MNL_CB_OK;
	links->v = xgrow(links->v, links->n, sizeof(*links->v));
	link = &links->v[links->n++];
	link->index = (unsigned int)info->ifi_index;
	link->up = info->ifi_flags & IFF_UP;
	link->carrier = info->ifi_flags & IFF_LOWER_UP;
	link->loopback = info->ifi_flags & IFF_LOOPBACK;
	mnl_attr_for_each(attr, nlh, sizeof(*info)) {
		if (mnl_attr_get_type(attr) == IFLA_IFNAME) {
			link_copy_name(link->name, attr);
		} else if (mnl_attr_get_type(attr) == IFLA_MTU &&
			   mnl_attr_get_payload_len(attr) >= 4) {
			link->mtu = mnl_attr_get_u32(attr);
		} else if (mnl_attr_get_type(attr) == IFLA_MASTER &&
			   mnl_attr_get_payload_len(attr) >= 4) {
			link->master = mnl_attr_get_u32(attr);
		} else if (mnl_attr_get_type(attr) == IFLA_LINKINFO) {
			link_take_info(link, attr);
		}
	}
	return MNL_CB_OK;
}

static int address_cb(const struct nlmsghdr *nlh, void *data)
{
	const struct ifaddrmsg *info = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attr, *found = NULL;
	struct links *links = data;
	struct link_address *a;
	struct link *link = NULL;
	uint32_t flags;
	size_t i;

	if (nlh->nlmsg_type != RTM_NEWADDR || mnl_nlmsg_get_payload_len(nlh) < sizeof(*info))
		return MNL_CB_OK;
	for (i = 0; i < links->n && !link; i++)
		if (links->v[i].index == info->ifa_index)
			link = &links->v[i];
	flags = info->ifa_flags;
	mnl_attr_for_each(attr, nlh, sizeof(*info)) {
		/* On a point-to-point link IFA_ADDRESS is the peer's. */
		if (mnl_attr_get_type(attr) == IFA_LOCAL ||
		    (!found && mnl_attr_get_type(attr) == IFA_ADDRESS))
			found = attr;
		else if (mnl_attr_get_type(attr) == IFA_FLAGS && mnl_attr_get_payload_len(attr) >= 4)
			flags = mnl_attr_get_u32(attr);
	}
	if (!link || !found || (info->ifa_family != AF_INET && info->ifa_family != AF_INET6))
		return MNL_CB_OK;
	link->addresses = xgrow(link->addresses, link->n, sizeof(*link->addresses));
	a = &link->addresses[link->n++];
	a->address.family = info->ifa_family == AF_INET ? V4 : V6;
	a->prefix = info->ifa_prefixlen;
	a->global = info->ifa_scope < RT_SCOPE_LINK &&
		    !(flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED));
	if (mnl_attr_get_payload_len(found) >= families[a->address.family].size)
		memcpy(a->address.bytes, mnl_attr_get_payload(found),
		       families[a->address.family].size);
	return MNL_CB_OK;
}

static int dump(int type, size_t header, mnl_cb_t cb, struct links *links)
{
	_Alignas(NLMSG_ALIGNTO) char buf[64];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);

	nlh->nlmsg_type = (uint16_t)type;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	mnl_nlmsg_put_extra_header(nlh, header);
	return netlink_request(NETLINK_ROUTE, nlh, cb, links);
}

int links_read(struct links *links)
{
	int tries, err = 0;

	/* EINTR: something changed while the kernel was listing. */
	for (tries = 0; tries < 5; tries++) {
		*links = (struct links){ 0 };
		err = dump(RTM_GETLINK, sizeof(struct ifinfomsg), link_cb, links);
		if (!err)
			err = dump(RTM_GETADDR, sizeof(struct ifaddrmsg), address_cb, links);
		if (err != -EINTR)
			break;
		links_free(links);
	}
	return err;
}

void links_free(struct links *links)
{
	size_t i;

	for (i = 0; i < links->n; i++)
		free(links->v[i].addresses);
	free(links->v);
	*links = (struct links){ 0 };
}

const struct link *link_by_index(const struct links *links, unsigned int index)
{
	size_t i;

	for (i = 0; i < links->n; i++)
		if (links->v[i].index == index)
			return &links->v[i];
	return NULL;
}

const struct link *link_by_name(const struct links *links, const char *name)
{
	size_t i;

	for (i = 0; i < links->n; i++)
		if (!strcmp(links->v[i].name, name))
			return &links->v[i];
	return NULL;
}

const struct address *link_address(const struct link *link, enum family family)
{
	size_t i;

	for (i = 0; i < link->n; i++)
		if (link->addresses[i].global && link->addresses[i].address.family == family)
			return &link->addresses[i].address;
	return NULL;
}

bool link_has_address(const struct link *link, const struct address *address)
{
	size_t i;

	for (i = 0; i < link->n; i++)
		if (address_equal(&link->addresses[i].address, address))
			return true;
	return false;
}

bool link_has(const struct link *link, enum family family)
{
	return link_address(link, family) != NULL;
}
