// SPDX-License-Identifier: GPL-2.0
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../lib/mem.h"
#include "../lib/text.h"
#include "../lib/version.h"
#include "command.h"

static const struct command *const commands[] = {
	&status_command,  &check_command, &show_command, &set_command,	 &try_command,
	&confirm_command, &save_command,  &load_command, &setup_command,
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static const struct command *command_named(const char *name)
{
	size_t i;

	for (i = 0; i < COMMANDS; i++)
		if (!strcmp(commands[i]->name, name))
			return commands[i];
	return NULL;
}

static int print_help(const struct command *command)
{
	char *usage;
	size_t i;

	if (command) {
		usage = xasprintf("Usage: chatdnatctl %s%s\n\n", command->name, command->arguments);
		text_help(usage);
		text_help(command->help);
		free(usage);
		return DONE;
	}
	text_help("Usage: chatdnatctl [COMMAND] [ARGUMENT...]\n\nCommands:\n");
	for (i = 0; i < COMMANDS; i++)
		text_field(PLAIN, 2, commands[i]->name, 9, "%s", commands[i]->summary);
	text_help("\nOptions:\n"
		  "  --json     print JSON (status, check, show)\n"
		  "  --help     this text; after a command, that command's; also: help COMMAND\n"
		  "  --version  the tool's version; also: -v, version\n\n"
		  "Exit status: 0 done, 1 refused or failed, 2 usage. See chatdnatctl(8).\n");
	return DONE;
}

static int print_version(void)
{
	printf("chatdnatctl %s\n", tool_version);
	return DONE;
}

static int usage(const char *what, const char *word)
{
	error("%s: '%s'; see chatdnatctl --help", what, word);
	return USAGE;
}

static int run(int argc, char **argv)
{
	const struct command *command = NULL;
	struct options options = { 0 };
	bool help = false, only_arguments = false;
	int i, n = 0;

	for (i = 1; i < argc; i++) {
		const char *word = argv[i];

		if (only_arguments || word[0] != '-' || !word[1]) {
			if (command)
				argv[n++] = argv[i];
			else if (!help && !strcmp(word, "help"))
				help = true;
			else if (!strcmp(word, "version") && i == argc - 1)
				return print_version();
			else if (!(command = command_named(word)))
				return usage("no such command", word);
		} else if (!strcmp(word, "--")) {
			only_arguments = true;
		} else if (!strcmp(word, "--json")) {
			options.json = true;
		} else if (!strcmp(word, "--help") || !strcmp(word, "-h")) {
			help = true;
		} else if (!strcmp(word, "--version") || !strcmp(word, "-V") ||
			   !strcmp(word, "-v")) {
			return print_version();
		} else if (command && command->quiets &&
			   (!strcmp(word, "--quiet") || !strcmp(word, "-q"))) {
			options.quiet = true;
		} else if (command && command->flag && !strcmp(word, command->flag)) {
			options.flag = true;
		} else if (command && command->parses) {
			argv[n++] = argv[i];
		} else {
			return usage("no such option", word);
		}
	}
	if (help)
		return print_help(command);
	if (!command)
		command = &status_command;
	if (options.json && !command->reads)
		return usage("no such option", "--json");
	return command->run(n, argv, &options);
}

/* Else the next file that is opened becomes standard output, and gets what is printed. Printing still fails. */
static bool fill_standard_files(void)
{
	int fd;

	for (fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 &&
		    open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
			return false;
	return true;
}

int main(int argc, char **argv)
{
	int ret;

	if (!fill_standard_files())
		return FAILED;
	ret = run(argc, argv);
	if (fflush(stdout) || ferror(stdout)) {
		error("cannot write the output");
		ret = ret ? ret : FAILED;
	}
	return ret;
}
