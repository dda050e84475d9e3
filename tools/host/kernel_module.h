/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNATCTL_KERNEL_MODULE_H
#define CHATDNATCTL_KERNEL_MODULE_H

#include <stdbool.h>

/*
 * Whether a kernel module is loaded, or built into the kernel: asking by netlink would load it. True if that
 * is unknown.
 */
bool kernel_module_loaded(const char *name);

#endif
