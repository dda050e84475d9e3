/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNAT_RELAYS_H
#define CHATDNAT_RELAYS_H

#include <linux/types.h>

#include "addr.h"

#define CHATDNAT_RELAYS_MAX 16

struct chatdnat_relay {
	struct chatdnat_addr addr;
	struct chatdnat_addr local; /* zero: all other addresses */
};

/* One family's relays, in the order of the setting. */
struct chatdnat_relays {
	u8 n;
	struct chatdnat_relay relay[CHATDNAT_RELAYS_MAX];
};

int chatdnat_relays_parse(enum chatdnat_family family,
			  struct chatdnat_relays *relays,
			  struct chatdnat_text text,
			  struct chatdnat_refusal *why);
int chatdnat_relays_format(enum chatdnat_family family,
			   const struct chatdnat_relays *relays, char *buf,
			   size_t size);
bool chatdnat_relay_serves_others(const struct chatdnat_relay *relay);
const struct chatdnat_addr *
chatdnat_relays_find(const struct chatdnat_relays *relays,
		     const struct chatdnat_addr *local);
bool chatdnat_relays_names(const struct chatdnat_relays *relays,
			   const struct chatdnat_addr *local);
bool chatdnat_relays_has(const struct chatdnat_relays *relays,
			 const struct chatdnat_addr *addr);

#endif /* CHATDNAT_RELAYS_H */
