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
	TRIAL_STUCK,  /* the kernel refused the former settings */
	TRIAL_LOST,   /* the process in the background was ended */
	TRIAL_SILENT, /* it does not answer */
};

/* The process in the background, as others see it. */
struct trial_peer {
	int fd; /* or -1 */
	int process;
};

#define TRIAL_SECONDS 60
#define TRIAL_SECONDS_MAX 86400

/*
 * Starts the process and has it apply a change, with the lock held: `apply` writes to the module, and says why if it
 * fails. *peer is for the functions below.
 */
enum trial trial_start(struct trial_peer *peer, unsigned int seconds,
		       bool (*apply)(struct module *, void *), void *data);

/* The outcome; waits until there is one. */
enum trial trial_wait(const struct trial_peer *peer);

/* Confirms the change, or has it reverted at once. The outcome, or TRIAL_SILENT after some seconds: the process may be stopped. */
enum trial trial_answer(const struct trial_peer *peer, bool keep);

/* The same for a process that another program has started. False, after a message, if no change waits, or for want of permission. */
bool trial_connect(struct trial_peer *peer);

/* Whether a change waits for its confirmation. */
bool trial_pending(void);

#endif
