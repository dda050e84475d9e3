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

/* 1 and the settings of SAVED_OPTIONS, 0 if it does not exist, or a negative errno. */
int saved_read(struct config *config);

/* The settings of a module that is loaded with the saved configuration. */
void saved_complete(struct config *config, const struct config *saved);

/* The names, separated by commas, whose saved value is not the active one; empty if none. */
char *saved_differences(const struct config *saved, const struct config *active);

#endif
