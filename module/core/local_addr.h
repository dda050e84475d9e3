/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNAT_LOCAL_ADDR_H
#define CHATDNAT_LOCAL_ADDR_H

#include "../policy/settings.h"

/**
 * struct chatdnat_local_addrs - local addresses of a relay
 * @n: number of addresses
 * @addr: one of them, network byte order
 * @ifindex: index of the WAN interface that has @addr; 0: another interface or
 *	     none has it
 */
struct chatdnat_local_addrs {
	unsigned int n;
	struct chatdnat_addr addr;
	int ifindex;
};

void chatdnat_local_addr_find(struct chatdnat_local_addrs *local,
			      const struct chatdnat_settings *settings,
			      enum chatdnat_family family,
			      const struct chatdnat_relay *relay);

bool chatdnat_local_addr_of_relay(struct chatdnat_addr *addr,
				  const struct chatdnat_settings *settings,
				  enum chatdnat_family family,
				  const struct chatdnat_addr *relay);

#endif /* CHATDNAT_LOCAL_ADDR_H */
