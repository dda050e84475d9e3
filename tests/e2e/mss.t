#!/usr/bin/python3
"""The MSS option of SYN and SYN-ACK: clamped to the path MTU of both directions, with right checksums, or left alone."""

import contextlib
import fcntl
import os
import pathlib
import re
import socket
import struct
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
# pylint: disable=wrong-import-position
from lib import case, module, net, tap, topo, traffic, wait, wire
from lib.topo import CLIENT, CLIENT2, HOME, INTERNET, OTHER, PROXY, RELAY, TRANSIT, settings
from lib.traffic import Connection, Seen
from lib.wire import ACK, SYN

HEADERS = {"ipv4": 40, "ipv6": 60}
FULL = {version: 1500 - size for version, size in HEADERS.items()}
# On the relay: 993 answers, 143 refuses, 465 says nothing.
OPEN, CLOSED, SILENT = 993, 143, 465
SIZE = 300000

TRACING = pathlib.Path("/sys/kernel/tracing")
TUNSETIFF = 0x400454ca
IFF_TAP, IFF_NAPI, IFF_NAPI_FRAGS, IFF_NO_PI = 0x2, 0x10, 0x20, 0x1000

t = None


def setup():
    global t
    t = topo.Topology(relays=("relay", "other"))
    traffic.Host("relay", t.relay).tcp(OPEN)
    traffic.Host("other", t.other).tcp(OPEN)
    traffic.Host("internet", t.internet).tcp(25)
    traffic.Host("proxy", HOME).tcp(2525)
    t.relay.nft(f"table inet silent {{ chain input {{ type filter hook input priority 0;\n"
                f"tcp dport {SILENT} drop; }}; }}")


def tunnel_mtu(mtu, relay=None):
    """Sets the MTU of the proxy's end, and of the relay's on demand."""
    HOME.ip(f"link set wg0 mtu {mtu}\n")
    t.relay.ip(f"link set wg0 mtu {relay or 1500}\n")


def client_mtu(version, mtu):
    """The route towards the client; 0: none but the default."""
    flag, length = ("-6 ", 128) if version == "ipv6" else ("", 32)
    if mtu:
        HOME.ip(f"{flag}route replace {CLIENT[version]}/{length} via {INTERNET[version]} mtu {mtu}\n")
    else:
        HOME.ip(f"{flag}route del {CLIENT[version]}/{length} via {INTERNET[version]}\n")


def of_port(link, flags, way, port):
    return [(frame, segment) for frame, _, segment in link.segments(way, flags) if port in (segment.sport, segment.dport)]


def announced(link, flags, way, port):
    """The MSS of the SYNs or SYN-ACKs of a port that passed, each once if it was sent again, and whether all checksums were right."""
    return link.announced(way, flags, port=port), all(wire.sound(frame) for frame, _ in of_port(link, flags, way, port))


def sent_again(link, flags, way, port):
    """How many of them were sent again."""
    found = of_port(link, flags, way, port)
    return len(found) - len({(segment.sport, segment.dport, segment.seq) for _, segment in found})


def observe(version, want_syn, want_synack, name, outbound=False, clamped=None):
    """One real connection: what the server's SYN and the client's SYN-ACK announce."""
    near, far = wire.Link(t.internet, "to_eth0"), wire.Link(t.relay, "wg0")
    counters = module.Counters()
    with near, far:
        if outbound:
            port, server, client = 25, near, far
            answer = traffic.tcp(t.relay, INTERNET[version], port)
            tap.equal(answer, Seen("internet", PROXY[version], port), f"{name}: connects")
        else:
            port, server, client = OPEN, far, near
            answer = traffic.tcp(t.internet, PROXY[version], port, CLIENT[version])
            tap.equal(answer, Seen("relay", CLIENT[version], port), f"{name}: connects")
        tap.equal(announced(server, SYN, "in", port), ([want_syn], True), f"{name}: SYN")
        tap.equal(announced(client, SYN | ACK, "in", port), ([want_synack], True), f"{name}: SYN-ACK")
        again = sent_again(server, SYN, "in", port) + sent_again(client, SYN | ACK, "in", port)
    if clamped and again:
        tap.ok(counters.gained(version).get("clamped", 0) >= clamped, f"{name}: counted")
    elif clamped is not None:
        tap.equal(counters.gained(version).get("clamped", 0), clamped, f"{name}: counted")


