// SPDX-License-Identifier: GPL-2.0
#include "wireguard_set.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "link_set.h"
#include "netlink.h"
#include "wireguard.h"

#define REQUEST_SIZE 1024

/* Only while a public key is computed. */
#define TEMPORARY "chatdnat-key"

static int read_public_key(const char *interface, const char *kind, unsigned char *key)
{
	static const unsigned char none[WG_KEY_LEN];
	struct wireguard wg;
	int err = wireguard_read(&wg, interface, kind);

	memcpy(key, wg.public_key, WG_KEY_LEN);
	wireguard_free(&wg);
	return err || memcmp(key, none, WG_KEY_LEN) ? err : -ENODATA;
}

static void put_peer(struct nlmsghdr *nlh, const struct wireguard_end *end)
{
	struct nlattr *peers = mnl_attr_nest_start(nlh, WGDEVICE_A_PEERS);
	struct nlattr *peer = mnl_attr_nest_start(nlh, 0), *allowed;
	enum family f;

	mnl_attr_put(nlh, WGPEER_A_PUBLIC_KEY, WG_KEY_LEN, end->peer);
	mnl_attr_put_u32(nlh, WGPEER_A_FLAGS, WGPEER_F_REPLACE_ALLOWEDIPS);
	allowed = mnl_attr_nest_start(nlh, WGPEER_A_ALLOWEDIPS);
	for (f = 0; f < FAMILIES; f++) {
		struct nlattr *one;

		if (!end->allowed[f])
			continue;
		one = mnl_attr_nest_start(nlh, 0);
		mnl_attr_put_u16(nlh, WGALLOWEDIP_A_FAMILY, (uint16_t)families[f].af);
		mnl_attr_put(nlh, WGALLOWEDIP_A_IPADDR, families[f].size, end->allowed[f]->bytes);
		mnl_attr_put_u8(nlh, WGALLOWEDIP_A_CIDR_MASK, (uint8_t)(families[f].size * 8));
		mnl_attr_nest_end(nlh, one);
	}
	mnl_attr_nest_end(nlh, allowed);
	mnl_attr_nest_end(nlh, peer);
	mnl_attr_nest_end(nlh, peers);
}

static int set_device(const char *interface, const char *kind, const unsigned char *private_key,
		      const struct wireguard_end *end)
{
	_Alignas(NLMSG_ALIGNTO) char buf[REQUEST_SIZE];
	struct nlmsghdr *nlh;
	int version, id = wireguard_family(kind, &version), err;

	if (id < 0)
		return id;
	nlh = genl_request(buf, id, WG_CMD_SET_DEVICE, version, NLM_F_ACK);
	mnl_attr_put_strz(nlh, WGDEVICE_A_IFNAME, interface);
	mnl_attr_put(nlh, WGDEVICE_A_PRIVATE_KEY, WG_KEY_LEN, private_key);
	if (end) {
		mnl_attr_put_u16(nlh, WGDEVICE_A_LISTEN_PORT, end->port);
		mnl_attr_put_u32(nlh, WGDEVICE_A_FLAGS, WGDEVICE_F_REPLACE_PEERS);
		if (end->amneziawg)
			amneziawg_put(nlh, version, end->amneziawg);
		put_peer(nlh, end);
	}
	err = netlink_request(NETLINK_GENERIC, nlh, NULL, NULL);
	explicit_bzero(buf, sizeof(buf));
	return err;
}

int wireguard_configure(const char *interface, const char *kind, const struct wireguard_end *end)
{
	return set_device(interface, kind, end->private_key, end);
}

void wireguard_forget(void)
{
	link_remove(TEMPORARY);
}

int wireguard_generate(struct wireguard_keys *keys, const char *kind)
{
	unsigned char *key = keys->private_key;
	int err;

	if (getrandom(key, WG_KEY_LEN, 0) != WG_KEY_LEN)
		return -EIO;
	/* As X25519 has it (RFC 7748, section 5), and as wg(8) writes keys. */
	key[0] &= 248;
	key[31] = (unsigned char)((key[31] & 127) | 64);
	err = link_add(TEMPORARY, kind);
	if (err)
		return err;
	err = set_device(TEMPORARY, kind, key, NULL);
	if (!err)
		err = read_public_key(TEMPORARY, kind, keys->public_key);
	link_remove(TEMPORARY);
	return err;
}
