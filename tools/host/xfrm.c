// SPDX-License-Identifier: GPL-2.0
#include "xfrm.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include <linux/xfrm.h>

#include "../lib/mem.h"
#include "kernel_module.h"
#include "netlink.h"

static struct address address(uint16_t af, const xfrm_address_t *from)
{
	struct address a = { .family = af == AF_INET6 ? V6 : V4 };

	memcpy(a.bytes, from, families[a.family].size);
	return a;
}

static int state_cb(const struct nlmsghdr *nlh, void *data)
{
	const struct xfrm_usersa_info *info = mnl_nlmsg_get_payload(nlh);
	struct xfrm_states *states = data;
	const struct nlattr *attr;
	struct xfrm_state *state;

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*info) ||
	    (info->id.proto != IPPROTO_ESP && info->id.proto != IPPROTO_AH))
		return MNL_CB_OK;
	mnl_attr_for_each(attr, nlh, sizeof(*info))
		if (mnl_attr_get_type(attr) == XFRMA_ENCAP)
			return MNL_CB_OK;
	states->v = xgrow(states->v, states->n, sizeof(*states->v));
	state = &states->v[states->n++];
	state->protocol = info->id.proto;
	state->from = address(info->family, &info->saddr);
	state->to = address(info->family, &info->id.daddr);
	return MNL_CB_OK;
}

void xfrm_read(struct xfrm_states *states)
{
	_Alignas(NLMSG_ALIGNTO) char buf[64];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);

	*states = (struct xfrm_states){ 0 };
	if (!kernel_module_loaded("xfrm_user"))
		return;
	nlh->nlmsg_type = XFRM_MSG_GETSA;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	states->err = netlink_request(NETLINK_XFRM, nlh, state_cb, states);
}

void xfrm_free(struct xfrm_states *states)
{
	free(states->v);
	*states = (struct xfrm_states){ 0 };
}
