/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNATCTL_NETLINK_H
#define CHATDNATCTL_NETLINK_H

#include <libmnl/libmnl.h>

/* Begins a request of nfnetlink in buf: a message of a subsystem, NFNL_SUBSYS_*, about a family. */
struct nlmsghdr *netfilter_request(void *buf, int subsystem, int message, int flags, int family);

/* Begins a request of generic netlink in buf: a command of a family. */
struct nlmsghdr *genl_request(void *buf, int family, int command, int version, int flags);

/* A number as nfnetlink sends them, big-endian; 0 if the attribute is too short for one. */
uint32_t netfilter_u32(const struct nlattr *attr);

/* Sends one request and hands each answer to cb. 0, or a negative errno. */
int netlink_request(int bus, struct nlmsghdr *request, mnl_cb_t cb, void *data);

#endif