@case.case
def auto_by_the_tunnel():
    module.load(**settings())
    tap.equal(module.get("mss"), "auto", "auto is the default")
    for version in topo.ip_versions():
        observe(version, FULL[version], FULL[version], f"{version} nothing narrow", clamped=0)
    tunnel_mtu(1280)
    try:
        for version in topo.ip_versions():
            narrow = 1280 - HEADERS[version]
            observe(version, narrow, narrow, f"{version} tunnel of 1280", clamped=2)
            observe(version, narrow, narrow, f"{version} tunnel of 1280, outbound", outbound=True, clamped=2)
        tunnel_mtu(1400, 1280)
        for version in topo.ip_versions():
            observe(version, 1400 - HEADERS[version], 1280 - HEADERS[version],
                    f"{version} the relay announces less: not raised", clamped=1)
    finally:
        tunnel_mtu(1500)


@case.case
def auto_by_the_clients_side():
    module.load(**settings())
    for version in topo.ip_versions():
        client_mtu(version, 1300)
        try:
            narrow = 1300 - HEADERS[version]
            observe(version, narrow, narrow, f"{version} narrow towards the client", clamped=2)
            tunnel_mtu(1280)
            observe(version, 1280 - HEADERS[version], 1280 - HEADERS[version],
                    f"{version} the tunnel is narrower", clamped=2)
            tunnel_mtu(1400)
            observe(version, narrow, narrow, f"{version} the client's side is narrower", clamped=2)
        finally:
            tunnel_mtu(1500)
            client_mtu(version, 0)


@case.case
def a_number_and_off():
    module.load(**settings(mss="1000"))
    tunnel_mtu(1280)
    try:
        for version in topo.ip_versions():
            for outbound in (False, True):
                name = f"{version}{' outbound' if outbound else ''}"
                module.set("mss", "1000")
                observe(version, 1000, 1000, f"{name} mss=1000", outbound, clamped=2)
                module.set("mss", "536")
                observe(version, 536, 536, f"{name} mss=536", outbound, clamped=2)
                module.set("mss", "65495")
                observe(version, FULL[version], FULL[version], f"{name} mss=65495 raises nothing", outbound, clamped=0)
                module.set("mss", "off")
                observe(version, FULL[version], FULL[version], f"{name} mss=off", outbound, clamped=0)
                module.set("mss", "auto")
                observe(version, 1280 - HEADERS[version], 1280 - HEADERS[version], f"{name} mss=auto", outbound,
                        clamped=2)
    finally:
        tunnel_mtu(1500)


@case.case
def what_is_not_ours():
    module.load(**settings(mss="1000"))
    for version in topo.ip_versions():
        counters = module.Counters()
        with wire.Link(t.internet, "to_eth0") as near, wire.Link(t.other, "wg0") as far:
            tap.equal(traffic.tcp(t.other, INTERNET[version], 25), Seen("internet", PROXY[version], 25),
                      f"{version}: another host's connection")
            tap.equal((announced(near, SYN, "in", 25), announced(far, SYN | ACK, "in", 25)),
                      (([FULL[version]], True), ([FULL[version]], True)), f"{version}: is left alone")
            tap.equal(traffic.tcp(t.internet, TRANSIT[version], OPEN, CLIENT[version]),
                      Seen("other", CLIENT[version], OPEN), f"{version}: transit")
            tap.equal((announced(far, SYN, "in", OPEN), announced(near, SYN | ACK, "in", OPEN)),
                      (([FULL[version]], True), ([FULL[version]], True)), f"{version}: is left alone")
        with wire.Link(t.relay, "wg0") as far:
            tap.equal(traffic.tcp(HOME, RELAY[version], OPEN).server, "relay", f"{version}: the proxy's own connection")
            tap.equal(announced(far, SYN, "in", OPEN), ([FULL[version]], True), f"{version}: is left alone")
        with wire.Link(t.other, "wg0") as far:
            tap.equal(traffic.tcp(t.relay, OTHER[version], OPEN).server, "other", f"{version}: the relay to its kin")
            tap.equal(announced(far, SYN, "in", OPEN), ([FULL[version]], True), f"{version}: is left alone")
        with wire.Link(t.internet, "to_eth0") as near:
            tap.equal(traffic.tcp(t.internet, PROXY[version], 2525, CLIENT[version]).server, "proxy",
                      f"{version}: a service of the proxy")
            tap.equal(announced(near, SYN | ACK, "in", 2525), ([FULL[version]], True), f"{version}: is left alone")
        gained = counters.gained(version)
        tap.equal(gained.get("clamped", 0), 0, f"{version}: nothing counted")


