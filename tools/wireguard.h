/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNATCTL_WIREGUARD_H
#define CHATDNATCTL_WIREGUARD_H

/* The UDP port on which an interface of WireGuard listens, or a negative errno. */
int wireguard_port(const char *interface);

#endif
