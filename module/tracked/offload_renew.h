/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNAT_OFFLOAD_RENEW_H
#define CHATDNAT_OFFLOAD_RENEW_H

#include "offload.h"

bool chatdnat_offload_holds(const struct chatdnat_offload *offload);
void chatdnat_offload_acknowledge(struct nf_conn *ct);
bool chatdnat_offload_renew(struct chatdnat_offload *offload);

#endif /* CHATDNAT_OFFLOAD_RENEW_H */
