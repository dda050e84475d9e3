// SPDX-License-Identifier: GPL-2.0
#include "netlink.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>

#include <linux/genetlink.h>
#include <linux/netfilter/nfnetlink.h>

#include "../lib/mem.h"

/* A dump is answered in messages as large as the reader's buffer, up to this. */
#define BUFFER_SIZE 32768

struct nlmsghdr *netfilter_request(void *buf, int subsystem, int message, int flags, int family)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct nfgenmsg *nfg;

	nlh->nlmsg_type = (uint16_t)(subsystem << 8 | message);
	nlh->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	nfg = mnl_nlmsg_put_extra_header(nlh, sizeof(*nfg));
	nfg->nfgen_family = (uint8_t)family;
	nfg->version = NFNETLINK_V0;
	return nlh;
}

struct nlmsghdr *genl_request(void *buf, int family, int command, int version, int flags)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct genlmsghdr *genl;

	nlh->nlmsg_type = (uint16_t)family;
	nlh->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	genl = mnl_nlmsg_put_extra_header(nlh, sizeof(*genl));
	genl->cmd = (uint8_t)command;
	genl->version = (uint8_t)version;
	return nlh;
}

uint32_t netfilter_u32(const struct nlattr *attr)
{
	return mnl_attr_get_payload_len(attr) >= 4 ? ntohl(mnl_attr_get_u32(attr)) : 0;
}

/* Both begin with a number: 0, or a negative errno. */
static int end_cb(const struct nlmsghdr *nlh, void *data)
{
	const int *err = mnl_nlmsg_get_payload(nlh);

	(void)data;
	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*err) || *err >= 0)
		return MNL_CB_STOP;
	errno = -*err;
	return MNL_CB_ERROR;
}

/* libmnl does not check for an error at the end of a dump. */
static mnl_cb_t control[] = { [NLMSG_ERROR] = end_cb, [NLMSG_DONE] = end_cb };

static int receive(struct mnl_socket *nl, unsigned int seq, mnl_cb_t cb, void *data)
{
	unsigned int port = mnl_socket_get_portid(nl);
	char *buf = xcalloc(1, BUFFER_SIZE);
	ssize_t len;
	int ret;

	do {
		len = mnl_socket_recvfrom(nl, buf, BUFFER_SIZE);
		ret = len < 0 ? -1 :
				mnl_cb_run2(buf, (size_t)len, seq, port, cb, data, control,
					    sizeof(control) / sizeof(control[0]));
	} while (ret > MNL_CB_STOP);
	ret = ret < 0 ? -errno : 0;
	free(buf);
	return ret;
}

int netlink_request(int bus, struct nlmsghdr *request, mnl_cb_t cb, void *data)
{
	struct mnl_socket *nl = mnl_socket_open2(bus, SOCK_CLOEXEC);
	int err;

	if (!nl)
		return -errno;
	request->nlmsg_seq = 1;
	if (mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) < 0 ||
	    mnl_socket_sendto(nl, request, request->nlmsg_len) < 0)
		err = -errno;
	else
		err = receive(nl, 1, cb, data);
	mnl_socket_close(nl);
	return err;
}
