/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNATCTL_NETLINK_H
#define CHATDNATCTL_NETLINK_H

#include <libmnl/libmnl.h>

/* Sends one request and hands each answer to cb. 0, or a negative errno. */
int netlink_request(int bus, struct nlmsghdr *request, mnl_cb_t cb, void *data);

#endif
