// SPDX-License-Identifier: GPL-2.0
#include "nft_xt.h"

#include <netinet/in.h>
#include <string.h>

#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/x_tables.h>
#include <linux/netfilter/xt_addrtype.h>
#include <linux/netfilter/xt_conntrack.h>
#include <linux/netfilter/xt_mark.h>
#include <linux/netfilter/xt_multiport.h>
#include <linux/netfilter/xt_state.h>
#include <linux/netfilter/xt_tcpudp.h>
#include <linux/rtnetlink.h>

/* Its info is a byte array of the kernel, without alignment. */
#define LOAD(structure, info, len) \
	((len) >= sizeof(structure) && (memcpy(&(structure), info, sizeof(structure)), 1))

static enum truth not_if(bool invert, bool truth)
{
	return truth != invert ? TRUE : FALSE;
}

uint32_t packet_status(const struct packet *packet)
{
	uint32_t status = 0;

	if (packet->translated)
		status |= IPS_DST_NAT | IPS_DST_NAT_DONE;
	if (packet->established)
		status |= IPS_SEEN_REPLY | IPS_CONFIRMED | IPS_SRC_NAT_DONE;
	return status;
}

static enum truth conntrack(uint32_t revision, const void *info, size_t len,
			    const struct packet *packet)
{
	struct xt_conntrack_mtinfo2 m;
	unsigned int state;

	/* Only the third revision has more fields. */
	if (revision < 2 || !LOAD(m, info, len))
		return UNKNOWN;
	/* Without an entry only its absence matches. */
	if (packet->untracked)
		return m.match_flags & XT_CONNTRACK_STATE &&
				       not_if(m.invert_flags & XT_CONNTRACK_STATE,
					      m.state_mask & XT_CONNTRACK_STATE_UNTRACKED) == TRUE ?
			       TRUE :
			       FALSE;
	if (!packet->tracked ||
	    m.match_flags & ~(XT_CONNTRACK_STATE | XT_CONNTRACK_STATUS | XT_CONNTRACK_DIRECTION))
		return UNKNOWN;
	state = XT_CONNTRACK_STATE_BIT(packet->established ? IP_CT_ESTABLISHED_REPLY : IP_CT_NEW);
	if (packet->translated)
		state |= XT_CONNTRACK_STATE_DNAT;
	if (m.match_flags & XT_CONNTRACK_STATE &&
	    !not_if(m.invert_flags & XT_CONNTRACK_STATE, (m.state_mask & state) != 0))
		return FALSE;
	if (m.match_flags & XT_CONNTRACK_STATUS &&
	    !not_if(m.invert_flags & XT_CONNTRACK_STATUS,
		    (m.status_mask & packet_status(packet)) != 0))
		return FALSE;
	/* Inverted: the reply's direction. */
	if (m.match_flags & XT_CONNTRACK_DIRECTION &&
	    !not_if(m.invert_flags & XT_CONNTRACK_DIRECTION, !packet->established))
		return FALSE;
	return TRUE;
}

static enum truth state(const void *info, size_t len, const struct packet *packet)
{
	struct xt_state_info m;

	if (!LOAD(m, info, len) || (!packet->tracked && !packet->untracked))
		return UNKNOWN;
	if (packet->untracked)
		return m.statemask & XT_STATE_UNTRACKED ? TRUE : FALSE;
	return m.statemask & XT_STATE_BIT(packet->established ? IP_CT_ESTABLISHED_REPLY :
								IP_CT_NEW) ?
		       TRUE :
		       FALSE;
}

static bool within(uint16_t port, const uint16_t range[2])
{
	return port >= range[0] && port <= range[1];
}

static enum truth tcp(const void *info, size_t len, const struct packet *packet)
{
	uint8_t flags = packet->established ? 0x12 : 0x02;
	struct xt_tcp m;

