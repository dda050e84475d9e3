// SPDX-License-Identifier: GPL-2.0
#include "link_set.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include "link.h"
#include "netlink.h"

#define REQUEST_SIZE 256

static struct nlmsghdr *about(char *buf, const char *name, int type, int flags,
			      struct ifinfomsg **info)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);

	nlh->nlmsg_type = (uint16_t)type;
	nlh->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags);
	*info = mnl_nlmsg_put_extra_header(nlh, sizeof(**info));
	mnl_attr_put_strz(nlh, IFLA_IFNAME, name);
	return nlh;
}

int link_add(const char *name, const char *kind)
{
	_Alignas(NLMSG_ALIGNTO) char buf[REQUEST_SIZE];
	struct ifinfomsg *info;
	struct nlmsghdr *nlh = about(buf, name, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &info);
	struct nlattr *nest = mnl_attr_nest_start(nlh, IFLA_LINKINFO);

	mnl_attr_put_strz(nlh, IFLA_INFO_KIND, kind);
	mnl_attr_nest_end(nlh, nest);
	return netlink_request(NETLINK_ROUTE, nlh, NULL, NULL);
}

int link_remove(const char *name)
{
	_Alignas(NLMSG_ALIGNTO) char buf[REQUEST_SIZE];
	struct ifinfomsg *info;

	return netlink_request(NETLINK_ROUTE, about(buf, name, RTM_DELLINK, 0, &info), NULL, NULL);
}

int link_raise(const char *name)
{
	_Alignas(NLMSG_ALIGNTO) char buf[REQUEST_SIZE];
	struct ifinfomsg *info;
	struct nlmsghdr *nlh = about(buf, name, RTM_NEWLINK, 0, &info);

	info->ifi_flags = info->ifi_change = IFF_UP;
	return netlink_request(NETLINK_ROUTE, nlh, NULL, NULL);
}

int link_add_address(const char *name, const struct address *address, unsigned int prefix)
{
	_Alignas(NLMSG_ALIGNTO) char buf[REQUEST_SIZE];
	const struct family_info *family = &families[address->family];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	const struct link *link;
	struct ifaddrmsg *info;
	struct links links;
	int err = links_read(&links);

	link = err ? NULL : link_by_name(&links, name);
	nlh->nlmsg_type = RTM_NEWADDR;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE;
	info = mnl_nlmsg_put_extra_header(nlh, sizeof(*info));
	info->ifa_family = (unsigned char)family->af;
	info->ifa_prefixlen = (unsigned char)prefix;
	info->ifa_index = link ? link->index : 0;
	mnl_attr_put(nlh, IFA_LOCAL, family->size, address->bytes);
	mnl_attr_put(nlh, IFA_ADDRESS, family->size, address->bytes);
	if (!err)
		err = link ? netlink_request(NETLINK_ROUTE, nlh, NULL, NULL) : -ENODEV;
	links_free(&links);
	return err;
}
