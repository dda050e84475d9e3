/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNATCTL_STATUS_H
#define CHATDNATCTL_STATUS_H

#include "../checks/checks.h"

void status_text(const struct state *state, const struct findings *findings);
void status_json(const struct state *state, const struct findings *findings);

#endif
