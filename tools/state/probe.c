// SPDX-License-Identifier: GPL-2.0
#include "probe.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "../lib/list.h"
#include "../lib/mem.h"

#define RANGE_MAX 16

static void add(struct probes *probes, const struct address *to, uint16_t port, bool outward)
{
	struct probe *p;
	size_t i;

	for (i = 0; i < probes->n; i++)
		if (probes->v[i].port == port && address_equal(&probes->v[i].to, to))
			return;
	if (probes->n == PROBES_MAX) {
		probes->left_out++;
		return;
	}
	probes->v = xgrow(probes->v, probes->n, sizeof(*probes->v));
	p = &probes->v[probes->n++];
	p->to = *to;
	p->port = port;
	p->outward = outward;
	p->speaks_first = port == 25 || port == 587 || port == 143;
	p->fd = -1;
}

static void add_element(struct probes *probes, const struct address *to, const char *element)
{
	struct ports *set = xcalloc(1, sizeof(*set));
	uint32_t port, n = 0;

	ports_parse(set, element);
	for (port = 1; port <= 65535; port++)
		n += ports_contain(set, TCP, (uint16_t)port);
	for (port = 1; port <= 65535; port++) {
		if (!ports_contain(set, TCP, (uint16_t)port))
			continue;
		add(probes, to, (uint16_t)port, false);
		if (n > RANGE_MAX) {
			probes->left_out += n - 1;
			break;
		}
	}
	free(set);
}

void probes_add_relays(struct probes *probes, const struct relays *relays, const char *ports)
{
	size_t n, i, j;
	char **list = list_split(ports, &n);

	for (i = 0; i < relays->n; i++)
		for (j = 0; relays->v[i].valid && j < n; j++)
			add_element(probes, &relays->v[i].address, list[j]);
	free(list);
}

bool probes_add_outward(struct probes *probes, const char *address)
{
	enum family family = strchr(address, ':') ? V6 : V4;
	struct address to;

	if (!address_parse(&to, family, address))
		return false;
	add(probes, &to, 25, true);
	return true;
}

static void finish(struct probe *p, int err)
{
	if (p->fd >= 0)
		close(p->fd);
	p->fd = -1;
	p->err = err;
}

static void start(struct probe *p)
{
	struct sockaddr_storage sa;
	socklen_t len = socket_address(&sa, &p->to, p->port);

	p->fd = socket(families[p->to.family].af, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (p->fd < 0 || (connect(p->fd, (struct sockaddr *)&sa, len) < 0 && errno != EINPROGRESS))
		finish(p, errno);
}

static void note_source(struct probe *p)
{
	struct sockaddr_storage sa;
	socklen_t len = sizeof(sa);

	p->from.family = p->to.family;
	if (getsockname(p->fd, (struct sockaddr *)&sa, &len) == 0)
		p->from = address_of(&sa);
}

static void on_connected(struct probe *p)
{
	socklen_t len = sizeof(int);
	int err = 0;

	if (getsockopt(p->fd, SOL_SOCKET, SO_ERROR, &err, &len) < 0)
		err = errno;
	if (err) {
		finish(p, err);
		return;
	}
	p->connected = true;
	note_source(p);
	if (!p->speaks_first)
		finish(p, 0);
}

static void on_data(struct probe *p)
{
	ssize_t n = read(p->fd, p->banner + p->got, BANNER_MAX - p->got);
	char *end;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0)
		p->got += (size_t)n;
	/* Only the first line is shown; a zero byte would hide the rest. */
	end = memchr(p->banner, '\n', p->got);
	if (n > 0 && !end && p->got < BANNER_MAX)
		return;
	if (end)
		p->got = (size_t)(end - p->banner);
	while (p->got && (p->banner[p->got - 1] == '\r' || p->banner[p->got - 1] == '\0'))
		p->got--;
	p->banner[p->got] = '\0';
	finish(p, n < 0 ? errno : 0);
}

static long long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

static bool turn(struct probes *probes, int wait)
{
	struct pollfd fds[PROBES_MAX];
	size_t which[PROBES_MAX], n = 0, i;

	for (i = 0; i < probes->n; i++) {
		const struct probe *p = &probes->v[i];

		if (p->fd < 0)
			continue;
		fds[n] = (struct pollfd){ .fd = p->fd, .events = p->connected ? POLLIN : POLLOUT };
		which[n++] = i;
	}
	if (!n || wait <= 0)
		return false;
	if (poll(fds, n, wait) < 0 && errno != EINTR)
		return false;
	for (i = 0; i < n; i++) {
		struct probe *p = &probes->v[which[i]];

		if (!fds[i].revents)
			continue;
		if (p->connected)
			on_data(p);
		else
			on_connected(p);
	}
	return true;
}

void probes_run(struct probes *probes)
{
	long long end = now_ms() + PROBE_SECONDS * 1000;
	size_t i;

	for (i = 0; i < probes->n; i++)
		start(&probes->v[i]);
	while (turn(probes, (int)(end - now_ms())))
		;
	for (i = 0; i < probes->n; i++)
		if (probes->v[i].fd >= 0)
			finish(&probes->v[i], probes->v[i].connected ? 0 : ETIMEDOUT);
}

void probes_free(struct probes *probes)
{
	free(probes->v);
	*probes = (struct probes){ 0 };
}

size_t probes_connected(const struct probes *probes, enum family family)
{
	size_t i, n = 0;

	for (i = 0; i < probes->n; i++)
		n += probes->v[i].connected && !probes->v[i].outward &&
		     probes->v[i].to.family == family;
	return n;
}
