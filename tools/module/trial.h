/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNATCTL_TRIAL_H
#define CHATDNATCTL_TRIAL_H

#include <stdbool.h>

#include "module.h"

/*
 * A change that a process in the background takes back unless it is confirmed in time. That process needs neither the
 * terminal nor the session that started it, nor the network.
 */
enum trial {
	TRIAL_FAILED,	 /* nothing was changed; the reason was printed */
	TRIAL_UNCHANGED, /* these were the settings already */
	TRIAL_APPLIED,	 /* and waits for its confirmation */
	TRIAL_CONFIRMED,
	TRIAL_REVERTED,
	TRIAL_OVERTAKEN, /* not reverted: somebody else has changed the settings, or unloaded the module */
	TRIAL_STUCK, /* the kernel refused the former settings */
	TRIAL_LOST,  /* the process in the background was ended */
};

#define TRIAL_SECONDS 60
#define TRIAL_SECONDS_MAX 86400

/*
 * Starts the process and has it apply a change, with the lock held: `apply` writes to the module, and says why if it
 * fails. *fd is for trial_wait() and trial_answer().
 */
enum trial trial_start(int *fd, unsigned int seconds, bool (*apply)(struct module *, void *),
		       void *data);

/* The outcome; waits until there is one. */
enum trial trial_wait(int fd);

/* Confirms the change, or has it reverted at once; trial_wait() has the outcome. */
void trial_answer(int fd, bool keep);

/* The same for a process that another program has started: -1 if no change waits, or, with a message, for want of permission. */
int trial_connect(void);

/* Whether a change waits for its confirmation. */
bool trial_pending(void);

#endif
