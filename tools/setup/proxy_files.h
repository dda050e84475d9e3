/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNATCTL_PROXY_FILES_H
#define CHATDNATCTL_PROXY_FILES_H

#include "manifest.h"

#define PROXY_SYSCTLS "/etc/sysctl.d/90-chatdnat.conf"

/* Adds all files of this host, as docs/home-relay.md has them; `was` is what an earlier setup has made. */
void proxy_files(struct manifest *manifest, const struct plan *plan, const struct manifest *was);

/* The name of the tunnel's file. To be freed. */
char *proxy_tunnel_file(const struct plan *plan);

/* The sysctls of the plan, one NAME=VALUE a line, in the order in which they can be set. To be freed. */
char *proxy_sysctls(const struct plan *plan);

/* The program that starts the tunnel: "wg-quick", or "awg-quick". */
const char *proxy_quick(const struct plan *plan);

/* Whether that program's unit starts the tunnel at boot. */
bool proxy_boots_tunnel(const struct plan *plan);

#endif
