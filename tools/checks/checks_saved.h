/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNATCTL_CHECKS_SAVED_H
#define CHATDNATCTL_CHECKS_SAVED_H

#include "../state/state.h"
#include "findings.h"

/* The saved setting for which the kernel refused the last load, or NULL: it did not, or the setting was changed since. */
const struct setting *refused_setting(const struct state *state);

/* Commands that open the file of a setting. */
void fix_edit(struct findings *findings, const struct setting *setting);

#endif
