/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNAT_ELIGIBLE_H
#define CHATDNAT_ELIGIBLE_H

#include "../core/bindings.h"
#include "../core/local_addr.h"
#include "../policy/settings.h"

/* Why a relay is tracked. */
enum chatdnat_tracked {
	CHATDNAT_TRACKED_NOT, /* it is served without state */
	CHATDNAT_TRACKED_ASKED,
	CHATDNAT_TRACKED_SCOPE,
	CHATDNAT_TRACKED_MASQUERADE,
	CHATDNAT_TRACKED_PORTS,
	CHATDNAT_TRACKED_SEVERAL_LOCAL,
	CHATDNAT_TRACKED_NO_LOCAL,
	CHATDNAT_TRACKED_ROUTE,
	CHATDNAT_TRACKED_MAX,
};

void chatdnat_eligible_ports(const struct chatdnat_portset *set,
			     unsigned long *ports);
enum chatdnat_tracked
chatdnat_eligible_judge(const struct chatdnat_settings *settings,
			enum chatdnat_family family,
			const struct chatdnat_relay *relay,
			struct chatdnat_local_addrs *local);
const char *chatdnat_eligible_reason(enum chatdnat_tracked tracked);
int chatdnat_eligible_check(const struct chatdnat_settings *settings, bool host,
			    struct chatdnat_text text,
			    struct chatdnat_refusal *why);
bool chatdnat_eligible_reaches(const struct chatdnat_settings *settings,
			       enum chatdnat_family family,
			       const struct chatdnat_binding *binding);

#endif /* CHATDNAT_ELIGIBLE_H */
