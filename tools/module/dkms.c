// SPDX-License-Identifier: GPL-2.0
#include "dkms.h"

#include <glob.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../host/directory.h"
#include "../lib/mem.h"

#define DKMS_TREE "/var/lib/dkms/chatdnat"

char *dkms_version(void)
{
	char **names, *newest = NULL;
	size_t n, i;

	names = directory_names(DKMS_TREE, NULL, &n);
	for (i = 0; i < n; i++) {
		char *source = xasprintf(DKMS_TREE "/%s/source", names[i]);

		if (access(source, F_OK) == 0 && (!newest || strverscmp(names[i], newest) > 0)) {
			free(newest);
			newest = xstrdup(names[i]);
		}
		free(source);
	}
	names_free(names, n);
	return newest;
}

/* "DKMS make.log for chatdnat-1.2.3 for kernel 6.12.0-1-amd64 (x86_64)", of any version of DKMS. */
static bool log_is_of(const char *path, const char *release)
{
	char *line = NULL, *what = xasprintf(" for kernel %s (", release);
	FILE *f = fopen(path, "re");
	size_t size = 0;
	bool is = f && getline(&line, &size, f) > 0 && strstr(line, what);

	if (f)
		fclose(f);
	free(line);
	free(what);
	return is;
}

char *dkms_log(const char *version, const char *release)
{
	/* A build that fails leaves its log in the first place, which is that of the last build; others in the second. */
	char *path = xasprintf(DKMS_TREE "/%s/build/make.log", version), *pattern;
	glob_t found;

	if (log_is_of(path, release))
		return path;
	free(path);
	path = NULL;
	pattern = xasprintf(DKMS_TREE "/%s/%s/*/log/make.log", version, release);
	if (glob(pattern, GLOB_NOSORT, NULL, &found) == 0) {
		path = xstrdup(found.gl_pathv[0]);
		globfree(&found);
	}
	free(pattern);
	return path;
}
