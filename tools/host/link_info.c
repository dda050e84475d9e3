// SPDX-License-Identifier: GPL-2.0
#include "link_info.h"

#include <netinet/in.h>
#include <string.h>

#include <linux/if.h>
#include <linux/if_link.h>
#include <linux/if_tunnel.h>

void link_copy_name(char out[16], const struct nlattr *attr)
{
	size_t len = mnl_attr_get_payload_len(attr);

	if (len > 15)
		len = 15;
	memcpy(out, mnl_attr_get_payload(attr), len);
	out[len] = '\0';
}

static uint8_t first_byte(const struct nlattr *attr)
{
	return mnl_attr_get_payload_len(attr) >= 1 ? mnl_attr_get_u8(attr) : 0;
}

/* Where an attribute of these kinds says what; IFLA_GRE_ and IFLA_IPTUN_ have the same meanings by other numbers. */
static const struct tunnel_kind {
	const char *name;
	enum family family;
	uint8_t protocol; /* unless the attribute `inner` has another */
	int remote, inner, encap;
} tunnel_kinds[] = {
	{ "gre", V4, IPPROTO_GRE, IFLA_GRE_REMOTE, 0, IFLA_GRE_ENCAP_TYPE },
	{ "gretap", V4, IPPROTO_GRE, IFLA_GRE_REMOTE, 0, IFLA_GRE_ENCAP_TYPE },
	{ "erspan", V4, IPPROTO_GRE, IFLA_GRE_REMOTE, 0, IFLA_GRE_ENCAP_TYPE },
	{ "ip6gre", V6, IPPROTO_GRE, IFLA_GRE_REMOTE, 0, IFLA_GRE_ENCAP_TYPE },
	{ "ip6gretap", V6, IPPROTO_GRE, IFLA_GRE_REMOTE, 0, IFLA_GRE_ENCAP_TYPE },
	{ "ip6erspan", V6, IPPROTO_GRE, IFLA_GRE_REMOTE, 0, IFLA_GRE_ENCAP_TYPE },
	{ "ipip", V4, IPPROTO_IPIP, IFLA_IPTUN_REMOTE, IFLA_IPTUN_PROTO, IFLA_IPTUN_ENCAP_TYPE },
	{ "sit", V4, IPPROTO_IPV6, IFLA_IPTUN_REMOTE, IFLA_IPTUN_PROTO, IFLA_IPTUN_ENCAP_TYPE },
	{ "ip6tnl", V6, IPPROTO_IPV6, IFLA_IPTUN_REMOTE, IFLA_IPTUN_PROTO, IFLA_IPTUN_ENCAP_TYPE },
};

static const struct tunnel_kind *tunnel_kind(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(tunnel_kinds) / sizeof(tunnel_kinds[0]); i++)
		if (!strcmp(tunnel_kinds[i].name, name))
			return &tunnel_kinds[i];
	return NULL;
}

static void tunnel_remote(struct tunnel *tunnel, enum family family, const struct nlattr *attr)
{
	static const unsigned char zero[16];
	size_t size = families[family].size;

	if (mnl_attr_get_payload_len(attr) < size)
		return;
	tunnel->has_remote = memcmp(mnl_attr_get_payload(attr), zero, size) != 0;
	tunnel->remote.family = family;
	memcpy(tunnel->remote.bytes, mnl_attr_get_payload(attr), size);
}

static void take_tunnel(struct tunnel *tunnel, const struct tunnel_kind *kind,
			const struct nlattr *data)
{
	const struct nlattr *attr;
	bool by_udp = false;

	tunnel->protocol = kind->protocol;
	mnl_attr_for_each_nested(attr, data) {
		int type = mnl_attr_get_type(attr);

		if (type == kind->remote)
			tunnel_remote(tunnel, kind->family, attr);
		else if (type == kind->inner && first_byte(attr))
			tunnel->protocol = first_byte(attr);
		else if (type == kind->encap && mnl_attr_get_payload_len(attr) >= 2)
			by_udp = mnl_attr_get_u16(attr) != TUNNEL_ENCAP_NONE;
	}
	if (by_udp)
		tunnel->protocol = 0;
}

static void take_bridge(struct link *link, const struct nlattr *data)
{
	const struct nlattr *attr;

	mnl_attr_for_each_nested(attr, data) {
		if (mnl_attr_get_type(attr) == IFLA_BR_NF_CALL_IPTABLES)
			link->netfilter[V4] = first_byte(attr);
		else if (mnl_attr_get_type(attr) == IFLA_BR_NF_CALL_IP6TABLES)
			link->netfilter[V6] = first_byte(attr);
	}
}

static void take_port(struct link *link, const struct nlattr *data)
{
	const struct nlattr *attr;

	link->hairpin = HAIRPIN_OFF;
	mnl_attr_for_each_nested(attr, data)
		if (mnl_attr_get_type(attr) == IFLA_BRPORT_MODE && first_byte(attr))
			link->hairpin = HAIRPIN_ON;
}

void link_take_info(struct link *link, const struct nlattr *nest)
{
	const struct nlattr *attr, *data = NULL, *port = NULL;
	const struct tunnel_kind *tunnel;
	char above[16] = "";

	mnl_attr_for_each_nested(attr, nest) {
		switch (mnl_attr_get_type(attr)) {
		case IFLA_INFO_KIND:
			link_copy_name(link->kind, attr);
			break;
		case IFLA_INFO_DATA:
			data = attr;
			break;
		case IFLA_INFO_SLAVE_KIND:
			link_copy_name(above, attr);
			break;
		case IFLA_INFO_SLAVE_DATA:
			port = attr;
			break;
		default:
			break;
		}
	}
	tunnel = tunnel_kind(link->kind);
	if (data && tunnel)
		take_tunnel(&link->tunnel, tunnel, data);
	else if (data && !strcmp(link->kind, "bridge"))
		take_bridge(link, data);
	if (port && !strcmp(above, "bridge"))
		take_port(link, port);
}
