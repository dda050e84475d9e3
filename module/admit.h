/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNAT_ADMIT_H
#define CHATDNAT_ADMIT_H

#include <linux/types.h>

#include "settings.h"

enum chatdnat_track {
	CHATDNAT_TRACK_NEW,
	CHATDNAT_TRACK_UNTRACKED,	/* exempt from connection tracking */
	CHATDNAT_TRACK_INVALID,
};

/**
 * struct chatdnat_entrant - a packet from outside that belongs to no known
 *			     connection, as it is after translation
 * @track: what connection tracking makes of it
 * @protocol: IPPROTO_...
 * @flow: from where to where; ports only for TCP and UDP
 * @opens: TCP: it has SYN
 * @icmp_type: ICMP and ICMPv6
 * @hop_limit: or time to live
 */
struct chatdnat_entrant {
	enum chatdnat_track track;
	u8 protocol;
	struct chatdnat_flow flow;
	bool opens;
	u8 icmp_type;
	u8 hop_limit;
};

enum chatdnat_admission {
	CHATDNAT_ADMIT,
	CHATDNAT_ADMIT_SOME,		/* so many in a second */
	CHATDNAT_REFUSE,
	CHATDNAT_REFUSE_INVALID,
};

enum chatdnat_admission
chatdnat_admit_forward(const struct chatdnat_settings *settings,
		       const struct chatdnat_entrant *entrant);
enum chatdnat_admission
chatdnat_admit_input(const struct chatdnat_settings *settings,
		     const struct chatdnat_entrant *entrant);

#endif /* CHATDNAT_ADMIT_H */