def mss(value, kind=2, length=4):
    return struct.pack("!BBH", kind, length, value)


NOP, END = b"\1", b"\0"
TIMESTAMPS = b"\x08\x0a" + b"T" * 8
WINDOW = b"\3\3\7"
SACK = b"\4\2"
# Name, options, the same with at most 1000; None: as it was.
OPTIONS = (
    ("alone", mss(1460), mss(1000)),
    ("as Linux sends it", mss(1460) + SACK + TIMESTAMPS + NOP + WINDOW, mss(1000) + SACK + TIMESTAMPS + NOP + WINDOW),
    ("one above", mss(1001), mss(1000)),
    ("the same", mss(1000), None),
    ("less", mss(536), None),
    ("none", b"", None),
    ("zero", mss(0), None),
    ("the most", mss(65535), mss(1000)),
    ("bytes that carry", mss(0x04ff), mss(1000)),
    ("no MSS among them", SACK + TIMESTAMPS + NOP + WINDOW + NOP * 4, None),
    ("nothing but NOPs", NOP * 8, None),
    ("behind a NOP", NOP + mss(1460) + NOP * 3, NOP + mss(1000) + NOP * 3),
    ("behind two NOPs", NOP * 2 + mss(1460) + NOP * 2, NOP * 2 + mss(1000) + NOP * 2),
    ("at an odd offset", WINDOW + mss(1460) + END, WINDOW + mss(1000) + END),
    ("at an odd offset, most", WINDOW + mss(65535) + NOP, WINDOW + mss(1000) + NOP),
    ("last", TIMESTAMPS + SACK + mss(1460), TIMESTAMPS + SACK + mss(1000)),
    ("forty bytes", NOP * 36 + mss(9000), NOP * 36 + mss(1000)),
    ("an unknown option before", b"\xfd\5abc" + mss(1460) + NOP * 3, b"\xfd\5abc" + mss(1000) + NOP * 3),
    ("several", mss(1460) + mss(1400), mss(1000) * 2),
    ("several, one less", mss(900) + NOP + mss(1460) + NOP * 3, mss(900) + NOP + mss(1000) + NOP * 3),
    ("one before and one behind the end", mss(1460) + END * 4 + mss(1460), mss(1000) + END * 4 + mss(1460)),
    ("behind the end", END * 4 + mss(1460), None),
    ("rubbish behind the end", mss(1460) + END + b"\2\0\2", mss(1000) + END + b"\2\0\2"),
    ("length 0", mss(1460, length=0), None),
    ("length 1", mss(1460, length=1), None),
    ("length 2", mss(1460, length=2) + mss(1460), None),
    ("length 3", mss(1460, length=3) + mss(1460), None),
    ("length 5", mss(1460, length=5) + NOP * 4, None),
    ("length 255", mss(1460, length=255), None),
    ("cut off behind its kind", NOP * 3 + b"\2", None),
    ("cut off behind its length", NOP * 2 + b"\2\4", None),
    ("cut off in its value", NOP + b"\2\4\5", None),
    ("an unknown option of length 0", mss(1460) + b"\xfd\0\0\0", None),
    ("an unknown option of length 1", mss(1460) + b"\xfd\1\0\0", None),
    ("an unknown option beyond the end", mss(1460) + b"\xfd\5\0\0", None),
    ("good, then cut off", mss(1460) + NOP * 3 + b"\2", None),
    ("good, then a bad one", mss(1460) + mss(1460, length=3), None),
)


def forwarded(version, port, changed, options, sport=40000, headers=b"", **fields):
    """A packet of a client, and the packet that has to leave towards the relay."""
    before = wire.tcp(CLIENT[version], PROXY[version], sport, port, options, **fields)
    after = wire.tcp(CLIENT[version], RELAY[version], sport, port, changed, **fields)
    return (wire.ip(CLIENT[version], PROXY[version], socket.IPPROTO_TCP, before, options=headers),
            wire.ip(CLIENT[version], RELAY[version], socket.IPPROTO_TCP, after, hops=63, options=headers))


def arrived(link, port, sport):
    return [frame.data for frame, _, segment in link.segments("in", SYN, SYN)
            if (segment.sport, segment.dport) == (sport, port)]


