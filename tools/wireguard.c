// SPDX-License-Identifier: GPL-2.0
#include "wireguard.h"

#include <errno.h>

#include <linux/genetlink.h>
#include <linux/wireguard.h>

#include "netlink.h"

struct wanted {
	int attribute;
	int value; /* -1 until it is found */
};

static int answer_cb(const struct nlmsghdr *nlh, void *data)
{
	struct wanted *wanted = data;
	const struct nlattr *attr;

	mnl_attr_for_each(attr, nlh, sizeof(struct genlmsghdr))
		if (mnl_attr_get_type(attr) == wanted->attribute && mnl_attr_get_payload_len(attr) >= 2)
			wanted->value = mnl_attr_get_u16(attr);
	return MNL_CB_OK;
}

static int ask(int type, int command, int version, int key, const char *name, int flags, int attribute)
{
	_Alignas(NLMSG_ALIGNTO) char buf[128];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct wanted wanted = { attribute, -1 };
	struct genlmsghdr *genl;
	int err;

	nlh->nlmsg_type = (uint16_t)type;
	nlh->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	genl = mnl_nlmsg_put_extra_header(nlh, sizeof(*genl));
	genl->cmd = (uint8_t)command;
	genl->version = (uint8_t)version;
	if (!mnl_attr_put_strz_check(nlh, sizeof(buf), (uint16_t)key, name))
		return -E2BIG;
	err = netlink_request(NETLINK_GENERIC, nlh, answer_cb, &wanted);
	return err ? err : wanted.value < 0 ? -ENOENT : wanted.value;
}

int wireguard_port(const char *interface)
{
	int family = ask(GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 1, CTRL_ATTR_FAMILY_NAME, WG_GENL_NAME, NLM_F_ACK,
			 CTRL_ATTR_FAMILY_ID);

	if (family < 0)
		return family;
	return ask(family, WG_CMD_GET_DEVICE, WG_GENL_VERSION, WGDEVICE_A_IFNAME, interface, NLM_F_DUMP,
		   WGDEVICE_A_LISTEN_PORT);
}
