// SPDX-License-Identifier: GPL-2.0
#include "netlink.h"

#include <errno.h>
#include <stdlib.h>

#include "mem.h"

/* A dump is answered in messages as large as the reader's buffer, up to this. */
#define BUFFER_SIZE 32768

static int receive(struct mnl_socket *nl, unsigned int seq, mnl_cb_t cb, void *data)
{
	unsigned int port = mnl_socket_get_portid(nl);
	char *buf = xcalloc(1, BUFFER_SIZE);
	ssize_t len;
	int ret;

	do {
		len = mnl_socket_recvfrom(nl, buf, BUFFER_SIZE);
		ret = len < 0 ? -1 : mnl_cb_run(buf, (size_t)len, seq, port, cb, data);
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
	if (mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) < 0 || mnl_socket_sendto(nl, request, request->nlmsg_len) < 0)
		err = -errno;
	else
		err = receive(nl, 1, cb, data);
	mnl_socket_close(nl);
	return err;
}
