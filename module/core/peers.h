/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNAT_PEERS_H
#define CHATDNAT_PEERS_H

#include "../policy/addr.h"

/* State of a local connection with a peer. */
enum chatdnat_peer_stage {
	CHATDNAT_PEER_ASKED,	 /* this host has sent a SYN-ACK */
	CHATDNAT_PEER_CONNECTED, /* the connection is established */
	CHATDNAT_PEER_STAGES,
};

bool chatdnat_peers_add(const struct chatdnat_addr *local,
			const struct chatdnat_addr *peer,
			enum chatdnat_peer_stage stage);
bool chatdnat_peers_has(const struct chatdnat_addr *local,
			const struct chatdnat_addr *peer);

#endif /* CHATDNAT_PEERS_H */
