/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNAT_ENGINE_H
#define CHATDNAT_ENGINE_H

#include "bindings.h"

struct chatdnat_snapshot;

/* Why a relay is served with state all the same. */
enum chatdnat_tracked {
	CHATDNAT_TRACKED_NOT,		/* it is served without */
	CHATDNAT_TRACKED_ASKED,
	CHATDNAT_TRACKED_SCOPE,
	CHATDNAT_TRACKED_MASQUERADE,
	CHATDNAT_TRACKED_PORTS,
	CHATDNAT_TRACKED_OWNS,
	CHATDNAT_TRACKED_NO_OWN,
	CHATDNAT_TRACKED_ROUTE,
	CHATDNAT_TRACKED_MAX,
};

int chatdnat_engine_check(const struct chatdnat_settings *settings, bool host,
			  struct chatdnat_text text,
			  struct chatdnat_refusal *why);
int chatdnat_engine_bind(struct chatdnat_snapshot *snapshot);
void chatdnat_engine_bound(const struct chatdnat_snapshot *snapshot);
void chatdnat_engine_rebind(struct chatdnat_snapshot *snapshot);
int chatdnat_engine_show(char *buf, size_t size);
bool chatdnat_engine_reaches(const struct chatdnat_settings *settings,
			     enum chatdnat_family family,
			     const struct chatdnat_binding *binding);

#endif /* CHATDNAT_ENGINE_H */
