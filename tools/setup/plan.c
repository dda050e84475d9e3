// SPDX-License-Identifier: GPL-2.0
#include "plan.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../host/wireguard.h"
#include "../lib/text.h"

const char *const wish_names[WISHES] = {
	[WISH_RELAY] = "relay", [WISH_WAN] = "wan",   [WISH_TUNNEL] = "tunnel",
	[WISH_KIND] = "kind",	[WISH_PORT] = "port", [WISH_ADDRESS] = "address",
	[WISH_ALLOW] = "allow",
};

bool plan_amneziawg(const struct plan *plan)
{
	return !strcmp(plan->kind, AMNEZIAWG);
}

bool plan_interface(const char *option, const char *text)
{
	size_t len = strlen(text), i;

	for (i = 0; i < len; i++)
		if (!isalnum((unsigned char)text[i]) && !strchr("-_.", text[i]))
			break;
	if (len && len < 16 && i == len && text[0] != '-' && text[0] != '.')
		return true;
	error("setup: --%s: '%s' is not the name of an interface: up to 15 letters, digits, '-', '_' and '.'",
	      option, text);
	return false;
}

struct plan_text plan_address(const struct address *address)
{
	struct plan_text t = { "" };

	address_format(address, t.text, sizeof(t.text));
	return t;
}

struct plan_text plan_endpoint(const struct plan *plan)
{
	enum family family = plan->outside[V4] ? V4 : V6;
	char address[46];
	struct plan_text t = { "" };

	address_format(&plan->public[family], address, sizeof(address));
	snprintf(t.text, sizeof(t.text), family == V4 ? "%s:%u" : "[%s]:%u", address, plan->port);
	return t;
}

void plan_free(struct plan *plan)
{
	free(plan->name);
	free(plan->allow);
	explicit_bzero(&plan->proxy_keys, sizeof(plan->proxy_keys));
	explicit_bzero(&plan->relay_keys, sizeof(plan->relay_keys));
}
