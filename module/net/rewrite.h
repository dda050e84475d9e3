/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNAT_REWRITE_H
#define CHATDNAT_REWRITE_H

#include <linux/skbuff.h>

#include "packet.h"

enum chatdnat_side {
	CHATDNAT_SRC,
	CHATDNAT_DST,
};

bool chatdnat_rewrite(struct sk_buff *skb, unsigned int hook,
		      const struct chatdnat_parsed *parsed,
		      enum chatdnat_side side, const struct chatdnat_addr *to,
		      bool outer);

#endif /* CHATDNAT_REWRITE_H */
