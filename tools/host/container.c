// SPDX-License-Identifier: GPL-2.0
#include "container.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../lib/mem.h"
#include "sysfs.h"

#define CAP_SYS_MODULE 16

/* In the namespace of the machine's first process all identifiers are mapped to themselves. */
static bool in_user_namespace(void)
{
	char *map = sysfs_read("/proc/self/uid_map");
	unsigned long inside, outside, count;
	bool mapped = map && (sscanf(map, "%lu %lu %lu", &inside, &outside, &count) != 3 ||
			      inside || outside || count != 4294967295UL);

	free(map);
	return mapped;
}

static bool capability_barred(void)
{
	char *status = sysfs_read("/proc/self/status"),
	     *bound = status ? strstr(status, "\nCapBnd:") : NULL;
	bool barred = bound && !(strtoull(bound + 8, NULL, 16) >> CAP_SYS_MODULE & 1);

	free(status);
	return barred;
}

char *loading_impossible(void)
{
	char *manager;

	if (access("/proc/vz", F_OK) == 0 && access("/proc/bc", F_OK) != 0)
		return xstrdup("it is an OpenVZ container, which shares its host's kernel");
	manager = sysfs_read("/run/systemd/container");
	if (in_user_namespace() || capability_barred()) {
		char *why = xasprintf("it is a container%s%s%s, which shares its host's kernel",
				      manager && *manager ? " (" : "", manager ? manager : "",
				      manager && *manager ? ")" : "");

		free(manager);
		return why;
	}
	free(manager);
	if (access("/proc/sys/kernel/modules_disabled", F_OK) != 0 &&
	    access("/proc/modules", F_OK) != 0)
		return xstrdup("its kernel is built without loadable modules");
	if (sysfs_read_number("/proc/sys/kernel/modules_disabled") == 1)
		return xstrdup("kernel.modules_disabled is 1, until the next reboot");
	return NULL;
}
