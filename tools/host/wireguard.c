// SPDX-License-Identifier: GPL-2.0
#include "wireguard.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/genetlink.h>

#include "../lib/mem.h"
#include "netlink.h"

bool wireguard_kind(const char *kind)
{
	return !strcmp(kind, WG_GENL_NAME) || !strcmp(kind, AMNEZIAWG);
}

const char *wireguard_program(const char *kind)
{
	return strcmp(kind, AMNEZIAWG) ? "wg" : "awg";
}

const char *wireguard_directory(const char *kind)
{
	return strcmp(kind, AMNEZIAWG) ? "/etc/wireguard" : "/etc/amnezia/amneziawg";
}

struct genl_family {
	int id, version;
};

static int family_cb(const struct nlmsghdr *nlh, void *data)
{
	struct genl_family *family = data;
	const struct nlattr *attr;

	mnl_attr_for_each(attr, nlh, sizeof(struct genlmsghdr)) {
		if (mnl_attr_get_type(attr) == CTRL_ATTR_FAMILY_ID &&
		    mnl_attr_get_payload_len(attr) >= 2)
			family->id = mnl_attr_get_u16(attr);
		else if (mnl_attr_get_type(attr) == CTRL_ATTR_VERSION &&
			 mnl_attr_get_payload_len(attr) >= 4)
			family->version = (int)mnl_attr_get_u32(attr);
	}
	return MNL_CB_OK;
}

static void allowed_read(struct wireguard *wg, const struct nlattr *entry)
{
	const struct nlattr *attr, *bytes = NULL;
	struct wireguard_allowed allowed = { .peer = wg->peers_n - 1 };
	int af = AF_UNSPEC;

	mnl_attr_for_each_nested(attr, entry) {
		if (mnl_attr_get_type(attr) == WGALLOWEDIP_A_FAMILY &&
		    mnl_attr_get_payload_len(attr) >= 2)
			af = mnl_attr_get_u16(attr);
		else if (mnl_attr_get_type(attr) == WGALLOWEDIP_A_CIDR_MASK &&
			 mnl_attr_get_payload_len(attr) >= 1)
			allowed.prefix = mnl_attr_get_u8(attr);
		else if (mnl_attr_get_type(attr) == WGALLOWEDIP_A_IPADDR)
			bytes = attr;
	}
	if (!bytes || (af != AF_INET && af != AF_INET6))
		return;
	allowed.address.family = af == AF_INET ? V4 : V6;
	if (mnl_attr_get_payload_len(bytes) < families[allowed.address.family].size ||
	    allowed.prefix > families[allowed.address.family].size * 8)
		return;
	memcpy(allowed.address.bytes, mnl_attr_get_payload(bytes),
	       families[allowed.address.family].size);
	wg->allowed = xgrow(wg->allowed, wg->allowed_n, sizeof(*wg->allowed));
	wg->allowed[wg->allowed_n++] = allowed;
}

/* A peer whose AllowedIPs did not fit continues in the next message, with its key and without the rest. */
static void peer_key(struct wireguard *wg, const struct nlattr *attr)
{
	const void *key = mnl_attr_get_payload(attr);

	if (wg->peers_n && !memcmp(wg->peers[wg->peers_n - 1].public_key, key, WG_KEY_LEN))
		return;
	wg->peers = xgrow(wg->peers, wg->peers_n, sizeof(*wg->peers));
	wg->peers[wg->peers_n] = (struct wireguard_peer){ 0 };
	memcpy(wg->peers[wg->peers_n++].public_key, key, WG_KEY_LEN);
}

