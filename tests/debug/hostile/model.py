"""
What has to come out of the proxy for what goes in, worked out from the bytes alone: by the documents, the RFCs, and what
Linux is known to do with a packet that it forwards.
"""

import collections
import socket
import struct

WAN, INSIDE = 0, 1
MTU = (1500, 1420)
STATION = (b"\2\0\0\0\0\1", b"\2\0\0\0\0\2")
NEIGHBOUR = (b"\2\0\0\0\0\xfe", b"\2\0\0\0\0\xfd")
TCP, UDP, ICMP, ICMPV6 = 6, 17, 1, 58
HOPOPTS, ROUTING, FRAGMENT, AUTH, NONE, DSTOPTS = 0, 43, 44, 51, 59, 60
EXTENSIONS = (HOPOPTS, ROUTING, FRAGMENT, AUTH, NONE, DSTOPTS)
FIN, SYN, RST, PUSH, ACK, URG = 1, 2, 4, 8, 16, 32
NEEDS_CSUM, DATA_VALID = 1, 2
GSO_TCPV4, GSO_UDP, GSO_TCPV6, GSO_UDP_L4, GSO_ECN = 1, 3, 4, 5, 0x80
PORTS = {TCP: 993, UDP: 3478}
# What the guard lets in to this host.
ALLOWED = 22


def packed(address):
    return socket.inet_pton(socket.AF_INET6 if ":" in address else socket.AF_INET, address)


OWN = {4: packed("203.0.113.1"), 6: packed("2001:db8:1::1")}
TUNNEL = {4: packed("10.9.0.1"), 6: packed("fd00:9::1")}
RELAY = {4: packed("10.9.0.2"), 6: packed("fd00:9::2")}
ROUTER = {4: packed("10.9.0.77"), 6: packed("fd00:9::77")}
MINE = set(OWN.values()) | set(TUNNEL.values())

DROPPED = (True, "dropped")
# Free: ranges that only the stack can know; checks: offsets of checksums; gso: what is to be put together first.
Want = collections.namedtuple("Want", "data checks free gso", defaults=((), (), 0))
# Sure: all wants come out, and nothing else. Not sure: they do, or nothing does. Out: the link that they come out of; None:
# the other one.
Verdict = collections.namedtuple("Verdict", "sure wants why out", defaults=(None,))
Tuple = collections.namedtuple("Tuple", "proto src sport dst dport")


def ends(version, data, at=0):
    return (data[at + 12:at + 16], data[at + 16:at + 20]) if version == 4 else \
        (data[at + 8:at + 24], data[at + 24:at + 40])


def ones(data):
    """The one's complement sum, where 0 and 0xffff are the same."""
    return int.from_bytes(data + b"\0" if len(data) & 1 else data, "big") % 0xffff


def u16(data, at):
    return data[at] << 8 | data[at + 1]


def put16(data, at, value):
    data[at] = value >> 8
    data[at + 1] = value & 255


def pseudo(version, src, dst, proto, length):
    if version == 4 and proto == ICMP:
        return 0
    return (ones(src) + ones(dst) + proto + (length & 0xffff) + (length >> 16)) % 0xffff


def version_of(data):
    return data[0] >> 4


def addresses(data, at=0):
    return ends(data[at] >> 4, data, at)


def seal(data):
    """An IPv4 header's checksum."""
    size = (data[0] & 15) * 4
    put16(data, 10, 0)
    put16(data, 10, -ones(data[:size]) % 0xffff)


def sum_of(data, proto, at):
    """0 if the checksum of what begins there is right."""
    return (pseudo(version_of(data), *addresses(data), proto, len(data) - at) + ones(data[at:])) % 0xffff


def skip(data, start, proto):
    """(protocol, offset, fragment field) behind extension headers; offset -1: they end early."""
    while proto in EXTENSIONS:
        if proto == NONE or len(data) < start + 2:
            return proto, -1, 0
        if proto == FRAGMENT:
            if len(data) < start + 4:
                return proto, -1, 0
            field = u16(data, start + 2)
            if field & 0xfff8:
                return data[start], start, field
            proto, start = data[start], start + 8
            continue
        size = (data[start + 1] + 2) * 4 if proto == AUTH else (data[start + 1] + 1) * 8
        proto, start = data[start], start + size
    return proto, start, 0


def transport(data):
    """(protocol, offset) of a whole packet; offset -1: none."""
    if version_of(data) == 4:
        return data[9], (data[0] & 15) * 4
    proto, at, field = skip(data, 40, data[6])
    # Fragments have been put together; what is left of their headers is none.
    if at >= 0 and not field:
        walk, proto_at = 40, data[6]
        while proto_at in EXTENSIONS and walk < at:
            if proto_at == FRAGMENT and u16(data, walk + 2):
                return proto, -1
            size = 8 if proto_at == FRAGMENT else \
                (data[walk + 1] + 2) * 4 if proto_at == AUTH else (data[walk + 1] + 1) * 8
            proto_at, walk = data[walk], walk + size
    return proto, -1 if field else at


