/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNAT_SOCKET_H
#define CHATDNAT_SOCKET_H

#include "../policy/settings.h"

struct net_device;

bool chatdnat_socket_udp(const struct chatdnat_flow *flow, int ifindex);
bool chatdnat_socket_tcp(const struct chatdnat_flow *flow,
			 const struct net_device *dev);

#endif /* CHATDNAT_SOCKET_H */
