/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNATCTL_CHECKS_H
#define CHATDNATCTL_CHECKS_H

#include "../state/state.h"
#include "findings.h"

void check_bridge(struct findings *findings, const struct state *state);
void check_config(struct findings *findings, const struct state *state);
void check_counters(struct findings *findings, const struct state *state);
void check_dns(struct findings *findings, const struct state *state);
void check_fast(struct findings *findings, const struct state *state);
void check_firewall(struct findings *findings, const struct state *state);
void check_guard(struct findings *findings, const struct state *state);
void check_host(struct findings *findings, const struct state *state);
void check_input(struct findings *findings, const struct state *state);
void check_listeners(struct findings *findings, const struct state *state);
void check_module(struct findings *findings, const struct state *state);
void check_probes(struct findings *findings, const struct state *state);
void check_saved(struct findings *findings, const struct state *state);
void check_tunnel(struct findings *findings, const struct state *state);
void check_wireguard(struct findings *findings, const struct state *state);

/* Runs them all, the module first, then in the order of a packet's path. To be freed with findings_free(). */
void checks_run(struct findings *findings, const struct state *state);

#endif