def compare(version, near, far, packet, want, sport, name, count):
    counters = module.Counters()
    near.send(packet)
    got = wait.until(lambda: arrived(far, CLOSED, sport))
    tap.equal([data.hex() for data in got], [want.hex()], name)
    tap.equal(counters.gained(version).get("clamped", 0), count, f"{name}: counted")


@case.case
def every_form_of_the_list():
    module.load(**settings(mss="1000"))
    for version in topo.ip_versions():
        with wire.Link(t.internet, "to_eth0", "eth0") as near, wire.Link(t.relay, "wg0") as far:
            for number, (name, options, changed) in enumerate(OPTIONS):
                sport = 40000 + number
                packet, want = forwarded(version, CLOSED, options if changed is None else changed, options, sport)
                compare(version, near, far, packet, want, sport, f"{version} {name}", int(changed is not None))


def extension(following, padding=0):
    """An extension header with one unknown option that has to be skipped."""
    size = 4 + padding * 8
    return bytes((following, padding, 0x1e, size)) + bytes(size)


@case.case
def headers_in_between():
    module.load(**settings(mss="1000"))
    options, changed = NOP + mss(1460) + NOP * 3, NOP + mss(1000) + NOP * 3
    tcp = socket.IPPROTO_TCP
    forms = {
        "ipv4": (("options", b"\1" * 4), ("forty bytes of options", b"\1" * 39 + b"\0"),
                 ("router alert", b"\x94\4\0\0")),
        "ipv6": (("hop-by-hop", b"\0" + extension(tcp)), ("destination options", b"\x3c" + extension(tcp)),
                 ("both", b"\0" + extension(60, 2) + extension(tcp, 5)),
                 ("three", b"\0" + extension(60) + extension(60, 1) + extension(tcp))),
    }
    for version in topo.ip_versions():
        with wire.Link(t.internet, "to_eth0", "eth0") as near, wire.Link(t.relay, "wg0") as far:
            for number, (name, headers) in enumerate(forms[version]):
                sport = 41000 + number
                packet, want = forwarded(version, CLOSED, changed, options, sport, headers)
                compare(version, near, far, packet, want, sport, f"{version} {name}", 1)
                packet, want = forwarded(version, CLOSED, options[:-1] + b"\2", options[:-1] + b"\2", sport + 100,
                                       headers)
                compare(version, near, far, packet, want, sport + 100, f"{version} {name}, list malformed", 0)


@case.case
def segments_of_every_kind():
    module.load(**settings(mss="1000"))
    options, changed = NOP + mss(1460) + NOP * 3, NOP + mss(1000) + NOP * 3
    for version in topo.ip_versions():
        with wire.Link(t.internet, "to_eth0", "eth0") as near, wire.Link(t.relay, "wg0") as far:
            for number, payload in enumerate((b"a", b"data with the SYN", bytes(range(256)) * 4)):
                packet, want = forwarded(version, CLOSED, changed, options, 42000 + number, payload=payload)
                compare(version, near, far, packet, want, 42000 + number, f"{version} {len(payload)} bytes with it", 1)

            counters = module.Counters()
            packet, want = forwarded(version, SILENT, changed, options, 42100)
            for count in (1, 2, 3):
                near.send(packet)
                wait.until(lambda n=count: len(arrived(far, SILENT, 42100)) == n)
            tap.equal(arrived(far, SILENT, 42100), [want] * 3, f"{version}: a SYN sent again is clamped again")
            tap.equal(counters.gained(version).get("clamped"), 3, f"{version}: and counted again")

            counters = module.Counters()
            short = wire.tcp(CLIENT[version], PROXY[version], 42200, CLOSED, mss(1460), doff=15)
            runt = wire.tcp(CLIENT[version], PROXY[version], 42201, CLOSED, mss(1460), doff=4)
            packet, want = forwarded(version, CLOSED, changed, options, 42202)
            near.send(*(wire.ip(CLIENT[version], PROXY[version], socket.IPPROTO_TCP, body) for body in (short, runt)),
                      packet)
            got = wait.until(lambda: arrived(far, CLOSED, 42202))
            tap.equal(got, [want], f"{version}: headers longer than the packet, or shorter than a header, harm nothing")
            if module.ENGINE == "tracked":
                tap.equal((arrived(far, CLOSED, 42200), arrived(far, CLOSED, 42201)), ([], []),
                          f"{version}: connection tracking takes them for invalid")
            tap.equal(counters.gained(version).get("clamped"), 1, f"{version}: and are not counted")


