/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNAT_HOOKS_H
#define CHATDNAT_HOOKS_H

#include "../policy/settings.h"

int chatdnat_hooks_add(const struct chatdnat_settings *settings);
void chatdnat_hooks_prune(const struct chatdnat_settings *settings);

#endif /* CHATDNAT_HOOKS_H */
