"""/dev/inject: packets that a device receives, and what they cost."""

import fcntl
import os
import pathlib
import socket
import struct
import subprocess

from . import frame

PORT_FIRST, PORTS = 10000, 50000
REPLY, FREE, SCATTER, WATCH = 1, 2, 4, 8
_RUN = struct.Struct("8I256sQQ")
_IOCTL = 3 << 30 | _RUN.size << 16 | ord("J") << 8 | 1
_PACKET_OUTGOING = 4
_SO_RCVBUFFORCE = 33
_MODULE = pathlib.Path(__file__).resolve().parents[3] / "build" / os.uname().release / "inject/inject.ko"


class Injector:
    def __init__(self):
        subprocess.run(["insmod", str(_MODULE)], check=True)
        self.file = open("/dev/inject", "rb", buffering=0)  # pylint: disable=consider-using-with

    def run(self, device, out, template, packets, flows, first=0, flags=0):
        """How many packets left by OUT, and how many cycles that took."""
        buffer = bytearray(_RUN.pack(socket.if_nametoindex(device), socket.if_nametoindex(out), packets, flows,
                                     first, flags, len(template), 0, template, 0, 0))
        fcntl.ioctl(self.file, _IOCTL, buffer)
        return _RUN.unpack(buffer)[9:]

    def cost(self, *arguments, flags=0, **options):
        """Cycles for a packet on its way, without those for making it. All must have left."""
        packets = arguments[3]
        _, made = self.run(*arguments, flags=flags | FREE, **options)
        sent, cycles = self.run(*arguments, flags=flags, **options)
        if sent != packets:
            raise frame.Wrong(f"of {packets} packets {sent} were forwarded")
        return round((cycles - made) / packets, 1)


class Capture:
    """What leaves by a device, while this is open."""

    def __init__(self, device):
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        self.socket.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, 1 << 24)
        self.socket.bind((device, 3))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def frames(self):
        seen = []
        while True:
            try:
                data, address = self.socket.recvfrom(65536, socket.MSG_DONTWAIT)
            except BlockingIOError:
                return seen
            if address[2] == _PACKET_OUTGOING and frame.is_ours(data):
                seen.append(data)
