/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNATCTL_SSH_H
#define CHATDNATCTL_SSH_H

#include "../state/state.h"

/* The SSH session that this runs in. */
struct session {
	uint16_t port; /* of this host, where something listens; 0: nothing is known of a session */
	const struct link *link; /* with the address that it came to, or NULL */
	uint16_t tunnel; /* the UDP port of that link, if it is one of WireGuard or AmneziaWG */
};

struct session ssh_session(const struct state *state);

/*
 * The setting allow: what the operator wishes, or else the ports that SSH listens on, as far as that can be known; and the
 * UDP ports of the relay's tunnel and of the session's, if they have one. To be freed. NULL, after a message, if it would
 * lock the session out.
 */
char *ssh_allow(const struct state *state, const struct session *session, const char *wish,
		uint16_t tunnel);

#endif
