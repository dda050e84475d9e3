/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNATCTL_CHECKS_TUNNEL_H
#define CHATDNATCTL_CHECKS_TUNNEL_H

#include "checks.h"

/* The age of the latest handshake with the peer of a relay, in seconds. */
enum handshake { NO_TUNNEL /* or it cannot be read */, NEVER, SILENT, FRESH };

enum handshake handshake_of(const struct state *state, const struct relay *relay);

/* Whether a relay behind this tunnel has been heard of within three minutes. */
bool tunnel_fresh(const struct state *state, const struct link *link);

/* Whether most connections to the family's relays were never answered. */
bool mostly_unanswered(const struct state *state, enum family family);

#endif
