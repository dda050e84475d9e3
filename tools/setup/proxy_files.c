// SPDX-License-Identifier: GPL-2.0
#include "proxy_files.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../host/sysctl.h"
#include "../host/wireguard.h"
#include "../lib/base64.h"
#include "../lib/file.h"
#include "../lib/mem.h"
#include "../module/boot.h"
#include "../module/saved.h"

#define UNITS "/etc/systemd/system"

static const char *const unit_dirs[] = { "/etc/systemd/system", "/usr/local/lib/systemd/system",
					 "/usr/lib/systemd/system", "/lib/systemd/system" };

/* The path of a unit, or NULL: there is no systemd, or no such unit. To be freed. */
static char *unit_path(const char *unit)
{
	size_t i;

	if (access("/run/systemd/system", F_OK) < 0)
		return NULL;
	for (i = 0; i < sizeof(unit_dirs) / sizeof(unit_dirs[0]); i++) {
		char *path = xasprintf("%s/%s", unit_dirs[i], unit);

		if (access(path, F_OK) == 0)
			return path;
		free(path);
	}
	return NULL;
}

const char *proxy_quick(const struct plan *plan)
{
	return plan_amneziawg(plan) ? "awg-quick" : "wg-quick";
}

bool proxy_boots_tunnel(const struct plan *plan)
{
	char *name = xasprintf("%s@.service", proxy_quick(plan)), *unit = unit_path(name);
	bool boots = unit;

	free(unit);
	free(name);
	return boots;
}

/* "10.9.0.1/24, fd00:9::1/64"; without `ours` the relay's, as a peer's AllowedIPs. */
static char *addresses(const struct plan *plan, bool ours)
{
	char *list = xstrdup("");
	enum family f;

	for (f = 0; f < FAMILIES; f++) {
		unsigned int prefix = ours ? TUNNEL_PREFIX(f) : (unsigned int)families[f].size * 8;
		char *longer;

		if (!plan->inside[f])
			continue;
		longer = xasprintf("%s%s%s/%u", list, *list ? ", " : "",
				   plan_address(ours ? &plan->proxy[f] : &plan->relay[f]).text,
				   prefix);
		free(list);
		list = longer;
	}
	return list;
}

static char *parameters_text(const struct plan *plan)
{
	if (!plan_amneziawg(plan))
		return xstrdup("");
	/* As with keys. */
	return amneziawg_valid(&plan->amneziawg) ?
		       amneziawg_text(&plan->amneziawg) :
		       xstrdup("# new random Jc, Jmin, Jmax, S1, S2, H1, H2, H3, H4\n");
}

static char *tunnel_text(const struct plan *plan)
{
	char *ours = addresses(plan, true), *theirs = addresses(plan, false);
	char *private_key = base64_encode(plan->proxy_keys.private_key, WG_KEY_LEN);
	static const unsigned char none[WG_KEY_LEN];
	const unsigned char *relay = plan->relay_keys.public_key;
	/* For --dry-run no keys are made. */
	char *public_key = memcmp(relay, none, WG_KEY_LEN) ? base64_encode(relay, WG_KEY_LEN) :
							     xstrdup("(a new key)");
	char *parameters = parameters_text(plan);
	char *text = xasprintf("# The proxy's end of the tunnel, by chatdnatctl setup\n"
			       "[Interface]\n"
			       "Address = %s\n"
			       "ListenPort = %u\n"
			       "PrivateKey = %s\n"
			       "%s"
			       "\n"
			       "[Peer]\n"
			       "PublicKey = %s\n"
			       "AllowedIPs = %s\n",
			       ours, plan->port, private_key, parameters, public_key, theirs);

	free(parameters);
	free(public_key);
	free(private_key);
	free(theirs);
	free(ours);
	return text;
}

char *proxy_tunnel_file(const struct plan *plan)
{
	return xasprintf("%s/%s.conf", wireguard_directory(plan->kind), plan->tunnel);
}

char *proxy_sysctls(const struct plan *plan)
{
	char *accept_ra = sysctl_name(V6, plan->wan, "accept_ra"), *text;

	/* A host that begins to forward forgets the routes of router advertisements, unless it was told before. */
	text = xasprintf("%s%s%s = 1\n%s%s", plan->accept_ra ? accept_ra : "",
			 plan->accept_ra ? " = 2\n" : "", families[V4].forwarding,
			 access("/proc/net/if_inet6", F_OK) == 0 ? families[V6].forwarding : "",
			 access("/proc/net/if_inet6", F_OK) == 0 ? " = 1\n" : "");
	free(accept_ra);
	return text;
}

static char *options_text(const struct plan *plan)
{
	bool v4 = plan->inside[V4] && plan->outside[V4], v6 = plan->inside[V6] && plan->outside[V6];

	return xasprintf("# By chatdnatctl setup\n"
			 "options chatdnat wan=%s%s%s%s%s via=%s guard=full allow=%s\n",
			 plan->wan, v4 ? " v4=" : "", v4 ? plan_address(&plan->relay[V4]).text : "",
			 v6 ? " v6=" : "", v6 ? plan_address(&plan->relay[V6]).text : "",
			 plan->tunnel, plan->allow);
}

/* A link that somebody else has made stays somebody else's. */
static void enable(struct manifest *m, const struct manifest *was, const char *path,
		   const char *unit_name)
{
	char *unit = unit_path(unit_name), *now = file_read_link(path);

	if (unit && (!now || manifest_find(was, path)))
		manifest_add_link(m, path, unit);
	else
		free(unit);
	free(now);
}

static void add_boot(struct manifest *m, const struct plan *plan, const struct manifest *was)
{
	static const char module[] = UNITS "/sysinit.target.wants/" BOOT_UNIT;
	char *tunnel = xasprintf(UNITS "/multi-user.target.wants/%s@%s.service", proxy_quick(plan),
				 plan->tunnel);
	char *unit = xasprintf("%s@.service", proxy_quick(plan));

	if (!plan->tunnel_exists)
		enable(m, was, tunnel, unit);
	if (!boot_unit_installed())
		manifest_add(m, SAVED_LOAD, xstrdup("chatdnat\n"), 0644);
	else if (!boot_unit_enabled() || manifest_find(was, module))
		enable(m, was, module, BOOT_UNIT);
	free(unit);
	free(tunnel);
}

void proxy_files(struct manifest *m, const struct plan *plan, const struct manifest *was)
{
	char *path = proxy_tunnel_file(plan);
	char *sysctls = proxy_sysctls(plan);

	if (!plan->tunnel_exists)
		manifest_add(m, path, tunnel_text(plan), 0600);
	manifest_add(m, PROXY_SYSCTLS, xasprintf("# By chatdnatctl setup\n%s", sysctls), 0644);
	manifest_add(m, SAVED_OPTIONS, options_text(plan), 0644);
	add_boot(m, plan, was);
	free(sysctls);
	free(path);
}