@case.case
def data_is_left_alone():
    module.load(**settings(mss="1000"))
    for version in topo.ip_versions():
        with Connection(t.internet, PROXY[version], OPEN, CLIENT[version]) as connection:
            counters = module.Counters()
            tap.ok(connection.echo(mss(1460) * 1000), f"{version}: what looks like options is data")
            tap.equal(counters.gained(version), {}, f"{version}: nothing counted")


class Tap(net.Closing):
    """A device that delivers packets whose bytes from CUT on lie in a page: those of the second part of a write."""

    def __init__(self, name):
        HOME.run("modprobe", "tun")
        self._fd = os.open("/dev/net/tun", os.O_RDWR | os.O_CLOEXEC)
        flags = IFF_TAP | IFF_NO_PI | IFF_NAPI | IFF_NAPI_FRAGS
        fcntl.ioctl(self._fd, TUNSETIFF, struct.pack("16sH22x", name.encode(), flags))
        # Putting segments together would pull all of their headers out of the pages.
        HOME.run("ethtool", "-K", name, "gro", "off")
        HOME.ip(f"link set {name} up\n")
        self._mac = bytes.fromhex(pathlib.Path("/sys/class/net", name, "address").read_text("ascii").replace(":", ""))
        self.cut = None

    def send(self, packet):
        kind = b"\x86\xdd" if packet[0] >> 4 == 6 else b"\x08\0"
        os.writev(self._fd, [self._mac + b"\2\0\0\0\0\1" + kind + packet[:self.cut], packet[self.cut:]])

    def close(self):
        os.close(self._fd)


@contextlib.contextmanager
def entries(name):
    """How many bytes of each packet that enters by the device lie in pages, as the kernel traces it."""
    if not (TRACING / "events").exists():
        HOME.run("mount", "-t", "tracefs", "tracefs", str(TRACING))
    switch = TRACING / "events/net/napi_gro_frags_entry/enable"
    (TRACING / "trace").write_text("", "ascii")
    switch.write_text("1", "ascii")
    try:
        yield lambda: [int(size) for size in re.findall(rf"napi_gro_frags_entry: dev={name} .* data_len=(\d+) ",
                                                        (TRACING / "trace").read_text("ascii"))]
    finally:
        switch.write_text("0", "ascii")


@case.case
def options_in_pages():
    """Options of a packet that is not linear: NAT pulls only the ports, and leaves the options in the page."""
    module.load(**settings(wan="eth0,tap0", mss="1000"))
    options, changed = NOP + mss(1460) + NOP * 3, NOP + mss(1000) + NOP * 3
    with Tap("tap0") as near, entries("tap0") as in_pages:
        for version in topo.ip_versions():
            with wire.Link(t.relay, "wg0") as far:
                # The whole list, from within the option's value on, behind it; and with all of the TCP header.
                for number, cut in enumerate((20, 24, 26, 0)):
                    sport = 44000 + number
                    packet, want = forwarded(version, CLOSED, changed, options, sport, payload=b"data")
                    near.cut = HEADERS[version] - 20 + cut
                    before = len(in_pages())
                    compare(version, near, far, packet, want, sport, f"{version} {cut} bytes of TCP's header, then pages", 1)
                    tap.ok(len(packet) - near.cut in in_pages()[before:], f"{version} {cut} bytes, then pages: not linear")


def offload(state):
    for ns, name in ((HOME, "eth0"), (HOME, "wg0"), (t.internet, "to_eth0"), (t.relay, "wg0")):
        ns.run("ethtool", "-K", name, "tx", state)


@case.case
def checksums():
    module.load(**settings(mss="999"))
    try:
        for state in ("off", "on"):
            offload(state)
            for version in topo.ip_versions():
                for outbound in (False, True):
                    observe(version, 999, 999, f"{version} offload {state}{' outbound' if outbound else ''}", outbound,
                            clamped=2)
                with Connection(t.internet, PROXY[version], OPEN, CLIENT[version]) as connection:
                    tap.ok(connection.echo(os.urandom(SIZE)), f"{version} offload {state}: {SIZE} bytes")
        # The sender leaves it to hardware, the next device has none.
        HOME.run("ethtool", "-K", "wg0", "tx", "off")
        HOME.run("ethtool", "-K", "eth0", "tx", "off")
        for version in topo.ip_versions():
            observe(version, 999, 999, f"{version} offload on, then off", clamped=2)
    finally:
        offload("on")


