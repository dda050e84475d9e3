/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNAT_FLUSH_BOUND_H
#define CHATDNAT_FLUSH_BOUND_H

struct chatdnat_bindings;
struct chatdnat_settings;

void chatdnat_flush_bound(const struct chatdnat_settings *settings,
			  const struct chatdnat_bindings *bindings);

#endif /* CHATDNAT_FLUSH_BOUND_H */
