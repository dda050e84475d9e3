// SPDX-License-Identifier: GPL-2.0
#include "apply.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../host/link.h"
#include "../host/link_set.h"
#include "../host/sysfs.h"
#include "../lib/mem.h"
#include "../lib/text.h"
#include "../module/saved.h"
#include "proxy_files.h"

bool apply_counts(void)
{
	static const char *const names[] = { "wan", "v4", "v6", "via", "guard", "allow" };
	static const char own[] = SAVED_OPTIONS;
	struct config saved = { 0 };
	bool counts = true;
	size_t i;

	saved_read(&saved);
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const struct setting *s = config_find(&saved, names[i]);

		/* Files count in the order of their names, whatever the directory; the last is the kernel's command line. */
		if (!s || !s->file ||
		    (strncmp(s->file, "/proc/", 6) != 0 &&
		     strcmp(strrchr(s->file, '/'), strrchr(own, '/')) <= 0))
			continue;
		error("setup: %s, line %u, sets %s too, and counts after %s: remove it there",
		      s->file, s->line, s->name, own);
		counts = false;
	}
	config_free(&saved);
	return counts;
}

/* A name with a slash has its dots in the name of an interface. */
static bool set(char *name, const char *value)
{
	char *path, *now, *s;
	int err = 0;

	if (!strchr(name, '/'))
		for (s = name; *s; s++)
			*s = *s == '.' ? '/' : *s;
	path = xasprintf("/proc/sys/%s", name);
	now = sysfs_read(path);
	/* Writing the value that is there would still make the kernel look through all interfaces. */
	if (!now || strcmp(now, value) != 0)
		err = sysfs_write(path, value);
	if (err)
		error("setup: cannot write %s to %s: %s", value, path, strerror(-err));
	free(now);
	free(path);
	return !err;
}

bool apply_sysctls(const char *text)
{
	char *copy = xstrdup(text), *rest = NULL, *line;
	bool done = true;

	for (line = strtok_r(copy, "\n", &rest); line && done; line = strtok_r(NULL, "\n", &rest)) {
		char *equals = strstr(line, " = ");

		if (!equals)
			continue;
		*equals = '\0';
		done = set(line, equals + 3);
	}
	free(copy);
	return done;
}

static int configure(const struct plan *plan)
{
	struct wireguard_end end = {
		.port = plan->port,
		.amneziawg = plan_amneziawg(plan) ? &plan->amneziawg : NULL,
	};
	enum family f;
	int err;

	memcpy(end.private_key, plan->proxy_keys.private_key, WG_KEY_LEN);
	memcpy(end.peer, plan->relay_keys.public_key, WG_KEY_LEN);
	for (f = 0; f < FAMILIES; f++)
		end.allowed[f] = plan->inside[f] ? &plan->relay[f] : NULL;
	err = wireguard_configure(plan->tunnel, plan->kind, &end);
	explicit_bzero(&end, sizeof(end));
	for (f = 0; f < FAMILIES && !err; f++)
		if (plan->inside[f])
			err = link_add_address(plan->tunnel, &plan->proxy[f], TUNNEL_PREFIX(f));
	return err ? err : link_raise(plan->tunnel);
}

/*
 * systemd does not know that the tunnel is up: its unit would find the interface in its way. After a boot and an undo the unit
 * is still active, and a start of it would do nothing.
 */
static void print_up(const struct plan *plan)
{
	text_line("the tunnel %s is up", plan->tunnel);
	if (!proxy_boots_tunnel(plan))
		return;
	text_line("%s@%s starts it from the next boot on; to have it do so now:", proxy_quick(plan),
		  plan->tunnel);
	text_line("  ip link delete %s; systemctl restart %s@%s", plan->tunnel, proxy_quick(plan),
		  plan->tunnel);
}

bool apply_tunnel(const struct plan *plan, bool changed)
{
	const struct link *link;
	struct links links;
	bool there, up;
	int err = links_read(&links);

	link = err ? NULL : link_by_name(&links, plan->tunnel);
	there = link;
	up = link && link->up;
	links_free(&links);
	/* One that is not up may be a former setup's that did not come to an end. */
	if (up && !changed)
		return true;
	/* Addresses that the former file had go with the interface. */
	if (!err && there)
		err = link_remove(plan->tunnel);
	if (!err)
		err = link_add(plan->tunnel, plan->kind);
	if (!err) {
		err = configure(plan);
		if (err)
			link_remove(plan->tunnel);
	}
	if (err)
		error("setup: cannot bring %s up: %s", plan->tunnel, strerror(-err));
	else
		print_up(plan);
	return !err;
}
