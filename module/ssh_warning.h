/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNAT_SSH_WARNING_H
#define CHATDNAT_SSH_WARNING_H

#include "policy/settings.h"

void chatdnat_ssh_warning(const struct chatdnat_settings *old,
			  const struct chatdnat_settings *new);

#endif /* CHATDNAT_SSH_WARNING_H */
