// SPDX-License-Identifier: GPL-2.0
#include "relay_script.h"

#include <stdlib.h>
#include <string.h>

#include "../host/wireguard.h"
#include "../lib/base64.h"
#include "../lib/mem.h"

/*
 * All commands are in functions, and read nothing: a shell that gets the script by standard input has read it to the end
 * before the first one runs. It has no tabs, for which a shell that it is pasted into completes names. Words between '@' are
 * replaced.
 */
static const char template[] =
	"#!/bin/sh\n"
	"# The relay's end of the tunnel to @PUBLIC@, by chatdnatctl setup. It has a secret key.\n"
	"# It can be run again: it changes only what is different.\n"
	"set -eu\n"
	"umask 077\n"
	"changed=''\n"
	"\n"
	"# put MODE FILE: standard input becomes that file; another one in its place is kept.\n"
	"put() {\n"
	"    # systemd-networkd, which is not root, reads one of them.\n"
	"    (umask 022 && mkdir -p \"${2%/*}\")\n"
	"    cat >\"$2.new\"\n"
	"    chmod \"$1\" \"$2.new\"\n"
	"    if [ -e \"$2\" ] && cmp -s \"$2.new\" \"$2\"; then\n"
	"        rm \"$2.new\"\n"
	"        return\n"
	"    fi\n"
	"    if [ -e \"$2\" ] && ! [ -e \"$2.before-chatdnat\" ]; then\n"
	"        cp -p \"$2\" \"$2.before-chatdnat\"\n"
	"        echo \"$2: the former file is kept as $2.before-chatdnat\"\n"
	"    fi\n"
	"    mv \"$2.new\" \"$2\"\n"
	"    changed=1\n"
	"    echo \"wrote $2\"\n"
	"}\n"
	"\n"
	"# Rules and routes of somebody else, where relay-routes puts its own.\n"
	"look_for_others() {\n"
	"    [ -e /etc/wireguard/relay-routes ] && return\n"
	"    others=$(for family in -4 -6; do\n"
	"        ip \"$family\" rule | grep -E '^(100|200|300|400):' || :\n"
	"        ip \"$family\" route show table 100 2>/dev/null || :\n"
	"    done)\n"
	"    [ -n \"$others\" ] || return 0\n"
	"    echo \"$others\" >&2\n"
	"    echo 'This uses the rules with priorities 100, 200, 300 and 400, and the table 100: give those above another place.' >&2\n"
	"    exit 1\n"
	"}\n"
	"\n"
	"# netbase has the names of protocols, for ip rule.\n"
	"install_programs() {\n"
	"@INSTALL@"
	"}\n"
	"\n"
	"write_files() {\n"
	"    put 600 @DIRECTORY@/@TUNNEL@.conf <<'END'\n"
	"[Interface]\n"
	"Address = @ADDRESSES@\n"
	"Table = off\n"
	"PrivateKey = @PRIVATE_KEY@\n"
	"@AMNEZIAWG@"
	"@POSTUP@"
	"\n"
	"[Peer]\n"
	"PublicKey = @PUBLIC_KEY@\n"
	"Endpoint = @ENDPOINT@\n"
	"AllowedIPs = 0.0.0.0/0, ::/0\n"
	"PersistentKeepalive = 25\n"
	"END\n"
	"    put 644 /etc/wireguard/relay-routes <<'END'\n"
	"# All that this machine sends leaves by the tunnel, or not at all. Only the LAN is reached directly.\n"
	"for ip in \"ip -4\" \"ip -6\"; do\n"
	"    for priority in 100 200 300 400; do\n"
	"        while $ip rule del priority $priority 2>/dev/null; do :; done\n"
	"    done\n"
	"    $ip route replace unreachable default metric 4096 table 100\n"
	"    $ip rule add priority 300 lookup main suppress_prefixlength 0\n"
	"    $ip rule add priority 400 lookup 100\n"
	"done\n"
	"# The tunnel's own packets, and the answers to clients.\n"
	"@RULES@"
	"END\n"
	"    put 644 /etc/systemd/system/relay-routes.service <<'END'\n"
	"[Unit]\n"
	"Description=Let what this machine sends leave by its tunnel only\n"
	"DefaultDependencies=no\n"
	"Before=network-pre.target\n"
	"Wants=network-pre.target\n"
	"\n"
	"[Service]\n"
	"Type=oneshot\n"
	"RemainAfterExit=yes\n"
	"ExecStart=sh /etc/wireguard/relay-routes\n"
	"\n"
	"[Install]\n"
	"WantedBy=sysinit.target\n"
	"END\n"
	"    put 644 /etc/systemd/networkd.conf.d/90-relay-routes.conf <<'END'\n"
	"[Network]\n"
	"ManageForeignRoutes=no\n"
	"ManageForeignRoutingPolicyRules=no\n"
	"END\n"
	"}\n"
	"\n"
	"with_systemd() {\n"
	"    [ -d /run/systemd/system ]\n"
	"}\n"
	"\n"
	"stop() {\n"
	"    if with_systemd; then\n"
	"        systemctl stop @WG@-quick@@TUNNEL@ || :\n"
	"    fi\n"
	"    @WG@-quick down @TUNNEL@ 2>/dev/null || :\n"
	"}\n"
	"\n"
	"start() {\n"
	"    stop\n"
	"    if with_systemd; then\n"
	"        systemctl daemon-reload\n"
	"        systemctl try-restart systemd-networkd || :\n"
	"        systemctl --quiet enable relay-routes @WG@-quick@@TUNNEL@\n"
	"        systemctl restart relay-routes\n"
	"        systemctl start @WG@-quick@@TUNNEL@\n"
	"    else\n"
	"        sh /etc/wireguard/relay-routes\n"
	"        @WG@-quick up @TUNNEL@\n"
	"    fi\n"
	"}\n"
	"\n"
	"# Sessions through the line at home work again.\n"
	"take_back() {\n"
	"    stop\n"
	"    if with_systemd; then\n"
	"        systemctl --quiet disable relay-routes @WG@-quick@@TUNNEL@ || :\n"
	"    fi\n"
	"    for family in -4 -6; do\n"
	"        for priority in 100 200 300 400; do\n"
	"            while ip \"$family\" rule del priority \"$priority\" 2>/dev/null; do :; done\n"
	"        done\n"
	"    done\n"
	"}\n"
	"\n"
	"# The proxy has answered.\n"
	"tunnel_is_up() {\n"
	"    tries=0\n"
	"    while [ \"$tries\" -lt 30 ]; do\n"
	"        case $(@WG@ show @TUNNEL@ latest-handshakes 2>/dev/null | cut -f 2) in\n"
	"        '' | 0) ;;\n"
	"        *) return 0 ;;\n"
	"        esac\n"
	"        tries=$((tries + 1))\n"
	"        sleep 1\n"
	"    done\n"
	"    return 1\n"
	"}\n"
	"\n"
	"# A name server in the LAN asks others from the line at home.\n"
	"look_at_name_servers() {\n"
	"    file=/etc/resolv.conf\n"
	"    [ -e /run/systemd/resolve/resolv.conf ] && file=/run/systemd/resolve/resolv.conf\n"
	"    [ -e \"$file\" ] || return 0\n"
	"    while read -r word server _; do\n"
	"        case $word:$server in\n"
	"        nameserver:127.* | nameserver:::1) ;;\n"
	"        nameserver:*)\n"
	"            case $(ip route get \"${server%%%*}\" 2>/dev/null) in\n"
	"            *' dev @TUNNEL@ '*) ;;\n"
	"            *) echo \"note: the name server $server in $file is not asked through the tunnel\" ;;\n"
	"            esac\n"
	"            ;;\n"
	"        esac\n"
	"    done <\"$file\"\n"
	"}\n"
	"\n"
	"main() {\n"
	"    if [ \"$(id -u)\" -ne 0 ]; then\n"
	"        echo 'run this as root' >&2\n"
	"        exit 1\n"
	"    fi\n"
	"    if [ \"$(@WG@ show @TUNNEL@ public-key 2>/dev/null)\" = @PUBLIC_KEY@ ]; then\n"
	"        echo 'this is the proxy: run this on the relay' >&2\n"
	"        exit 1\n"
	"    fi\n"
	"    # The session may end with the routes that it came by.\n"
	"    trap '' HUP\n"
	"    look_for_others\n"
	"    install_programs\n"
	"    write_files\n"
	"    if [ -n \"$changed\" ] || ! ip link show @TUNNEL@ >/dev/null 2>&1; then\n"
	"        # A failure is reported below.\n"
	"        start || :\n"
	"    else\n"
	"        echo 'nothing to change'\n"
	"    fi\n"
	"    if ! tunnel_is_up; then\n"
	"        take_back\n"
	"        echo 'The proxy does not answer at @ENDPOINT@ (UDP): is that port open in the firewall of its hoster?' >&2\n"
	"        echo 'The tunnel and its routes are off again; the files stay. Run this again when it is open.' >&2\n"
	"        exit 1\n"
	"    fi\n"
	"    look_at_name_servers\n"
	"    with_systemd ||\n"
	"        echo 'There is no systemd here: have \"sh /etc/wireguard/relay-routes\" and \"@WG@-quick up @TUNNEL@\" run at boot.'\n"
	"    echo 'The tunnel is up. This machine is reached from the LAN and through the proxy: ssh -J root@@JUMP@ root@@RELAY@'\n"
	"}\n"
	"\n"
	"main </dev/null\n";

static const char install_wireguard[] =
	"    command -v wg-quick >/dev/null && [ -e /etc/protocols ] && return\n"
	"    apt-get update\n"
	"    DEBIAN_FRONTEND=noninteractive apt-get install -y wireguard netbase\n";

/* Debian has no packages of AmneziaWG. */
static const char install_amneziawg[] =
	"    if ! command -v awg-quick >/dev/null; then\n"
	"        echo 'Install amneziawg-dkms and amneziawg-tools of https://github.com/amnezia-vpn, then run this again.' >&2\n"
	"        exit 1\n"
	"    fi\n"
	"    [ -e /etc/protocols ] && return\n"
	"    apt-get update\n"
	"    DEBIAN_FRONTEND=noninteractive apt-get install -y netbase\n";

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
	char *text = xstrdup(template);

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
		       plan_amneziawg(plan) ? install_amneziawg : install_wireguard);
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
