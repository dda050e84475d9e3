"""Packets that nobody sends, from a seed: the same ones each time."""

import collections
import random
import struct

from model import (ACK, DATA_VALID, FIN, GSO_ECN, GSO_TCPV4, GSO_TCPV6, GSO_UDP, GSO_UDP_L4, ICMP, ICMPV6, INSIDE,
                   NEEDS_CSUM, NEIGHBOUR, OWN, PORTS, PUSH, RELAY, ROUTER, RST, STATION, SYN, TCP, TUNNEL, UDP, WAN,
                   ones, packed, pseudo, put16, seal, transport, u16)

# KIND: what it is to show; LAYOUT: the lengths of the pieces that it is in.
Shot = collections.namedtuple("Shot", "kind version link frame layout vnet")
PLAIN = bytes(10)
SEQ, ANSWER = 0x10000000, 0x20000000
PIECE_MAX = 4096


def fix(data):
    """Makes the checksums of a packet right."""
    data = bytearray(data)
    version = data[0] >> 4
    if version == 4:
        seal(data)
    proto, at = transport(data)
    where = {TCP: 16, UDP: 6, ICMP: 2, ICMPV6: 2}.get(proto)
    if at >= 0 and where and len(data) >= at + where + 2:
        ends = (data[12:16], data[16:20]) if version == 4 else (data[8:24], data[24:40])
        put16(data, at + where, 0)
        value = -(pseudo(version, *map(bytes, ends), proto, len(data) - at) + ones(bytes(data[at:]))) % 0xffff
        put16(data, at + where, value or (0xffff if proto == UDP else 0))
    return bytes(data)


def ip(src, dst, proto, body, hops=64, options=b"", ident=0, field=0x4000, tos=0):
    # pylint: disable=too-many-arguments
    """OPTIONS: IPv4's, or IPv6's extension headers with the first one's number in front."""
    if len(src) == 4:
        options += bytes(-len(options) % 4)
        return struct.pack("!BBHHHBBH", 0x45 + len(options) // 4, tos, 20 + len(options) + len(body), ident, field,
                           hops, proto, 0) + src + dst + options + body
    first, options = (options[0], options[1:]) if options else (proto, b"")
    return struct.pack("!IHBB", 0x60000000 | tos << 20, len(options) + len(body), first, hops) + src + dst + \
        options + body


def tcp(sport, dport, flags, seq=SEQ + 1, ack=ANSWER + 1, options=b"", payload=b"", doff=None, window=64000):
    # pylint: disable=too-many-arguments
    doff = 5 + len(options) // 4 if doff is None else doff
    return struct.pack("!HHIIBBHHH", sport, dport, seq, ack, doff << 4, flags, window, 0, 0) + options + payload


def udp(sport, dport, payload=b"?"):
    return struct.pack("!HHHH", sport, dport, 8 + len(payload), 0) + payload


Ends = collections.namedtuple("Ends", "version client port")


