"""Multicast routing, as a routing daemon asks the kernel for it."""

import errno
import socket
import struct

from . import net, wait, wire
from .topo import HOME

_INIT, _ADD_INTERFACE, _ADD_ROUTE, _TABLE = 200, 202, 204, 209
_USE_IFINDEX = 8
# For whom it is passed on.
GROUP = {"ipv4": "239.1.2.3", "ipv6": "ff05::1234"}


class Missing(Exception):
    """This kernel has no multicast routing, or none for VRFs."""


def passed(link, group, src=None):
    """How many packets for a group have arrived by a link, of one source or of any."""
    return sum(packet.dst == group and src in (None, packet.src)
               for packet in (wire.parse_ip(frame.data) for frame in link.frames("in")) if packet)


def _in6(address):
    return struct.pack("=HHI16sI", socket.AF_INET6, 0, 0, socket.inet_pton(socket.AF_INET6, address), 0)


class Router(net.Closing):
    """While it is open, the host passes on what is for the GROUPS: each is (source, group, from, to)."""

    def __init__(self, version, interfaces, groups, table=None):
        """TABLE: a VRF's."""
        self._interfaces = interfaces
        if version == "ipv6":
            self._level = socket.IPPROTO_IPV6
            self._sock = HOME.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
        else:
            self._level = socket.IPPROTO_IP
            self._sock = HOME.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_IGMP)
        self._sock.setblocking(False)
        try:
            if table is not None:
                self._set(_TABLE, struct.pack("=I", table))
            self._set(_INIT, struct.pack("=i", 1))
            for number, name in enumerate(interfaces):
                index = socket.if_nametoindex(name)
                self._set(_ADD_INTERFACE, struct.pack("=HBBHxxI", number, 0, 1, index, 0) if version == "ipv6" else
                          struct.pack("=HBBIi4x", number, _USE_IFINDEX, 1, 0, index))
            for group in groups:
                self.add(*group)
        except OSError as error:
            self.close()
            if error.errno == errno.ENOPROTOOPT:
                raise Missing from error
            raise

    def add(self, source, group, enters, leaves):
        """What waits for this continues at once."""
        enters, leaves = self._interfaces.index(enters), self._interfaces.index(leaves)
        self._set(_ADD_ROUTE, _in6(source) + _in6(group) + struct.pack("=HxxI28x", enters, 1 << leaves)
                  if self._level == socket.IPPROTO_IPV6 else
                  socket.inet_aton(source) + socket.inet_aton(group) +
                  struct.pack("=H32s2x12xi", enters, bytes(number == leaves for number in range(32)), 0))

    def asked(self, group):
        """Whether the kernel asks where what is for the group goes: with the header of one that waits."""
        family, where = (socket.AF_INET6, 24) if self._level == socket.IPPROTO_IPV6 else (socket.AF_INET, 16)
        group = socket.inet_pton(family, group)

        def look():
            try:
                return self._sock.recv(2000)[where:where + len(group)] == group
            except BlockingIOError:
                return False
        return wait.until(look)

    def _set(self, option, value):
        self._sock.setsockopt(self._level, option, value)

    def close(self):
        self._sock.close()
