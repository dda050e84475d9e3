/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNATCTL_KERNEL_LOG_H
#define CHATDNATCTL_KERNEL_LOG_H

#include "config.h"

/* The module's lines in the kernel log, since it was last loaded, unloaded, or refused. */
struct kernel_log {
	int err;	/* negative errno: the log cannot be read */
	char *refusal;	/* why the last load failed, in the module's words; NULL: it did not */
	char **ignored; /* the parameters of the last load that the module does not have */
	size_t n;
};

void kernel_log_read(struct kernel_log *log);
void kernel_log_free(struct kernel_log *log);

/* The saved setting for which the last load was refused; NULL: there is none, or it was changed since. */
const struct setting *kernel_log_refused(const struct kernel_log *log, const struct config *saved);

/* For the next two: the log's present end. -1 if it cannot be read. */
int kernel_log_end(void);

/*
 * The module's first error since then, or NULL: what the kernel adds about the same parameter says less. To be freed.
 */
char *kernel_log_refusal(int fd);

/* Prints the module's warnings since then, and closes it. */
void kernel_log_warnings(int fd);

#endif
