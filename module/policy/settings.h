/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNAT_SETTINGS_H
#define CHATDNAT_SETTINGS_H

#include <linux/types.h>

#include "addr.h"
#include "allow.h"
#include "ifset.h"
#include "portset.h"
#include "relays.h"

enum chatdnat_scope {
	CHATDNAT_SCOPE_LOCAL,
	CHATDNAT_SCOPE_ANY,
};

enum chatdnat_masquerade {
	CHATDNAT_MASQUERADE_OFF,
	CHATDNAT_MASQUERADE_WAN,
	CHATDNAT_MASQUERADE_ALL,
};

/* In ascending order: each level includes the checks of the previous one. */
enum chatdnat_guard {
	CHATDNAT_GUARD_OFF,
	CHATDNAT_GUARD_FORWARD,
	CHATDNAT_GUARD_FULL,
	CHATDNAT_GUARD_STRICT,
};

/* Any other value is the MSS to clamp to. */
#define CHATDNAT_MSS_OFF 0
#define CHATDNAT_MSS_AUTO 1
#define CHATDNAT_MSS_MIN 536
#define CHATDNAT_MSS_MAX 65495

enum chatdnat_log {
	CHATDNAT_LOG_OFF,
	CHATDNAT_LOG_DROPS,
};

enum chatdnat_engine {
	CHATDNAT_ENGINE_TRACKED,
	CHATDNAT_ENGINE_STATELESS,
	CHATDNAT_ENGINE_AUTO,
};

/* Whether tracked connections take the fast path. */
enum chatdnat_fast {
	CHATDNAT_FAST_AUTO,
	CHATDNAT_FAST_ON,
	CHATDNAT_FAST_OFF,
};

enum chatdnat_stale {
	CHATDNAT_STALE_FLUSH,
	CHATDNAT_STALE_KEEP,
};

/* The relays and the ports that are forwarded to them (DNAT). */
struct chatdnat_service {
	struct chatdnat_relays relays[CHATDNAT_FAMILIES];
	struct chatdnat_portset ports;
};

/* All settings of the module. */
struct chatdnat_settings {
	struct chatdnat_ifset wan;
	struct chatdnat_service service;
	enum chatdnat_scope scope;
	enum chatdnat_masquerade masquerade;
	enum chatdnat_guard guard;
	struct chatdnat_allowed allow;
	u16 mss;			/* bytes, or OFF or AUTO */
	char via[CHATDNAT_IFNAME_SIZE]; /* empty: any interface */
	enum chatdnat_stale stale;
	bool enabled;
	bool hairpin;
	enum chatdnat_log log;
	enum chatdnat_fast fast;
	enum chatdnat_engine engine;
};

/* Addresses and ports of a flow; ports in host byte order. */
struct chatdnat_flow {
	enum chatdnat_family family;
	enum chatdnat_proto proto;
	struct chatdnat_addr saddr;
	struct chatdnat_addr daddr;
	u16 sport;
	u16 dport;
};

void chatdnat_settings_default(struct chatdnat_settings *settings);
bool chatdnat_settings_active(const struct chatdnat_settings *settings,
			      enum chatdnat_family family);
bool chatdnat_settings_multihomed(const struct chatdnat_settings *settings);
const struct chatdnat_addr *
chatdnat_service_find(const struct chatdnat_service *service,
		      enum chatdnat_family family, enum chatdnat_proto proto,
		      const struct chatdnat_addr *local, u16 port);
const struct chatdnat_addr *
chatdnat_service_relay(const struct chatdnat_service *service,
		       const struct chatdnat_flow *flow);
bool chatdnat_service_is_reply(const struct chatdnat_service *service,
			       const struct chatdnat_flow *flow);
bool chatdnat_service_empty(const struct chatdnat_service *service);

#endif /* CHATDNAT_SETTINGS_H */
