/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNAT_LATE_REPLY_H
#define CHATDNAT_LATE_REPLY_H

#include "../policy/settings.h"

struct nf_conn;

void chatdnat_late_reply_expect(void);
void chatdnat_late_reply(const struct chatdnat_settings *settings,
			 const struct nf_conn *ct);

void chatdnat_late_reply_exit(void);

#endif /* CHATDNAT_LATE_REPLY_H */
