// SPDX-License-Identifier: GPL-2.0
#include "boot.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../lib/mem.h"
#include "kernel_log.h"

#define WANTS "sysinit.target.wants/"

/* Where systemd looks for units, first to last. */
static const char *const unit_dirs[] = { "/etc/systemd/system", "/run/systemd/system",
					 "/usr/local/lib/systemd/system", "/usr/lib/systemd/system",
					 "/lib/systemd/system" };

static bool systemd_runs(void)
{
	return access("/run/systemd/system", F_OK) == 0;
}

/* The first entry of that name below systemd's directories. To be freed. */
static char *find_unit(const char *name)
{
	char target[PATH_MAX];
	size_t i;

	for (i = 0; i < sizeof(unit_dirs) / sizeof(unit_dirs[0]); i++) {
		char *path = xasprintf("%s/%s", unit_dirs[i], name);

		if (access(path, F_OK) == 0 || readlink(path, target, sizeof(target)) >= 0)
			return path;
		free(path);
	}
	return NULL;
}

bool boot_unit_installed(void)
{
	char target[PATH_MAX], *path = systemd_runs() ? find_unit(BOOT_UNIT) : NULL;
	ssize_t len = path ? readlink(path, target, sizeof(target)) : -1;
	bool masked = len == (ssize_t)strlen("/dev/null") &&
		      !memcmp(target, "/dev/null", (size_t)len);
	bool installed = path && !masked;

	free(path);
	return installed;
}

bool boot_unit_enabled(void)
{
	char *path = boot_unit_installed() ? find_unit(WANTS BOOT_UNIT) : NULL;
	bool enabled = path;

	free(path);
	return enabled;
}

bool boot_unit_active(void)
{
	return access("/run/chatdnat", F_OK) == 0;
}

bool boot_closed(void)
{
	return access("/run/chatdnat-closed", F_OK) == 0;
}

char *boot_refusal(void)
{
	struct kernel_log log;
	char *why;

	kernel_log_read(&log);
	why = log.refusal;
	log.refusal = NULL;
	kernel_log_free(&log);
	return why;
}
