/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNAT_APPLY_H
#define CHATDNAT_APPLY_H

#include "policy/settings.h"

int chatdnat_apply(const struct chatdnat_settings *settings);
void chatdnat_teardown(void);

#endif /* CHATDNAT_APPLY_H */
