// SPDX-License-Identifier: GPL-2.0
#include "trial_guard.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "../host/directory.h"
#include "../host/kmsg.h"
#include "../host/sysfs.h"
#include "../lib/text.h"
#include "lock.h"

/* To wait for another command, which needs milliseconds. */
#define LOCK_SECONDS 5

static void tell(int fd, enum trial what)
{
	unsigned char said = (unsigned char)what;

	send(fd, &said, 1, MSG_NOSIGNAL | MSG_DONTWAIT);
}

void trial_guard_tell(const struct trial_guard *guard, enum trial what)
{
	if (guard->front >= 0)
		tell(guard->front, what);
}

void trial_guard_end(struct trial_guard *guard)
{
	/* In this order: without the lock, the socket may be the next one's. */
	unlink(TRIAL_SOCKET);
	close(guard->lock);
}

static ino_t directory(void)
{
	struct stat st;

	return stat(MODULE_DIR, &st) < 0 ? 0 : st.st_ino;
}

/* To be freed; NULL, after a message, if the module is not loaded. */
static char *settings(void)
{
	struct module module;
	char *line;

	if (!module_read(&module))
		return NULL;
	line = config_format(&module.config);
	module_free(&module);
	return line;
}

/* Survives the end of the terminal and of its session. Signals that would end the process make it revert first. */
static bool leave_session(struct trial_guard *guard)
{
	static const int ends[] = { SIGINT,  SIGQUIT, SIGTERM,	 SIGUSR1, SIGUSR2,
				    SIGALRM, SIGXCPU, SIGVTALRM, SIGPROF, SIGIO };
	sigset_t set;
	size_t i;

	setsid();
	signal(SIGHUP, SIG_IGN);
	/* The reader of the module's warnings may be gone. */
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	for (i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		sigaddset(&set, ends[i]);
	sigprocmask(SIG_BLOCK, &set, NULL);
	guard->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	/* It counts on while the host is suspended, whatever happens to the clock. */
	guard->timer = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
	sysfs_write("/proc/self/oom_score_adj", "-1000");
	if (guard->signals >= 0 && guard->timer >= 0)
		return true;
	error("cannot wait in the background: %s", strerror(errno));
	return false;
}

/* A reader of the first process's output must not wait for this process; inherited descriptors may also hold locks. */
static void leave_files(void)
{
	int fd, flags, null = open("/dev/null", O_RDWR | O_CLOEXEC);
	size_t n, i;
	char **names = directory_names("/proc/self/fd", NULL, &n);

	for (fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		dup2(null, fd);
	/* This program opens all files with O_CLOEXEC: descriptors without it are inherited. */
	for (i = 0; i < n; i++) {
		fd = atoi(names[i]);
		flags = fcntl(fd, F_GETFD);
		if (fd > STDERR_FILENO && flags >= 0 && !(flags & FD_CLOEXEC))
			close(fd);
	}
	names_free(names, n);
	if (null > STDERR_FILENO)
		close(null);
	if (chdir("/") < 0)
		kmsg_write("try: cannot leave the directory: %s", strerror(errno));
}

static enum trial begin(struct trial_guard *guard, bool (*apply)(struct module *, void *),
			void *data)
{
	struct itimerspec end = { .it_value.tv_sec = guard->seconds };
	struct module module;
	bool done;

	if (!module_open(&module, true))
		return TRIAL_FAILED;
	guard->before = config_format(&module.config);
	done = apply(&module, data);
	module_free(&module);
	if (!done)
		return TRIAL_FAILED;
	guard->loaded = directory();
	guard->after = settings();
	if (!guard->after)
		return TRIAL_OVERTAKEN;
	if (!strcmp(guard->before, guard->after))
		return TRIAL_UNCHANGED;
	timerfd_settime(guard->timer, 0, &end, NULL);
	return TRIAL_APPLIED;
}

bool trial_guard_begin(struct trial_guard *guard, bool (*apply)(struct module *, void *), void *data)
{
	enum trial what = TRIAL_FAILED;

	if (leave_session(guard))
		what = begin(guard, apply, data);
	lock_release();
	if (what == TRIAL_APPLIED)
		leave_files();
	else
		trial_guard_end(guard);
	trial_guard_tell(guard, what);
	return what == TRIAL_APPLIED;
}

static enum trial put_back(const struct trial_guard *guard)
{
	char *now = guard->loaded == directory() ? settings() : NULL, *reason;
	enum trial what = TRIAL_REVERTED;

	if (!now || strcmp(now, guard->after) != 0) {
		kmsg_write("try: not reverted: %s", now ? "the settings were changed since" :
							  "the module was unloaded since");
		what = TRIAL_OVERTAKEN;
	} else if (module_try("config", guard->before, &reason)) {
		kmsg_write("try: not confirmed: the former settings are active again");
	} else {
		kmsg_write("try: cannot revert: %s", reason ? reason : "the kernel gives no reason");
		free(reason);
		what = TRIAL_STUCK;
	}
	free(now);
	return what;
}

static enum trial revert(const struct trial_guard *guard)
{
	/* Reverts without the lock if another command hangs, or /run is not writable. */
	bool locked = lock_take_within(LOCK_SECONDS);
	enum trial what = put_back(guard);

	if (locked)
		lock_release();
	return what;
}

/* Reads a request from a connection, and answers it. False if there is none. */
static bool answer(struct trial_guard *guard, int fd, enum trial *what)
{
	char said = 0;

	if (recv(fd, &said, 1, 0) != 1)
		return false;
	*what = said == *TRIAL_KEEP ? TRIAL_CONFIRMED : revert(guard);
	trial_guard_end(guard);
	tell(fd, *what);
	return true;
}

/* A client sends its request as soon as it has connected. */
static bool call(struct trial_guard *guard, enum trial *what)
{
	struct timeval limit = { .tv_sec = 1 };
	int fd = accept4(guard->listener, NULL, NULL, SOCK_CLOEXEC);
	bool answered;

	if (fd < 0)
		return false;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	answered = answer(guard, fd, what);
	close(fd);
	return answered;
}

void trial_guard_wait(struct trial_guard *guard)
{
	struct pollfd fds[] = {
		{ .fd = guard->timer, .events = POLLIN },
		{ .fd = guard->signals, .events = POLLIN },
		{ .fd = guard->listener, .events = POLLIN },
		{ .fd = guard->front, .events = POLLIN },
	};
	enum trial what = TRIAL_LOST;
	bool decided = false;

	while (!decided) {
		if (poll(fds, sizeof(fds) / sizeof(fds[0]), -1) < 0 && errno == EINTR)
			continue;
		if (fds[0].revents || fds[1].revents) {
			what = revert(guard);
			trial_guard_end(guard);
			decided = true;
		} else if (fds[2].revents) {
			decided = call(guard, &what);
			if (decided)
				break;
		} else if (fds[3].revents) {
			decided = answer(guard, guard->front, &what);
			if (decided)
				return;
			/* It has ended; the change waits on. */
			close(guard->front);
			guard->front = fds[3].fd = -1;
		}
	}
	trial_guard_tell(guard, what);
}
