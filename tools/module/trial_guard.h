/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNATCTL_TRIAL_GUARD_H
#define CHATDNATCTL_TRIAL_GUARD_H

#include <sys/stat.h>

#include "trial.h"

/* In a directory where root alone may create files. */
#define TRIAL_SOCKET "/run/chatdnatctl.try"

/* The messages of trial_answer(). */
#define TRIAL_KEEP "k"
#define TRIAL_REVERT "r"

/* The process in the background. */
struct trial_guard {
	int front;    /* the program that started it, for as long as it runs */
	int lock;     /* held as long as the change waits */
	int listener; /* for other programs */
	unsigned int seconds;

	int timer, signals;
	char *before, *after; /* the settings */
	ino_t loaded;	      /* of the module's directory: another one after a reload */
};

/* Applies the change, and leaves the session. False if there is nothing to wait for; that was told. */
bool trial_guard_begin(struct trial_guard *guard, bool (*apply)(struct module *, void *),
		       void *data);

/* Until the change is confirmed or reverted. */
void trial_guard_wait(struct trial_guard *guard);

/* To be called before the outcome is told: the reader may start the next change, or save this one, at once. */
void trial_guard_end(struct trial_guard *guard);

void trial_guard_tell(const struct trial_guard *guard, enum trial what);

#endif
