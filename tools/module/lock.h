/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNATCTL_LOCK_H
#define CHATDNATCTL_LOCK_H

#include <stdbool.h>

/*
 * Waits until no other chatdnatctl changes or saves the configuration; held until the program
 * ends or releases it. False, after saying why, on failure.
 */
bool lock_take(void);
void lock_release(void);

/* The same, but no longer than some seconds. */
bool lock_take_within(unsigned int seconds);

/* Another one, without waiting, until the program ends: two programs would set up two different tunnels. */
bool lock_setup(void);

#endif
