"""Packets byte by byte: built, put on a link, taken off it."""

import collections
import socket
import struct

from . import net

_ETH_P = {4: 0x0800, 6: 0x86dd}
_ETH_P_ALL = 3
_SO_RCVBUFFORCE = 33
_SOL_PACKET = 263
_PACKET_AUXDATA = 8
_TP_STATUS_CSUMNOTREADY = 1 << 3
_EXTENSIONS = (0, 43, 60)

FIN, SYN, RST, ACK = 1, 2, 4, 16

# PARTIAL: the checksum is left to hardware, which is to finish it.
Frame = collections.namedtuple("Frame", "way data partial")
Ip = collections.namedtuple("Ip", "src dst proto hops headers body")
Tcp = collections.namedtuple("Tcp", "sport dport seq flags options payload")


def total(data):
    """The one's complement sum of 16-bit words."""
    if len(data) % 2:
        data += b"\0"
    value = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while value >> 16:
        value = (value & 0xffff) + (value >> 16)
    return value


def checksum(data):
    return total(data) ^ 0xffff


def packed(address):
    return socket.inet_pton(net.family_of(address), address)


def pseudo(src, dst, proto, length):
    src, dst = packed(src), packed(dst)
    if len(src) == 4:
        return src + dst + struct.pack("!BBH", 0, proto, length)
    return src + dst + struct.pack("!II", length, proto)


def ip(src, dst, proto, body, hops=64, options=b"", ident=0x1234, fragment=0x4000):
    """OPTIONS are IPv4's, or IPv6's extension headers with their first one's number in front."""
    if net.family_of(src) == socket.AF_INET:
        size = 20 + len(options)
        header = struct.pack("!BBHHHBBH", 0x40 | size // 4, 0, size + len(body), ident, fragment,
                             hops, proto, 0) + packed(src) + packed(dst) + options
        return header[:10] + struct.pack("!H", checksum(header)) + header[12:] + body
    first, options = (options[0], options[1:]) if options else (proto, b"")
    return struct.pack("!IHBB", 0x60000000, len(options) + len(body), first, hops) + \
        packed(src) + packed(dst) + options + body


def tcp(src, dst, sport, dport, options=b"", flags=SYN, seq=1000, ack=0, payload=b"", doff=None):
    if doff is None:
        doff = 5 + len(options) // 4
    segment = struct.pack("!HHIIBBHHH", sport, dport, seq, ack, doff << 4, flags, 64000, 0, 0) + \
        options + payload
    value = checksum(pseudo(src, dst, socket.IPPROTO_TCP, len(segment)) + segment)
    return segment[:16] + struct.pack("!H", value) + segment[18:]


def udp(src, dst, sport, dport, payload=b"?"):
    datagram = struct.pack("!HHHH", sport, dport, 8 + len(payload), 0) + payload
    value = checksum(pseudo(src, dst, socket.IPPROTO_UDP, len(datagram)) + datagram) or 0xffff
    return datagram[:6] + struct.pack("!H", value) + datagram[8:]


def echo_request(src, dst, ident, seq=1, payload=b"chatdnat"):
    version4 = net.family_of(src) == socket.AF_INET
    message = struct.pack("!BBHHH", 8 if version4 else 128, 0, 0, ident, seq) + payload
    covered = message if version4 else pseudo(src, dst, socket.IPPROTO_ICMPV6, len(message)) + message
    return message[:2] + struct.pack("!H", checksum(covered)) + message[4:]


def parse_ip(data):
    if data and data[0] >> 4 == 4 and len(data) >= 20:
        size = (data[0] & 15) * 4
        return Ip(socket.inet_ntoa(data[12:16]), socket.inet_ntoa(data[16:20]), data[9], data[8],
                  data[:size], data[size:struct.unpack_from("!H", data, 2)[0]])
    if data and data[0] >> 4 == 6 and len(data) >= 40:
        proto, size = data[6], 40
        while proto in _EXTENSIONS and len(data) >= size + 8:
            proto, size = data[size], size + 8 + data[size + 1] * 8
        return Ip(socket.inet_ntop(socket.AF_INET6, data[8:24]), socket.inet_ntop(socket.AF_INET6, data[24:40]),
                  proto, data[7], data[:size], data[size:40 + struct.unpack_from("!H", data, 4)[0]])
    return None


def parse_tcp(body):
    sport, dport, seq, _, doff, flags = struct.unpack_from("!HHIIBB", body)
    size = (doff >> 4) * 4
    return Tcp(sport, dport, seq, flags, body[20:size], body[size:])


