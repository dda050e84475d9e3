/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNATCTL_SSH_H
#define CHATDNATCTL_SSH_H

#include "../state/state.h"

/*
 * The setting allow: what the operator wishes, or else the ports that SSH listens on, as far as that can be known; and the
 * UDP port of the tunnel, if it has one. To be freed. NULL after a message.
 */
char *ssh_allow(const struct state *state, const char *wish, uint16_t tunnel);

#endif
