/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNATCTL_FILE_H
#define CHATDNATCTL_FILE_H

#include <sys/types.h>

#define FILE_READ_MAX (1 << 20)

/*
 * The whole text of a file, which is shorter than FILE_READ_MAX and has no zero byte, or the target of a symbolic link; NULL
 * and errno. To be freed.
 */
char *file_read(const char *path);
char *file_read_link(const char *path);

/*
 * Replaces a file in one step, and makes its directory. A symbolic link in its place is replaced, not followed. 0, or a
 * negative errno.
 */
int file_write(const char *path, const char *text, mode_t mode);
int file_link(const char *path, const char *target);

/*
 * The steps of file_write(), for several files that change together: the directory, which is made with all above it; the text
 * under another name beside the file, or NULL and errno; that name in the place of the file.
 */
char *file_directory(const char *path);
int file_make_directory(const char *path);
char *file_prepare(const char *path, const char *text, mode_t mode);
int file_publish(const char *path, const char *prepared);

#endif
