// SPDX-License-Identifier: GPL-2.0
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mem.h"

static char *read_all(int fd)
{
	char *text = xcalloc(FILE_READ_MAX + 1, 1), *exact = NULL;
	size_t len = 0;
	ssize_t n;

	do {
		n = read(fd, text + len, FILE_READ_MAX - len);
		if (n > 0)
			len += (size_t)n;
	} while (n > 0 || (n < 0 && errno == EINTR));
	if (!n && len == FILE_READ_MAX)
		errno = EFBIG;
	else if (!n && memchr(text, '\0', len))
		errno = EINVAL;
	else if (!n)
		exact = xstrndup(text, len);
	free(text);
	return exact;
}

char *file_read(const char *path)
{
	/* A FIFO is not waited for. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), saved;
	char *text = NULL;
	struct stat st;

	if (fd >= 0 && !fstat(fd, &st)) {
		if (S_ISREG(st.st_mode))
			text = read_all(fd);
		else
			errno = S_ISDIR(st.st_mode) ? EISDIR : EINVAL;
	}

	saved = errno;
	if (fd >= 0)
		close(fd);
	errno = saved;
	return text;
}

char *file_read_link(const char *path)
{
	char target[PATH_MAX];
	ssize_t len = readlink(path, target, sizeof(target));

	return len < 0 || len == sizeof(target) ? NULL : xstrndup(target, (size_t)len);
}

static char *directory_of(const char *path)
{
	return xstrndup(path, (size_t)(strrchr(path, '/') - path));
}

/* With all above it. */
static int make_directory(const char *path)
{
	char *dir = directory_of(path);
	int err = 0;

	if (*dir && mkdir(dir, 0755) < 0 && errno == ENOENT) {
		err = make_directory(dir);
		if (!err && mkdir(dir, 0755) < 0)
			err = -errno;
	} else if (*dir && access(dir, F_OK) < 0) {
		err = -errno;
	}
	free(dir);
	return err;
}

static int write_all(int fd, const char *text, mode_t mode)
{
	size_t left = strlen(text);

	while (left) {
		ssize_t n = write(fd, text, left);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			text += n;
			left -= (size_t)n;
		}
	}
	return fchmod(fd, mode) < 0 || fsync(fd) < 0 ? -errno : 0;
}

static void sync_directory(const char *path)
{
	char *dir = directory_of(path);
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	free(dir);
	if (fd >= 0) {
		fsync(fd);
		close(fd);
	}
}

/* Programs that read whole directories want names that end in ".conf". */
static char *temporary_beside(const char *path)
{
	char *dir = directory_of(path), *name = xasprintf("%s/.chatdnat.XXXXXX", dir);

	free(dir);
	return name;
}

int file_write(const char *path, const char *text, mode_t mode)
{
	char *temporary = temporary_beside(path);
	int err = make_directory(path), fd = -1;

	if (!err) {
		fd = mkostemp(temporary, O_CLOEXEC);
		err = fd < 0 ? -errno : write_all(fd, text, mode);
	}
	if (fd >= 0) {
		if (close(fd) < 0 && !err)
			err = -errno;
		if (!err && rename(temporary, path) < 0)
			err = -errno;
		if (err)
			unlink(temporary);
		else
			sync_directory(path);
	}
	free(temporary);
	return err;
}

int file_link(const char *path, const char *target)
{
	int err = make_directory(path);

	if (!err && symlink(target, path) < 0)
		err = -errno;
	if (!err)
		sync_directory(path);
	return err;
}
