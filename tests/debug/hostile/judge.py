"""What came out, next to what had to."""

import struct

from model import (ALLOWED, FIN, ICMP, ICMPV6, INSIDE, MINE, NEEDS_CSUM, NEIGHBOUR, OWN, PORTS, PUSH, RELAY, ROUTER, STATION,
                   TCP, TUNNEL, UDP, WAN, Model, Reassembly, addresses, ones, pseudo, put16, seal, skip, sum_of, transport,
                   u16, version_of)

ETHERTYPE = {4: b"\x08\0", 6: b"\x86\xdd"}
CHECK = {TCP: 16, UDP: 6, ICMP: 2, ICMPV6: 2}


class Wrong(Exception):
    pass


def field(data, at):
    """What a byte of a packet belongs to."""
    size = (data[0] & 15) * 4 if version_of(data) == 4 else 40
    if at < size:
        if version_of(data) == 4:
            for end, name in ((2, "version"), (4, "length"), (8, "fragment"), (9, "hop limit"), (10, "protocol"),
                              (12, "IP checksum"), (16, "source"), (20, "destination"), (60, "IP options")):
                if at < end:
                    return name
        for end, name in ((4, "version"), (6, "length"), (7, "protocol"), (8, "hop limit"), (24, "source"),
                          (40, "destination")):
            if at < end:
                return name
    proto, start = transport(data)
    if start < 0 or at < start:
        return "extension headers"
    if proto in (TCP, UDP):
        if at < start + 4:
            return "ports"
        if CHECK[proto] <= at - start < CHECK[proto] + 2:
            return "checksum"
        if proto == TCP and at < start + 20:
            return "TCP header"
        if proto == TCP and at < start + (data[start + 12] >> 4) * 4:
            return "TCP options"
    if proto in (ICMP, ICMPV6):
        return "ICMP checksum" if 2 <= at - start < 4 else "ICMP"
    return "payload"


def same(want, data):
    if len(data) != len(want.data):
        raise Wrong(f"{len(data)} bytes instead of {len(want.data)}")
    got, expected = bytearray(data), bytearray(want.data)
    for start, end in want.free:
        start, end = max(0, start), min(max(0, end), len(got))
        got[start:end] = expected[start:end]
    for at in want.checks:
        is_, has_to = u16(got, at), u16(expected, at)
        # Of the two zeros UDP has only one.
        if is_ % 0xffff == has_to % 0xffff and (is_ or has_to != 0xffff):
            got[at:at + 2] = expected[at:at + 2]
    if got != expected:
        at = next(at for at, (a, b) in enumerate(zip(got, expected)) if a != b)
        raise Wrong(f"{field(expected, at)}: byte {at} is {got[at]:02x} instead of {expected[at]:02x}")


def finished(vnet, data):
    """With the checksum that the device was to finish."""
    flags, _, _, _, start, offset = struct.unpack("<BBHHHH", vnet)
    if not flags & NEEDS_CSUM:
        return data
    start -= 14
    if start < 0 or start + offset + 2 > len(data):
        raise Wrong("a checksum that is nowhere")
    done = bytearray(data)
    value = -ones(data[start:]) % 0xffff
    put16(done, start + offset, value or (0xffff if offset == CHECK[UDP] else 0))
    return bytes(done)


