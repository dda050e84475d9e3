/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNAT_SSH_LOCKOUT_H
#define CHATDNAT_SSH_LOCKOUT_H

#include "policy/settings.h"

void chatdnat_ssh_lockout_warn(const struct chatdnat_settings *old,
			       const struct chatdnat_settings *new);

#endif /* CHATDNAT_SSH_LOCKOUT_H */
