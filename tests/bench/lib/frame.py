"""Frames between a client and a port of the relay: 118 bytes, SYNs shorter."""

import ipaddress
import struct

LENGTH = 118
ETHERNET = 14
TCP, UDP = 6, 17
TTL = 64
SYN, ACK, PSH = 0x02, 0x10, 0x08
# As Linux sends them: SACK permitted, timestamps, no operation, window scale 7.
SYN_OPTIONS = bytes.fromhex("0402 080a0000000100000000 01 030307")
CLIENT_SEQ, RELAY_SEQ = 1000, 2000


def checksum(data):
    """RFC 1071; of data that has a right checksum in it: 0."""
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def pseudo_header(src, dst, length, proto):
    packed = ipaddress.ip_address(src).packed + ipaddress.ip_address(dst).packed
    return packed + struct.pack("!II", length, proto)


def _segment(source, destination, flags, seq, ack):
    """TCP without its checksum."""
    (src, sport), (_, dport) = source, destination
    ipv6 = ":" in src
    if flags & SYN:
        options, payload = struct.pack("!BBH", 2, 4, 1440 if ipv6 else 1460) + SYN_OPTIONS, b""
    else:
        options, payload = b"", b"x" * (LENGTH - ETHERNET - (40 if ipv6 else 20) - 20)
    offset = (20 + len(options)) // 4
    return struct.pack("!HHIIBBHHH", sport, dport, seq, ack, offset << 4, flags, 65535, 0, 0) + options + payload


def _datagram(source, destination):
    """UDP without its checksum."""
    (src, sport), (_, dport) = source, destination
    size = LENGTH - ETHERNET - (40 if ":" in src else 20)
    return struct.pack("!HHHH", sport, dport, size, 0) + b"x" * (size - 8)


def build(mac, source, destination, proto, flags=0, seq=0, ack=0):
    """SOURCE and DESTINATION are (address, port); UDP has neither flags nor numbers."""
    src, dst = source[0], destination[0]
    ipv6 = ":" in src
    if proto == TCP:
        l4, at = _segment(source, destination, flags, seq, ack), 16
    else:
        l4, at = _datagram(source, destination), 6
    l4 = l4[:at] + struct.pack("!H", checksum(pseudo_header(src, dst, len(l4), proto) + l4)) + l4[at + 2:]
    addresses = ipaddress.ip_address(src).packed + ipaddress.ip_address(dst).packed
    if ipv6:
        ip = struct.pack("!IHBB", 6 << 28, len(l4), proto, TTL) + addresses
    else:
        ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(l4), 1, 0x4000, TTL, proto, 0) + addresses
        ip = ip[:10] + struct.pack("!H", checksum(ip)) + ip[12:]
    return mac + bytes.fromhex("020000000001") + (b"\x86\xdd" if ipv6 else b"\x08\0") + ip + l4


def protocol(frame):
    return frame[ETHERNET + 6] if frame[ETHERNET] >> 4 == 6 else frame[ETHERNET + 9]


def moved(frame, rounds):
    """The frame after that many with as much data."""
    if protocol(frame) == UDP:
        return frame
    at = ETHERNET + (40 if frame[ETHERNET] >> 4 == 6 else 20)
    size = len(frame) - at - (frame[at + 12] >> 4) * 4
    old = frame[at + 4:at + 8]
    new = struct.pack("!I", int.from_bytes(old, "big") + rounds * size & 0xffffffff)
    # RFC 1624: the checksum of what goes, complemented, and of what comes.
    check = checksum(struct.pack("!H", ~int.from_bytes(frame[at + 16:at + 18], "big") & 0xffff) +
                     bytes(~byte & 0xff for byte in old) + new)
    return frame[:at + 4] + new + frame[at + 8:at + 16] + struct.pack("!H", check) + frame[at + 18:]


def is_ours(frame):
    """The kernel sends packets of its own, about groups and neighbours."""
    return protocol(frame) in (TCP, UDP)


class Wrong(Exception):
    """A packet did not come out as it should."""


def parse(frame):
    """All that a frame says, if its checksums are right."""
    packet = frame[ETHERNET:]
    ipv6 = packet[0] >> 4 == 6
    size = 40 if ipv6 else 20
    header, l4, proto = packet[:size], packet[size:], protocol(frame)
    if ipv6:
        src, dst = ipaddress.ip_address(header[8:24]), ipaddress.ip_address(header[24:40])
        length, ttl, rest = header[4:6], header[7], header[:7]
        whole = size + int.from_bytes(length, "big")
    else:
        if checksum(header):
            raise Wrong(f"IPv4 checksum: {header.hex()}")
        src, dst = ipaddress.ip_address(header[12:16]), ipaddress.ip_address(header[16:20])
        whole, ttl, rest = int.from_bytes(header[2:4], "big"), header[8], header[:8] + header[9:10]
    if whole != len(packet):
        raise Wrong(f"{len(packet)} bytes instead of {whole}")
    if checksum(pseudo_header(src, dst, len(l4), proto) + l4):
        raise Wrong(f"checksum of protocol {proto}: {packet.hex()}")
    at = 16 if proto == TCP else 6
    sport, dport = struct.unpack("!HH", l4[:4])
    return {"source": (str(src), sport), "destination": (str(dst), dport), "ttl": ttl,
            "header": rest.hex(), "rest": (l4[4:at] + l4[at + 2:]).hex()}
