/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNAT_FLOW_TABLE_H
#define CHATDNAT_FLOW_TABLE_H

#include "../policy/ifset.h"

#if IS_ENABLED(CONFIG_NF_FLOW_TABLE)
void chatdnat_flow_table_end(const struct chatdnat_ifset *wan);
#else
static inline void chatdnat_flow_table_end(const struct chatdnat_ifset *wan)
{
}
#endif

#endif /* CHATDNAT_FLOW_TABLE_H */
