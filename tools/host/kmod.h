/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNATCTL_KMOD_H
#define CHATDNATCTL_KMOD_H

#include <stdbool.h>

/* libkmod, the library of modprobe(8), if this host has it. */
struct kmod;

/* NULL if the library is missing, or cannot read the index of the running kernel's modules. To be closed. */
struct kmod *kmod_open(const char *name);
void kmod_close(struct kmod *kmod);

/* False: no such module is installed for the running kernel. */
bool kmod_installed(const struct kmod *kmod);

/* Whether the installed module has a parameter; true if its parameters cannot be read. */
bool kmod_has_parameter(const struct kmod *kmod, const char *name);

/* Loads the module and what it needs, as modprobe does, with the options in modprobe.d. 0, or a negative errno. */
int kmod_load(struct kmod *kmod);

#endif
