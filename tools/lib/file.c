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

char *file_directory(const char *path)
{
	return xstrndup(path, (size_t)(strrchr(path, '/') - path));
}

int file_make_directory(const char *path)
{
	char *dir = file_directory(path);
	int err = 0;

	if (*dir && mkdir(dir, 0755) < 0)
		err = -errno;
	if (err == -ENOENT) {
		err = file_make_directory(dir);
		if (!err && mkdir(dir, 0755) < 0)
			err = -errno;
	} else if (err && access(dir, F_OK) == 0) {
		err = 0;
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
	char *dir = file_directory(path);
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	free(dir);
	if (fd >= 0) {
		fsync(fd);
		close(fd);
	}
}

char *file_prepare(const char *path, const char *text, mode_t mode)
{
	char *dir = file_directory(path);
	/* Programs that read whole directories want names that end in ".conf". */
	char *prepared = xasprintf("%s/.chatdnat.XXXXXX", dir);
	int fd = mkostemp(prepared, O_CLOEXEC), err = fd < 0 ? -errno : write_all(fd, text, mode);

	free(dir);
	if (fd >= 0 && close(fd) < 0 && !err)
		err = -errno;
	if (!err)
		return prepared;
	if (fd >= 0)
		unlink(prepared);
	free(prepared);
	errno = -err;
	return NULL;
}

int file_publish(const char *path, const char *prepared)
{
	if (rename(prepared, path) < 0)
		return -errno;
	sync_directory(path);
	return 0;
}

int file_write(const char *path, const char *text, mode_t mode)
{
	int err = file_make_directory(path);
	char *prepared = err ? NULL : file_prepare(path, text, mode);

	if (err)
		return err;
	if (!prepared)
		return -errno;
	err = file_publish(path, prepared);
	if (err)
		unlink(prepared);
	free(prepared);
	return err;
}

int file_link(const char *path, const char *target)
{
	int err = file_make_directory(path);

	if (!err && symlink(target, path) < 0)
		err = -errno;
	if (!err)
		sync_directory(path);
	return err;
}
