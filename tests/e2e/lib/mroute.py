"""Multicast routing, as a routing daemon asks the kernel for it."""

import socket
import struct

from . import net
from .topo import HOME

_INIT, _ADD_INTERFACE, _ADD_ROUTE = 200, 202, 204
_USE_IFINDEX = 8


def _in6(address):
    return struct.pack("=HHI16sI", socket.AF_INET6, 0, 0, socket.inet_pton(socket.AF_INET6, address), 0)


class Router(net.Closing):
    """While it is open, the host passes on what is for the GROUPS: each is (source, group, from, to)."""

    def __init__(self, version, interfaces, groups):
        """OSError with ENOPROTOOPT: this kernel has none."""
        if version == "ipv6":
            self._level = socket.IPPROTO_IPV6
            self._sock = HOME.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
        else:
            self._level = socket.IPPROTO_IP
            self._sock = HOME.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_IGMP)
        try:
            self._set(_INIT, struct.pack("=i", 1))
            for number, name in enumerate(interfaces):
                index = socket.if_nametoindex(name)
                self._set(_ADD_INTERFACE, struct.pack("=HBBHxxI", number, 0, 1, index, 0) if version == "ipv6" else
                          struct.pack("=HBBIi4x", number, _USE_IFINDEX, 1, 0, index))
            for source, group, enters, leaves in groups:
                enters, leaves = interfaces.index(enters), interfaces.index(leaves)
                self._set(_ADD_ROUTE, _in6(source) + _in6(group) + struct.pack("=HxxI28x", enters, 1 << leaves)
                          if version == "ipv6" else
                          socket.inet_aton(source) + socket.inet_aton(group) +
                          struct.pack("=H32s2x12xi", enters, bytes(number == leaves for number in range(32)), 0))
        except OSError:
            self.close()
            raise

    def _set(self, option, value):
        self._sock.setsockopt(self._level, option, value)

    def close(self):
        self._sock.close()
