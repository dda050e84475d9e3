// SPDX-License-Identifier: GPL-2.0
#include "relay_script.h"

#include <stdlib.h>
#include <string.h>

#include "../host/wireguard.h"
#include "../lib/base64.h"
#include "../lib/mem.h"
#include "relay_template.h"

/* Of a text that is freed. */
static char *replace(char *text, const char *word, const char *by)
{
	char *at;

	while ((at = strstr(text, word))) {
		char *next = xasprintf("%.*s%s%s", (int)(at - text), text, by, at + strlen(word));

		explicit_bzero(text, strlen(text));
		free(text);
		text = next;
	}
	return text;
}

static char *append(char *text, char *more)
{
	char *longer = xasprintf("%s%s", text, more);

	free(text);
	free(more);
	return longer;
}

static const char *option(enum family family)
{
	return family == V4 ? "" : " -6";
}

char *relay_script(const struct plan *plan)
{
	enum family f, outer = plan->outside[V4] ? V4 : V6, inner = plan->inside[V4] ? V4 : V6;
	char *addresses = xstrdup(""), *postup = xstrdup(""), *rules;
	char *private_key = base64_encode(plan->relay_keys.private_key, WG_KEY_LEN);
	char *public_key = base64_encode(plan->proxy_keys.public_key, WG_KEY_LEN);
	char *jump = xasprintf(outer == V4 ? "%s" : "[%s]", plan_address(&plan->public[outer]).text);
	char *amneziawg = plan_amneziawg(plan) ? amneziawg_text(&plan->amneziawg) : xstrdup("");
	char *text = xstrdup(relay_template);

	rules = xasprintf("ip%s rule add priority 100 to %s ipproto udp dport %u lookup main\n",
			  option(outer), plan_address(&plan->public[outer]).text, plan->port);
	for (f = 0; f < FAMILIES; f++) {
		struct plan_text relay = plan_address(&plan->relay[f]);

		if (!plan->inside[f])
			continue;
		addresses = append(addresses, xasprintf("%s%s/%u", *addresses ? ", " : "",
							relay.text, TUNNEL_PREFIX(f)));
		postup = append(postup,
				xasprintf("PostUp = ip%s route add default dev %%i table 100\n",
					  option(f)));
	}
	/* As the guide has them. */
	for (f = FAMILIES; f-- > 0;)
		if (plan->inside[f])
			rules = append(rules,
				       xasprintf("ip%s rule add priority 200 from %s lookup 100\n",
						 option(f), plan_address(&plan->relay[f]).text));
	text = replace(text, "@INSTALL@",
		       plan_amneziawg(plan) ? relay_installs_amneziawg : relay_installs_wireguard);
	text = replace(text, "@WG@", wireguard_program(plan->kind));
	text = replace(text, "@DIRECTORY@", wireguard_directory(plan->kind));
	text = replace(text, "@AMNEZIAWG@", amneziawg);
	text = replace(text, "@ADDRESSES@", addresses);
	text = replace(text, "@POSTUP@", postup);
	text = replace(text, "@RULES@", rules);
	text = replace(text, "@PRIVATE_KEY@", private_key);
	text = replace(text, "@PUBLIC_KEY@", public_key);
	text = replace(text, "@ENDPOINT@", plan_endpoint(plan).text);
	text = replace(text, "@PUBLIC@", plan_address(&plan->public[outer]).text);
	text = replace(text, "@JUMP@", jump);
	text = replace(text, "@RELAY@", plan_address(&plan->relay[inner]).text);
	text = replace(text, "@TUNNEL@", plan->tunnel);
	explicit_bzero(private_key, strlen(private_key));
	free(private_key);
	free(amneziawg);
	free(public_key);
	free(addresses);
	free(postup);
	free(rules);
	free(jump);
	return text;
}
