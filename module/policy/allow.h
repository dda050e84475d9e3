/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNAT_ALLOW_H
#define CHATDNAT_ALLOW_H

#include <linux/bitmap.h>
#include <linux/types.h>

#include "portset.h"
#include "text.h"

#define CHATDNAT_IP_PROTOCOLS 256

/**
 * struct chatdnat_allowed - services of this host that accept new connections
 * @ports: ports of TCP and UDP
 * @protocols: bitmap of other IP protocol numbers
 */
struct chatdnat_allowed {
	struct chatdnat_portset ports;
	DECLARE_BITMAP(protocols, CHATDNAT_IP_PROTOCOLS);
};

int chatdnat_allowed_parse(struct chatdnat_allowed *allow,
			   struct chatdnat_text text,
			   struct chatdnat_refusal *why);
int chatdnat_allowed_format(const struct chatdnat_allowed *allow, char *buf,
			    size_t size);

/**
 * chatdnat_allowed_protocol() - whether all of a protocol is allowed
 * @allow: allowed ports and protocols
 * @protocol: IPPROTO_..., neither TCP nor UDP
 *
 * Context: Any; on the packet path.
 * Return: True if all packets of @protocol to this host are accepted.
 */
static inline bool
chatdnat_allowed_protocol(const struct chatdnat_allowed *allow, u8 protocol)
{
	return test_bit(protocol, allow->protocols);
}

#endif /* CHATDNAT_ALLOW_H */
