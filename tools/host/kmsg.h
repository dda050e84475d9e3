/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNATCTL_KMSG_H
#define CHATDNATCTL_KMSG_H

/* Logs a line of this program's at the level of a notice. For messages without a terminal. */
void kmsg_write(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
