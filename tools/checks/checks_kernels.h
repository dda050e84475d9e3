/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNATCTL_CHECKS_KERNELS_H
#define CHATDNATCTL_CHECKS_KERNELS_H

#include "../module/kernels.h"
#include "checks.h"

/* Whether each installed kernel has the module. */
void check_kernels(struct findings *findings, const struct kernels *kernels);

/* What loads the module at boot, and whether it succeeded. */
void check_boot(struct findings *findings, const struct state *state);

#endif
