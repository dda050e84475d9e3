// SPDX-License-Identifier: GPL-2.0
#include "checks.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

static const char *why_not(int err)
{
	if (err == ECONNREFUSED)
		return "refused";
	if (err == ETIMEDOUT)
		return "no answer";
	return strerror(err);
}

static void fix_probe(struct findings *f, const struct probe *p, const char *to)
{
	if (p->outward)
		fix(f,
		    "ip route get %s    # by the right interface? then ask the hoster to open port 25",
		    to);
	else if (p->err == ECONNREFUSED)
		fix(f, "ss -lnt 'sport = :%u'    # on the relay", p->port);
	else
		fix(f, "ping -c 3 %s", to);
}

static void report(struct findings *f, const struct state *state, const struct probe *p)
{
	char to[INET6_ADDRSTRLEN] = "", from[INET6_ADDRSTRLEN] = "";
	size_t reached = probes_connected(&state->probes, p->to.family);

	address_format(&p->to, to, sizeof(to));
	address_format(&p->from, from, sizeof(from));
	check_begin(f, p->outward ? "egress" : "probe");
	if (!p->connected) {
		finding(f, PROBLEM, p->outward ? "egress-blocked" : "probe-failed",
			"%s port %u: %s%s.", to, p->port, why_not(p->err),
			p->outward ? "; many hosters block port 25 until they are asked" :
			p->err == ECONNREFUSED ? "; nothing listens there" :
			reached ? "; other ports do answer: a firewall on the relay" :
				  "");
		fix_probe(f, p, to);
	} else if (p->speaks_first && !*p->banner) {
		finding(f, p->outward ? NOTE : WARNING, "probe-silent",
			"%s port %u: connected from %s, but the server sends nothing.", to, p->port,
			from);
		fix_probe(f, p, to);
	}
	check_end(f, "%s port %u: connected from %s%s%s", to, p->port, from,
		  *p->banner ? ": " : ".", p->banner);
}

void check_probes(struct findings *f, const struct state *state)
{
	bool outward = false;
	size_t i;

	if (!state->probes.asked) {
		check_begin(f, "probe");
		skipped(f, "Connections to the relay are tried with --probe only.");
		return;
	}
	for (i = 0; i < state->probes.n; i++) {
		report(f, state, &state->probes.v[i]);
		outward |= state->probes.v[i].outward;
	}
	check_begin(f, "probe");
	if (state->probes.left_out)
		skipped(f,
			"%zu more ports are not tried: at most %d are, and of a large range the first.",
			state->probes.left_out, PROBES_MAX);
	if (!state->probes.n)
		skipped(f, "There is no relay with a TCP port to try.");
	check_begin(f, "egress");
	if (!outward)
		skipped(f,
			"Outgoing port 25 is tried with the address of a mail server only: check --probe ADDRESS.");
}
