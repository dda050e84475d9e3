/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNAT_ENGINE_H
#define CHATDNAT_ENGINE_H

#include <linux/types.h>

struct chatdnat_snapshot;

int chatdnat_engine_bind(struct chatdnat_snapshot *snapshot);
void chatdnat_engine_bound(const struct chatdnat_snapshot *snapshot);
int chatdnat_engine_rebind(struct chatdnat_snapshot *snapshot);
int chatdnat_engine_show(char *buf, size_t size);

#endif /* CHATDNAT_ENGINE_H */
