/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNAT_IN_FORCE_H
#define CHATDNAT_IN_FORCE_H

#include "policy/settings.h"

char *chatdnat_in_force_line(const struct chatdnat_settings *settings);
void chatdnat_in_force_loaded(const struct chatdnat_settings *settings);
void chatdnat_in_force_changed(const char *before,
			       const struct chatdnat_settings *settings);
void chatdnat_in_force_unloaded(void);

#endif /* CHATDNAT_IN_FORCE_H */
