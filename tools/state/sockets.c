// SPDX-License-Identifier: GPL-2.0
#include "sockets.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include <linux/inet_diag.h>
#include <linux/sock_diag.h>

#include "../host/netlink.h"
#include "../lib/mem.h"

/* The kernel's TCP_CLOSE, which is what an unconnected UDP socket has, and TCP_LISTEN; no header has both. */
enum { STATE_CLOSE = 7, STATE_LISTEN = 10 };

struct query {
	struct sockets *sockets;
	enum protocol protocol;
};

static int socket_cb(const struct nlmsghdr *nlh, void *data)
{
	static const unsigned char zero[16];
	const struct inet_diag_msg *msg = mnl_nlmsg_get_payload(nlh);
	const struct query *query = data;
	struct sockets *sockets = query->sockets;
	const struct nlattr *attr;
	struct listener *l;
	bool v6only = false;

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*msg) ||
	    (msg->idiag_family != AF_INET && msg->idiag_family != AF_INET6) || !msg->id.idiag_sport)
		return MNL_CB_OK;
	mnl_attr_for_each(attr, nlh, sizeof(*msg))
		if (mnl_attr_get_type(attr) == INET_DIAG_SKV6ONLY &&
		    mnl_attr_get_payload_len(attr) >= 1)
			v6only = mnl_attr_get_u8(attr);
	sockets->v = xgrow(sockets->v, sockets->n, sizeof(*sockets->v));
	l = &sockets->v[sockets->n++];
	l->protocol = query->protocol;
	l->address.family = msg->idiag_family == AF_INET ? V4 : V6;
	memcpy(l->address.bytes, msg->id.idiag_src, families[l->address.family].size);
	l->any = !memcmp(l->address.bytes, zero, sizeof(zero));
	l->both = l->address.family == V6 && l->any && !v6only;
	l->port = ntohs(msg->id.idiag_sport);
	return MNL_CB_OK;
}

/* A raw socket has its protocol number in the port field. */
static int raw_cb(const struct nlmsghdr *nlh, void *data)
{
	const struct inet_diag_msg *msg = mnl_nlmsg_get_payload(nlh);
	struct sockets *sockets = data;
	struct raw_socket *raw;

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*msg))
		return MNL_CB_OK;
	sockets->raw = xgrow(sockets->raw, sockets->raw_n, sizeof(*sockets->raw));
	raw = &sockets->raw[sockets->raw_n++];
	raw->protocol = (uint8_t)ntohs(msg->id.idiag_sport);
	raw->bound = msg->id.idiag_if;
	return MNL_CB_OK;
}

static int dump(int af, int protocol, uint32_t states, mnl_cb_t cb, void *data)
{
	_Alignas(NLMSG_ALIGNTO) char buf[128];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct inet_diag_req_v2 *req;

	nlh->nlmsg_type = SOCK_DIAG_BY_FAMILY;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	req = mnl_nlmsg_put_extra_header(nlh, sizeof(*req));
	req->sdiag_family = (uint8_t)af;
	req->sdiag_protocol = (uint8_t)protocol;
	req->idiag_states = states;
	return netlink_request(NETLINK_SOCK_DIAG, nlh, cb, data);
}

static int dump_listeners(struct query *query, int af)
{
	if (query->protocol == TCP)
		return dump(af, IPPROTO_TCP, 1U << STATE_LISTEN, socket_cb, query);
	return dump(af, IPPROTO_UDP, 1U << STATE_CLOSE, socket_cb, query);
}

void sockets_read(struct sockets *sockets)
{
	struct query query = { .sockets = sockets };
	enum protocol protocol;
	enum family family;

	*sockets = (struct sockets){ 0 };
	for (protocol = 0; protocol < PROTOCOLS; protocol++) {
		query.protocol = protocol;
		for (family = 0; family < FAMILIES; family++) {
			int err = dump_listeners(&query, families[family].af);

			/* A kernel without IPv6 has none of its sockets. */
			if (err && !(family == V6 && err == -ENOENT))
				sockets->err[protocol] = err;
		}
	}
	for (family = 0; family < FAMILIES && !sockets->raw_err; family++)
		sockets->raw_err = dump(families[family].af, IPPROTO_RAW, UINT32_MAX, raw_cb,
					sockets);
}

bool sockets_have(const struct sockets *sockets, enum protocol protocol, unsigned long port)
{
	size_t i;

	for (i = 0; i < sockets->n; i++)
		if (sockets->v[i].protocol == protocol && sockets->v[i].port == port)
			return true;
	return false;
}

static bool listed_before(const struct sockets *sockets, size_t n,
			  bool (*is)(const void *context, const struct listener *l),
			  const void *context)
{
	const struct listener *l = &sockets->v[n];
	size_t i;

	for (i = 0; i < n; i++)
		if (sockets->v[i].port == l->port && sockets->v[i].protocol == l->protocol &&
		    is(context, &sockets->v[i]))
			return true;
	return false;
}

char *sockets_list(const struct sockets *sockets,
		   bool (*is)(const void *context, const struct listener *l), const void *context,
		   size_t *n)
{
	char *text = NULL, *longer;
	size_t i;

	*n = 0;
	for (i = 0; i < sockets->n; i++) {
		const struct listener *l = &sockets->v[i];

		if (!is(context, l) || listed_before(sockets, i, is, context) || ++*n > LISTED_MAX)
			continue;
		longer = xasprintf("%s%s%u/%s", text ? text : "", text ? ", " : "", l->port,
				   l->protocol == TCP ? "tcp" : "udp");
		free(text);
		text = longer;
	}
	if (*n > LISTED_MAX) {
		longer = xasprintf("%s and %zu more", text, *n - LISTED_MAX);
		free(text);
		text = longer;
	}
	return text;
}

void sockets_free(struct sockets *sockets)
{
	free(sockets->raw);
	free(sockets->v);
	*sockets = (struct sockets){ 0 };
}
