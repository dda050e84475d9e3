/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNATCTL_JSON_FINDING_H
#define CHATDNATCTL_JSON_FINDING_H

#include "checks.h"
#include "json.h"

/* What all commands that list findings say of one. */
void json_finding(json_object *object, const struct finding *finding);

#endif
