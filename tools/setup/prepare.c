// SPDX-License-Identifier: GPL-2.0
#include "prepare.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../host/debian.h"
#include "../host/kmod.h"
#include "../host/wireguard.h"
#include "../lib/mem.h"
#include "../lib/text.h"
#include "../module/module.h"
#include "proxy_files.h"

static bool installed(const char *program)
{
	static const char *const directories[] = { "/usr/bin", "/usr/local/bin" };
	bool found = false;
	size_t i;

	for (i = 0; i < sizeof(directories) / sizeof(directories[0]) && !found; i++) {
		char *path = xasprintf("%s/%s", directories[i], program);

		found = access(path, X_OK) == 0;
		free(path);
	}
	return found;
}

/* The kernel loads the driver of a family that is asked for. */
static bool have_tunnels(const struct plan *plan)
{
	const char *quick = proxy_quick(plan);

	if (plan_amneziawg(plan) && wireguard_family(plan->kind, NULL) < 0) {
		error("setup: this kernel has no AmneziaWG: install amneziawg-dkms and amneziawg-tools of its project, https://github.com/amnezia-vpn");
		return false;
	}
	if (installed(quick))
		return true;
	error("setup: %s, which starts the tunnel at boot, is not installed: %s", quick,
	      plan_amneziawg(plan) ? "it is in amneziawg-tools of https://github.com/amnezia-vpn" :
	      on_debian()	   ? "apt install wireguard" :
				     "it is in the package wireguard-tools");
	return false;
}

bool prepare_programs(const struct plan *plan)
{
	struct kmod *kmod;
	bool there;

	if (!plan->tunnel_exists && !have_tunnels(plan))
		return false;
	if (module_loaded())
		return true;
	kmod = kmod_open("chatdnat");
	there = kmod && kmod_installed(kmod);
	if (!there)
		module_explain_absence();
	kmod_close(kmod);
	return there;
}

static bool make_keys(struct plan *plan)
{
	int err = wireguard_generate(&plan->proxy_keys, plan->kind);

	if (!err)
		err = wireguard_generate(&plan->relay_keys, plan->kind);
	if (!err && plan_amneziawg(plan) && !amneziawg_generate(&plan->amneziawg))
		err = -errno;
	if (err)
		error("setup: cannot make keys: %s%s", strerror(-err),
		      err == -EOPNOTSUPP ? "; this kernel has no WireGuard" : "");
	return !err;
}

bool prepare_keys(struct plan *plan, const struct manifest *was, bool dry_run)
{
	if (plan->tunnel_exists)
		return true;
	if (was->has_keys && was->has_amneziawg != plan_amneziawg(plan)) {
		error("setup: --kind: the tunnel %s that setup has made is of the kind %s; for another one, first: chatdnatctl setup --undo; ip link delete %s",
		      was->tunnel, was->has_amneziawg ? AMNEZIAWG : WG_GENL_NAME, was->tunnel);
		return false;
	}
	if (!was->has_keys)
		/* Their text is not shown. */
		return dry_run || make_keys(plan);
	plan->proxy_keys = was->proxy_keys;
	plan->relay_keys = was->relay_keys;
	plan->amneziawg = was->amneziawg;
	return true;
}
