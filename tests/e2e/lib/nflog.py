"""Packets logged through nfnetlink_log, as ulogd receives them."""

import socket
import struct

from . import net

_NETLINK_NETFILTER, _ULOG = 12, 4
_PACKET, _CONFIG = _ULOG << 8, _ULOG << 8 | 1
_REQUEST_ACK, _ERROR = 5, 2
_CFG_CMD, _CFG_MODE = 1, 2
_BIND, _COPY_META = 1, 1
_PREFIX = 10


class Group:
    """A log group; prefixes() are those of what has been logged so far."""

    def __init__(self, number=0):
        self._number = number
        self._prefixes = []
        with net.HOME:
            self._sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_NETFILTER)
        self._sock.settimeout(5)
        self._ask(_CFG_CMD, struct.pack("=B", _BIND))
        self._ask(_CFG_MODE, struct.pack("!IBB", 0, _COPY_META, 0))
        self._sock.setblocking(False)

    def _ask(self, kind, value):
        value = struct.pack("=HH", 4 + len(value), kind) + value
        value += b"\0" * (-len(value) % 4)
        self._sock.send(struct.pack("=IHHIIBBH", 20 + len(value), _CONFIG, _REQUEST_ACK, 1, 0, 0, 0,
                                    socket.htons(self._number)) + value)
        answer = self._sock.recv(4096)
        if struct.unpack_from("=H", answer, 4)[0] != _ERROR or struct.unpack_from("=i", answer, 16)[0]:
            raise RuntimeError("nfnetlink_log refuses")

    def _message(self, data):
        while len(data) >= 4:
            length, kind = struct.unpack_from("=HH", data)
            if kind == _PREFIX:
                self._prefixes.append(data[4:length].rstrip(b"\0").decode())
            data = data[(length + 3) & ~3:]

    def prefixes(self):
        while True:
            try:
                data = self._sock.recv(1 << 16)
            except BlockingIOError:
                return self._prefixes
            while len(data) >= 20:
                length, kind = struct.unpack_from("=IH", data)
                if kind == _PACKET:
                    self._message(data[20:length])
                data = data[(length + 3) & ~3:]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._sock.close()
