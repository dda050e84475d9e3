/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNATCTL_PREPARE_H
#define CHATDNATCTL_PREPARE_H

#include "manifest.h"
#include "plan.h"

/* Whether this host has what the plan needs: the kernel's tunnels, the program that starts them, the module. False after a message. */
bool prepare_programs(const struct plan *plan);

/*
 * The keys of a new tunnel, and AmneziaWG's parameters: those of an earlier setup, `was`, or new ones; none for `dry_run`,
 * which does not show their text. False after a message.
 */
bool prepare_keys(struct plan *plan, const struct manifest *was, bool dry_run);

#endif
