/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNAT_IFSET_H
#define CHATDNAT_IFSET_H

#include <linux/types.h>

#include "text.h"

#define CHATDNAT_IFSET_MAX	8
#define CHATDNAT_IFNAME_SIZE	16

struct chatdnat_ifpattern {
	char name[CHATDNAT_IFNAME_SIZE];	/* zero-padded, without the + */
	u8 len;
	bool prefix;				/* written with a trailing + */
};

/* Interface names and prefixes, in the order in which they were written. */
struct chatdnat_ifset {
	u8 n;
	struct chatdnat_ifpattern pattern[CHATDNAT_IFSET_MAX];
};

int chatdnat_ifset_parse(struct chatdnat_ifset *set, struct chatdnat_text text,
			 struct chatdnat_refusal *why);
int chatdnat_ifset_format(const struct chatdnat_ifset *set, char *buf,
			  size_t size);
bool chatdnat_ifset_has(const struct chatdnat_ifset *set, const char *name);

#endif /* CHATDNAT_IFSET_H */
