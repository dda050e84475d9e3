/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNAT_GATE_H
#define CHATDNAT_GATE_H

#include <linux/types.h>

struct chatdnat_snapshot;

void chatdnat_gate_set(const struct chatdnat_snapshot *snapshot);
int chatdnat_gate_show(char *buf, size_t size);
void chatdnat_gate_exit(void);

#endif /* CHATDNAT_GATE_H */