class Maker:
    """Gathers shots; None among them: connection tracking is to forget."""

    def __init__(self, seed, engine):
        self.random = random.Random(f"{seed} {engine}")
        self.stateless = engine == "stateless"
        self.shots = []
        self.kind = None

    # Parts

    def bytes(self, least, most):
        return self.random.randbytes(self.random.randint(least, most))

    def version(self):
        return self.random.choice((4, 6))

    def client(self, version=None):
        version = version or self.version()
        address = b"\xc6" + self.random.choice((b"\x12", b"\x33")) + self.random.randbytes(2) if version == 4 else \
            packed("2001:db8:2::")[:8] + self.random.randbytes(8)
        return Ends(version, address, self.random.randint(1024, 65535))

    def entering(self, ends, body, **more):
        more = {"hops": self.random.choice((64, 64, 64, 2, 255, 128)), "ident": self.random.getrandbits(16), **more}
        proto = more.pop("proto", TCP)
        return fix(ip(ends.client, OWN[ends.version], proto, body, **more))

    def leaving(self, ends, body, **more):
        more = {"hops": self.random.choice((64, 64, 64, 2, 255, 128)), "ident": self.random.getrandbits(16), **more}
        proto = more.pop("proto", TCP)
        return fix(ip(RELAY[ends.version], ends.client, proto, body, **more))

    def along(self, link, ends, make, **more):
        """A segment of a connection: make(source port, destination port, sequence number, acknowledged)."""
        if link == WAN:
            return self.entering(ends, make(ends.port, PORTS[TCP], SEQ + 1, ANSWER + 1), **more)
        return self.leaving(ends, make(PORTS[TCP], ends.port, ANSWER + 1, SEQ + 1), **more)

    def layout(self, frame):
        """In which pieces it is in memory."""
        size = len(frame)
        if self.random.random() < 0.3:
            pieces = [min(size, PIECE_MAX)]
        else:
            pieces = [min(size, 14 + self.random.choice((0, 1, 8, 19, 20, 21, 39, 40, 41, 60)))]
            while sum(pieces) < min(size, 120) and len(pieces) < 5:
                pieces.append(min(size - sum(pieces), self.random.randint(1, 40)))
        while sum(pieces) < size:
            pieces.append(min(size - sum(pieces), PIECE_MAX))
        return tuple(pieces)

    def shoot(self, link, data, vnet=PLAIN, mac=None, ethertype=None):
        # pylint: disable=too-many-arguments
        version = data[0] >> 4 if data else 0
        if ethertype is None:
            ethertype = b"\x86\xdd" if version == 6 else b"\x08\0"
        frame = (mac or STATION[link]) + NEIGHBOUR[link] + ethertype + data
        self.shots.append(Shot(self.kind, version if version in (4, 6) else 4, link, frame, self.layout(frame), vnet))

    def link(self):
        return self.random.choice((WAN, INSIDE))

    def opened(self, version=None, flags=SYN):
        """A client with a connection, for the engine that wants one."""
        ends = self.client(version)
        if not self.stateless:
            self.shoot(WAN, self.entering(ends, tcp(ends.port, PORTS[TCP], flags, SEQ, 0, b"\2\4\5\xb4"), hops=64))
            self.shoot(INSIDE, self.leaving(ends, tcp(PORTS[TCP], ends.port, SYN | ACK, ANSWER, SEQ + 1), hops=64))
            self.shoot(WAN, self.entering(ends, tcp(ends.port, PORTS[TCP], ACK), hops=64))
        return ends

    def asked(self, version=None):
        """The same with UDP, for both."""
        ends = self.client(version)
        self.shoot(WAN, self.entering(ends, udp(ends.port, PORTS[UDP]), proto=UDP, hops=64))
        return ends

    def datagram(self, link, ends, payload, **more):
        if link == WAN:
            return self.entering(ends, udp(ends.port, PORTS[UDP], payload), proto=UDP, **more)
        return self.leaving(ends, udp(PORTS[UDP], ends.port, payload), proto=UDP, **more)

    def segment(self, link, ends, flags=ACK, options=b"", payload=None, **more):
        # pylint: disable=too-many-arguments
        payload = self.bytes(0, 60) if payload is None else payload
        return self.along(link, ends, lambda sport, dport, seq, ack:
                          tcp(sport, dport, flags, seq, ack, options, payload), **more)

    def syn(self, ends, options=b"", flags=SYN, **more):
        return self.entering(ends, tcp(ends.port, PORTS[TCP], flags, SEQ, 0, options), **more)

    def outbound(self, ends, options=b"", flags=SYN, sport=None, **more):
        # pylint: disable=too-many-arguments
        return self.leaving(ends, tcp(sport or self.random.randint(1024, 32000), 25, flags, SEQ, 0, options), **more)

    def some(self, link, ends, size=60):
        """A whole packet of some kind that is forwarded."""
        pick = self.random.random()
        if pick < 0.5:
            return self.segment(link, ends, payload=self.bytes(0, size))
        if pick < 0.75:
            return self.datagram(link, ends, self.bytes(0, size))
        return self.syn(ends, b"\2\4\5\xb4") if link == WAN else self.outbound(ends, b"\2\4\5\xb4")

    # Kinds

    def plain(self):
        """What is as it should be, from both sides."""
        ends, link = self.opened(), self.link()
        for _ in range(3):
            self.shoot(link, self.segment(link, ends, self.random.choice((ACK, ACK | PUSH)), payload=self.bytes(0, 1300),
                                          tos=self.random.choice((0, 0x28, 2))))
            link = 1 - link
        self.shoot(link, self.segment(link, ends, FIN | ACK))
        ends = self.asked()
        self.shoot(INSIDE, self.datagram(INSIDE, ends, self.bytes(0, 1300)))
        self.shoot(WAN, self.datagram(WAN, ends, self.bytes(0, 1300)))
        ends = self.client()
        self.shoot(INSIDE, self.outbound(ends, b"\2\4\5\xb4"))
        self.shoot(INSIDE, self.leaving(ends, struct.pack("!BBHHH", 8 if ends.version == 4 else 128, 0, 0,
                                                          self.random.getrandbits(16), 1) + self.bytes(0, 60),
                                        proto=ICMP if ends.version == 4 else ICMPV6))
        self.shoot(INSIDE, self.leaving(ends, self.bytes(8, 40), proto=253))

    def truncated(self):
        """Cut at each byte: with a length that owns up to it, and without."""
        ends, link = self.opened(), self.link()
        data = self.some(link, ends, 12)
        for size in range(len(data)):
            cut = bytearray(data[:size])
            if size >= (20 if ends.version == 4 else 40) and self.random.random() < 0.6:
                put16(cut, 2 if ends.version == 4 else 4, size - (0 if ends.version == 4 else 40))
                if self.random.random() < 0.5:
                    cut = bytearray(fix(bytes(cut)))
                elif ends.version == 4:
                    seal(cut)
            # What is nothing at all has no family.
            self.shoot(link, bytes(cut), ethertype=b"\x86\xdd" if ends.version == 6 else b"\x08\0")

    def lengths(self):
        """Lengths, versions and header lengths that are wrong."""
        ends, link = self.opened(), self.link()
        for _ in range(6):
            data = bytearray(self.some(link, ends))
            pick = self.random.randrange(5)
            if pick == 0:
                data += self.bytes(1, 50)
            elif pick == 1:
                at = 2 if ends.version == 4 else 4
                put16(data, at, self.random.choice((0, 1, 19, 20, 39, u16(data, at) + 1, u16(data, at) - 1, 0xffff,
                                                    self.random.getrandbits(16))) & 0xffff)
            elif pick == 2:
                data[0] = data[0] & 0xf0 | self.random.randrange(16)
            elif pick == 3:
                data[0] = data[0] & 15 | self.random.randrange(16) << 4
            else:
                proto, at = transport(data)
                if proto == UDP:
                    put16(data, at + 4, self.random.choice((0, 7, 8, u16(data, at + 4) + 1, u16(data, at + 4) - 1)) & 0xffff)
                    data = bytearray(fix(bytes(data)))
            if ends.version == 4:
                seal_if(data)
            self.shoot(link, bytes(data), ethertype=b"\x86\xdd" if ends.version == 6 else b"\x08\0")

    def checksums(self):
        """Wrong ones, none, and those at the ends of what there is."""
        ends, link = self.opened(), self.link()
        asked = self.asked(ends.version)
        for _ in range(5):
            datagram = self.random.random() < 0.5
            data = bytearray(self.datagram(link, asked, self.bytes(2, 60)) if datagram else
                             self.segment(link, ends, payload=self.bytes(2, 60)))
            proto, at = transport(data)
            check = at + (6 if proto == UDP else 16)
            pick = self.random.randrange(6)
            if pick == 0:
                put16(data, check, u16(data, check) ^ 1 << self.random.randrange(16))
            elif pick == 1:
                put16(data, check, 0)
            elif pick == 2:
                put16(data, check, 0xffff)
            elif pick == 3 and ends.version == 4:
                put16(data, 10, self.random.getrandbits(16))
            elif pick >= 4:
                # The payload's last word turns the sum around, before or after the translation.
                wish = self.random.choice((0, 0xffff, 1, ones(RELAY[ends.version]) - ones(OWN[ends.version])))
                body = len(data) - 2 - (len(data) - at & 1)
                put16(data, body, (u16(data, body) + u16(data, check) - wish) % 0xffff)
                data = bytearray(fix(bytes(data)))
            vnet = struct.pack("<BBHHHH", DATA_VALID, 0, 0, 0, 0, 0) if self.random.random() < 0.1 else PLAIN
            self.shoot(link, bytes(data), vnet)

    def tcp_headers(self):
        """Header lengths, flags and reserved bits, each with each."""
        for _ in range(4):
            ends, link = self.opened(), self.link()
            data = bytearray(self.segment(link, ends, self.random.getrandbits(8)))
            proto, at = transport(data)
            assert proto == TCP
            if self.random.random() < 0.6:
                data[at + 12] = self.random.getrandbits(8)
            if self.random.random() < 0.2:
                data[at + 4:at + 12] = self.random.randbytes(8)
            put16(data, at + 18, self.random.choice((0, 0xffff, self.random.getrandbits(16))))
            self.shoot(link, fix(bytes(data)))
        fresh = self.client()
        self.shoot(WAN, self.syn(fresh, self.bytes(0, 10) * 4, self.random.getrandbits(8)))
        fresh = self.client()
        self.shoot(WAN, self.segment(WAN, fresh, self.random.getrandbits(8)))

    def option(self):
        return self.random.choice((
            b"\1", b"\0", b"\2\4" + self.random.randbytes(2), b"\2\4\xff\xff", b"\2\4\5\xb4", b"\2\3\5", b"\2\0",
            b"\2\1", b"\2\5\5\xb4\0", b"\3\3\7", b"\4\2", b"\x08\x0a" + self.random.randbytes(8), b"\5\n" + bytes(8),
            b"\2", b"\xfe\xff", b"\x1e\4\0\0", bytes((self.random.getrandbits(8), self.random.randrange(12)))))

    def tcp_options(self):
        """Lists of options: malformed, at odd places, again and again."""
        for _ in range(4):
            options = b""
            if self.random.random() < 0.5:
                options = self.random.choice((b"", b"\1", b"\1\1\1", b"\3\3\7")) + b"\2\4" + \
                    struct.pack("!H", self.random.choice((0, 1, 536, 1359, 1360, 1361, 1379, 1380, 1381, 1460, 65535)))
            while self.random.random() < 0.7:
                options += self.option()
            options = options[:40]
            options += self.random.choice((b"\0", b"\1", b"\2", b"\xff")) * (-len(options) % 4)
            ends = self.client()
            data = self.syn(ends, options) if self.random.random() < 0.5 else self.outbound(ends, options)
            if data[-len(options) - 20:] and self.stateless and self.random.random() < 0.4:
                data = self.leaving(ends, tcp(PORTS[TCP], ends.port, SYN | ACK, ANSWER, SEQ + 1, options))
            link = WAN if OWN[ends.version] in (data[16:20], data[24:40]) else INSIDE
            if self.random.random() < 0.1:
                proto, at = transport(data)
                data = bytearray(data)
                data[at + 12] = self.random.randrange(16) << 4
                data = fix(bytes(data))
                del proto
            self.shoot(link, data)

    def ip_options(self):
        """IPv4's options, and IPv6's extension headers."""
        ends, link = self.opened(), self.link()
        for _ in range(5):
            if ends.version == 4:
                options = b""
                while self.random.random() < 0.8 and len(options) < 36:
                    options += self.random.choice((
                        b"\1", b"\0", b"\x94\4\0\0", b"\x94\4\0\1", b"\x94\3\0", b"\x83\7\4" + bytes(4),
                        b"\x89\7\4" + packed("203.0.113.9"), b"\7\7\4" + bytes(4), b"\7\x0b\x0c" + bytes(8),
                        b"\7\7\3" + bytes(4), b"\7\7\5" + bytes(4), b"\x1e\4\0\0", b"\xde\6abcd", b"\x1e\0", b"\x1e\1",
                        b"\x1e\xff", b"\x1e"))
                options = options[:40]
                options += self.random.choice((b"\0", b"\1")) * (-len(options) % 4)
            else:
                options = self.extensions(TCP)
            self.shoot(link, self.with_options(link, ends, options))

    def with_options(self, link, ends, options):
        return self.along(link, ends, lambda sport, dport, seq, ack:
                          tcp(sport, dport, ACK, seq, ack, payload=self.random.randbytes(9)), options=options)

    def extensions(self, proto):
        """Extension headers, with the first one's number in front."""
        headers, count = [], self.random.randrange(4)
        for place in range(count):
            kind = self.random.choice((0, 60, 43, 51, 60, 0 if place == 0 else 60))
            if kind in (0, 60):
                options = b""
                while self.random.random() < 0.7 and len(options) < 40:
                    options += self.random.choice((b"\0", b"\1\0", b"\1\2\0\0", b"\1\2\0\1", b"\5\2\0\0", b"\5\3\0\0\0",
                                                   b"\x1e\2ab", b"\x5e\2ab", b"\x9e\2ab", b"\xde\2ab", b"\xc2\4\0\1\0\0",
                                                   b"\1\x09" + bytes(9)))
                room = -(len(options) + 2) % 8
                options += b"" if not room else b"\0" if room == 1 else b"\1" + bytes((room - 2,)) + bytes(room - 2)
                length = (len(options) + 2) // 8 - 1
                if self.random.random() < 0.1:
                    length = self.random.getrandbits(8)
                headers.append((kind, bytes((length,)) + options))
            elif kind == 43:
                headers.append((kind, b"\2" + bytes((self.random.randrange(5), self.random.randrange(3))) + bytes(4) +
                                packed("2001:db8:9::9")))
            else:
                headers.append((kind, b"\4" + bytes(22)))
        if self.random.random() < 0.1:
            headers.append((59, b"\0" + bytes(6)))
        if self.random.random() < 0.1:
            # A fragment that is the whole.
            headers.append((44, b"\0\0\0" + self.random.randbytes(4)))
        if not headers:
            return b""
        numbers = [number for number, _ in headers] + [proto]
        return bytes((numbers[0],)) + b"".join(bytes((numbers[i + 1],)) + rest for i, (_, rest) in enumerate(headers))

    def cut(self, data, sizes):
        """[(start, more, part)] of what can be fragmented."""
        parts, at = [], 0
        for size in sizes:
            parts.append((at, True, data[at:at + size]))
            at += size
        return parts + [(at, False, data[at:])]

    def fragments(self):
        """Fragments in any order: twice, overlapping, missing, beyond the end."""
        ends, link = self.opened(), self.link()
        big = self.random.choice((100, 300, 2000, 4000))
        data = self.some(link, ends, big) if self.random.random() < 0.7 else \
            self.segment(link, ends, payload=self.bytes(big // 2, big))
        head = (data[0] & 15) * 4 if ends.version == 4 else 40
        body = data[head:]
        sizes, left = [], len(body)
        least = 8 if ends.version == 4 else 40
        while left > least + 8 and len(sizes) < 4:
            size = min(1200, max(least, self.random.randrange(8, 1200))) & ~7
            if size >= left:
                break
            sizes.append(size)
            left -= size
        while left > 1200:
            sizes.append(1200)
            left -= 1200
        parts = self.cut(body, sizes)
        pick = self.random.randrange(8)
        if pick == 0 and len(parts) > 1:
            parts.pop(self.random.randrange(len(parts)))
        elif pick == 1:
            parts.append(self.random.choice(parts))
        elif pick == 2 and len(parts[0][2]) > 16:
            start, more, part = parts[0]
            parts.insert(1, (start + 8, more, part))
        elif pick == 3:
            start, more, part = parts[-1]
            parts[-1] = (0xfff8 if link == WAN else start, more, part)
        if self.random.random() < 0.5:
            self.random.shuffle(parts)
        ident = self.random.getrandbits(32)
        for start, more, part in parts:
            if not part:
                continue
            if ends.version == 4:
                piece = bytearray(data[:head] + part)
                put16(piece, 2, len(piece))
                put16(piece, 4, ident & 0xffff)
                put16(piece, 6, start // 8 | (0x2000 if more else 0))
                seal(piece)
            else:
                piece = bytearray(data[:head] + struct.pack("!BBHI", data[6], 0, start | more, ident) + part)
                piece[6] = 44
                put16(piece, 4, len(piece) - 40)
            self.shoot(link, bytes(piece))

    def quote(self, link, ends, proto):
        """(packet, whom it went to) that an error coming in by LINK is about."""
        port, payload = PORTS[proto], self.bytes(0, 30)
        if link == WAN:
            body = tcp(port, ends.port, ACK, ANSWER + 1, SEQ + 1, payload=payload) if proto == TCP else \
                udp(port, ends.port, payload)
            return fix(ip(OWN[ends.version], ends.client, proto, body, hops=5))
        body = tcp(ends.port, port, ACK, payload=payload) if proto == TCP else udp(ends.port, port, payload)
        return fix(ip(ends.client, RELAY[ends.version], proto, body, hops=5))

    def errors(self):
        """ICMP errors about connections, from either side: true, made up, cut at each byte."""
        proto = self.random.choice((TCP, TCP, UDP))
        ends = self.opened() if proto == TCP else self.asked()
        for _ in range(8):
            link = self.link()
            inner = bytearray(self.quote(link, ends, proto))
            if self.random.random() < 0.15:
                inner[self.random.randrange(len(inner))] = self.random.getrandbits(8)
            least = 20 if ends.version == 4 else 40
            if self.random.random() < 0.5:
                del inner[self.random.randrange(least - 4, len(inner) + 1):]
            if ends.version == 4:
                kind, code = self.random.choice(((3, 4), (3, 1), (3, 3), (11, 0), (12, 0), (5, 1), (3, 15)))
                icmp, src = ICMP, self.random.choice((packed("198.51.100.77"), self.client(4).client))
            else:
                kind, code = self.random.choice(((1, 0), (1, 4), (2, 0), (3, 0), (4, 1), (100, 0)))
                icmp, src = ICMPV6, self.random.choice((packed("2001:db8:2::77"), self.client(6).client))
            message = struct.pack("!BBHI", kind, code, 0, self.random.choice((0, 1280))) + inner
            if link == INSIDE:
                src = self.random.choice((ROUTER, RELAY))[ends.version]
            dst = OWN[ends.version] if link == WAN else ends.client
            if self.random.random() < 0.05:
                dst = self.client(ends.version).client if link == INSIDE else dst
            data = bytearray(fix(ip(src, dst, icmp, message)))
            if self.random.random() < 0.1:
                # Behind the header that is to be judged first, or the packet would not be one.
                at = 20 if ends.version == 4 else 40
                data[self.random.randrange(at + 2, at + 8)] ^= 1 << self.random.randrange(8)
            self.shoot(link, bytes(data))

    def offloads(self):
        """Segments larger than any link, and checksums that are left to a device, with any numbers in them."""
        proto = self.random.choice((TCP, TCP, UDP))
        ends = self.opened() if proto == TCP else self.asked()
        for _ in range(3):
            link = self.link()
            size = self.random.choice((1, 7, 8, 100, 536, 1000, 1300, 1348, 1360, 1380, 1400, 1460, 65535))
            length = self.random.choice((0, 1, size, min(size * self.random.randint(2, 9), 8000)))
            payload = self.random.randbytes(min(length, 8000))
            kind = 0 if self.random.random() < 0.3 else \
                (GSO_TCPV4 if ends.version == 4 else GSO_TCPV6) if proto == TCP else GSO_UDP_L4
            if self.random.random() < 0.1:
                kind = self.random.choice((GSO_TCPV4, GSO_TCPV6, GSO_UDP, GSO_UDP_L4, 2, 0x7f,
                                           GSO_TCPV4 | GSO_ECN, GSO_TCPV6 | GSO_ECN))
            if kind == 0:
                payload, size = payload[:1200], 0
            data = bytearray(self.segment(link, ends, self.random.choice((ACK, ACK | PUSH)), payload=payload)
                             if proto == TCP else self.datagram(link, ends, payload))
            if ends.version == 4 and self.random.random() < 0.2:
                put16(data, 6, 0)
                seal(data)
            at, where = transport(data)[1], 16 if proto == TCP else 6
            flags = NEEDS_CSUM if proto == UDP and kind or self.random.random() < 0.8 else 0
            start, offset = 0, 0
            if flags:
                start, offset = at + 14, where
                src, dst = (data[12:16], data[16:20]) if ends.version == 4 else (data[8:24], data[24:40])
                put16(data, at + where, pseudo(ends.version, bytes(src), bytes(dst), proto, len(data) - at))
                pick = self.random.random()
                if pick < 0.05:
                    start = self.random.randrange(len(data))
                elif pick < 0.1:
                    offset = self.random.randrange(60)
            elif kind == 0:
                flags = DATA_VALID
            self.shoot(link, bytes(data), struct.pack("<BBHHHH", flags, kind, 0, size, start, offset))

    def ways(self):
        """Sources and destinations, hop limits and link layers that cannot be."""
        ends, link = self.opened(), self.link()
        version = ends.version
        for _ in range(5):
            pick, more = self.random.randrange(7), {}
            if pick == 3:
                # Who calls the relay by its own name calls it by no other.
                data = bytearray(self.some(WAN, self.client(version)))
                put(data, version, RELAY[version])
                self.shoot(WAN, fix(bytes(data)))
                continue
            data = bytearray(self.some(link, ends))
            source = slice(12, 16) if version == 4 else slice(8, 24)
            target = slice(16, 20) if version == 4 else slice(24, 40)
            if pick == 0:
                data[source] = self.random.choice([packed(a) for a in (
                    ("0.0.0.0", "127.0.0.1", "224.0.0.1", "255.255.255.255", "169.254.1.1", "203.0.113.1", "10.9.0.1")
                    if version == 4 else ("::", "::1", "ff02::1", "fe80::1", "2001:db8:1::1"))])
            elif pick == 1:
                data[target] = self.random.choice([packed(a) for a in (
                    ("224.0.0.1", "255.255.255.255", "203.0.113.255", "127.0.0.1", "10.9.0.1", "0.0.0.0")
                    if version == 4 else ("ff02::1", "ff05::1234", "::1", "fd00:9::1", "fe80::1"))])
            elif pick == 2:
                data[8 if version == 4 else 7] = self.random.choice((0, 1))
            elif pick == 4:
                more["mac"] = self.random.choice((b"\xff" * 6, b"\1\0\x5e\0\0\1", b"\2\0\0\0\0\x99"))
            elif pick == 5:
                more["ethertype"] = b"\x81\0" + struct.pack("!H", self.random.choice((0, 0xe000, 5, 0xfff))) + \
                    (b"\x86\xdd" if version == 6 else b"\x08\0")
            else:
                more["ethertype"] = self.random.choice((b"\x86\xdd", b"\x08\0", b"\x12\x34", b"\x88\xa8"))
            self.shoot(link, fix(bytes(data)), **more)

    def strays(self):
        """
        What nobody asked for, in sequences: the middle of connections that nobody opened, answers forged in the name of who
        is to have them opened, and the SYN that would ride on them; to this host, to what is behind it, past it.
        """
        ends = self.client()
        version = ends.version
        stranger = self.client(version).client
        target = self.random.choice((OWN, OWN, TUNNEL, RELAY, ROUTER))[version] if self.random.random() < 0.8 else stranger
        port = self.random.choice((22, 25, 3306, PORTS[TCP], PORTS[UDP]))
        md5 = b"\x13\x12" + self.random.randbytes(16) + b"\1\1"
        for _ in range(self.random.randint(2, 6)):
            flags = self.random.choice((ACK, ACK, ACK | PUSH, SYN, SYN, SYN | ACK, FIN | ACK, RST, RST | ACK, FIN, SYN | FIN))
            far = self.random.random() < 0.1
            here = tcp(ends.port, port, flags, SEQ + 1 + 10000000 * far, 0 if flags == SYN else ANSWER + 1,
                       self.random.choice((b"", b"", md5)), self.bytes(0, 9) if flags & PUSH else b"")
            pick = self.random.randrange(8)
            if pick < 5:
                self.shoot(WAN, fix(ip(ends.client, target, TCP, here)))
            elif pick == 5:
                # In the name of whom it is for, from the wrong side.
                forged = tcp(port, ends.port, self.random.choice((ACK, SYN | ACK, RST)), ANSWER, SEQ + 1)
                self.shoot(WAN, fix(ip(target, ends.client, TCP, forged, hops=self.random.choice((1, 2, 64)))))
            elif pick == 6:
                self.shoot(WAN, fix(ip(ends.client, target, UDP, udp(ends.port, port))))
            elif target in (RELAY[version], ROUTER[version]) and self.random.random() < 0.5:
                self.shoot(INSIDE, fix(ip(target, ends.client, TCP, tcp(port, ends.port, flags, ANSWER, SEQ + 1))))
            else:
                self.shoot(WAN, fix(ip(ends.client, stranger, self.random.choice((TCP, UDP)), here)))

    def damaged(self):
        """Any packet, with any few bytes changed, and its checksums made right, or not."""
        ends, link = self.opened(), self.link()
        for _ in range(8):
            data = bytearray(self.some(link, ends))
            for _ in range(self.random.choice((1, 1, 1, 2, 4))):
                data[self.random.randrange(len(data))] = self.random.getrandbits(8)
            pick = self.random.random()
            if pick < 0.5:
                data = bytearray(whole(bytes(data)))
            elif pick < 0.8 and data[0] >> 4 == 4:
                seal_if(data)
            self.shoot(link, bytes(data), ethertype=b"\x86\xdd" if ends.version == 6 else b"\x08\0")


def put(data, version, destination):
    data[16 if version == 4 else 24:20 if version == 4 else 40] = destination


def seal_if(data):
    """An IPv4 header's checksum, if there is one that long."""
    if data[0] >> 4 == 4 and data[0] & 15 >= 5 and len(data) >= (data[0] & 15) * 4:
        seal(data)


def whole(data):
    """fix() for what may not be a packet at all."""
    version = data[0] >> 4
    if version == 4 and data[0] & 15 >= 5 and len(data) >= (data[0] & 15) * 4 or version == 6 and len(data) >= 40:
        return fix(data)
    return data


KINDS = (Maker.plain, Maker.truncated, Maker.lengths, Maker.checksums, Maker.tcp_headers, Maker.tcp_options,
         Maker.ip_options, Maker.fragments, Maker.errors, Maker.offloads, Maker.ways, Maker.strays, Maker.damaged)
EPOCH = 1500


def make(seed, engine, guard, count):
    """At least COUNT shots, as many of each kind; with no guard those that they always were."""
    maker = Maker(seed if guard == "off" else f"{seed} {guard}", engine)
    each = {kind: 0 for kind in KINDS}
    since = total = 0
    while total < count:
        kind = min(KINDS, key=lambda kind: each[kind])
        maker.kind = kind.__name__
        before = len(maker.shots)
        kind(maker)
        made = len(maker.shots) - before
        each[kind] += made
        total += made
        since += made
        if since >= EPOCH:
            since = 0
            maker.shots.append(None)
    return maker.shots
