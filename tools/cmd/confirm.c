// SPDX-License-Identifier: GPL-2.0
#include <unistd.h>

#include "../lib/text.h"
#include "command.h"
#include "try.h"

static int confirm(int argc, char **argv, const struct options *options)
{
	enum trial what;
	int fd;

	(void)argv;
	if (argc) {
		error("confirm: takes no arguments");
		return USAGE;
	}
	fd = trial_connect();
	if (fd < 0)
		return FAILED;
	trial_answer(fd, !options->flag);
	what = trial_wait(fd);
	close(fd);
	if (options->flag && what == TRIAL_REVERTED) {
		text_line("reverted: the former settings are active again");
		return DONE;
	}
	return try_say(what);
}

const struct command confirm_command = {
	.name = "confirm",
	.arguments = " [--revert]",
	.summary = "keep what `try' changed",
	.help = "Confirms the change that `chatdnatctl try' or `set --confirm' has made, and that\n"
		"is reverted otherwise. Fails if none waits, for instance because it was reverted\n"
		"in the meantime.\n\n"
		"  --revert  revert it now\n",
	.flag = "--revert",
	.run = confirm,
};
