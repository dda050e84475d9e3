"""Packets made by hand, put on the wire of the internet's end of a link."""

import socket
import struct

from . import net

FIN, SYN, RST, ACK = 1, 2, 4, 16
MORE_FRAGMENTS = 0x2000
HOPOPTS, ROUTING, FRAGMENT, ESP, AH, NONE, DSTOPTS = 0, 43, 44, 50, 51, 59, 60
# A TCP option with a signature that no listener expects, which drops the segment without a word.
TCP_MD5 = b"\x13\x12" + bytes(16) + b"\1\1"
# Hop-by-hop options with a router alert, as MLD has them; the next header goes first.
ROUTER_ALERT = b"\0\x05\x02\0\0\1\0"


def packed(address):
    return socket.inet_pton(net.family_of(address), address)


def _sum(data):
    if len(data) & 1:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def _checked(src, dst, proto, data, offset):
    """With its checksum at that offset."""
    pseudo = packed(src) + packed(dst) + struct.pack("!II", len(data), proto)
    if proto == socket.IPPROTO_ICMP:
        pseudo = b""
    # A UDP checksum of zero would be none.
    return data[:offset] + struct.pack("!H", _sum(pseudo + data) or 0xffff) + data[offset + 2:]


def ip(src, dst, proto, data=b"", ttl=64, options=b"", fragment=0, extensions=()):
    """extensions: (number, bytes without the next header field) of IPv6."""
    if net.family_of(dst) == socket.AF_INET:
        length = 20 + len(options)
        head = struct.pack("!BBHHHBBH4s4s", 0x40 | length // 4, 0, length + len(data), 0x6666, fragment,
                           ttl, proto, 0, packed(src), packed(dst)) + options
        return head[:10] + struct.pack("!H", _sum(head)) + head[12:] + data
    for number, extension in reversed(extensions):
        data, proto = bytes([proto]) + extension + data, number
    return struct.pack("!IHBB", 0x60000000, len(data), proto, ttl) + packed(src) + packed(dst) + data


def tcp_segment(src, dst, dport, flags=SYN, sport=40000, options=b""):
    data = struct.pack("!HHIIBBHHH", sport, dport, 1000, 2000 if flags & ACK else 0, (20 + len(options)) // 4 << 4, flags,
                       64240, 0, 0) + options
    return _checked(src, dst, socket.IPPROTO_TCP, data, 16)


def udp_datagram(src, dst, dport, sport=40000, payload=b"?"):
    data = struct.pack("!HHHH", sport, dport, 8 + len(payload), 0) + payload
    return _checked(src, dst, socket.IPPROTO_UDP, data, 6)


def icmp_message(src, dst, kind, code=0, rest=b"\0\1\0\1", payload=b""):
    proto = socket.IPPROTO_ICMP if net.family_of(dst) == socket.AF_INET else socket.IPPROTO_ICMPV6
    return _checked(src, dst, proto, struct.pack("!BBH", kind, code, 0) + rest + payload, 2)


def tcp(src, dst, dport, flags=SYN, sport=40000, tcp_options=b"", **more):
    return ip(src, dst, socket.IPPROTO_TCP, tcp_segment(src, dst, dport, flags, sport, tcp_options), **more)


def udp(src, dst, dport, sport=40000, payload=b"?", **more):
    return ip(src, dst, socket.IPPROTO_UDP, udp_datagram(src, dst, dport, sport, payload), **more)


def icmp(src, dst, kind, code=0, rest=b"\0\1\0\1", payload=b"", **more):
    proto = socket.IPPROTO_ICMP if net.family_of(dst) == socket.AF_INET else socket.IPPROTO_ICMPV6
    return ip(src, dst, proto, icmp_message(src, dst, kind, code, rest, payload), **more)


def echo(src, dst, ident=1, **more):
    kind = 8 if net.family_of(dst) == socket.AF_INET else 128
    return icmp(src, dst, kind, rest=struct.pack("!HH", ident, 1), **more)


class Link(net.Closing):
    """Where packets are put: they enter the proxy by eth0."""

    def __init__(self, ns, interface="to_eth0", into="eth0"):
        self._interface = interface
        with open(f"/sys/class/net/{into}/address", encoding="ascii") as file:
            self._station = bytes.fromhex(file.read().strip().replace(":", ""))
        self._sock = ns.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0)

    def _address(self, packet):
        if packet[0] >> 4 == 6:
            return b"\x33\x33" + packet[36:40] if packet[24:25] == b"\xff" else self._station
        if packet[16:20] == b"\xff\xff\xff\xff":
            return b"\xff" * 6
        if 224 <= packet[16] < 240:
            return b"\1\0\x5e" + bytes([packet[17] & 127]) + packet[18:20]
        return self._station

    def send(self, packet):
        kind = 0x86dd if packet[0] >> 4 == 6 else 0x0800
        # What is shorter than its header says goes to one station all the same.
        address = self._address(packet) if len(packet) >= 40 or kind == 0x0800 and len(packet) >= 20 else self._station
        self._sock.sendto(packet, (self._interface, kind, 0, 0, address))

    def close(self):
        self._sock.close()


class Merged(net.Closing):
    """Puts TCP segments on the same wire as one, as reception merges them (GRO)."""

    # SOL_PACKET, PACKET_VNET_HDR, and of struct virtio_net_hdr: the checksum is to be finished, TCP over IPv4 or IPv6.
    _OPTION = (263, 15)
    _NEEDS_CSUM = 1
    _GSO = {socket.AF_INET: 1, socket.AF_INET6: 4}

    def __init__(self, ns, interface="to_eth0", into="eth0"):
        with open(f"/sys/class/net/{into}/address", encoding="ascii") as file:
            self._station = bytes.fromhex(file.read().strip().replace(":", ""))
        self._sock = ns.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self._sock.setsockopt(*self._OPTION, 1)
        self._interface = interface

    def send(self, src, dst, segment, size):
        """SIZE: of the data in each of those that SEGMENT is made of."""
        family = net.family_of(src)
        # Of the addresses only: the rest is added where it leaves.
        pseudo = packed(src) + packed(dst) + struct.pack("!II", len(segment), socket.IPPROTO_TCP)
        segment = segment[:16] + struct.pack("!H", ~_sum(pseudo) & 0xffff) + segment[18:]
        packet = ip(src, dst, socket.IPPROTO_TCP, segment, fragment=0x4000)
        start = 14 + len(packet) - len(segment)
        kind = b"\x08\x00" if family == socket.AF_INET else b"\x86\xdd"
        self._sock.sendto(struct.pack("=BBHHHH", self._NEEDS_CSUM, self._GSO[family], start + 20, size, start, 16) +
                          self._station + b"\2\0\0\0\0\1" + kind + packet, (self._interface, 0))

    def close(self):
        self._sock.close()
