"""
Which configuration was in force when, and what that says about a packet: it may go where a configuration leads that was in
force at some time between its being sent and its arrival. While one is written the one before is in force as well.
"""

import bisect
import collections
import socket

from .places import DIALED, THEIRS, THEIR_PORT, TRANSIT

NAMED_PORTS = {"smtp": "25", "imap": "143", "imaps": "993", "ssh": "22", "turn": "3478/udp"}
PROTOCOLS = {"tcp": socket.IPPROTO_TCP, "udp": socket.IPPROTO_UDP}
EPHEMERAL = 32768
DEFAULTS = {"v4": "", "v6": "", "ports": "chatmail", "scope": "local", "stale": "flush", "enabled": "1"}
OWN = {address for own in DIALED if own is not TRANSIT for address in own.values()}

# One thing that was done, and how it went.
Entry = collections.namedtuple("Entry", "begin end who what result")


def ports(text):
    """[(protocol, first, last)]"""
    found = []
    for item in text.replace("chatmail", "25,80,143,443,465,587,993").split(","):
        item = NAMED_PORTS.get(item, item)
        numbers, _, proto = item.partition("/")
        first, _, last = numbers.partition("-")
        found += [(PROTOCOLS[proto or "tcp"], int(first), int(last or first))] if numbers else []
    return found


class Configuration:
    """What a configuration says about who is called."""

    def __init__(self, settings):
        self.loaded = settings is not None
        self.settings = {**DEFAULTS, **(settings or {})}
        self.keeps = self.loaded and self.settings["stale"] == "keep"
        self.opens = self.settings["enabled"] == "1"
        self.ports = ports(self.settings["ports"])
        self.relays = {}
        for entry in (self.settings["v4"] + "," + self.settings["v6"]).split(","):
            if entry:
                relay, _, own = entry.partition("@")
                self.relays[own or (":" in relay)] = relay

    def relay(self, dialed):
        """Who is meant by a call to that address."""
        if dialed not in OWN and self.settings["scope"] != "any":
            return None
        return self.relays.get(dialed) or self.relays.get(":" in dialed)

    def serves(self, arrival):
        asked = arrival.record
        # No flag tells a late answer over UDP, of a relay that now serves another local address, from what it opens: it
        # is taken up, and the flow goes on.
        late = asked.proto == socket.IPPROTO_UDP and not arrival.first and arrival.host in self.relays.values()
        return (self.loaded and (self.opens or not arrival.first) and
                (late or self.relay(asked.dialed) == arrival.host) and
                any(proto == asked.proto and first <= asked.port <= last for proto, first, last in self.ports))


class Journal:
    def __init__(self):
        self.entries = []
        self._begins, self._ends, self._configurations = [0], [0], [Configuration(None)]

    def add(self, entries):
        """Also in the order in which it was, between those of others."""
        self.entries = sorted(self.entries + entries)

    def configurations(self, changes):
        """[(begin, end, settings)], one after the other: one writes them."""
        for begin, end, settings in changes:
            self._begins.append(begin)
            self._ends.append(end)
            self._configurations.append(Configuration(settings))

    def judge(self, arrival):
        """What is wrong with an arrival, if anything is."""
        asked = arrival.record
        if arrival.host == asked.dialed:
            return None
        if asked.port == THEIR_PORT:
            return None if arrival.host in THEIRS.values() else "another table's connection"
        # A relay's UDP from these may be its own queries, so a former relay may answer, and so go on.
        if asked.proto == socket.IPPROTO_UDP and asked.port >= EPHEMERAL and not arrival.first:
            return None
        # The last one written before it was sent is in force until the next has been written.
        oldest = bisect.bisect_right(self._ends, asked.begun if arrival.first else asked.sent) - 1
        latest = bisect.bisect_right(self._begins, arrival.at) - 1
        if any(self._configurations[i].serves(arrival) for i in range(oldest, latest + 1)):
            return None
        if not arrival.first and self._kept(oldest, arrival):
            return None
        return f"named by none of {[self._configurations[i].settings for i in range(oldest, latest + 1)][:3]}"

    def _kept(self, i, arrival):
        """Whether a live connection was left where it was, by each change since."""
        while i > 0 and self._configurations[i].keeps and self._ends[i] >= arrival.record.begun:
            i -= 1
            if self._configurations[i].serves(arrival):
                return True
        return False

    def tail(self, begin, end, lines=30):
        """What was done until then, as text; times in seconds after the first entry."""
        zero = self.entries[0].begin if self.entries else 0
        for entry in [each for each in self.entries if each.begin <= end and each.end >= begin - 2 * 10**9][-lines:]:
            yield (f"{(entry.begin - zero) / 1e9:9.4f} {(entry.end - entry.begin) / 1e6:8.2f} ms "
                   f"{entry.who}: {entry.what}: {entry.result}")
