// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../host/sysctl.h"
#include "../host/sysfs.h"
#include "../lib/mem.h"
#include "checks_host.h"

/* Programs that write accept_ra themselves when they set an interface up. */
enum manager { KERNEL, NETWORKD, NETWORK_MANAGER, IFUPDOWN };

const struct link *ra_link(const struct state *state)
{
	const struct route *world = &state->world[V6];
	const struct link *link = link_by_index(&state->links, world->oif);

	if (world->err || !world->from_ra || !wan_of(state, link))
		return NULL;
	/* 0: another program, such as systemd-networkd, handles them; 2: accepted while forwarding, too. */
	return sysctl_read(V6, link->name, "accept_ra") == 1 ? link : NULL;
}

/* networkd's file on the interface; NULL if it does not set it up. To be freed. */
static char *networkd_file(const struct link *link)
{
	char *path = xasprintf("/run/systemd/netif/links/%u", link->index),
	     *text = sysfs_read(path), *line, *file = NULL;

	free(path);
	line = text ? strstr(text, "NETWORK_FILE=") : NULL;
	if (line && text && !strstr(text, "ADMIN_STATE=unmanaged")) {
		line += strlen("NETWORK_FILE=");
		line[strcspn(line, "\n")] = '\0';
		file = *line ? xstrdup(line) : NULL;
	}
	free(text);
	return file;
}

static bool network_manager_has(const struct link *link)
{
	char *path = xasprintf("/run/NetworkManager/devices/%u", link->index),
	     *text = sysfs_read(path);
	bool has = text && (strstr(text, "managed=true") || strstr(text, "connection-uuid="));

	free(path);
	free(text);
	return has;
}

/* "iface NAME inet6 ..." */
static bool ifupdown_has(const struct link *link)
{
	char *text = sysfs_read("/etc/network/interfaces"), *rest = text, *line, name[64],
	     family[16];
	bool has = false;

	while (rest && (line = strsep(&rest, "\n")))
		if (sscanf(line, " iface %63s %15s", name, family) == 2)
			has |= !strcmp(name, link->name) && !strcmp(family, "inet6");
	free(text);
	return has;
}

static enum manager manager_of(const struct link *link)
{
	char *file = networkd_file(link);
	bool networkd = file;

	free(file);
	return networkd			 ? NETWORKD :
	       network_manager_has(link) ? NETWORK_MANAGER :
	       ifupdown_has(link)	 ? IFUPDOWN :
					   KERNEL;
}

const char *ra_manager(const struct link *link)
{
	static const char *const sentences[] = {
		[KERNEL] = "",
		[NETWORKD] = " systemd-networkd sets this interface up, and writes accept_ra itself.",
		[NETWORK_MANAGER] =
			" NetworkManager sets this interface up, and writes accept_ra itself.",
		[IFUPDOWN] = " ifupdown sets this interface up, and writes accept_ra itself.",
	};

	return sentences[manager_of(link)];
}

static void fix_sysctl(struct findings *f, const struct link *link, bool keep)
{
	char *name = sysctl_name(V6, link->name, "accept_ra");

	fix(f, "sysctl -w %s=2", word(f, name));
	if (keep)
		fix(f, "echo %s=2 >>/etc/sysctl.d/chatdnat.conf", word(f, name));
	free(name);
}

/* A drop-in beside the file, which may be a package's or a generator's. */
static void fix_networkd(struct findings *f, const struct link *link)
{
	char *file = networkd_file(link), *name = file ? strrchr(file, '/') : NULL, *dir;

	if (name) {
		dir = xasprintf("/etc/systemd/network%s.d", name);
		fix(f, "mkdir -p %s", word(f, dir));
		fix(f, "printf '[Network]\\nIPv6AcceptRA=yes\\n' >%s/chatdnat.conf", word(f, dir));
		fix(f, "networkctl reload");
		fix(f, "networkctl reconfigure %s", word(f, link->name));
		free(dir);
	}
	free(file);
}

void fix_ra(struct findings *f, const struct link *link)
{
	switch (manager_of(link)) {
	case NETWORKD:
		fix_networkd(f, link);
		return;
	case NETWORK_MANAGER:
		fix(f,
		    "nmcli connection modify \"$(nmcli -g GENERAL.CONNECTION device show %s)\" ipv6.method auto",
		    word(f, link->name));
		fix(f, "nmcli device reapply %s", word(f, link->name));
		return;
	case IFUPDOWN:
		fix_sysctl(f, link, false);
		fix(f,
		    "\"${EDITOR:-vi}\" /etc/network/interfaces    # accept_ra 2, below iface %s inet6",
		    word(f, link->name));
		return;
	case KERNEL:
		fix_sysctl(f, link, true);
	}
}
