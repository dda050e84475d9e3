/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNAT_NAT_H
#define CHATDNAT_NAT_H

#include "../policy/addr.h"

int chatdnat_nat_init(void);
void chatdnat_nat_exit(void);
int chatdnat_nat_register(enum chatdnat_family family);

#endif /* CHATDNAT_NAT_H */
