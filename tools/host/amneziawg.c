// SPDX-License-Identifier: GPL-2.0
#include "amneziawg.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include <linux/wireguard.h>

#include "../lib/mem.h"

/* In amneziawg.ko's enum the parameters follow the attributes of WireGuard. */
#define ATTRIBUTE_JC (WGDEVICE_A_PEERS + 1)

/* The sizes of the two messages of a handshake differ by that much: with S1 + 56 = S2 they would be the same. */
#define MESSAGES_DIFFER 56

const char *const amneziawg_names[AMNEZIAWG_N] = { "Jc", "Jmin", "Jmax", "S1", "S2",
						   "H1", "H2",	 "H3",	 "H4" };

/* Those that AmneziaWG recommends. */
static const struct {
	uint32_t min, max;
} ranges[AMNEZIAWG_N] = {
	{ 4, 12 },	   { 8, 40 },	      { 60, 120 },	 { 15, 150 },	    { 15, 150 },
	{ 5, 2147483647 }, { 5, 2147483647 }, { 5, 2147483647 }, { 5, 2147483647 },
};

bool amneziawg_valid(const struct amneziawg *a)
{
	size_t i, j;

	for (i = AMNEZIAWG_H1; i <= AMNEZIAWG_H4; i++) {
		if (a->v[i] < 5 || a->v[i] > 2147483647)
			return false;
		for (j = AMNEZIAWG_H1; j < i; j++)
			if (a->v[i] == a->v[j])
				return false;
	}
	return a->v[AMNEZIAWG_JC] >= 1 && a->v[AMNEZIAWG_JC] <= 128 &&
	       a->v[AMNEZIAWG_JMIN] < a->v[AMNEZIAWG_JMAX] && a->v[AMNEZIAWG_JMAX] <= 1280 &&
	       a->v[AMNEZIAWG_S1] <= 1132 && a->v[AMNEZIAWG_S2] <= 1188 &&
	       a->v[AMNEZIAWG_S1] + MESSAGES_DIFFER != a->v[AMNEZIAWG_S2];
}

bool amneziawg_generate(struct amneziawg *a)
{
	size_t i;

	do {
		if (getrandom(a->v, sizeof(a->v), 0) != (ssize_t)sizeof(a->v))
			return false;
		for (i = 0; i < AMNEZIAWG_N; i++)
			a->v[i] = ranges[i].min + a->v[i] % (ranges[i].max - ranges[i].min + 1);
	} while (!amneziawg_valid(a));
	return true;
}

char *amneziawg_text(const struct amneziawg *a)
{
	char *text = xstrdup("");
	size_t i;

	for (i = 0; i < AMNEZIAWG_N; i++) {
		char *longer = xasprintf("%s%s = %" PRIu32 "\n", text, amneziawg_names[i], a->v[i]);

		free(text);
		text = longer;
	}
	return text;
}

void amneziawg_put(struct nlmsghdr *nlh, int version, const struct amneziawg *a)
{
	uint16_t attribute = ATTRIBUTE_JC;
	char number[16];
	size_t i;

	for (i = 0; i < AMNEZIAWG_N; i++, attribute++) {
		if (i < AMNEZIAWG_H1) {
			mnl_attr_put_u16(nlh, attribute, (uint16_t)a->v[i]);
		} else if (version < 2) {
			mnl_attr_put_u32(nlh, attribute, a->v[i]);
		} else if (version == 2) {
			snprintf(number, sizeof(number), "%" PRIu32, a->v[i]);
			mnl_attr_put_strz(nlh, attribute, number);
		} else {
			/* A range, whose ends are the same. */
			mnl_attr_put_u64(nlh, attribute, (uint64_t)a->v[i] << 32 | a->v[i]);
		}
	}
}
