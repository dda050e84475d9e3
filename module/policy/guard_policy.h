/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNAT_GUARD_POLICY_H
#define CHATDNAT_GUARD_POLICY_H

#include <linux/types.h>

#include "nat_policy.h"
#include "settings.h"

enum chatdnat_track {
	CHATDNAT_TRACK_NEW,
	CHATDNAT_TRACK_UNTRACKED, /* exempt from connection tracking */
	CHATDNAT_TRACK_INVALID,
};

/*
 * Seconds after enabling the guard in which TCP connections without a conntrack
 * entry may continue.
 */
#define CHATDNAT_GUARD_SETTLES 120

/**
 * struct chatdnat_guard_packet - a packet for the guard to judge, after
 *				  translation
 * @track: its conntrack state
 * @protocol: IPPROTO_...
 * @flow: addresses; ports for TCP and UDP only
 * @has_syn: TCP: SYN is set
 * @continues: TCP: a valid combination of flags without SYN
 * @from_wan: received on a WAN interface
 * @to_wan: forwarded: output interface is a WAN interface
 * @local_source: forwarded from the LAN: its source is a local address, or one
 *		  that "v4" or "v6" names, set by chatdnat_invalid()
 * @settling: forwarded: the guard was enabled within CHATDNAT_GUARD_SETTLES
 * @socket: TCP to this host, midstream: whether a local socket has the
 *	    connection
 * @icmp_type: ICMP and ICMPv6
 * @hop_limit: hop limit or time to live
 */
struct chatdnat_guard_packet {
	enum chatdnat_track track;
	u8 protocol;
	struct chatdnat_flow flow;
	bool has_syn;
	bool continues;
	bool from_wan;
	bool to_wan;
	bool local_source;
	bool settling;
	enum chatdnat_socket socket;
	u8 icmp_type;
	u8 hop_limit;
};

enum chatdnat_admission {
	CHATDNAT_ADMIT,
	CHATDNAT_ADMIT_SOME,	       /* rate-limited */
	CHATDNAT_ADMIT_LOOK_UP_SOCKET, /* decide again with the socket */
	CHATDNAT_REFUSE,
	CHATDNAT_REFUSE_INVALID,
};

/**
 * chatdnat_guard_policy_settling() - whether the guard was enabled just now
 * @since: time at which the guard was enabled, in seconds
 * @now: current time of the same, monotonic clock
 *
 * Context: Any; on the packet path.
 * Return: True within CHATDNAT_GUARD_SETTLES.
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
