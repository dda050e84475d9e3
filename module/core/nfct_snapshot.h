/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNAT_NFCT_SNAPSHOT_H
#define CHATDNAT_NFCT_SNAPSHOT_H

#include "../net/nfct.h"
#include "snapshot.h"

/**
 * chatdnat_nfct_snapshot() - find the snapshot that translated a connection
 * @ct: the connection
 *
 * Context: RCU read lock held; on the packet path.
 * Return: The active one, or the previous one for a packet that is still in
 * flight; NULL if the connection is not forwarded by the module.
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
