// SPDX-License-Identifier: GPL-2.0
#include "kernels.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "../host/directory.h"
#include "../lib/mem.h"

#define MODULES "/lib/modules"

static bool exists(const char *release, const char *what)
{
	char *path = xasprintf(MODULES "/%s/%s", release, what);
	bool found = access(path, F_OK) == 0;

	free(path);
	return found;
}

/* The module's path in depmod's index, below the kernel's directory. */
static char *indexed_file(const char *release)
{
	char *path = xasprintf(MODULES "/%s/modules.dep", release), *line = NULL, *file = NULL;
	FILE *f = fopen(path, "re");
	size_t size = 0;

	while (f && !file && getline(&line, &size, f) >= 0) {
		line[strcspn(line, ":")] = '\0';
		if (!strstr(line, "/chatdnat.ko"))
			continue;
		file = *line == '/' ? xstrdup(line) : xasprintf(MODULES "/%s/%s", release, line);
		if (access(file, F_OK) == 0)
			continue;
		free(file);
		file = NULL;
	}
	if (f)
		fclose(f);
	free(line);
	free(path);
	return file;
}

static char *built_file(const char *release)
{
	static const char *const dirs[] = { "updates", "updates/dkms", "extra", "weak-updates" };
	static const char *const endings[] = { "", ".xz", ".zst", ".gz" };
	size_t i, j;

	for (i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		for (j = 0; j < sizeof(endings) / sizeof(endings[0]); j++) {
			char *file = xasprintf(MODULES "/%s/%s/chatdnat.ko%s", release, dirs[i],
					       endings[j]);

			if (access(file, F_OK) == 0)
				return file;
			free(file);
		}
	}
	return NULL;
}

static enum signature signature_of(const char *file)
{
	static const char mark[] = "~Module signature appended~\n";
	char end[sizeof(mark) - 1];
	size_t len = strlen(file);
	enum signature signature = UNSIGNED;
	int fd;

	if (len < 3 || strcmp(file + len - 3, ".ko") != 0)
		return HIDDEN;
	fd = open(file, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return HIDDEN;
	if (lseek(fd, -(off_t)sizeof(end), SEEK_END) >= 0 &&
	    read(fd, end, sizeof(end)) == (ssize_t)sizeof(end) && !memcmp(end, mark, sizeof(end)))
		signature = SIGNED;
	close(fd);
	return signature;
}

static void read_kernel(struct kernel *kernel, const char *release)
{
	kernel->release = xstrdup(release);
	kernel->file = indexed_file(release);
	kernel->indexed = kernel->file;
	if (!kernel->file)
		kernel->file = built_file(release);
	kernel->headers = exists(release, "build/Makefile");
	kernel->signature = kernel->file ? signature_of(kernel->file) : UNSIGNED;
}

void kernels_read(struct kernels *kernels)
{
	struct kernel *newest = NULL;
	struct utsname running;
	size_t n, i;
	char **names = directory_names(MODULES, NULL, &n);

	*kernels = (struct kernels){ 0 };
	for (i = 0; i < n; i++) {
		/* Headers alone, or the remains of a removed kernel, do not boot. */
		if (!exists(names[i], "modules.builtin") && !exists(names[i], "modules.order"))
			continue;
		kernels->v = xgrow(kernels->v, kernels->n, sizeof(*kernels->v));
		read_kernel(&kernels->v[kernels->n++], names[i]);
	}
	names_free(names, n);
	for (i = 0; i < kernels->n; i++) {
		struct kernel *k = &kernels->v[i];

		k->running = uname(&running) == 0 && !strcmp(running.release, k->release);
		if (!newest || strverscmp(k->release, newest->release) > 0)
			newest = k;
	}
	if (newest)
		newest->newest = true;
}

void kernels_free(struct kernels *kernels)
{
	size_t i;

	for (i = 0; i < kernels->n; i++) {
		free(kernels->v[i].release);
		free(kernels->v[i].file);
	}
	free(kernels->v);
	*kernels = (struct kernels){ 0 };
}
