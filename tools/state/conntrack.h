/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNATCTL_CONNTRACK_H
#define CHATDNATCTL_CONNTRACK_H

#include "../module/ports.h"
#include "../module/relay.h"

/*
 * Counts the live connections of each relay: destination NAT, on one of the ports, answered by
 * that relay. 0, or a negative errno if they are unknown (no ctnetlink, not root).
 */
int conntrack_count(struct relays *relays, const struct ports *ports);

#endif
