/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNAT_LOCAL_ADDR_H
#define CHATDNAT_LOCAL_ADDR_H

#include "../policy/settings.h"

/**
 * struct chatdnat_own - addresses that lead to one relay
 * @n: how many there are
 * @addr: one of them, network byte order
 * @home: index of the WAN interface that has it; 0: another interface has it,
 *	  or none at the moment
 */
struct chatdnat_own {
	unsigned int n;
	struct chatdnat_addr addr;
	int home;
};

void chatdnat_own_find(struct chatdnat_own *own,
		       const struct chatdnat_settings *settings,
		       enum chatdnat_family family,
		       const struct chatdnat_relay *relay);

bool chatdnat_own_of(struct chatdnat_addr *addr,
		     const struct chatdnat_settings *settings,
		     enum chatdnat_family family,
		     const struct chatdnat_addr *relay);

#endif /* CHATDNAT_LOCAL_ADDR_H */
