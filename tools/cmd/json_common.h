/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNATCTL_JSON_COMMON_H
#define CHATDNATCTL_JSON_COMMON_H

#include "../checks/findings.h"
#include "../lib/json.h"
#include "../module/config.h"
#include "../module/stats.h"

/* What several commands print, in the same form. */
json_object *json_config(const struct config *config);
json_object *json_stats(const struct stats *stats);

/* Adds a finding's members to an object. */
void json_finding(json_object *object, const struct finding *finding);

#endif
