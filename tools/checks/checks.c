// SPDX-License-Identifier: GPL-2.0
#include "checks.h"

void checks_run(struct findings *findings, const struct state *state)
{
	*findings = (struct findings){
		.unloaded = !state->loaded,
		.engine_off = refused_relay(state),
	};
	check_module(findings, state);
	check_saved(findings, state);
	check_config(findings, state);
	check_fast(findings, state);
	check_host(findings, state);
	check_tunnel(findings, state);
	check_input(findings, state);
	check_wireguard(findings, state);
	check_bridge(findings, state);
	check_firewall(findings, state);
	check_listeners(findings, state);
	check_guard(findings, state);
	check_probes(findings, state);
	check_dns(findings, state);
	check_counters(findings, state);
}