def together(parts, strict):
    """Segments, or datagrams, as the one that they are parts of; STRICT: each with the right checksum."""
    first = bytearray(parts[0])
    version = version_of(first)
    proto, at = transport(first)
    if proto not in (TCP, UDP) or at < 0:
        raise Wrong("parts of nothing")
    payload, seq, flags = b"", None, 0
    for part in parts:
        if transport(part) != (proto, at) or len(part) < at + 8:
            raise Wrong("parts that differ")
        body = at + ((part[at + 12] >> 4) * 4 if proto == TCP else 8)
        # Length, identification and checksums are each part's own.
        header = bytearray(part[:body])
        ours = bytearray(first[:body])
        for head in (header, ours):
            head[2 if version == 4 else 4:6] = bytes(4 if version == 4 else 2)
            if version == 4:
                head[10:12] = bytes(2)
            else:
                head[1:4] = bytes(3)
            put16(head, at + CHECK[proto], 0)
            if proto == TCP:
                head[at + 4:at + 8] = bytes(4)
                head[at + 13] &= ~(FIN | PUSH | 0x80)
            else:
                put16(head, at + 4, 0)
        if header != ours:
            raise Wrong("parts with other headers")
        if strict and sum_of(part, proto, at):
            raise Wrong("checksum: a part's is wrong")
        if proto == TCP:
            this = struct.unpack_from("!I", part, at + 4)[0]
            if seq is not None and this != seq:
                raise Wrong("parts that do not follow each other")
            seq = (this + len(part) - body) & 0xffffffff
            flags |= part[at + 13]
        elif u16(part, at + 4) != len(part) - at:
            raise Wrong("length: a part's is wrong")
        payload += part[body:]
    whole = bytearray(first[:body]) + payload
    put16(whole, 2 if version == 4 else 4, (len(whole) if version == 4 else len(whole) - 40) & 0xffff)
    if proto == TCP:
        whole[at + 13] = flags
    else:
        put16(whole, at + 4, (len(whole) - at) & 0xffff)
    put16(whole, at + CHECK[proto], 0)
    value = -(pseudo(version, *map(bytes, addresses(whole)), proto, len(whole) - at) + ones(bytes(whole[at:]))) % 0xffff
    put16(whole, at + CHECK[proto], value or (0xffff if proto == UDP else 0))
    if version == 4:
        seal(whole)
    return bytes(whole)


def unasked(frame):
    """What the stack says of its own accord: about neighbours and groups."""
    data = frame[14:]
    if frame[12:14] == b"\x08\x06":
        return True
    if version_of(data) != 6 or len(data) < 44:
        return False
    proto, at, _ = skip(data, 40, data[6])
    return proto == ICMPV6 and len(data) > at >= 0 and 130 <= data[at] <= 143


def packets(link, caught):
    """The packets that came out of a link, whole."""
    reassembly, found = Reassembly(), []
    for vnet, frame in caught:
        if unasked(frame):
            continue
        data = frame[14:]
        if frame[:6] != NEIGHBOUR[link] or frame[6:12] != STATION[link]:
            raise Wrong("another next hop")
        if frame[12:14] != ETHERTYPE.get(version_of(data)):
            raise Wrong("another ethertype")
        data = finished(vnet, data)
        data = reassembly.ipv4(data) if version_of(data) == 4 else reassembly.ipv6(data)[0]
        if data:
            found.append(data)
    if reassembly.piles:
        raise Wrong("fragments of nothing")
    return found


def packet_of(shot):
    """Behind the Ethernet header, and the tag of a VLAN."""
    return shot.frame[18 if shot.frame[12:14] == b"\x81\0" else 14:]


def is_refusal(version, data, proto, at):
    """Whether an ICMP error says that nobody listens: no such port or protocol."""
    if at < 0 or len(data) < at + 2:
        return False
    return (data[at], data[at + 1]) in ((3, 2), (3, 3)) if proto == ICMP and version == 4 else \
        proto == ICMPV6 and (data[at], data[at + 1]) in ((1, 4), (4, 1))


def leaks(shot, verdict, data):
    """
    No inside address leaves by the WAN, nor this host's in the name of what entered there; but of known connections, as they
    were opened.
    """
    asked, version = packet_of(shot), version_of(data)
    src, dst = addresses(data)
    if any(addresses(want.data)[0] == src for want in verdict.wants or ()):
        return
    # It may be of a connection to the inside address itself.
    if verdict.why == "after a reset":
        return
    if shot.link == INSIDE and src in (RELAY[version], ROUTER[version], TUNNEL[version]):
        raise Wrong(f"an inside address leaves by the WAN: {data.hex()}")
    if shot.link == WAN and version_of(asked) == version and addresses(asked)[1] == dst and \
            addresses(asked)[0] != src != dst:
        raise Wrong(f"what entered by the WAN leaves under another address: {data.hex()}")


