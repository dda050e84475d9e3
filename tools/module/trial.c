// SPDX-License-Identifier: GPL-2.0
#include "trial.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "../lib/text.h"
#include "trial_guard.h"

#define LOCK TRIAL_SOCKET ".lock"

/* More than the process waits for the lock of other commands. */
#define ANSWER_SECONDS 10

static const struct sockaddr_un address = {
	.sun_family = AF_UNIX,
	.sun_path = TRIAL_SOCKET,
};

/* Held as long as a change waits. */
static int take_lock(void)
{
	int fd = open(LOCK, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0) {
		if (errno == EACCES || errno == EPERM)
			error("needs root");
		else
			error("cannot open " LOCK ": %s", strerror(errno));
	} else if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno == EWOULDBLOCK)
			error("another change waits for its confirmation: chatdnatctl confirm, or chatdnatctl confirm --revert");
		else
			error("cannot lock " LOCK ": %s", strerror(errno));
		close(fd);
		fd = -1;
	}
	return fd;
}

bool trial_pending(void)
{
	int fd = open(LOCK, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	bool pending;

	if (fd < 0)
		return false;
	pending = flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK;
	close(fd);
	return pending;
}

/* Replaces the socket of a process that was killed: the caller holds the lock, so that no process uses it. */
static int listen_there(void)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	mode_t mask = umask(0177);
	bool ok;

	if (unlink(address.sun_path) < 0 && errno != ENOENT)
		ok = false;
	else
		ok = fd >= 0 && bind(fd, (const struct sockaddr *)&address, sizeof(address)) == 0 &&
		     listen(fd, 8) == 0;
	umask(mask);
	if (!ok) {
		error("cannot listen at %s: %s", address.sun_path, strerror(errno));
		if (fd >= 0)
			close(fd);
		return -1;
	}
	return fd;
}

static _Noreturn void background(int front, int said, unsigned int seconds,
				 bool (*apply)(struct module *, void *), void *data)
{
	struct trial_guard guard = { .front = front, .seconds = seconds };

	/* A terminal that is stopped must not stop the process that reverts. */
	dup2(said, STDOUT_FILENO);
	dup2(said, STDERR_FILENO);
	close(said);
	guard.lock = take_lock();
	if (guard.lock < 0 || (guard.listener = listen_there()) < 0)
		trial_guard_tell(&guard, TRIAL_FAILED);
	else if (trial_guard_begin(&guard, apply, data))
		trial_guard_wait(&guard);
	/* Not exit(): it would print the parent's buffered output once more. */
	_exit(0);
}

/* The messages of the process in the background. */
static void pass_on(int said)
{
	char text[512];
	off_t at = 0;
	ssize_t n;

	for (; (n = pread(said, text, sizeof(text), at)) > 0; at += n)
		fwrite(text, 1, (size_t)n, stderr);
	close(said);
}

enum trial trial_start(struct trial_peer *peer, unsigned int seconds,
		       bool (*apply)(struct module *, void *), void *data)
{
	int ends[2], said = memfd_create("chatdnatctl", MFD_CLOEXEC);
	enum trial what;
	pid_t child;

	*peer = (struct trial_peer){ .fd = -1 };
	if (said < 0 || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0 ||
	    (child = fork()) < 0) {
		error("cannot start a process in the background: %s", strerror(errno));
		return TRIAL_FAILED;
	}
	if (!child) {
		close(ends[0]);
		background(ends[1], said, seconds, apply, data);
	}
	close(ends[1]);
	*peer = (struct trial_peer){ .fd = ends[0], .process = child };
	what = trial_wait(peer);
	pass_on(said);
	return what;
}

enum trial trial_wait(const struct trial_peer *peer)
{
	unsigned char said;
	ssize_t n;

	do
		n = recv(peer->fd, &said, 1, 0);
	while (n < 0 && errno == EINTR);
	if (n < 0 && errno == EAGAIN)
		return TRIAL_SILENT;
	return n == 1 ? (enum trial)said : TRIAL_LOST;
}

enum trial trial_answer(const struct trial_peer *peer, bool keep)
{
	const struct timeval limit = { .tv_sec = ANSWER_SECONDS };

	setsockopt(peer->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	/* If the other process has ended, trial_wait() returns TRIAL_LOST. */
	send(peer->fd, keep ? TRIAL_KEEP : TRIAL_REVERT, 1, MSG_NOSIGNAL);
	return trial_wait(peer);
}

bool trial_connect(struct trial_peer *peer)
{
	struct ucred owner;
	socklen_t size = sizeof(owner);
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0 &&
	    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &owner, &size) == 0 &&
	    fcntl(fd, F_SETFL, 0) == 0) {
		*peer = (struct trial_peer){ .fd = fd, .process = owner.pid };
		return true;
	}
	if (errno == EACCES || errno == EPERM)
		error("needs root");
	else if (errno == ENOENT || errno == ECONNREFUSED)
		error("no change waits for confirmation");
	else
		error("cannot connect to %s: %s", address.sun_path, strerror(errno));
	if (fd >= 0)
		close(fd);
	return false;
}
