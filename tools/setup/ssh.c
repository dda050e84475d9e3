// SPDX-License-Identifier: GPL-2.0
#include "ssh.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "../host/directory.h"
#include "../host/sysfs.h"
#include "../lib/mem.h"
#include "../lib/text.h"

#define SSHD "/etc/ssh/sshd_config"

/* Adds a port on which something listens; nothing does if sshd was told another port and not yet restarted. */
static void add(char **allow, struct ports *known, const struct state *state, unsigned long port)
{
	char *longer;

	if (!port || port > 65535 || ports_contain(known, TCP, (uint16_t)port) ||
	    !sockets_have(&state->sockets, TCP, port))
		return;
	known->bits[TCP][port / 8] |= (uint8_t)(1 << port % 8);
	if (port == 22)
		longer = xasprintf("%s%sssh", *allow, **allow ? "," : "");
	else
		longer = xasprintf("%s%s%lu/tcp", *allow, **allow ? "," : "", port);
	free(*allow);
	*allow = longer;
}

/* The value of a keyword of sshd_config(5), or NULL: the line has another keyword. */
static const char *value_after(const char *keyword, const char *line)
{
	size_t len = strlen(keyword);

	line += strspn(line, " \t");
	if (strncasecmp(line, keyword, len) != 0 || !line[len] || !strchr(" \t=", line[len]))
		return NULL;
	return line + len + strspn(line + len, " \t=");
}

/* "Port 2222", "ListenAddress 203.0.113.1:2222", "ListenAddress [2001:db8::1]:2222"; 0: none. */
static unsigned long configured_port(const char *line)
{
	const char *port = value_after("Port", line), *address = value_after("ListenAddress", line);

	if (port || !address)
		return port ? strtoul(port, NULL, 10) : 0;
	port = *address == '[' ? strstr(address, "]:") : strchr(address, ':');
	if (!port)
		return 0;
	port += *port == ']' ? 2 : 1;
	/* An IPv6 address without brackets has no port. */
	return strchr(port, ':') ? 0 : strtoul(port, NULL, 10);
}

static void add_configured(char **allow, struct ports *known, const struct state *state,
			   const char *path)
{
	FILE *f = fopen(path, "re");
	char *line = NULL;
	size_t size = 0;

	while (f && getline(&line, &size, f) >= 0)
		add(allow, known, state, configured_port(line));
	if (f)
		fclose(f);
	free(line);
}

/* The server's port in "CLIENT PORT SERVER PORT". */
static unsigned long port_of(const char *connection)
{
	const char *port = connection ? strrchr(connection, ' ') : NULL;

	return port ? strtoul(port, NULL, 10) : 0;
}

/* A variable of another process, when it began. To be freed, or NULL. */
static char *variable_of(unsigned long process, const char *name)
{
	char *path = xasprintf("/proc/%lu/environ", process), *word = NULL, *value = NULL;
	FILE *f = fopen(path, "re");
	size_t size = 0, len = strlen(name);

	while (f && !value && getdelim(&word, &size, '\0', f) >= 0)
		if (!strncmp(word, name, len) && word[len] == '=')
			value = xstrdup(word + len + 1);
	if (f)
		fclose(f);
	free(word);
	free(path);
	return value;
}

static unsigned long parent_of(unsigned long process)
{
	char *path = xasprintf("/proc/%lu/stat", process), *stat = sysfs_read(path);
	/* "PID (NAME) STATE PARENT ..." */
	const char *end = stat ? strrchr(stat, ')') : NULL;
	unsigned long parent = end && strlen(end) > 4 ? strtoul(end + 4, NULL, 10) : 0;

	free(stat);
	free(path);
	return parent;
}

/* sudo drops the variable: the shell that it was called from has it. */
static unsigned long session_port(void)
{
	unsigned long process, port = port_of(getenv("SSH_CONNECTION"));

	for (process = (unsigned long)getppid(); process > 1 && !port;
	     process = parent_of(process)) {
		char *connection = variable_of(process, "SSH_CONNECTION");

		port = port_of(connection);
		free(connection);
	}
	return port;
}

/* By the session that this runs in, sshd's configuration, and the port that all use. */
static char *find(const struct state *state)
{
	struct ports *known = xcalloc(1, sizeof(*known));
	char *allow = xstrdup("");
	size_t n, i;
	char **names = directory_names(SSHD ".d", NULL, &n);

	add(&allow, known, state, 22);
	add(&allow, known, state, session_port());
	add_configured(&allow, known, state, SSHD);
	for (i = 0; i < n; i++) {
		char *path = xasprintf(SSHD ".d/%s", names[i]);

		add_configured(&allow, known, state, path);
		free(path);
	}
	names_free(names, n);
	free(known);
	return allow;
}

char *ssh_allow(const struct state *state, const char *wish, uint16_t tunnel)
{
	struct ports *ports = xcalloc(1, sizeof(*ports));
	char *allow = wish ? xstrdup(wish) : find(state), *all = NULL;

	if (!*allow) {
		free(allow);
		allow = xstrdup("ssh");
	}
	if (!ports_parse(ports, allow) || strpbrk(allow, " \t\n\"\\"))
		error("setup: --allow: '%s' is not a list of ports, separated by commas, as in ssh,2222/tcp",
		      allow);
	else if (!tunnel || ports_contain(ports, UDP, tunnel))
		all = xstrdup(allow);
	else
		all = xasprintf("%s,%u/udp", allow, tunnel);
	free(allow);
	free(ports);
	return all;
}
