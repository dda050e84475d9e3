/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNAT_SURVEY_H
#define CHATDNAT_SURVEY_H

#include <linux/types.h>

struct chatdnat_settings;

/**
 * struct chatdnat_survey - digests of this host's interfaces, addresses and
 *			    routes, as far as settings depend on them
 * @wan: the WAN interfaces, the addresses on them and on loopback interfaces,
 *	 and whether the default routes leave by a WAN interface. They decide
 *	 which connections are translated
 * @bindings: these, and all else that decides what is translated without
 *	      state; 0 with engine=tracked
 */
struct chatdnat_survey {
	u64 wan;
	u64 bindings;
};

void chatdnat_survey(struct chatdnat_survey *survey,
		     const struct chatdnat_settings *settings);

#endif /* CHATDNAT_SURVEY_H */
