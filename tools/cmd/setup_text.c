// SPDX-License-Identifier: GPL-2.0
#include "setup_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../lib/text.h"
#include "../setup/proxy_files.h"
#include "../setup/relay_script.h"

static void print_addresses(const char *label, const bool *have, const struct address *addresses)
{
	struct plan_text v4 = { "" }, v6 = { "" };

	if (have[V4])
		v4 = plan_address(&addresses[V4]);
	if (have[V6])
		v6 = plan_address(&addresses[V6]);
	text_line("%-10s%s%s%s", label, v4.text, have[V4] && have[V6] ? "  " : "", v6.text);
}

void setup_print_plan(const struct plan *plan)
{
	char *path = proxy_tunnel_file(plan), port[32] = "";

	text_line("%-10s%s%s", "wan", plan->wan,
		  plan->accept_ra ? ", with router advertisements" : "");
	print_addresses("public", plan->outside, plan->public);
	if (plan->port)
		snprintf(port, sizeof(port), ", UDP port %u", plan->port);
	text_line("%-10s%s%s%s%s", "tunnel", plan->tunnel, plan_amneziawg(plan) ? ", AmneziaWG" : "",
		  port, plan->tunnel_exists ? ", as it is" : ", new");
	if (plan->tunnel_exists && plan->kind[0] && access(path, F_OK) < 0)
		text_line("%-10sthere is no %s, so something else must start %s at boot; to set up a new one: ip link delete %s",
			  "", path, plan->tunnel, plan->tunnel);
	free(path);
	print_addresses("relay", plan->inside, plan->relay);
	text_line("%-10s%s", "name", plan->name ? plan->name : "none");
	text_line("%-10sfull, open on this host: %s", "guard", plan->allow);
	if (plan->session_port)
		text_line("%-10sthis SSH session, by port %u/tcp, stays open", "",
			  plan->session_port);
	if (plan->session[0])
		text_line("%-10sit comes by %s: if that is a tunnel through %s, its port must be in --allow",
			  "", plan->session, plan->wan);
}

void setup_print_script(const struct plan *plan, bool quoted)
{
	char *script = relay_script(plan);

	/* It is made of nothing that has to be escaped. */
	if (quoted) {
		puts(" case ${SHELLOPTS-} in *history*) set +o history; CHATDNAT_HISTORY=on;; esac");
		puts("sh <<'CHATDNAT_RELAY'");
	}
	fputs(script, stdout);
	if (quoted) {
		puts("CHATDNAT_RELAY");
		puts(" [ -z \"${CHATDNAT_HISTORY-}\" ] || { set -o history; unset CHATDNAT_HISTORY; }");
	}
	explicit_bzero(script, strlen(script));
	free(script);
}

void setup_print_rest(const struct plan *plan)
{
	const char *name = plan->name ? plan->name : "relay.example";

	puts("");
	text_heading("DNS");
	if (plan->outside[V4] && plan->inside[V4])
		text_line("%s.  A     %s", name, plan_address(&plan->public[V4]).text);
	if (plan->outside[V6] && plan->inside[V6])
		text_line("%s.  AAAA  %s", name, plan_address(&plan->public[V6]).text);
	text_line("%s.  MX    10 %s.", name, name);
	text_line("%s.  TXT   \"v=spf1 a ~all\"", name);
	text_prose("At the hoster of this host, the PTR record of each address is %s.", name);
	if (plan->tunnel_exists)
		return;
	if (!proxy_boots_tunnel(plan))
		text_line("There is no systemd with %s here: have `%s up %s' run at boot.",
			  proxy_quick(plan), proxy_quick(plan), plan->tunnel);
	puts("");
	text_heading("On the relay");
	text_prose("Paste this into a root shell there. IT IS SECRET: it has the relay's private key.");
	text_line("chatdnatctl setup --script prints it again.");
	text_line("The first and the last line keep the key out of the history of bash.");
	puts("");
	setup_print_script(plan, true);
}

void setup_print_running(const struct manifest *was)
{
	text_prose("Still in force until the next boot: the module, forwarding%s",
		   was->tunnel ? ", and the tunnel. To end them now:" : ". To end it now:");
	text_line("  modprobe -r chatdnat");
	if (was->tunnel)
		text_line("  ip link delete %s", was->tunnel);
}
