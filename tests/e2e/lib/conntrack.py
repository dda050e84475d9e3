"""Connection tracking, read and flushed over ctnetlink."""

import collections
import os
import socket
import struct

SRC_NAT = 1 << 4
DST_NAT = 1 << 5
OFFLOAD = 1 << 14
UNACKNOWLEDGED = 1 << 4
# States of TCP.
ESTABLISHED, CLOSE_WAIT, TIME_WAIT, CLOSE = 3, 5, 7, 8

_NETLINK_NETFILTER = 12
_GET, _DELETE = 1 << 8 | 1, 1 << 8 | 2
_REQUEST, _ACK, _DUMP = 1, 4, 0x300
_ERROR, _DONE = 2, 3

Tuple = collections.namedtuple("Tuple", "src dst proto sport dport")
# timeout: in seconds; state: of TCP; counters: (packets, bytes) of both directions, of which there are some with
# nf_conntrack_acct; flags: of TCP, of both directions.
Entry = collections.namedtuple("Entry", "orig reply status timeout state counters flags")


def _attributes(data):
    found = {}
    while len(data) >= 4:
        length, kind = struct.unpack_from("=HH", data)
        found[kind & 0x3fff] = data[4:length]
        data = data[(length + 3) & ~3:]
    return found


def _address(data):
    return socket.inet_ntop(socket.AF_INET if len(data) == 4 else socket.AF_INET6, data)


def _tuple(data):
    parts = _attributes(data)
    ip, proto = _attributes(parts[1]), _attributes(parts[2])

    def port(kind):
        return struct.unpack("!H", proto[kind])[0] if kind in proto else 0
    return Tuple(_address(ip.get(1) or ip.get(3)), _address(ip.get(2) or ip.get(4)),
                 proto[1][0], port(2), port(3))


def _number(data):
    return int.from_bytes(data, "big")


def _counters(data):
    parts = _attributes(data)
    return _number(parts.get(1, b"")), _number(parts.get(2, b""))


def _request(kind, flags):
    sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_NETFILTER)
    with sock:
        sock.settimeout(10)
        sock.sendall(struct.pack("=IHHIIBBH", 20, kind, flags, 1, 0, 0, 0, 0))
        while True:
            data = sock.recv(1 << 18)
            while data:
                length, answer = struct.unpack_from("=IH", data)
                if answer == _DONE:
                    return
                if answer == _ERROR:
                    errno = -struct.unpack_from("=i", data, 16)[0]
                    if errno:
                        raise OSError(errno, os.strerror(errno))
                    return
                yield data[20:length]
                data = data[(length + 3) & ~3:]


def entries():
    found = []
    for message in _request(_GET, _REQUEST | _DUMP):
        parts = _attributes(message)
        tcp = _attributes(_attributes(parts.get(4, b"")).get(1, b""))
        found.append(Entry(_tuple(parts[1]), _tuple(parts[2]), _number(parts[3]), _number(parts.get(7, b"")),
                           _number(tcp.get(1, b"")), (_counters(parts.get(9, b"")), _counters(parts.get(10, b""))),
                           tuple(_number(tcp.get(direction, b"")[:1]) for direction in (4, 5))))
    return found


def flush():
    for _ in _request(_DELETE, _REQUEST | _ACK):
        pass


def is_offloaded(connection):
    """Whether a flow table forwards the packets of a client's connection."""
    return any(entry.orig.sport == connection.port and entry.status & OFFLOAD for entry in entries())
