/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNATCTL_MODPROBE_H
#define CHATDNATCTL_MODPROBE_H

#include "config.h"

/*
 * Appends the module's options as modprobe passes them to the kernel, each with its origin: those of all files that it
 * reads, in its order, then those of the kernel's command line. Files that cannot be read are left out. 1 if SAVED_OPTIONS
 * is among them, 0 if it does not exist, or a negative errno.
 */
int modprobe_read(struct config *options);

#endif
