"""
What clients and servers tell each other: records, in a TCP stream or a datagram each. A record names its flow and when it
was sent, and its body follows from that: a byte that changed, or a record of another flow, is noticed by either end.
"""

import collections
import random
import socket
import struct
import zlib

ASK, ANSWER = 0, 1
# When the flow began and the record was sent: CLOCK_MONOTONIC, in nanoseconds. host: who answers.
Record = collections.namedtuple("Record", "kind proto port dialed host flow number begun sent want size")

_HEADER = struct.Struct("!4sBBH16s16sQIQQHHI")
_MAGIC = b"rcrd"
LONGEST = 6000
# All that a datagram may have with its header, so that it is not always one packet.
LARGEST = 2000
HEADER = _HEADER.size
_PAD = random.Random("the bodies").randbytes(LONGEST + (1 << 16))


class Broken(Exception):
    """A record is not as it was sent."""


def packed(address):
    if not address:
        return bytes(16)
    if ":" in address:
        return socket.inet_pton(socket.AF_INET6, address)
    return bytes(10) + b"\xff\xff" + socket.inet_aton(address)


def unpacked(data):
    if data == bytes(16):
        return ""
    if data.startswith(bytes(10) + b"\xff\xff"):
        return socket.inet_ntoa(data[12:])
    return socket.inet_ntop(socket.AF_INET6, data)


def _body(record):
    begin = (record.flow * 40503 + record.number * 9973 + record.kind * 31) & 0xffff
    return _PAD[begin:begin + record.size]


def _header(record, check):
    return _HEADER.pack(_MAGIC, record.kind, record.proto, record.port, packed(record.dialed), packed(record.host),
                        record.flow, record.number, record.begun, record.sent, record.want, record.size, check)


def encode(record):
    return _header(record, zlib.crc32(_header(record, 0))) + _body(record)


def decode(data):
    """The record at the beginning of data and its length, or nothing as long as that is not complete."""
    if len(data) < HEADER:
        return None, 0
    magic, kind, proto, port, dialed, host, flow, number, begun, sent, want, size, check = _HEADER.unpack_from(data)
    record = Record(kind, proto, port, unpacked(dialed), unpacked(host), flow, number, begun, sent, want, size)
    if magic != _MAGIC or check != zlib.crc32(_header(record, 0)):
        raise Broken(f"no record: {bytes(data[:HEADER]).hex()}")
    if len(data) < HEADER + size:
        return None, 0
    if data[HEADER:HEADER + size] != _body(record):
        raise Broken(f"another body: {record}")
    return record, HEADER + size
