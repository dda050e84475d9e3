// SPDX-License-Identifier: GPL-2.0
#include <unistd.h>

#include "../lib/text.h"
#include "command.h"
#include "try.h"

static int confirm(int argc, char **argv, const struct options *options)
{
	struct trial_peer peer;
	enum trial what;

	(void)argv;
	if (argc) {
		error("confirm: takes no arguments");
		return USAGE;
	}
	if (!trial_connect(&peer))
		return FAILED;
	what = trial_answer(&peer, !options->flag);
	close(peer.fd);
	if (options->flag && what == TRIAL_REVERTED) {
		text_line("reverted: the former settings are active again");
		return DONE;
	}
	return try_say(what, &peer);
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