static void peer_read(struct wireguard *wg, const struct nlattr *peer)
{
	const struct nlattr *attr, *entry, *key = NULL;

	mnl_attr_for_each_nested(attr, peer)
		if (mnl_attr_get_type(attr) == WGPEER_A_PUBLIC_KEY &&
		    mnl_attr_get_payload_len(attr) >= WG_KEY_LEN)
			key = attr;
	if (!key)
		return;
	peer_key(wg, key);
	mnl_attr_for_each_nested(attr, peer) {
		if (mnl_attr_get_type(attr) == WGPEER_A_LAST_HANDSHAKE_TIME &&
		    mnl_attr_get_payload_len(attr) >= 8) {
			memcpy(&wg->peers[wg->peers_n - 1].handshake, mnl_attr_get_payload(attr), 8);
		} else if (mnl_attr_get_type(attr) == WGPEER_A_ALLOWEDIPS) {
			mnl_attr_for_each_nested(entry, attr) {
				allowed_read(wg, entry);
			}
		}
	}
}

static int device_cb(const struct nlmsghdr *nlh, void *data)
{
	const struct nlattr *attr, *peer;
	struct wireguard *wg = data;

	mnl_attr_for_each(attr, nlh, sizeof(struct genlmsghdr)) {
		if (mnl_attr_get_type(attr) == WGDEVICE_A_LISTEN_PORT &&
		    mnl_attr_get_payload_len(attr) >= 2)
			wg->port = mnl_attr_get_u16(attr);
		if (mnl_attr_get_type(attr) == WGDEVICE_A_PUBLIC_KEY &&
		    mnl_attr_get_payload_len(attr) == WG_KEY_LEN)
			memcpy(wg->public_key, mnl_attr_get_payload(attr), WG_KEY_LEN);
		if (mnl_attr_get_type(attr) == WGDEVICE_A_PEERS) {
			mnl_attr_for_each_nested(peer, attr) {
				peer_read(wg, peer);
			}
		}
	}
	return MNL_CB_OK;
}

static int ask(int type, int command, int version, int key, const char *name, int flags,
	       mnl_cb_t cb, void *data)
{
	_Alignas(NLMSG_ALIGNTO) char buf[128];
	struct nlmsghdr *nlh = genl_request(buf, type, command, version, flags);

	if (!mnl_attr_put_strz_check(nlh, sizeof(buf), (uint16_t)key, name))
		return -E2BIG;
	return netlink_request(NETLINK_GENERIC, nlh, cb, data);
}

int wireguard_family(const char *kind, int *version)
{
	struct genl_family family = { .id = -ENOENT, .version = WG_GENL_VERSION };
	int err = ask(GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 1, CTRL_ATTR_FAMILY_NAME, kind, NLM_F_ACK,
		      family_cb, &family);

	if (version)
		*version = family.version;
	return err ? err : family.id;
}

int wireguard_read(struct wireguard *wg, const char *interface, const char *kind)
{
	int family = wireguard_family(kind, NULL), err;

	*wg = (struct wireguard){ .port = -1 };
	err = family < 0 ? family :
			   ask(family, WG_CMD_GET_DEVICE, WG_GENL_VERSION, WGDEVICE_A_IFNAME,
			       interface, NLM_F_DUMP, device_cb, wg);
	return err ? err : wg->port < 0 ? -ENOENT : 0;
}

void wireguard_free(struct wireguard *wg)
{
	free(wg->peers);
	free(wg->allowed);
	*wg = (struct wireguard){ .port = -1 };
}

static bool covers(const struct wireguard_allowed *allowed, const struct address *to)
{
	size_t whole = allowed->prefix / 8, rest = allowed->prefix % 8;

	if (allowed->address.family != to->family ||
	    memcmp(allowed->address.bytes, to->bytes, whole) != 0)
		return false;
	return !rest || !((allowed->address.bytes[whole] ^ to->bytes[whole]) >> (8 - rest));
}

const struct wireguard_peer *wireguard_peer_of(const struct wireguard *wg, const struct address *to)
{
	const struct wireguard_allowed *best = NULL;
	size_t i;

	for (i = 0; i < wg->allowed_n; i++)
		if (covers(&wg->allowed[i], to) && (!best || wg->allowed[i].prefix > best->prefix))
			best = &wg->allowed[i];
	return best ? &wg->peers[best->peer] : NULL;
}
