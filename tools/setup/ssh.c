// SPDX-License-Identifier: GPL-2.0
#include "ssh.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "../host/directory.h"
#include "../host/link.h"
#include "../host/sysfs.h"
#include "../host/wireguard.h"
#include "../lib/mem.h"
#include "../lib/text.h"

#define SSHD "/etc/ssh/sshd_config"

/* Adds a port on which something listens; nothing does if sshd was told another port and not yet restarted. */
static void add(char **allow, struct ports *known, const struct state *state, unsigned long port)
{
	char *longer;

	if (!port || port > 65535 || ports_contain(known, TCP, (uint16_t)port) ||
	    !sockets_have(&state->sockets, TCP, (uint16_t)port))
		return;
	ports_add(known, TCP, (uint16_t)port);
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

/* sudo drops the variable: the shell that it was called from has it. To be freed, or NULL. */
static char *connection(void)
{
	const char *own = getenv("SSH_CONNECTION");
	char *found = own ? xstrdup(own) : NULL;
	unsigned long process;

	for (process = (unsigned long)getppid(); process > 1 && !found; process = parent_of(process))
		found = variable_of(process, "SSH_CONNECTION");
	return found;
}

static const struct link *link_of(const struct state *state, const struct address *address)
{
	size_t i;

	for (i = 0; i < state->links.n; i++)
		if (link_has_address(&state->links.v[i], address))
			return &state->links.v[i];
	return NULL;
}

struct session ssh_session(const struct state *state)
{
	struct session session = { .port = 0 };
	char *words = connection(), server[46];
	struct address address;
	struct wireguard wg;
	unsigned int port;

	/* "CLIENT PORT SERVER PORT" */
	if (words && sscanf(words, "%*s %*s %45s %u", server, &port) == 2 && port < 65536) {
		if (sockets_have(&state->sockets, TCP, (uint16_t)port))
			session.port = (uint16_t)port;
		if (address_parse(&address, V4, server) || address_parse(&address, V6, server))
			session.link = link_of(state, &address);
	}
	free(words);
	if (!session.link || !wireguard_kind(session.link->kind))
		return session;
	if (!wireguard_read(&wg, session.link->name, session.link->kind) && wg.port > 0)
		session.tunnel = (uint16_t)wg.port;
	wireguard_free(&wg);
	return session;
}

/* By the session that this runs in, sshd's configuration, and the port that all use. */
static char *find(const struct state *state, const struct session *session)
{
	struct ports *known = xcalloc(1, sizeof(*known));
	char *allow = xstrdup("");
	size_t n, i;
	char **names = directory_names(SSHD ".d", NULL, &n);

	add(&allow, known, state, 22);
	add(&allow, known, state, session->port);
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

/* Adds the port of a tunnel. */
static char *add_tunnel(char *allow, struct ports *ports, uint16_t port)
{
	char *longer;

	if (!port || ports_contain(ports, UDP, port))
		return allow;
	ports_add(ports, UDP, port);
	longer = xasprintf("%s,%u/udp", allow, port);
	free(allow);
	return longer;
}

char *ssh_allow(const struct state *state, const struct session *session, const char *wish,
		uint16_t tunnel)
{
	struct ports *ports = xcalloc(1, sizeof(*ports));
	char *allow = wish ? xstrdup(wish) : find(state, session);
	bool good = false;

	if (!*allow) {
		free(allow);
		allow = xstrdup("ssh");
	}
	if (!ports_parse(ports, allow) || strpbrk(allow, " \t\n\"\\"))
		error("setup: --allow: '%s' is not a list of ports, separated by commas, as in ssh,2222/tcp",
		      allow);
	else if (session->port && !ports_contain(ports, TCP, session->port))
		error("setup: --allow: '%s' lacks %u/tcp, the port of this SSH session, which would be locked out: add it",
		      allow, session->port);
	else
		good = true;
	if (good)
		allow = add_tunnel(add_tunnel(allow, ports, tunnel), ports, session->tunnel);
	free(ports);
	if (good)
		return allow;
	free(allow);
	return NULL;
}
