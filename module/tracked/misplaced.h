/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNAT_MISPLACED_H
#define CHATDNAT_MISPLACED_H

#include "../policy/settings.h"

struct nf_conn;

bool chatdnat_misplaced_is_sure(const struct nf_conn *ct);
bool chatdnat_misplaced_reversed(const struct chatdnat_settings *old,
				 const struct chatdnat_settings *new,
				 const struct nf_conn *ct);
bool chatdnat_misplaced(const struct chatdnat_settings *old,
			const struct chatdnat_settings *new,
			const struct nf_conn *ct);

#endif /* CHATDNAT_MISPLACED_H */