	if (packet->protocol != IPPROTO_TCP)
		return FALSE;
	if (!LOAD(m, info, len) || m.option)
		return UNKNOWN;
	return not_if(m.invflags & XT_TCP_INV_SRCPT, within(packet->sport, m.spts)) &&
			       not_if(m.invflags & XT_TCP_INV_DSTPT,
				      within(packet->dport, m.dpts)) &&
			       not_if(m.invflags & XT_TCP_INV_FLAGS,
				      (flags & m.flg_mask) == m.flg_cmp) ?
		       TRUE :
		       FALSE;
}

static enum truth udp(const void *info, size_t len, const struct packet *packet)
{
	struct xt_udp m;

	if (packet->protocol != IPPROTO_UDP)
		return FALSE;
	if (!LOAD(m, info, len))
		return UNKNOWN;
	return not_if(m.invflags & XT_UDP_INV_SRCPT, within(packet->sport, m.spts)) &&
			       not_if(m.invflags & XT_UDP_INV_DSTPT, within(packet->dport, m.dpts)) ?
		       TRUE :
		       FALSE;
}

static enum truth multiport(uint32_t revision, const void *info, size_t len,
			    const struct packet *packet)
{
	struct xt_multiport_v1 m;
	bool found = false;
	unsigned int i;

	if (revision != 1 || !LOAD(m, info, len) || m.count > XT_MULTI_PORTS)
		return UNKNOWN;
	for (i = 0; i < m.count && !found; i++) {
		uint16_t first = m.ports[i],
			 last = m.pflags[i] && i + 1 < m.count ? m.ports[++i] : first;

		found = (m.flags != XT_MULTIPORT_DESTINATION && packet->sport >= first &&
			 packet->sport <= last) ||
			(m.flags != XT_MULTIPORT_SOURCE && packet->dport >= first &&
			 packet->dport <= last);
	}
	return not_if(m.invert, found);
}

static enum truth addrtype(uint32_t revision, const void *info, size_t len,
			   const struct packet *packet)
{
	uint16_t source = XT_ADDRTYPE_UNICAST,
		 dest = packet->to_host ? XT_ADDRTYPE_LOCAL : XT_ADDRTYPE_UNICAST;
	struct xt_addrtype_info_v1 m;

	if (revision != 1 || !LOAD(m, info, len) ||
	    m.flags & ~(XT_ADDRTYPE_INVERT_SOURCE | XT_ADDRTYPE_INVERT_DEST))
		return UNKNOWN;
	return (!m.source || not_if(m.flags & XT_ADDRTYPE_INVERT_SOURCE, m.source & source)) &&
			       (!m.dest ||
				not_if(m.flags & XT_ADDRTYPE_INVERT_DEST, m.dest & dest)) ?
		       TRUE :
		       FALSE;
}

static enum truth mark(uint32_t revision, const void *info, size_t len)
{
	struct xt_mark_mtinfo1 m;

	return revision == 1 && LOAD(m, info, len) ? not_if(m.invert, m.mark == 0) : UNKNOWN;
}

enum truth xt_match(const char *name, uint32_t revision, const void *info, size_t len,
		    const struct packet *packet)
{
	static const char *const absent[] = { "icmp", "icmp6", "rt", "frag", "hbh",
					      "dst",  "mh",    "ah", "esp" };
	size_t i;

	if (!strcmp(name, "comment"))
		return TRUE;
	if (!strcmp(name, "limit"))
		return packet->anybody ? UNKNOWN : TRUE;
	if (!strcmp(name, "conntrack"))
		return conntrack(revision, info, len, packet);
	if (!strcmp(name, "state"))
		return state(info, len, packet);
	if (!strcmp(name, "tcp"))
		return tcp(info, len, packet);
	if (!strcmp(name, "udp"))
		return udp(info, len, packet);
	if (!strcmp(name, "multiport"))
		return multiport(revision, info, len, packet);
	if (!strcmp(name, "addrtype"))
		return addrtype(revision, info, len, packet);
	if (!strcmp(name, "mark"))
		return mark(revision, info, len);
	/* For another protocol, or an IPv6 header that no ordinary connection has. */
	for (i = 0; i < sizeof(absent) / sizeof(absent[0]); i++)
		if (!strcmp(name, absent[i]))
			return FALSE;
	return UNKNOWN;
}
