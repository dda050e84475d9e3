// SPDX-License-Identifier: GPL-2.0
/*
 * Peers of local TCP connections that use a forwarded port: of a client bound
 * to such a port, or of a local server while enabled=0. Their segments look
 * like those of the relay's clients. The fast path passes segments from such a
 * peer to the stack, where a socket lookup distinguishes them.
 *
 * An entry has a keyed hash of both addresses and the time of the last packet
 * to the peer. A hash collision only keeps a flow off the fast path. The table
 * has a fixed size and replaces the oldest entry. Since anybody can make this
 * host answer a SYN from a forged address, handshakes have a separate table:
 * they replace each other, but no connections.
 */
#include <linux/atomic.h>
#include <linux/jiffies.h>
#include <linux/net.h>
#include <linux/siphash.h>
#include <linux/string.h>

#include "peers.h"

#define CHATDNAT_PEERS_SHIFT 8
#define CHATDNAT_PEERS_WAYS 4

/**
 * struct chatdnat_peer - an entry of the table
 * @key: lower half of the hash of both addresses, with bit 0 set; 0: free
 * @since: time of the last packet to the peer, in jiffies
 */
struct chatdnat_peer {
	u32 key;
	u32 since;
};

struct chatdnat_peers {
	struct chatdnat_peer peer[CHATDNAT_PEERS_WAYS];
	atomic_t next;
};

static struct chatdnat_peers chatdnat_peers[CHATDNAT_PEER_STAGES]
					   [BIT(CHATDNAT_PEERS_SHIFT)];

/* Whether an entry was ever added. */
static bool chatdnat_peers_any __read_mostly;

/*
 * A SYN-ACK is retransmitted for a minute. An idle connection sends a keepalive
 * segment every two hours, if at all.
 */
static const u32 chatdnat_peers_life[CHATDNAT_PEER_STAGES] = {
	[CHATDNAT_PEER_ASKED] = 120 * HZ,
	[CHATDNAT_PEER_CONNECTED] = 3 * 3600 * HZ,
};

static u64 chatdnat_peers_hash(const struct chatdnat_addr *local,
			       const struct chatdnat_addr *peer)
{
	static siphash_key_t secret __aligned(SIPHASH_ALIGNMENT);
	u64 word[4];

	net_get_random_once(&secret, sizeof(secret));
	memcpy(&word[0], local, sizeof(*local));
	memcpy(&word[2], peer, sizeof(*peer));
	return siphash_4u64(word[0], word[1], word[2], word[3], &secret);
}

static struct chatdnat_peers *chatdnat_peers_at(enum chatdnat_peer_stage stage,
						u64 hash)
{
	return &chatdnat_peers[stage][hash >> (64 - CHATDNAT_PEERS_SHIFT)];
}

static struct chatdnat_peer *chatdnat_peers_find(enum chatdnat_peer_stage stage,
						 u64 hash)
{
	struct chatdnat_peers *peers = chatdnat_peers_at(stage, hash);
	unsigned int i;

	for (i = 0; i < CHATDNAT_PEERS_WAYS; i++)
		if (READ_ONCE(peers->peer[i].key) == ((u32)hash | 1))
			return &peers->peer[i];
	return NULL;
}

/* Time since the last packet to a peer, in jiffies. */
static u32 chatdnat_peers_age(const struct chatdnat_peer *peer)
{
	return (u32)jiffies - READ_ONCE(peer->since);
}

/**
 * chatdnat_peers_add() - record a local packet to a peer
 * @local: this host's address, network byte order
 * @peer: the peer's address, network byte order
 * @stage: state of the connection
 *
 * Context: Any; on the path of locally generated packets.
 * Return: True if the peer was not known: the caller has to invalidate the flow
 * cache entry of segments from @peer to @local. The new entry is visible by then.
 */
bool chatdnat_peers_add(const struct chatdnat_addr *local,
			const struct chatdnat_addr *peer,
			enum chatdnat_peer_stage stage)
{
	u64 hash = chatdnat_peers_hash(local, peer);
	struct chatdnat_peer *entry = chatdnat_peers_find(stage, hash);
	struct chatdnat_peers *peers;
	bool known;

	known = entry && chatdnat_peers_age(entry) < chatdnat_peers_life[stage];
	if (known && chatdnat_peers_age(entry) < HZ)
		return false;
	if (!entry) {
		peers = chatdnat_peers_at(stage, hash);
		entry = &peers->peer[(u32)atomic_inc_return(&peers->next) %
				     CHATDNAT_PEERS_WAYS];
	}
	WRITE_ONCE(entry->since, (u32)jiffies);
	WRITE_ONCE(entry->key, (u32)hash | 1);
	if (!READ_ONCE(chatdnat_peers_any))
		WRITE_ONCE(chatdnat_peers_any, true);
	/* Pairs with the one in chatdnat_flow_cache_learn(). */
	smp_mb();
	return !known;
}

/**
 * chatdnat_peers_has() - whether segments from a peer may be for a local socket
 * @local: this host's address, network byte order
 * @peer: the peer's address, network byte order
 *
 * Context: Any; on the packet path.
 * Return: True if so; true also for a hash collision.
 */
bool chatdnat_peers_has(const struct chatdnat_addr *local,
			const struct chatdnat_addr *peer)
{
	const struct chatdnat_peer *entry;
	enum chatdnat_peer_stage stage;
	u64 hash;

	if (likely(!READ_ONCE(chatdnat_peers_any)))
		return false;

	hash = chatdnat_peers_hash(local, peer);
	for (stage = 0; stage < CHATDNAT_PEER_STAGES; stage++) {
		entry = chatdnat_peers_find(stage, hash);
		if (entry &&
		    chatdnat_peers_age(entry) < chatdnat_peers_life[stage])
			return true;
	}
	return false;
}
