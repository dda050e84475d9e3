/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNAT_IFSET_H
#define CHATDNAT_IFSET_H

#include <linux/types.h>

#include "text.h"

#define CHATDNAT_IFSET_MAX 8
#define CHATDNAT_IFNAME_SIZE 16

struct chatdnat_ifpattern {
	char name[CHATDNAT_IFNAME_SIZE]; /* zero-padded, without '+' */
	u8 len;
	bool prefix; /* the name ended with '+' */
};

/* Interface names and prefixes, in the order of the setting. */
struct chatdnat_ifset {
	u8 n;
	struct chatdnat_ifpattern pattern[CHATDNAT_IFSET_MAX];
};

int chatdnat_ifset_parse(struct chatdnat_ifset *set, struct chatdnat_text text,
			 struct chatdnat_refusal *why);
int chatdnat_ifset_format(const struct chatdnat_ifset *set, char *buf,
			  size_t size);
int chatdnat_ifname_parse(char name[CHATDNAT_IFNAME_SIZE],
			  struct chatdnat_text text,
			  struct chatdnat_refusal *why);
bool chatdnat_ifset_equal(const struct chatdnat_ifset *a,
			  const struct chatdnat_ifset *b);
bool chatdnat_ifset_has(const struct chatdnat_ifset *set, const char *name);

#endif /* CHATDNAT_IFSET_H */
