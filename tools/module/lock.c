// SPDX-License-Identifier: GPL-2.0
#include "lock.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "../lib/text.h"

/* Not in /run/lock, where anybody may create files, nor readable: any user who can open it could hold it. */
#define LOCK "/run/chatdnatctl.lock"

static int held = -1;

bool lock_take(void)
{
	int fd = open(LOCK, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600), err;

	if (fd < 0 && (errno == EACCES || errno == EPERM)) {
		error("needs root");
		return false;
	}
	if (fd < 0) {
		error("cannot open %s: %s", LOCK, strerror(errno));
		return false;
	}
	do
		err = flock(fd, LOCK_EX);
	while (err < 0 && errno == EINTR);
	if (err < 0) {
		error("cannot lock %s: %s", LOCK, strerror(errno));
		close(fd);
		return false;
	}
	held = fd;
	return true;
}

void lock_release(void)
{
	close(held);
	held = -1;
}
