/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNAT_LOCAL_ADDR_H
#define CHATDNAT_LOCAL_ADDR_H

#include "../policy/settings.h"

/**
 * struct chatdnat_local_addrs - addresses that lead to one relay
 * @n: how many there are
 * @addr: one of them, network byte order
 * @home: index of the WAN interface that has it; 0: another interface has it,
 *	  or none at the moment
 */
struct chatdnat_local_addrs {
	unsigned int n;
	struct chatdnat_addr addr;
	int home;
};

void chatdnat_local_addr_find(struct chatdnat_local_addrs *own,
			      const struct chatdnat_settings *settings,
			      enum chatdnat_family family,
			      const struct chatdnat_relay *relay);

bool chatdnat_local_addr_of_relay(struct chatdnat_addr *addr,
				  const struct chatdnat_settings *settings,
				  enum chatdnat_family family,
				  const struct chatdnat_addr *relay);

#endif /* CHATDNAT_LOCAL_ADDR_H */
