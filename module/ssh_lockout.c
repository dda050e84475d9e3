// SPDX-License-Identifier: GPL-2.0
/* Warnings about settings that keep new SSH connections from this host. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/printk.h>

#include "policy/portset.h"
#include "ssh_lockout.h"

static void chatdnat_ssh_lockout_warn_ports(const struct chatdnat_settings *old,
					    const struct chatdnat_settings *new)
{
	if (chatdnat_portset_has(&new->service.ports, CHATDNAT_TCP,
				 CHATDNAT_PORT_SSH) &&
	    !(old && chatdnat_portset_has(&old->service.ports, CHATDNAT_TCP,
					  CHATDNAT_PORT_SSH)))
		pr_warn("ports: 22/tcp is forwarded to the relay: new SSH connections on the WAN interfaces no longer reach this host\n");
}

static bool
chatdnat_ssh_lockout_by_guard(const struct chatdnat_settings *settings)
{
	return settings->wan.n && settings->guard >= CHATDNAT_GUARD_FULL &&
	       !chatdnat_portset_has(&settings->allow.ports, CHATDNAT_TCP,
				     CHATDNAT_PORT_SSH);
}

static void chatdnat_ssh_lockout_warn_guard(const struct chatdnat_settings *old,
					    const struct chatdnat_settings *new)
{
	if (chatdnat_ssh_lockout_by_guard(new) &&
	    !(old && chatdnat_ssh_lockout_by_guard(old)))
		pr_warn("allow: 22/tcp is not allowed: guard=%s blocks new SSH connections %s\n",
			new->guard == CHATDNAT_GUARD_STRICT ? "strict" : "full",
			new->guard == CHATDNAT_GUARD_STRICT ?
				"on all interfaces" :
				"on the WAN interfaces");
}

/**
 * chatdnat_ssh_lockout_warn() - warn of settings that shut out SSH
 * @old: the settings before; NULL: none
 * @new: the settings that are about to be active
 *
 * Warns only of what was not already so with @old.
 *
 * Context: Process context.
 */
void chatdnat_ssh_lockout_warn(const struct chatdnat_settings *old,
			       const struct chatdnat_settings *new)
{
	chatdnat_ssh_lockout_warn_ports(old, new);
	chatdnat_ssh_lockout_warn_guard(old, new);
}
