"""Packets as they pass in a namespace."""

import collections
import socket
import struct

from . import net

_ETH_P_ALL = 3
_SO_RCVBUFFORCE = 33

Packet = collections.namedtuple("Packet", "src dst proto sport dport flags icmp")

FIN, SYN, RST, ACK = 1, 2, 4, 16


def _parse(data):
    if not data:
        return None
    if data[0] >> 4 == 4 and len(data) >= 20:
        src, dst = socket.inet_ntoa(data[12:16]), socket.inet_ntoa(data[16:20])
        proto, body = data[9], data[(data[0] & 15) * 4:]
        if struct.unpack("!H", data[6:8])[0] & 0x1fff:
            return None
    elif data[0] >> 4 == 6 and len(data) >= 40:
        src = socket.inet_ntop(socket.AF_INET6, data[8:24])
        dst = socket.inet_ntop(socket.AF_INET6, data[24:40])
        proto, body = data[6], data[40:]
    else:
        return None
    if proto in (socket.IPPROTO_TCP, socket.IPPROTO_UDP) and len(body) >= 8:
        flags = body[13] if proto == socket.IPPROTO_TCP and len(body) > 13 else 0
        return Packet(src, dst, proto, *struct.unpack("!HH", body[:4]), flags, None)
    if proto in (socket.IPPROTO_ICMP, socket.IPPROTO_ICMPV6) and len(body) >= 8:
        return Packet(src, dst, proto, 0, 0, 0, (body[0], body[1]))
    return Packet(src, dst, proto, 0, 0, 0, None)


class Sniffer(net.Closing):
    """Keeps everything that enters or leaves one interface from now on."""

    def __init__(self, ns, interface):
        with ns:
            self.sock = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0)
            self.sock.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, 1 << 23)
            self.sock.bind((interface, _ETH_P_ALL))
        self.sock.setblocking(False)
        self._packets = []

    def packets(self, direction=None):
        """All so far; direction is "in" or "out"."""
        while True:
            try:
                data, address = self.sock.recvfrom(1 << 16)
            except BlockingIOError:
                break
            packet = _parse(data)
            if packet:
                way = "out" if address[2] == socket.PACKET_OUTGOING else "in"
                self._packets.append((way, packet))
        return [packet for way, packet in self._packets if direction in (None, way)]

    def forget(self):
        """Begins anew."""
        self.packets()
        self._packets.clear()

    def close(self):
        self.sock.close()
