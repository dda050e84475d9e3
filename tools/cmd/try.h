/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNATCTL_TRY_H
#define CHATDNATCTL_TRY_H

#include <stdbool.h>

#include "../module/trial.h"

/* Takes "--confirm SECONDS" out of the arguments. False, after a message, if that is not a number of seconds. */
bool try_option(int *argc, char **argv, unsigned int *seconds);

/* Prints what has become of a change. An exit status. */
int try_say(enum trial what, const struct trial_peer *peer);

/* Makes a change that has to be confirmed; on a terminal, waits for that. An exit status. */
int try_change(unsigned int seconds, bool (*apply)(struct module *, void *), void *data);

#endif
