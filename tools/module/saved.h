/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNATCTL_SAVED_H
#define CHATDNATCTL_SAVED_H

#include <stdbool.h>

#include "config.h"

#define SAVED_OPTIONS "/etc/modprobe.d/chatdnat.conf"
#define SAVED_LOAD "/etc/modules-load.d/chatdnat.conf"
#define SAVED_UCI "/etc/config/chatdnat"

/* OpenWrt does not read the first two; a service applies SAVED_UCI. */
bool saved_in_uci(void);

/* The contents of SAVED_OPTIONS with which modprobe reproduces the configuration. */
char *saved_render(const struct config *config);

/*
 * The settings that modprobe gives the module, from SAVED_OPTIONS and all other files that it reads, with their origins: 1;
 * 0 if there are none; or a negative errno, if SAVED_OPTIONS cannot be read.
 */
int saved_read(struct config *config);

/* Whether the kernel takes a setting of this name. `active` has those of the loaded module. */
bool saved_name_known(const char *name, const struct config *active);

/* The setting that a misspelt name probably means, or NULL. */
const char *saved_nearest_name(const char *name, const struct config *active);

/* Whether a value is the one that a module has without the setting. */
bool saved_is_default(const char *name, const char *value);

/* Whether both have the same value of a setting, however it is spelt. */
bool saved_same(const struct config *a, const struct config *b, const char *name);

/* The settings of a module that is loaded with the saved configuration. */
void saved_complete(struct config *config, const struct config *saved);

/* The names, separated by commas, whose saved value is not the active one; empty if none. */
char *saved_differences(const struct config *saved, const struct config *active);

#endif
