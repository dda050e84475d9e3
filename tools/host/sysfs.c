// SPDX-License-Identifier: GPL-2.0
#include "sysfs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../lib/mem.h"

/* An attribute is at most a page long, and no page is larger than this. */
#define READ_MAX 65536

char *sysfs_read(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), saved;
	char *buf, *text;
	size_t len = 0;
	ssize_t got;

	if (fd < 0)
		return NULL;
	buf = xcalloc(1, READ_MAX + 1);
	while (len < READ_MAX) {
		got = read(fd, buf + len, READ_MAX - len);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		len += (size_t)got;
	}
	saved = errno;
	close(fd);
	if (got < 0) {
		free(buf);
		errno = saved;
		return NULL;
	}
	if (len && buf[len - 1] == '\n')
		buf[len - 1] = '\0';
	text = xstrdup(buf);
	free(buf);
	return text;
}

long long sysfs_read_number(const char *path)
{
	char *text = sysfs_read(path), *end;
	long long n = -1;

	if (text && *text) {
		errno = 0;
		n = strtoll(text, &end, 10);
		if (*end || errno || n < 0)
			n = -1;
	}
	free(text);
	return n;
}

int sysfs_write(const char *path, const char *text)
{
	/* sysfs ignores a write of 0 bytes, so an empty value needs its newline. */
	char *line = xasprintf("%s\n", text);
	size_t len = strlen(line);
	int fd, err = 0;
	ssize_t put;

	/* sysfs cuts a longer write at the page's end and would apply the first part. */
	if (len > (size_t)sysconf(_SC_PAGESIZE)) {
		free(line);
		return -EMSGSIZE;
	}
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0) {
		err = -errno;
	} else {
		do
			put = write(fd, line, len);
		while (put < 0 && errno == EINTR);
		if (put < 0)
			err = -errno;
		else if ((size_t)put != len)
			err = -EIO;
		if (close(fd) < 0 && !err)
			err = -errno;
	}
	free(line);
	return err;
}