class Pile:
    """Fragments of one datagram, as RFC 5722 wants them: an overlap voids all."""

    def __init__(self):
        self.runs, self.parts, self.last, self.size = [], {}, False, 0
        self.head = None

    def add(self, start, data, more, head):
        """None: not yet. False: void. Else the payload."""
        end = start + len(data)
        if not more:
            if end < self.size or self.last and end != self.size:
                return False
            self.last, self.size = True, end
        else:
            if end > self.size:
                if self.last:
                    return False
                self.size = end
        if end == start:
            return False
        for run in self.runs:
            if start >= run[0] and end <= run[1]:
                return None
            if start < run[1] and end > run[0]:
                return False
        # Only what comes in order makes a run, within which a piece that comes again is none that overlaps.
        if self.runs and self.runs[-1][1] == start:
            self.runs[-1] = (self.runs[-1][0], end)
        else:
            self.runs = sorted(self.runs + [(start, end)])
        self.parts[start] = data
        if start == 0:
            self.head = head
        if self.last and self.head and sum(map(len, self.parts.values())) == self.size:
            return b"".join(self.parts[at] for at in sorted(self.parts))
        return None


class Reassembly:
    def __init__(self):
        self.piles = {}

    def _add(self, key, start, data, more, head):
        pile = self.piles.setdefault(key, Pile())
        payload = pile.add(start, data, more, head)
        if payload is None:
            return None, None
        del self.piles[key]
        return (pile.head, payload) if payload is not False else (None, None)

    def ipv4(self, data):
        """The whole datagram; None: not yet, or never."""
        field = u16(data, 6)
        if not field & 0x3fff:
            return data
        size = (data[0] & 15) * 4
        body, start, more = data[size:], (field & 0x1fff) * 8, bool(field & 0x2000)
        if more:
            body = body[:len(body) & ~7]
        head, payload = self._add((data[12:20], data[4:6], data[9]), start, body, more, data[:size])
        if head is None or len(head) + len(payload) > 65535:
            return None
        whole = bytearray(head + payload)
        put16(whole, 2, len(whole))
        put16(whole, 6, 0)
        seal(whole)
        return bytes(whole)

    def ipv6(self, data):
        """The same, and whether it came in fragments."""
        at, proto, before = 40, data[6], 6
        while proto != FRAGMENT:
            if proto not in EXTENSIONS or proto == NONE or len(data) < at + 2:
                return data, False
            size = (data[at + 1] + 2) * 4 if proto == AUTH else (data[at + 1] + 1) * 8
            before, proto, at = at, data[at], at + size
        if len(data) < at + 8 or not u16(data, 4):
            return (data, False) if not u16(data, 4) else (None, True)
        field = u16(data, at + 2)
        body, start, more = data[at + 8:], field & 0xfff8, bool(field & 1)
        if start + len(body) > 65535:
            return None, True
        key = (data[8:40], data[at + 4:at + 8])
        if more and len(body) & 7:
            self.piles.pop(key, None)
            return None, True
        head, payload = self._add(key, start, body, more, (data[:at], before, data[at]))
        if head is None:
            return None, True
        front, before, proto = head
        whole = bytearray(front + payload)
        if len(whole) - 40 > 65535:
            return None, True
        whole[before] = proto
        put16(whole, 4, len(whole) - 40)
        return bytes(whole), True


class Flow:
    """A connection that is tracked."""

    def __init__(self, orig, reply, state):
        self.orig, self.reply, self.state = orig, reply, state
        self.seq = {}


TCP_VALID = {SYN, SYN | URG, SYN | ACK, RST, RST | ACK, FIN | ACK, FIN | ACK | URG, ACK, ACK | URG}


