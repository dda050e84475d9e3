/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNAT_TCPOPT_H
#define CHATDNAT_TCPOPT_H

#include <linux/types.h>

bool chatdnat_tcpopt_valid(const u8 *options, size_t len);
size_t chatdnat_tcpopt_next_mss(const u8 *options, size_t len, size_t from);

#endif /* CHATDNAT_TCPOPT_H */
