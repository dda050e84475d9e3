/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNATCTL_SYSFS_H
#define CHATDNATCTL_SYSFS_H

/* The text of a small file without its last newline; NULL and errno if it cannot be read. */
char *sysfs_read(const char *path);

/* The number in a file, -1 if there is none. */
long long sysfs_read_number(const char *path);

/* One write(2). 0, or a negative errno; -EMSGSIZE if the text does not fit into one. */
int sysfs_write(const char *path, const char *text);

#endif
