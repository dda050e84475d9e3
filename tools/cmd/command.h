/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNATCTL_COMMAND_H
#define CHATDNATCTL_COMMAND_H

#include <stdbool.h>

enum { DONE = 0, FAILED = 1, USAGE = 2 };

struct options {
	bool json;
	bool flag; /* the command's own option */
	bool quiet;
};

struct command {
	const char *name, *arguments, *summary, *help;
	const char *flag; /* its own option, if it has one */
	bool reads;	  /* takes --json */
	bool parses;	  /* finds other options among its arguments */
	bool quiets;	  /* takes --quiet */
	int (*run)(int argc, char **argv, const struct options *options);
};

extern const struct command status_command, check_command, show_command, set_command, save_command,
	load_command, try_command, confirm_command, setup_command;

#endif
