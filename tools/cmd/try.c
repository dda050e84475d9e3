// SPDX-License-Identifier: GPL-2.0
#include "try.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../lib/text.h"
#include "command.h"
#include "set.h"

static bool is_seconds(const char *word, unsigned int *seconds)
{
	char *end;
	long n;

	if (!word || !*word || word[strspn(word, "0123456789")])
		return false;
	errno = 0;
	n = strtol(word, &end, 10);
	if (errno || n < 1 || n > TRIAL_SECONDS_MAX)
		return false;
	*seconds = (unsigned int)n;
	return true;
}

bool try_option(int *argc, char **argv, unsigned int *seconds)
{
	static const char option[] = "--confirm";
	int i, n = 0;

	for (i = 0; i < *argc; i++) {
		const char *value = NULL;

		if (argv[i][0] != '-') {
			argv[n++] = argv[i];
			continue;
		}
		if (!strcmp(argv[i], option)) {
			value = i + 1 < *argc ? argv[++i] : NULL;
		} else if (!strncmp(argv[i], option, strlen(option)) &&
			   argv[i][strlen(option)] == '=') {
			value = argv[i] + strlen(option) + 1;
		} else {
			error("no such option: '%s'; see chatdnatctl --help", argv[i]);
			return false;
		}
		if (!is_seconds(value, seconds)) {
			error("set: --confirm: '%s' is not a number of seconds from 1 to %d",
			      value ? value : "", TRIAL_SECONDS_MAX);
			return false;
		}
	}
	*argc = n;
	return true;
}

int try_say(enum trial what, const struct trial_peer *peer)
{
	switch (what) {
	case TRIAL_UNCHANGED:
		text_line("nothing to confirm: these settings are active already");
		return DONE;
	case TRIAL_CONFIRMED:
		text_line("confirmed; chatdnatctl save keeps it across reboots");
		return DONE;
	case TRIAL_REVERTED:
		text_line("not confirmed: the former settings are active again");
		return FAILED;
	case TRIAL_OVERTAKEN:
		error("not reverted: the settings were changed, or the module unloaded, since");
		return FAILED;
	case TRIAL_STUCK:
		error("not reverted: the kernel refused the former settings; see: dmesg");
		return FAILED;
	case TRIAL_LOST:
		error("the process that waits for the confirmation has ended; look at chatdnatctl show");
		return FAILED;
	case TRIAL_SILENT:
		error("the process %d, which waits for the confirmation, does not answer; if it is stopped: kill -CONT %d",
		      peer->process, peer->process);
		return FAILED;
	default:
		return FAILED;
	}
}

/* A line on the terminal confirms; the end of the input does not. */
static enum trial wait_for_enter(const struct trial_peer *peer)
{
	struct pollfd fds[] = { { .fd = peer->fd, .events = POLLIN },
				{ .fd = STDIN_FILENO, .events = POLLIN } };
	char line[256];

	for (;;) {
		ssize_t n;

		if (poll(fds, 2, -1) < 0 && errno == EINTR)
			continue;
		if (fds[0].revents)
			return trial_wait(peer);
		n = read(STDIN_FILENO, line, sizeof(line));
		if (n > 0 && memchr(line, '\n', (size_t)n))
			return trial_answer(peer, true);
		if (n <= 0)
			fds[1].fd = -1;
	}
}

int try_change(unsigned int seconds, bool (*apply)(struct module *, void *), void *data)
{
	bool terminal = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
	struct trial_peer peer;
	enum trial what;
	int ret = DONE;

	fflush(stdout);
	what = trial_start(&peer, seconds, apply, data);
	if (what == TRIAL_APPLIED) {
		text_line("applied for %u s; to keep it, %schatdnatctl confirm", seconds,
			  terminal ? "press Enter, or run: " : "run: ");
		fflush(stdout);
		if (terminal)
			ret = try_say(wait_for_enter(&peer), &peer);
	} else {
		ret = try_say(what, &peer);
	}
	if (peer.fd >= 0)
		close(peer.fd);
	return ret;
}

static int try(int argc, char **argv, const struct options *options)
{
	(void)options;
	return set_settings(argc, argv, TRIAL_SECONDS);
}

const struct command try_command = {
	.name = "try",
	.arguments = " NAME=VALUE...",
	.summary = "change settings, and change them back unless confirmed",
	.help = "Changes settings like `chatdnatctl set'. The former ones come back after 60\n"
		"seconds unless Enter is pressed here, or `chatdnatctl confirm' is run, before:\n"
		"a change that locks you out ends by itself. A process in the background does\n"
		"that, even if the terminal is closed. It does not undo later changes by others,\n"
		"and logs the result to the kernel log. On a terminal, the\n"
		"exit status is 0 if the change was confirmed and 1 if it was reverted; otherwise\n"
		"the command does not wait. `chatdnatctl set --confirm' takes another time.\n\n"
		"  chatdnatctl try guard=full allow=2222\n",
	.run = try,
};
