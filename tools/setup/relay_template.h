/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNATCTL_RELAY_TEMPLATE_H
#define CHATDNATCTL_RELAY_TEMPLATE_H

/* The relay's script, with words between '@' to be replaced. */
extern const char relay_template[];

/* What takes the place of its @INSTALL@, for tunnels of each kind. */
extern const char relay_installs_wireguard[], relay_installs_amneziawg[];

#endif
