/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNAT_NFCT_SNAPSHOT_H
#define CHATDNAT_NFCT_SNAPSHOT_H

#include "../net/nfct.h"
#include "snapshot.h"

/**
 * chatdnat_nfct_snapshot() - the snapshot under which a connection was sent on
 * @ct: the connection
 *
 * Context: RCU read lock held; on the packet path.
 * Return: The active one, or the one before for a packet that met that earlier;
 * NULL: the connection is not ours.
 */
static inline const struct chatdnat_snapshot *
chatdnat_nfct_snapshot(const struct nf_conn *ct)
{
	const struct chatdnat_snapshot *snapshot;

	chatdnat_for_each_snapshot(snapshot)
		if (chatdnat_nfct_serves(&snapshot->settings.service, ct))
			break;
	return snapshot;
}

#endif /* CHATDNAT_NFCT_SNAPSHOT_H */