def sound(frame):
    """Whether the checksum of a TCP segment or a UDP datagram is right, or right so far."""
    packet = parse_ip(frame.data)
    covers = pseudo(packet.src, packet.dst, packet.proto, len(packet.body))
    if frame.partial:
        at = {socket.IPPROTO_TCP: 16, socket.IPPROTO_UDP: 6}[packet.proto]
        return struct.unpack_from("!H", packet.body, at)[0] == total(covers)
    return total(covers + packet.body) == 0xffff


def mss_of(options):
    """The first MSS option's value."""
    at = 0
    while at < len(options) and options[at]:
        if options[at] == 1:
            at += 1
            continue
        if options[at] == 2:
            return struct.unpack_from("!H", options, at + 2)[0]
        at += options[at + 1]
    return None


class Inside(collections.namedtuple("Inside", "source type code ip sport dport")):
    """An ICMP error: who sent it, and the packet inside."""


def parse_error(data):
    """The Inside of an ICMP error; None for anything else."""
    packet = parse_ip(data)
    if not packet or len(packet.body) < 36:
        return None
    kind = packet.body[0]
    if not (packet.proto == socket.IPPROTO_ICMP and kind in (3, 5, 11, 12) or
            packet.proto == socket.IPPROTO_ICMPV6 and kind < 128):
        return None
    inner = packet.body[8:]
    # What is inside may be cut off.
    size = (inner[0] & 15) * 4 if inner[0] >> 4 == 4 else 40
    version4 = inner[0] >> 4 == 4
    src, dst = (inner[12:16], inner[16:20]) if version4 else (inner[8:24], inner[24:40])
    family = socket.AF_INET if version4 else socket.AF_INET6
    ports = struct.unpack_from("!HH", inner, size) if len(inner) >= size + 4 else (0, 0)
    return Inside(packet.src, kind, packet.body[1],
                  Ip(socket.inet_ntop(family, src), socket.inet_ntop(family, dst),
                     inner[9] if version4 else inner[6], inner[8] if version4 else inner[7],
                     inner[:size], inner[size:]), *ports)


def _mac(ns, interface):
    words = ns.run("ip", "-oneline", "link", "show", "dev", interface).split()
    return bytes.fromhex(words[words.index("link/ether") + 1].replace(":", ""))


class Link(net.Closing):
    """One interface: puts packets on it, and keeps what passes from now on."""

    def __init__(self, ns, interface, gateway=None, there=net.HOME):
        """What is sent goes to the interface GATEWAY of the namespace THERE."""
        self.interface = interface
        self._mac = _mac(there, gateway) if gateway else None
        with ns:
            self.sock = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0)
        self.sock.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, 1 << 23)
        self.sock.setsockopt(_SOL_PACKET, _PACKET_AUXDATA, 1)
        with ns:
            self.sock.bind((interface, _ETH_P_ALL))
        self.sock.setblocking(False)
        self._frames = []

    def send(self, *packets, mac=None):
        """To the gateway, or to the station MAC."""
        for data in packets:
            self.sock.sendto(data, (self.interface, _ETH_P[data[0] >> 4], 0, 0, mac or self._mac))

    def frames(self, way=None):
        """All IP packets so far; WAY is "in" or "out"."""
        while True:
            try:
                data, ancillary, _, address = self.sock.recvmsg(1 << 17, 256)
            except BlockingIOError:
                break
            if address[1] not in _ETH_P.values():
                continue
            status = struct.unpack_from("=I", ancillary[0][2])[0] if ancillary else 0
            self._frames.append(Frame("out" if address[2] == socket.PACKET_OUTGOING else "in", data,
                                      bool(status & _TP_STATUS_CSUMNOTREADY)))
        return [frame for frame in self._frames if way in (None, frame.way)]

    def forget(self):
        """What has passed so far."""
        self.frames()
        self._frames = []

    def segments(self, way=None, flags=SYN, mask=SYN | ACK | RST):
        """(frame, Ip, Tcp) of the TCP segments with such flags."""
        found = []
        for frame in self.frames(way):
            packet = parse_ip(frame.data)
            if packet and packet.proto == socket.IPPROTO_TCP and len(packet.body) >= 20:
                segment = parse_tcp(packet.body)
                if segment.flags & mask == flags:
                    found.append((frame, packet, segment))
        return found

    def announced(self, way=None, flags=SYN, mask=SYN | ACK | RST, port=None):
        """The MSS of each TCP segment with such flags, of that port if given; once, if it was sent again since the host is slow."""
        once = dict.fromkeys((packet.src, segment.sport, segment.dport, segment.seq, mss_of(segment.options))
                             for _, packet, segment in self.segments(way, flags, mask)
                             if port in (None, segment.sport, segment.dport))
        return [mss for *_, mss in once]

    def errors(self, way=None):
        """The ICMP errors so far."""
        return [error for error in (parse_error(frame.data) for frame in self.frames(way)) if error]

    def close(self):
        self.sock.close()
