/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNAT_SURVEY_H
#define CHATDNAT_SURVEY_H

#include <linux/types.h>

struct chatdnat_settings;

/**
 * struct chatdnat_survey - digests of the host's interfaces, addresses and
 *			    routes
 * @wan: WAN interfaces, their addresses and those of loopback interfaces, and
 *	 whether the default routes use a WAN interface; determines which
 *	 connections are translated
 * @ports: WAN interfaces, and devices towards relays: those with an ingress hook
 * @bindings: the same as both, and all else that determines which connections
 *	      are translated without state; 0 with engine=tracked
 */
struct chatdnat_survey {
	u64 wan;
	u64 ports;
	u64 bindings;
};

void chatdnat_survey_take(struct chatdnat_survey *survey,
			  const struct chatdnat_settings *settings);

#endif /* CHATDNAT_SURVEY_H */
