/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNATCTL_SETUP_TEXT_H
#define CHATDNATCTL_SETUP_TEXT_H

#include "../setup/manifest.h"
#include "../setup/plan.h"

#define SETUP_HELP                                                                           \
	"Sets up this host and a WireGuard tunnel for a relay without a public address:\n"   \
	"writes the tunnel's file with new keys, the sysctls and the module's settings,\n"   \
	"makes them start at boot, starts them, and prints a script for the relay and\n"     \
	"the records for the DNS. A tunnel that this host has already is used. Without\n"    \
	"--relay, on anything but a terminal, only shows what it proposes. A second run\n"   \
	"changes nothing. Files of somebody else stop it before it writes.\n\n"              \
	"  --relay LIST      the relay's name in the DNS, and its addresses in the tunnel\n" \
	"                    (10.9.0.2,fd00:9::2)\n"                                         \
	"  --wan INTERFACE   the one with the public address (that of the default route)\n"  \
	"  --address LIST    the public addresses, if the hoster translates them\n"          \
	"  --tunnel NAME     the tunnel's interface (wg0, or awg0)\n"                        \
	"  --kind KIND       wireguard, or amneziawg for networks that block WireGuard\n"    \
	"                    (wireguard)\n"                                                  \
	"  --port PORT       its UDP port (51820)\n"                                         \
	"  --allow LIST      open ports of this host (those that SSH listens on)\n"          \
	"  --dry-run         print a diff of each file\n"                                    \
	"  --yes             do not ask\n"                                                   \
	"  --replace         also replace files that are not of setup's\n"                   \
	"  --script          print only the script for the relay, once more\n"               \
	"  --undo            take back what setup has written\n"

void setup_print_plan(const struct plan *plan);

/* The relay's script; `quoted`: as one command to be pasted. */
void setup_print_script(const struct plan *plan, bool quoted);

/* All that is left to do elsewhere: the DNS, and the relay. */
void setup_print_rest(const struct plan *plan);

/* The parts that are still active after --undo. */
void setup_print_running(const struct manifest *was);

#endif
