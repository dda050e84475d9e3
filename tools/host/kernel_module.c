// SPDX-License-Identifier: GPL-2.0
#include "kernel_module.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "../lib/mem.h"

static bool listed(const char *path, const char *name)
{
	FILE *f = fopen(path, "re");
	char *line = NULL;
	size_t size = 0;
	bool found = !f;

	while (f && !found && getline(&line, &size, f) >= 0)
		found = strstr(line, name) != NULL;
	if (f)
		fclose(f);
	free(line);
	return found;
}

bool kernel_module_loaded(const char *name)
{
	struct utsname kernel;
	char *entry = xasprintf("%s ", name), *file = xasprintf("/%s.ko", name), *builtin;
	bool found = listed("/proc/modules", entry) || uname(&kernel) < 0;

	if (!found) {
		builtin = xasprintf("/lib/modules/%s/modules.builtin", kernel.release);
		found = listed(builtin, file);
		free(builtin);
	}
	free(entry);
	free(file);
	return found;
}
