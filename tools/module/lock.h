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

#endif