@case.case
def others_who_look():
    """A packet socket shares the packet's data with the stack."""
    module.load(**settings(mss="1000"))
    for version in topo.ip_versions():
        for outbound in (False, True):
            name = f"{version}{' outbound' if outbound else ''}"
            with wire.Link(HOME, "eth0") as wan, wire.Link(HOME, "wg0") as tunnel:
                observe(version, 1000, 1000, f"{name} watched", outbound, clamped=2)
                port = 25 if outbound else OPEN
                first, last = (tunnel, wan) if outbound else (wan, tunnel)
                tap.equal((announced(first, SYN, "in", port), announced(last, SYN, "out", port)),
                          (([FULL[version]], True), ([1000], True)), f"{name}: the SYN before and after")
                tap.equal((announced(last, SYN | ACK, "in", port), announced(first, SYN | ACK, "out", port)),
                          (([FULL[version]], True), ([1000], True)), f"{name}: the SYN-ACK before and after")


def transfer(version, client, mode, name):
    with wire.Link(t.internet, "to_eth0") as near, wire.Link(t.relay, "wg0") as far:
        with Connection(t.internet, PROXY[version], OPEN, client, timeout=20) as connection:
            tap.ok(connection.echo(os.urandom(SIZE)), f"{version} mss={mode}, {name}: {SIZE} bytes both ways")
        if mode == "auto":
            tap.equal(near.errors("in") + far.errors("in"), [], f"{version} mss={mode}, {name}: without ICMP's help")


@case.case
def bulk():
    module.load(**settings())
    # What a client learns of the path stays with its address.
    for mode, clients in (("auto", (CLIENT, CLIENT)), ("off", (CLIENT2, CLIENT))):
        module.set("mss", mode)
        tunnel_mtu(1280, 1280)
        try:
            for version in topo.ip_versions():
                transfer(version, clients[0][version], mode, "a tunnel of 1280")
        finally:
            tunnel_mtu(1500)
        for version in topo.ip_versions():
            flag, length = ("-6 ", 128) if version == "ipv6" else ("", 32)
            narrow = f"{flag}route replace {RELAY[version]}/{length} dev wg0 mtu lock 1290\n"
            HOME.ip(narrow)
            client_mtu(version, "lock 1300")
            try:
                transfer(version, clients[1][version], mode, "routes that only the proxy knows")
            finally:
                HOME.ip(narrow.replace("replace", "del"))
                client_mtu(version, 0)


@case.case
def ended_and_begun_again():
    """A port that is used again: its SYN meets an entry of the former connection."""
    module.load(**settings(mss="1000"))
    for version in topo.ip_versions():
        with wire.Link(t.relay, "wg0") as far:
            for _ in range(2):
                with Connection(t.internet, PROXY[version], OPEN, CLIENT[version], 43000) as connection:
                    connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            tap.equal(announced(far, SYN, "in", OPEN), ([1000, 1000], True), f"{version}: both are clamped")


@case.tracked("without state every SYN is a new one")
def begun_again_by_the_client_alone():
    """A client that has lost its connection, which is established in conntrack until the relay answers."""
    module.load(**settings(mss="1000"))
    for version in topo.ip_versions():
        with wire.Link(t.relay, "wg0") as far, wire.Link(t.internet, "to_eth0", "eth0") as near, \
                Connection(t.internet, PROXY[version], OPEN, CLIENT[version], 43100) as connection:
            tap.ok(connection.echo(b"established"), f"{version}: a connection")
            counters = module.Counters()
            near.send(wire.ip(CLIENT[version], PROXY[version], socket.IPPROTO_TCP,
                              wire.tcp(CLIENT[version], PROXY[version], 43100, OPEN, mss(1460), seq=77)))
            told = wait.until(lambda link=far: [wire.mss_of(segment.options) for _, _, segment in
                                                link.segments("in", SYN) if segment.seq == 77])
            tap.equal(told, [1000], f"{version}: its SYN is clamped")
            tap.equal(counters.gained(version), {"clamped": 1}, f"{version}: and counted")


case.run(setup, topo.EVERY_RELAY)
