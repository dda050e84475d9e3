// SPDX-License-Identifier: GPL-2.0
#include "lock.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "../lib/text.h"

/* Not in /run/lock, where anybody may create files, nor readable: any user who can open it could hold it. */
#define LOCK "/run/chatdnatctl.lock"
#define LOCK_SETUP "/run/chatdnatctl.setup.lock"

static int held = -1;

/* Waits for ever, or in steps of 50 ms. */
static int lock(int fd, unsigned int seconds)
{
	const struct timespec step = { .tv_nsec = 50000000 };
	unsigned int steps = seconds * 20;
	int err;

	for (;;) {
		do
			err = flock(fd, seconds ? LOCK_EX | LOCK_NB : LOCK_EX);
		while (err < 0 && errno == EINTR);
		if (!err || errno != EWOULDBLOCK || !steps--)
			return err;
		nanosleep(&step, NULL);
	}
}

static int lock_open(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0 && (errno == EACCES || errno == EPERM))
		error("needs root");
	else if (fd < 0)
		error("cannot open %s: %s", path, strerror(errno));
	return fd;
}

bool lock_take_within(unsigned int seconds)
{
	int fd = lock_open(LOCK);

	if (fd < 0)
		return false;
	if (lock(fd, seconds) < 0) {
		error("cannot lock %s: %s", LOCK, strerror(errno));
		close(fd);
		return false;
	}
	held = fd;
	return true;
}

bool lock_setup(void)
{
	int fd = lock_open(LOCK_SETUP);

	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) == 0)
		return fd >= 0;
	if (errno == EWOULDBLOCK)
		error("setup: another chatdnatctl setup runs");
	else
		error("cannot lock %s: %s", LOCK_SETUP, strerror(errno));
	close(fd);
	return false;
}

bool lock_take(void)
{
	return lock_take_within(0);
}

void lock_release(void)
{
	close(held);
	held = -1;
}
