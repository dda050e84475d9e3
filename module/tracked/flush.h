/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNAT_FLUSH_H
#define CHATDNAT_FLUSH_H

#include "../core/snapshot.h"

void chatdnat_flush_change(const struct chatdnat_snapshot *old,
			   const struct chatdnat_snapshot *new,
			   const struct chatdnat_former *forgotten);
void chatdnat_flush_misplaced(const struct chatdnat_snapshot *snapshot,
			      bool reverted);
void chatdnat_flush_all(const struct chatdnat_snapshot *snapshot);

#endif /* CHATDNAT_FLUSH_H */