def own_answer(shot, data, guarded):
    """An answer of this host is about the packet that it received, with the addresses of that packet."""
    asked = packet_of(shot)
    if not asked or version_of(asked) not in (4, 6) or len(asked) < 20 or version_of(asked) == 6 and len(asked) < 40:
        raise Wrong("an answer to what is no packet")
    version = version_of(data)
    src, dst = addresses(data)
    asker, whom = addresses(asked)
    proto, at = transport(data)
    if shot.link == WAN and proto == TCP and at >= 0 and whom == OWN[version] and u16(data, at) == PORTS[TCP] and \
            not Model.link_local(version, asker):
        raise Wrong("this host answers in the relay's place")
    # From one neighbour to another is no answer.
    if guarded and shot.link == WAN and (src, dst) != (asker, whom) and \
            (proto == TCP and u16(data, at) != ALLOWED or is_refusal(version, data, proto, at)):
        raise Wrong(f"this host answers what the guard is to drop: {data.hex()}")
    if Model.way(version, whom) == shot.link or Model.link_local(version, whom):
        # It was sent back to where it came from.
        return
    if src in (RELAY[4], RELAY[6]) or src not in MINE or \
            shot.link == WAN and src == TUNNEL[version] != whom or dst != asker:
        raise Wrong(f"an answer under another name: {data.hex()}")
    if at < 0 or proto in CHECK and sum_of(data, proto, at):
        raise Wrong("checksum: an answer's is wrong")
    if proto not in (ICMP, ICMPV6) or not Model.is_error(version, data[at]):
        return
    inner = at + 8
    if addresses(data, inner) != (asker, whom):
        raise Wrong(f"an error about another packet: {data.hex()}")
    size = (asked[0] & 15) * 4 if version == 4 else 40
    plain = not u16(asked, 6) & 0x1fff if version == 4 else asked[6] in (TCP, UDP)
    inside = Model.quoted(version, data, at)
    if plain and inside and inside[1] in (TCP, UDP) and inside[0] + size == inside[2] and \
            data[inside[2]:inside[2] + 4] != asked[size:size + 4][:len(data) - inside[2]]:
        raise Wrong(f"an error about other ports: {data.hex()}")


def told_elsewhere(shot, data):
    """An error about a packet whose source is not where it came from goes to that source, and so does a reset."""
    asked = packet_of(shot)
    version = version_of(data)
    size = 20 if version == 4 else 40
    if len(asked) < size or version_of(asked) != version:
        return False
    (src, dst), (asker, whom) = addresses(data), addresses(asked)
    proto, at = transport(data)
    return src in MINE and dst == asker != whom and Model.way(version, asker) != shot.link and \
        not sum_of(data, proto, at) and \
        (proto == TCP and src == whom or
         proto in (ICMP, ICMPV6) and len(data) >= at + 8 + size and addresses(data, at + 8) == (asker, whom) and
         (Model.is_error(version, data[at]) or version == 4 and data[at] == 5))


def one_of(want, found):
    if want.gso:
        found = [together(found, not want.free)]
    if len(found) != 1:
        raise Wrong(f"{len(found)} came out")
    same(want, found[0])


def sent_back(shot, verdict, data):
    """Whether a packet leaves through the link on which it arrived, as it has to."""
    asked = packet_of(shot)
    return verdict.out == shot.link and addresses(data)[1] == addresses(asked)[1]


def judge(shot, verdict, caught, guarded):
    """
    Whether something came out that had to; raises Wrong. CAUGHT: for each link, (virtio_net_hdr, frame); GUARDED: this host
    answers nothing that enters by the WAN but pings, and what it cannot forward.
    """
    back, found = [], []
    for data in packets(WAN, caught[WAN]):
        leaks(shot, verdict, data)
    for data in packets(shot.link, caught[shot.link]):
        if sent_back(shot, verdict, data):
            back.append(data)
        else:
            own_answer(shot, data, guarded)
    if verdict.wants is None:
        return bool(back or caught[1 - shot.link])
    found = back + [data for data in packets(1 - shot.link, caught[1 - shot.link])
                    if not told_elsewhere(shot, data)]
    if not verdict.sure and not found:
        return False
    if not verdict.wants:
        if found:
            raise Wrong(f"it came out: {found[0].hex()}")
        return False
    if not found:
        raise Wrong("nothing came out")
    for want in verdict.wants[1:]:
        try:
            one_of(want, found)
            return True
        except Wrong:
            pass
    one_of(verdict.wants[0], found)
    return True

