/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNAT_NAT_H
#define CHATDNAT_NAT_H

#include "addr.h"
#include "verdict.h"

int chatdnat_nat_init(void);
void chatdnat_nat_exit(void);
int chatdnat_nat_register(enum chatdnat_family family);

enum chatdnat_addr_type
chatdnat_nat_addr_type(enum chatdnat_family family,
		       const struct chatdnat_addr *addr);

#endif /* CHATDNAT_NAT_H */
