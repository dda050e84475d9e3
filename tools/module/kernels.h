/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNATCTL_KERNELS_H
#define CHATDNATCTL_KERNELS_H

#include <stdbool.h>
#include <stddef.h>

enum signature { UNSIGNED, SIGNED, HIDDEN /* compressed */ };

/* An installed kernel, and the module for it. */
struct kernel {
	char *release;
	char *file;   /* of the module, NULL: there is none */
	bool indexed; /* depmod knows it */
	bool running, newest;
	bool headers;
	enum signature signature;
};

struct kernels {
	struct kernel *v;
	size_t n;
};

void kernels_read(struct kernels *kernels);
void kernels_free(struct kernels *kernels);

#endif
