/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNAT_GUARD_POLICY_H
#define CHATDNAT_GUARD_POLICY_H

#include <linux/types.h>

#include "nat_policy.h"
#include "settings.h"

enum chatdnat_track {
	CHATDNAT_TRACK_NEW,
	CHATDNAT_TRACK_UNTRACKED,	/* exempt from connection tracking */
	CHATDNAT_TRACK_INVALID,
};

/* Seconds for which forwarded connections go on that nobody tracked before. */
#define CHATDNAT_GUARD_SETTLES	120

/**
 * struct chatdnat_guard_packet - a packet from outside that belongs to no known
 *			     connection, or is to open one, as it is after
 *			     translation
 * @track: what connection tracking makes of it
 * @protocol: IPPROTO_...
 * @flow: from where to where; ports only for TCP and UDP
 * @opens: TCP: it has SYN
 * @continues: TCP: it has none, and flags that exist
 * @from_wan: it entered by a WAN interface
 * @to_wan: forwarded: it leaves by a WAN interface
 * @own_source: forwarded from inside: its source is a local address, or one that
 *		is named with a relay, which chatdnat_invalid() has put there
 * @settling: forwarded: the guard has not judged such packets for long
 * @socket: TCP to this host, in the middle of a connection: whether a socket has
 *	    that connection
 * @icmp_type: ICMP and ICMPv6
 * @hop_limit: or time to live
 */
struct chatdnat_guard_packet {
	enum chatdnat_track track;
	u8 protocol;
	struct chatdnat_flow flow;
	bool opens;
	bool continues;
	bool from_wan;
	bool to_wan;
	bool own_source;
	bool settling;
	enum chatdnat_socket socket;
	u8 icmp_type;
	u8 hop_limit;
};

enum chatdnat_admission {
	CHATDNAT_ADMIT,
	CHATDNAT_ADMIT_SOME,		/* so many in a second */
	CHATDNAT_ADMIT_LOOK_UP_SOCKET,	/* decide again with the socket */
	CHATDNAT_REFUSE,
	CHATDNAT_REFUSE_INVALID,
};

/**
 * chatdnat_guard_policy_settling() - whether forwarded packets have been judged for a
 *			       short time only
 * @since: when that began, in seconds
 * @now: the time, on the same clock, which never goes back
 *
 * Context: Any; on the packet path.
 * Return: True within that short time.
 */
static inline bool chatdnat_guard_policy_settling(s64 since, s64 now)
{
	return now - since < CHATDNAT_GUARD_SETTLES;
}

enum chatdnat_admission
chatdnat_guard_policy_forward(const struct chatdnat_settings *settings,
			      const struct chatdnat_guard_packet *packet);
enum chatdnat_admission
chatdnat_guard_policy_input(const struct chatdnat_settings *settings,
			    const struct chatdnat_guard_packet *packet);

#endif /* CHATDNAT_GUARD_POLICY_H */