class Model:
    def __init__(self, engine, guard="off"):
        self.stateless = engine == "stateless"
        self.guard = guard
        self.forget()
        self.pieces = Reassembly()
        self._commit = self._track = None

    def forget(self):
        self.flows, self.moved, self.unclear, self.ended = {}, set(), set(), set()

    def commit(self, passed):
        """What came of the last packet: a connection is known once its packet has left."""
        if passed and self._commit:
            self._commit()
        self._commit = None

    # What arrives

    def verdict(self, link, vnet, frame):
        self._commit = self._track = None
        flags, kind, _, gso, start, offset = struct.unpack("<BBHHHH", vnet)
        size, ethertype = 14, u16(frame, 12)
        if frame[:6] != STATION[link]:
            return Verdict(True, [], "another station's")
        if ethertype == 0x8100 and len(frame) >= 18:
            if u16(frame, 14) & 0xfff:
                return Verdict(True, [], "another VLAN's")
            size, ethertype = 18, u16(frame, 16)
        data = frame[size:]
        partial = None
        if flags & NEEDS_CSUM:
            partial = (start - size, offset)
        # A tap does not pass on that a checksum has been found right.
        trusted = bool(flags & NEEDS_CSUM)
        if ethertype == 0x0800:
            return self._ipv4(link, data, partial, trusted, kind, gso)
        if ethertype == 0x86dd:
            return self._ipv6(link, data, partial, trusted, kind, gso)
        return Verdict(True, [], "no IP")

    def _ipv4(self, link, data, partial, trusted, kind, gso):
        if len(data) < 20 or data[0] >> 4 != 4 or data[0] & 15 < 5:
            return Verdict(True, [], "no IPv4 header")
        size, total = (data[0] & 15) * 4, u16(data, 2)
        if len(data) < size or ones(data[:size]) or len(data) < total or total < size:
            return Verdict(True, [], "a damaged IPv4 header")
        data, frame = data[:total], data
        fragment = bool(u16(data, 6) & 0x3fff)
        data = self.pieces.ipv4(data)
        if data is None:
            return Verdict(True, [], "a fragment")
        return self._whole(link, data, frame, fragment, partial, trusted and not fragment, kind, gso)

    def _ipv6(self, link, data, partial, trusted, kind, gso):
        if len(data) < 40 or data[0] >> 4 != 6:
            return Verdict(True, [], "no IPv6 header")
        src, dst = addresses(data)
        loopback = bytes(15) + b"\1"
        if loopback in (src, dst) or src[0] == 0xff:
            return Verdict(True, [], "an address that cannot be")
        total = u16(data, 4) + 40
        if u16(data, 4) or data[6] != HOPOPTS:
            if len(data) < total:
                return Verdict(True, [], "a length that cannot be")
        data, frame = data[:total] if u16(data, 4) or data[6] != HOPOPTS else data, data
        if data[6] == HOPOPTS and not self._hop_by_hop(data):
            return Verdict(True, [], "hop-by-hop options that cannot be")
        data, fragment = self.pieces.ipv6(data)
        if data is None:
            return Verdict(True, [], "a fragment")
        return self._whole(link, data, frame, fragment, partial, trusted and not fragment, kind, gso)

    @staticmethod
    def _hop_by_hop(data):
        if len(data) < 48 or len(data) < 48 + data[41] * 8:
            return False
        at, end, padding, count = 42, 48 + data[41] * 8, 0, 0
        while at < end:
            if data[at] == 0:
                padding += 1
                if padding > 7:
                    return False
                at += 1
                continue
            if at + 2 > end or at + 2 + data[at + 1] > end:
                return False
            size = data[at + 1] + 2
            if data[at] == 1:
                padding += size
                if padding > 7 or any(data[at + 2:at + size]):
                    return False
            else:
                padding, count = 0, count + 1
                if count > 8 or data[at] == 0xc2 or data[at] == 5 and size != 4 or data[at] & 0xc0:
                    return False
            at += size
        return True

    # What becomes of it

    def _whole(self, link, data, frame, fragment, partial, trusted, kind, gso):
        # pylint: disable=too-many-arguments,too-many-locals
        version = version_of(data)
        proto, at = transport(data)
        sure, checks, free = True, [], []
        head = {TCP: 20, UDP: 8}.get(proto, 0)
        if kind:
            kind_of = {GSO_TCPV4: (4, TCP), GSO_TCPV6: (6, TCP), GSO_UDP_L4: (version, UDP)}
            if at < 0 or kind_of.get(kind & 0x7f) != (version, proto):
                # Parts of what it is not, or of a kind that no device makes any more.
                return Verdict(False, None, "parts of another kind")
            # Who leaves the parts to a device leaves it the checksum.
            sure = len(frame) == len(data) and bool(partial)
            if len(data) < at + head or len(data) - at - head <= gso:
                kind = 0
        if partial:
            if at >= 0 and partial == (at, {TCP: 16, UDP: 6}.get(proto)) and len(data) == len(frame):
                data = self.finished(data, at, partial[1], proto)
            else:
                # Who says that a checksum is somewhere else gets it there.
                sure = False
                free.append((sum(partial), sum(partial) + 2))
        edited = bytearray(data)
        outcome = self._translated(link, version, data, edited, proto, at, trusted, checks, free)
        if not outcome:
            return Verdict(True, [], "not for the other side")
        if outcome[0] is None:
            return Verdict(False, None, outcome[1])
        sure, why = sure and outcome[0], outcome[1]
        dropped = self._forwarded(link, version, data, edited, at, fragment, kind, gso, free)
        if dropped:
            self._commit = None
            if version == 6 and addresses(data)[0] in MINE:
                # This host tells itself, or whom it has translated that connection for.
                return Verdict(False, None, dropped)
            return Verdict(sure, [], dropped)
        admitted = self._admits(link, version, edited, proto, at)
        if admitted is False:
            self._commit = None
            if proto == TCP and at >= 0 and len(edited) >= at + 20 and not edited[at + 13] & SYN:
                # It may be of a connection that passed for one from before the guard.
                return Verdict(False, None, "in its middle")
            return Verdict(True, [], "refused by the guard")
        sure = sure and admitted is True
        if free and free[0][1] <= 0:
            free = []
        for start, end in list(free):
            if partial and (start, end) == (sum(partial), sum(partial) + 2):
                free += [(c, c + 2) for c in checks]
        if partial and not sure:
            # A sum from elsewhere on changes with all that it covers.
            free += [(10, 12)] if version == 4 else []
            free += [(at + {TCP: 16, UDP: 6, ICMP: 2, ICMPV6: 2}.get(proto, 0),
                      at + {TCP: 16, UDP: 6, ICMP: 2, ICMPV6: 2}.get(proto, 0) + 2)] if at >= 0 else []
        wants = [Want(bytes(edited), tuple(checks), tuple(free), kind)]
        return Verdict(sure, wants, why, self.way(version, bytes(addresses(edited)[1])))

    def _admits(self, link, version, edited, proto, at):
        """
        Whether the guard lets a packet be forwarded, as it is after translation; None: it may, for as long as connections
        go on that were open when the guard was switched on.
        """
        if self.guard == "off" or link == INSIDE or self._track == "untracked":
            return True
        dst = addresses(edited)[1]
        segment = proto == TCP and at >= 0 and len(edited) >= at + 20
        flags = edited[at + 13] if segment else 0
        if self._track == "known":
            if flags & (SYN | ACK) != SYN:
                return True
        served = dst == RELAY[version] and at >= 0 and len(edited) >= at + 4 and proto in PORTS and \
            u16(edited, at + 2) == PORTS[proto]
        if self._track == "invalid":
            return served and segment and flags & 0x37 in TCP_VALID and not flags & SYN
        if served or dst == RELAY[version] and proto == (ICMPV6 if version == 6 else ICMP):
            return True
        return None if self._track == "new" and segment and not flags & SYN else False

    @staticmethod
    def finished(data, at, offset, proto):
        """A checksum that was left to the device."""
        done = bytearray(data)
        value = -ones(data[at:]) % 0xffff
        put16(done, at + offset, value or (0xffff if proto == UDP else 0))
        return bytes(done)

    def _forwarded(self, link, version, data, edited, at, fragment, kind, gso, free):
        # pylint: disable=too-many-arguments
        """What a router does; a word when it does not send it on."""
        dst = bytes(addresses(edited)[1])
        out = self.way(version, dst)
        came_from = addresses(data)[0]
        if out is None or out == link == INSIDE:
            return "not for the other side"
        if version == 4:
            if came_from in MINE or self.nowhere(came_from):
                return "an address that cannot be"
            if data[8] <= 1:
                return "at the end of its life"
            edited[8] -= 1
            if not self._ip_options(edited, free):
                return "IP options that cannot be"
            seal(edited)
        else:
            if not any(came_from) or came_from[:2] >= b"\xfe\x80" and came_from[:2] < b"\xfe\xc0":
                return "an address that cannot be"
            if data[7] <= 1:
                return "at the end of its life"
            edited[7] -= 1
        size = len(data)
        if kind & 0x7f in (GSO_TCPV4, GSO_TCPV6):
            size = at + (data[at + 12] >> 4) * 4 + gso
        elif kind & 0x7f == GSO_UDP_L4:
            size = at + 8 + gso
        if size > MTU[out] and not (fragment or version == 4 and not data[6] & 0x40):
            return "too big"
        return None

    @staticmethod
    def nowhere(address):
        """What IPv4 does not route; of 0.0.0.0/8 only the first address."""
        return not any(address) or address[0] == 127 or 224 <= address[0] < 240 or address == b"\xff" * 4

    @staticmethod
    def way(version, dst):
        """The link that a destination is behind; None: this host's own, or nobody's."""
        if dst in MINE:
            return None
        if version == 4:
            if Model.nowhere(dst):
                return None
        elif dst[0] == 0xff or Model.link_local(version, dst) or dst == bytes(15) + b"\1" or not any(dst):
            return None
        return INSIDE if dst in (RELAY[version], ROUTER[version]) else WAN

    @staticmethod
    def _ip_options(edited, free):
        at, end, seen = 20, (edited[0] & 15) * 4, set()
        while at < end:
            kind = edited[at]
            if kind == 0:
                edited[at:end] = bytes(end - at)
                return True
            if kind == 1:
                at += 1
                continue
            if at + 2 > end or edited[at + 1] < 2 or at + edited[at + 1] > end:
                return False
            size = edited[at + 1]
            if kind in (131, 137):
                # Nobody routes by them any more.
                return False
            if kind == 7:
                if kind in seen or size < 3 or edited[at + 2] < 4:
                    return False
                if edited[at + 2] <= size:
                    if edited[at + 2] + 3 > size:
                        return False
                    # This host adds its own address to the option.
                    free.append((at, at + size))
                    free.append((10, 12))
            if kind == 148 and size < 4:
                return False
            seen.add(kind)
            at += size
        return True

    # Translation

    def _translated(self, link, version, data, edited, proto, at, trusted, checks, free):
        # pylint: disable=too-many-arguments
        """Gives EDITED other addresses. (sure, why), or None: stays on this side."""
        src, dst = addresses(data)
        if self.stateless and at >= 0:
            if proto == TCP and len(data) >= at + 20:
                opens = data[at + 13] & (SYN | ACK) == SYN
                if link == WAN and dst == OWN[version] and u16(data, at + 2) == PORTS[TCP] and \
                        not self.link_local(version, src):
                    self._address(edited, 0, True, RELAY[version], at + 16, checks)
                    self._clamp(edited, at, checks)
                    self._track = "untracked"
                    return True, "to the relay"
                if link == INSIDE and src == RELAY[version] and u16(data, at) == PORTS[TCP] and not opens and \
                        self.way(version, dst) == WAN:
                    self._address(edited, 0, False, OWN[version], at + 16, checks)
                    self._clamp(edited, at, checks)
                    return True, "to a client"
            if proto == (ICMPV6 if version == 6 else ICMP):
                outcome = self._stateless_error(link, version, data, edited, proto, at, checks)
                if outcome:
                    self._track = "untracked"
                    return outcome if outcome is not DROPPED else None
        return self._tracked(link, version, data, edited, proto, at, trusted, checks, free)

    @staticmethod
    def link_local(version, address):
        """What is bound to its link; IPv4's 169.254/16 is routed."""
        return version == 6 and address[0] == 0xfe and address[1] & 0xc0 == 0x80

    @staticmethod
    def _address(edited, at, destination, new, check, checks, zero=False):
        # pylint: disable=too-many-arguments
        """Another address, and the checksum that covers it; ZERO: one of zero is none."""
        if len(new) == 4:
            where = at + (16 if destination else 12)
        else:
            where = at + (24 if destination else 8)
        old = bytes(edited[where:where + len(new)])
        edited[where:where + len(new)] = new
        if check is not None and not (zero and not u16(edited, check)):
            value = (u16(edited, check) + ones(old) - ones(new)) % 0xffff
            put16(edited, check, value or (0xffff if zero else 0))
            checks.append(check)

    @staticmethod
    def _port(edited, at, new, check, checks, zero=False):
        # pylint: disable=too-many-arguments
        old = u16(edited, at)
        put16(edited, at, new)
        if check is not None and old != new and not (zero and not u16(edited, check)):
            value = (u16(edited, check) + old - new) % 0xffff
            put16(edited, check, value or (0xffff if zero else 0))
            checks.append(check)

    @staticmethod
    def _clamp(edited, at, checks):
        """Lowers the MSS of a SYN to the path MTU of both directions."""
        size = (edited[at + 12] >> 4) * 4
        if not edited[at + 13] & SYN or size <= 20 or at + size > len(edited):
            return
        top = min(MTU) - (40 if edited[0] >> 4 == 4 else 60)
        step, end, found = at + 20, at + size, []
        while step < end and edited[step]:
            if edited[step] == 1:
                step += 1
                continue
            if step + 2 > end or edited[step + 1] < 2 or step + edited[step + 1] > end:
                return
            if edited[step] == 2:
                if edited[step + 1] != 4:
                    return
                found.append(step + 2)
            step += edited[step + 1]
        for where in found:
            old = u16(edited, where)
            if old <= top:
                continue
            put16(edited, where, top)
            turn = (where - at) & 1
            change = old - top if not turn else ones(bytes((old & 255, old >> 8))) - ones(bytes((top & 255, top >> 8)))
            put16(edited, at + 16, (u16(edited, at + 16) + change) % 0xffff)
            checks.append(at + 16)

    @staticmethod
    def is_error(version, kind):
        return kind < 128 if version == 6 else kind in (3, 11, 12)

    @staticmethod
    def quoted(version, data, at, strict=True):
        """
        (offset of the inner header, protocol, offset of its transport) of an error; None: too short. Connection tracking
        is not STRICT: that it is a header of the same version goes without saying.
        """
        inner = at + 8
        if version == 4:
            if len(data) < inner + 20 or u16(data, inner + 6) & 0x1fff or \
                    strict and (data[inner] >> 4 != 4 or data[inner] & 15 < 5):
                return None
            return inner, data[inner + 9], inner + (data[inner] & 15) * 4
        if len(data) < inner + 40 or strict and data[inner] >> 4 != 6:
            return None
        proto, port_at, field = skip(data, inner + 40, data[inner + 6])
        return None if port_at < 0 or field & 0xfff8 else (inner, proto, port_at)

    def _stateless_error(self, link, version, data, edited, proto, at, checks):
        # pylint: disable=too-many-arguments,too-many-return-statements
        """
        The same as _translated() for an error about a connection without state; None: it is about none.
        What is damaged must not look as if it were not, for its new checksum.
        """
        if len(data) < at + 8 or not self.is_error(version, data[at]):
            return None
        inside = self.quoted(version, data, at)
        if not inside or inside[1] != TCP or len(data) < inside[2] + 4:
            return None
        inner, _, ports = inside
        src, dst = addresses(data)
        quoted_src, quoted_dst = addresses(data, inner)
        if quoted_src != dst:
            return None
        if link == WAN and dst == OWN[version] and u16(data, ports) == PORTS[TCP] and \
                not self.link_local(version, quoted_dst):
            outer, old, new = True, False, RELAY[version]
        elif link == INSIDE and quoted_dst == RELAY[version] and u16(data, ports + 2) == PORTS[TCP] and \
                self.way(version, dst) == WAN:
            outer, old, new = False, True, OWN[version]
        else:
            return None
        if sum_of(data, proto, at):
            return DROPPED
        self._error_edit(edited, version, proto, at, inner, TCP, ports, [(outer, new)], [(old, new)], {}, checks)
        return True, "an error"

    def _error_edit(self, edited, version, proto, at, inner, inner_proto, ports, outer, quoted, numbers, checks):
        # pylint: disable=too-many-arguments
        total = len(edited)
        check = None
        zero = inner_proto == UDP
        if inner_proto == TCP and total >= ports + 20:
            check = ports + 16
        elif inner_proto == UDP and total >= ports + 8:
            check = ports + 6
        for destination, new in quoted:
            where = inner + ((16 if destination else 12) if version == 4 else (24 if destination else 8))
            old = bytes(edited[where:where + len(new)])
            self._address(edited, inner, destination, new, check, checks, zero)
            if version == 4:
                put16(edited, inner + 10, (u16(edited, inner + 10) + ones(old) - ones(new)) % 0xffff)
                checks.append(inner + 10)
        for where, new in numbers.items():
            self._port(edited, where, new, check, checks, zero)
        for destination, new in outer:
            self._address(edited, 0, destination, new, None, checks)
        put16(edited, at + 2, 0)
        covered = (pseudo(version, *addresses(edited), proto, total - at) + ones(bytes(edited[at:]))) % 0xffff
        put16(edited, at + 2, -covered % 0xffff)
        checks.append(at + 2)

    # Connection tracking

    def _invalid(self, link, version, data, edited, proto, at, checks, free):
        # pylint: disable=too-many-arguments
        """
        The same for what connection tracking has no entry for: the ends judge a segment that can be translated. Nothing
        else leaves with an inside address, or is left to this host in the relay's place.
        """
        self._track = "invalid"
        src, dst = addresses(data)
        size = (data[at + 12] >> 4) * 4 if proto == TCP and at >= 0 and len(data) >= at + 20 else 0
        judged = size >= 20 and len(data) >= at + size
        if judged:
            flags = data[at + 13] & 0x37
            continues = flags in TCP_VALID and not flags & SYN
            this = Tuple(proto, src, u16(data, at), dst, u16(data, at + 2))
            if this in self.ended:
                return None, "after a reset"
            flow = self.flows.get(this)
            if flow and (not flow.reply or flow.orig.src != flow.reply.dst or flow.orig.dst != flow.reply.src):
                if flags not in TCP_VALID:
                    return None
                # Connection tracking's own state stays as it is.
                state = flow.state
                self._known(flow, this, data, edited, proto, at, checks, free)
                self._commit, flow.state = None, state
                return state in ("opening", "answered", "open"), "known"
            if flow:
                return True, "as it is"
            if link == WAN and this.dport == PORTS[TCP] and not self.link_local(version, src) and \
                    dst in (OWN[version], TUNNEL[version]):
                if not continues or dst != OWN[version]:
                    return None
                self._address(edited, 0, True, RELAY[version], at + 16, checks)
                return len(data) <= min(MTU), "for the relay to judge"
        if link != INSIDE or self.way(version, dst) != WAN:
            return True, "as it is"
        if judged and continues and src == RELAY[version] and this.sport == PORTS[TCP]:
            self._address(edited, 0, False, OWN[version], at + 16, checks)
            return True, "for the client to judge"
        return None

    def _tracked(self, link, version, data, edited, proto, at, trusted, checks, free):
        # pylint: disable=too-many-arguments,too-many-return-statements,too-many-locals
        src, dst = addresses(data)
        if at < 0:
            return self._invalid(link, version, data, edited, proto, at, checks, free)
        if proto == (ICMPV6 if version == 6 else ICMP):
            return self._icmp(link, version, data, edited, proto, at, trusted, checks, free)
        if proto == TCP:
            if len(data) < at + 20 or data[at + 12] >> 4 < 5 or len(data) < at + (data[at + 12] >> 4) * 4 or \
                    not trusted and sum_of(data, TCP, at) or data[at + 13] & 0x37 not in TCP_VALID:
                return self._invalid(link, version, data, edited, proto, at, checks, free)
        elif proto == UDP:
            if len(data) < at + 8 or not 8 <= u16(data, at + 4) <= len(data) - at:
                return self._invalid(link, version, data, edited, proto, at, checks, free)
            this = Tuple(UDP, src, u16(data, at), dst, u16(data, at + 2))
            if u16(data, at + 6) and not trusted and sum_of(data, UDP, at):
                flow = self.flows.get(this)
                if not flow or not flow.reply:
                    return self._invalid(link, version, data, edited, proto, at, checks, free)
                # On the fast path it is for the receiver to judge.
                self._known(flow, this, data, edited, proto, at, checks, free)
                return False, "damaged"
        elif proto in (33, 132, 136, 47, ICMP, ICMPV6):
            # Protocols that are tracked in ways of their own, and the other family's messages.
            return None, "another protocol"
        ports = (u16(data, at), u16(data, at + 2)) if proto in PORTS else (0, 0)
        this = Tuple(proto, src, ports[0], dst, ports[1])
        known = self.flows.get(this)
        if this in self.ended:
            return None, "after a reset"
        if known:
            return self._known(known, this, data, edited, proto, at, checks, free)
        state = "new"
        if proto == TCP:
            flags = data[at + 13] & (SYN | ACK | RST | FIN)
            if flags not in (SYN, ACK):
                return self._invalid(link, version, data, edited, proto, at, checks, free)
            state = "opening" if flags == SYN else "met"
        return self._new(link, version, data, edited, this, state, at, checks, free)

    def _new(self, link, version, data, edited, this, state, at, checks, free):
        # pylint: disable=too-many-arguments
        self._track = "new"
        src, dst = this.src, this.dst
        zero = this.proto == UDP
        check = {TCP: at + 16, UDP: at + 6}.get(this.proto)
        served = outbound = False
        # TCP without state is served by one address only.
        if link == WAN and this.dport == PORTS.get(this.proto) and not self.link_local(version, src) and \
                (dst == OWN[version] or dst == TUNNEL[version] and not (self.stateless and this.proto == TCP)):
            dst, served = RELAY[version], True
        elif src in (OWN[version], TUNNEL[version]) and this.sport == PORTS.get(this.proto):
            # In the name of a port that is served here.
            return None
        masqueraded = link == INSIDE and self.way(version, dst) == WAN
        if masqueraded:
            src = OWN[version]
            outbound = this.src == RELAY[version]
        reply = Tuple(this.proto, dst, this.dport, src, this.sport)
        if dst != this.dst:
            self._address(edited, 0, True, dst, check, checks, zero)
        if src != this.src:
            self._address(edited, 0, False, src, check, checks, zero)
        if this.proto == TCP and (served or outbound):
            self._clamp(edited, at, checks)
        source, far = this[:3], (this.proto, dst, this.dport)
        if reply in self.flows:
            # Another port is found, as this one is taken, and may be for all that comes from there.
            self._any_port(at, check, free)
            self.moved.add(source)
            self.unclear.add(far)
            return False, "a port that is taken"
        flow = Flow(this, reply, state)
        if masqueraded and this.proto in PORTS and \
                (source in self.moved or far in self.unclear or this.sport < 16384 and this.dport >= 32768):
            # Lest what comes from a server's port pass for a server's answer, Linux gives it another, and may do so again
            # for all that comes from there. So which port is taken is not known either, to whom that goes.
            self._any_port(at, check, free)
            self.moved.add(source)
            self.unclear.add(far)
            flow.reply = None
        flow.clamps = served or outbound
        if this.proto == TCP:
            flow.seq[0] = struct.unpack_from("!I", data, at + 4)[0]

        def commit():
            self.flows[this] = flow
            if flow.reply:
                self.flows[reply] = flow
        self._commit = commit
        if outbound and this.proto == UDP and this.sport == PORTS[UDP]:
            # Where another flow has its port, it is dropped: its client would not take it from another.
            return False, "new"
        return True, "forwarded" if served else "new"

    @staticmethod
    def _any_port(at, check, free):
        free.append((at, at + 2))
        if check:
            free.append((check, check + 2))

    def _turn(self, flow, this):
        """What a packet of a connection gets: (source, source port, destination, destination port)."""
        to = flow.reply if this == flow.orig else flow.orig
        return to.dst, to.dport, to.src, to.sport

    def _known(self, flow, this, data, edited, proto, at, checks, free):
        # pylint: disable=too-many-arguments
        self._track = "known"
        zero = proto == UDP
        check = {TCP: at + 16, UDP: at + 6}.get(proto)
        if flow.reply:
            src, sport, dst, dport = self._turn(flow, this)
        else:
            src, sport, dst, dport = OWN[version_of(data)], this.sport, this.dst, this.dport
            self._any_port(at, check, free)
        sure = True
        if proto == TCP:
            sure = self._follows(flow, this, data, at)
        if dst != this.dst:
            self._address(edited, 0, True, dst, check, checks, zero)
        if src != this.src:
            self._address(edited, 0, False, src, check, checks, zero)
        if proto in PORTS:
            self._port(edited, at, sport, check, checks, zero)
            self._port(edited, at + 2, dport, check, checks, zero)
        if proto == TCP and flow.clamps:
            self._clamp(edited, at, checks)
        return sure, "known"

    def _follows(self, flow, this, data, at):
        """Whether it is certain that conntrack takes a segment for one of the connection."""
        seq, ack = struct.unpack_from("!II", data, at + 4)
        flags = data[at + 13] & (SYN | ACK | RST | FIN)
        way = 0 if this == flow.orig else 1
        if flags & RST:
            # Connection tracking forgets one that nobody has answered.
            self.ended |= {flow.orig, flow.reply}
        state = flow.state
        step = None
        if state == "opening":
            if way == 0 and flags == SYN and seq == flow.seq[0]:
                step = "opening"
            elif way == 1 and flags == SYN | ACK and ack == (flow.seq[0] + 1) & 0xffffffff:
                step = "answered"
        elif state == "answered" and way == 0 and flags == ACK and seq == (flow.seq[0] + 1) & 0xffffffff and \
                ack == (flow.seq[1] + 1) & 0xffffffff:
            step = "open"
        elif state == "open" and flags in (ACK, FIN | ACK) and seq == (flow.seq[way] + 1) & 0xffffffff and \
                ack == (flow.seq[1 - way] + 1) & 0xffffffff:
            step = "open" if flags == ACK else "ending"

        def commit():
            if step == "answered":
                flow.seq[1] = seq
            flow.state = step or "wild"
        self._commit = commit
        if not step:
            # Also where it is refused it may have been noted.
            flow.state = "wild"
        return step is not None

    def _icmp(self, link, version, data, edited, proto, at, trusted, checks, free):
        # pylint: disable=too-many-arguments,too-many-return-statements,too-many-locals
        if len(data) < at + 8:
            return self._invalid(link, version, data, edited, proto, at, checks, free)
        kind = data[at]
        if not trusted and sum_of(data, proto, at):
            return self._invalid(link, version, data, edited, proto, at, checks, free)
        if version == 4 and kind > 18 or version == 6 and 130 <= kind <= 143:
            # What neighbours say to each other is nobody else's.
            return self._invalid(link, version, data, edited, proto, at, checks, free) if version == 4 else \
                (None, "about neighbours")
        error = kind in (3, 4, 5, 11, 12) if version == 4 else kind < 128
        if not error:
            if kind not in ((8, 128)):
                return (None, "another question")
            this = Tuple(proto, addresses(data)[0], u16(data, at + 4), addresses(data)[1], kind)
            if version == 4 and kind != 8 or version == 6 and kind != 128 or this in self.flows:
                return (None, "asked again")
            return self._new(link, version, data, edited, this, "new", at, checks, free) if version == 4 else \
                self._echo6(link, version, data, edited, this, at, checks, free)
        inside = self.quoted(version, data, at, False)
        if not inside or len(data) < inside[2] + 4 or inside[1] not in PORTS:
            return self._invalid(link, version, data, edited, proto, at, checks, free)
        inner, inner_proto, ports = inside
        quoted_src, quoted_dst = ends(version, data, inner)
        # Turned, it is what the error goes along with.
        along = Tuple(inner_proto, quoted_dst, u16(data, ports + 2), quoted_src, u16(data, ports))
        flow = self.flows.get(along)
        if not flow or along.dst != addresses(data)[1]:
            return self._invalid(link, version, data, edited, proto, at, checks, free)
        self._track = "known"
        src, sport, dst, dport = self._turn(flow, along)
        if version == 4 and kind == 5 or not flow.reply:
            return None if flow.reply else (False, "an error")
        outer, quoted, numbers = [], [], {}
        if dst != along.dst:
            outer.append((True, dst))
            quoted.append((False, dst))
            numbers[ports] = dport
        if src != along.src:
            outer.append((False, src))
            quoted.append((True, src))
            numbers[ports + 2] = sport
        if outer:
            self._error_edit(edited, version, proto, at, inner, inner_proto, ports, outer, quoted, numbers, checks)
        # Who quotes less than the RFCs want is not owed an answer.
        return len(data) >= ports + 8, "an error"

    def _echo6(self, link, version, data, edited, this, at, checks, free):
        # pylint: disable=too-many-arguments
        outcome = self._new(link, version, data, edited, this, "new", at, checks, free)
        src, dst = addresses(edited)
        old_src, old_dst = addresses(data)
        change = ones(old_src) + ones(old_dst) - ones(bytes(src)) - ones(bytes(dst))
        if change:
            put16(edited, at + 2, (u16(edited, at + 2) + change) % 0xffff)
            checks.append(at + 2)
        return outcome
