// SPDX-License-Identifier: GPL-2.0
#include "route.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/rtnetlink.h>

#include "netlink.h"

static void set_gateway(struct route *route, int af, const void *bytes, size_t len)
{
	enum family family = af == AF_INET6 ? V6 : V4;

	if (len < families[family].size)
		return;
	route->has_gateway = true;
	route->gateway.family = family;
	memcpy(route->gateway.bytes, bytes, families[family].size);
}

static int route_cb(const struct nlmsghdr *nlh, void *data)
{
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);
	struct route *route = data;
	const struct nlattr *attr, *metric;
	const struct rtvia *via;

	if (nlh->nlmsg_type != RTM_NEWROUTE || mnl_nlmsg_get_payload_len(nlh) < sizeof(*rtm))
		return MNL_CB_OK;
	if (rtm->rtm_type == RTN_LOCAL)
		route->local = true;
	else if (rtm->rtm_type != RTN_UNICAST)
		route->err = EHOSTUNREACH;
	route->from_ra = rtm->rtm_protocol == RTPROT_RA;
	mnl_attr_for_each(attr, nlh, sizeof(*rtm)) {
		size_t len = mnl_attr_get_payload_len(attr);

		switch (mnl_attr_get_type(attr)) {
		case RTA_OIF:
			if (len >= 4)
				route->oif = mnl_attr_get_u32(attr);
			break;
		case RTA_GATEWAY:
			set_gateway(route, rtm->rtm_family, mnl_attr_get_payload(attr), len);
			break;
		case RTA_METRICS:
			mnl_attr_for_each_nested(metric, attr)
				if (mnl_attr_get_type(metric) == RTAX_MTU &&
				    mnl_attr_get_payload_len(metric) >= 4)
					route->mtu = mnl_attr_get_u32(metric);
			break;
		case RTA_VIA:
			via = mnl_attr_get_payload(attr);
			if (len > sizeof(*via))
				set_gateway(route, via->rtvia_family, via->rtvia_addr,
					    len - sizeof(*via));
			break;
		default:
			break;
		}
	}
	return MNL_CB_OK;
}

void route_get(struct route *route, const struct address *to, const struct address *from)
{
	_Alignas(NLMSG_ALIGNTO) char buf[128];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	const struct family_info *family = &families[to->family];
	struct rtmsg *rtm;
	int err;

	*route = (struct route){ 0 };
	nlh->nlmsg_type = RTM_GETROUTE;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	rtm = mnl_nlmsg_put_extra_header(nlh, sizeof(*rtm));
	rtm->rtm_family = (unsigned char)family->af;
	rtm->rtm_dst_len = (unsigned char)(family->size * 8);
	mnl_attr_put(nlh, RTA_DST, family->size, to->bytes);
	if (from) {
		rtm->rtm_src_len = rtm->rtm_dst_len;
		mnl_attr_put(nlh, RTA_SRC, family->size, from->bytes);
	}
	err = netlink_request(NETLINK_ROUTE, nlh, route_cb, route);
	if (err)
		route->err = -err;
}
