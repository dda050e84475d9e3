/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNATCTL_KMSG_H
#define CHATDNATCTL_KMSG_H

/* Whatever the kernel logs from now on. Negative if its log cannot be read. To be closed. */
int kmsg_open(void);

/*
 * The first message since then of level error or worse that begins with the prefix, without it, or NULL: the kernel adds
 * its own behind that of the module. To be freed.
 */
char *kmsg_complaint(int fd, const char *prefix);

/* Logs a line of this program's at the level of a notice. For what nobody may be there to read. */
void kmsg_write(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
