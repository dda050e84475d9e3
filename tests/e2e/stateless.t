#!/usr/bin/python3
# vm: --timeout 600
"""The stateless engine: what it takes, what it leaves to the stack, and that nobody notices which it was."""

import fcntl
import ipaddress
import itertools
import os
import socket
import struct
import subprocess
import sys
import termios
import time

os.environ["CHATDNAT_ENGINE"] = "stateless"
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
# pylint: disable=wrong-import-position
from lib import case, conntrack, craft, module, tap, topo, traffic, wait, wire
from lib.topo import CLIENT, CLIENT2, HOME, OTHER, PROXY, PROXY2, RELAY, settings
from lib.traffic import Connection, Seen

TCP, UDP = 993, 3478
ACK = wire.ACK
SECOND = {"ipv4": "203.0.113.77", "ipv6": "2001:db8:1::77"}
FLAG = {"ipv4": "", "ipv6": "-6 "}
BITS = {"ipv4": 24, "ipv6": 64}
INNER = {"ipv4": "10.78.0.2", "ipv6": "fd78::2"}
NOBODY = {"ipv4": "203.0.113.50", "ipv6": "2001:db8:1::50"}
WG = 51821
# Which path plain packets take: the fast path, or that through the stack.
PAST = "past" if module.SHORTCUT else "by"

t = relay = None


def setup():
    global t, relay
    t = topo.Topology(relays=("relay", "other"))
    relay = traffic.Host("relay", t.relay).tcp(25, TCP).udp(UDP)
    traffic.Host("other", t.other).tcp(25, TCP)
    traffic.Host("internet", t.internet).tcp(25)
    traffic.Host("proxy", HOME).tcp(2525)


def load(**changes):
    module.load(**settings(**{"ports": "chatmail,turn", **changes}))


def stateless(version, address=None):
    return module.engines().get(f"{RELAY[version]}@{address or PROXY[version]}") == "stateless"


def served(version, source=CLIENT):
    return traffic.tcp(t.internet, PROXY[version], TCP, source[version])


def well(version, source=CLIENT):
    return Seen("relay", source[version], TCP)


def over(ns):
    """Waits until the servers there have no connection any more, so that no packet of one is on its way."""
    wait.until(lambda: not ns.run("ss", "-Htn", f"sport = :{TCP}"), 30)


class Watch:
    """Packets of the clients, or of one, in a family's chains; in the inet family only those not on the fast path."""

    def __init__(self, family="inet", client=None):
        self._family = family
        word = client and ("ip6" if ":" in client else "ip")
        self._of = [f"{word} {end} {client} " if client else "" for end in ("saddr", "daddr")]

    def __enter__(self):
        HOME.nft(f"table {self._family} watch {{ counter seen {{ }}\n chain c {{ type filter hook prerouting priority -310;\n"
                 f"{self._of[0]}tcp dport {TCP} counter name seen\n {self._of[1]}tcp sport {TCP} counter name seen\n }}\n}}\n")
        return self

    def __exit__(self, *_):
        HOME.nft(f"delete table {self._family} watch\n")

    def packets(self):
        return int(HOME.run("nft", "list", "counter", self._family, "watch", "seen").split("packets ")[1].split()[0])

    def way(self):
        """Which path the packets of a transfer took: the fast path, or that through the stack."""
        seen = self.packets()
        return "past" if seen == 0 else "by" if seen > 8 else f"{seen} packets by"


@case.case
def without_a_trace():
    """A connection leaves nothing in conntrack, and counts as with the other engine."""
    load()
    for version in topo.ip_versions():
        tap.ok(stateless(version), f"{version}: engines says so")
        # Neighbours are learnt on the path through the stack.
        tap.equal(served(version), well(version), f"{version}: served")
        counters = module.Counters()
        with Watch() as watch:
            with Connection(t.internet, PROXY[version], TCP, CLIENT[version]) as connection:
                data = os.urandom(3000000)
                tap.ok(connection.echo(data), f"{version}: 3 MB come back whole")
                tap.equal([entry for entry in conntrack.entries() if CLIENT[version] in (entry.orig.src, entry.orig.dst)],
                          [], f"{version}: connection tracking knows nothing of it")
            tap.equal(counters.gained(version), {"seen": 1, "translated": 1, "sent": 1, "answered": 1},
                      f"{version}: counted as one connection")
            tap.equal(watch.way(), PAST, f"{version}: and went {PAST} the stack")
        tap.equal(traffic.udp(t.internet, PROXY[version], UDP, CLIENT[version]), Seen("relay", CLIENT[version], UDP),
                  f"{version}: UDP is forwarded by the other engine")
        tap.equal(traffic.tcp(t.relay, topo.INTERNET[version], 25), Seen("internet", PROXY[version], 25),
                  f"{version}: and so is what the relay opens")
        counters = module.Counters()
        with Connection(t.relay, topo.INTERNET[version], 25, source_port=587) as connection:
            tap.equal((connection.answer.server, connection.answer.peer), ("internet", PROXY[version]),
                      f"{version}: by whatever port")
        tap.equal(counters.gained(version), {"outbound": 1, "masqueraded": 1}, f"{version}: and counted as that")
        tap.equal(traffic.tcp(HOME, RELAY[version], TCP), Seen("relay", topo.TUNNEL[version], TCP),
                  f"{version}: the proxy itself reaches the relay")
        tap.equal(traffic.tcp(t.internet, PROXY[version], 2525, CLIENT[version]),
                  Seen("proxy", CLIENT[version], 2525), f"{version}: and is reached itself")


@case.case
def an_exception_for_one_client():
    """Anybody can claim a smaller path MTU to a host; only that host's packets then take the path through the stack."""
    load()
    for version in topo.ip_versions():
        own, other = PROXY[version], CLIENT2[version]
        kind, code, reply = (3, 4, 0) if version == "ipv4" else (2, 0, 129)
        quoted = craft.icmp(own, other, reply)
        with wire.Link(t.internet, "to_eth0", "eth0") as outside:
            outside.send(craft.icmp(topo.INTERNET[version], own, kind, code, rest=struct.pack("!I", 1300), payload=quoted))
        tap.ok(wait.until(lambda o=other: "mtu 1300" in HOME.run("ip", "route", "get", o)),
               f"{version}: there is an exception")
        for source, way in ((CLIENT, PAST), (CLIENT2, "by")):
            tap.equal(served(version, source), well(version, source), f"{version}: {source[version]} is served")
            with Watch() as watch, Connection(t.internet, own, TCP, source[version]) as connection:
                tap.ok(connection.echo(os.urandom(300000)), f"{version}: {source[version]}: 300 kB come back whole")
                tap.equal(watch.way(), way, f"{version}: {source[version]}: {way} the stack")
        HOME.ip_of(version, "route", "flush", "cache")


@case.case
def refused_where_it_cannot_be():
    load()
    before = module.state()
    for change, why in (({"scope": "any"}, "scope=local"), ({"masquerade": "all"}, "masquerade=off or wan"),
                        ({"ports": "40000-40010"}, "ip_local_port_range"),
                        ({"v4": "192.0.2.10"}, "a WAN interface"),
                        ({"v4": "10.9.0.2@203.0.113.1,10.9.0.2@203.0.113.9"}, "one local address")):
        try:
            module.configure(**{**settings(), **change})
            refused = ""
        except OSError:
            refused = module.last_error()
        tap.ok(why in refused, f"{change}: refused")
        tap.diag(refused)
        tap.equal(module.state(), before, f"{change}: nothing changed")
    module.configure(**settings(engine="auto", scope="any"))
    tap.ok(all(line.startswith("tracked: scope=any") for line in module.engines().values()), "auto: tracked, and why")


@case.case
def as_the_host_changes():
    """With a second local address, or a route through the WAN, the relay is served with conntrack, afterwards without again."""
    load()
    for version in topo.ip_versions():
        with Connection(t.internet, PROXY[version], TCP, CLIENT[version]) as connection:
            connection.echo(b"x" * 100000)
            HOME.ip(f"{FLAG[version]}addr add {SECOND[version]}/{BITS[version]} dev eth0"
                    f"{' nodad' if version == 'ipv6' else ''}\n")
            tap.ok(wait.until(lambda v=version: module.engines().get(RELAY[v], "").startswith("tracked: several")),
                   f"{version}: two local addresses: tracked")
            tap.ok(connection.echo(b"x" * 100000), f"{version}: a connection continues")
            tap.equal(served(version, CLIENT2), well(version, CLIENT2), f"{version}: a new one is served")
            HOME.ip(f"{FLAG[version]}addr del {SECOND[version]}/{BITS[version]} dev eth0\n")
            tap.ok(wait.until(lambda v=version: stateless(v)), f"{version}: one local address: stateless again")
            HOME.ip(f"{FLAG[version]}route replace {RELAY[version]} dev eth0\n")
            tap.ok(wait.until(lambda v=version: module.engines().get(RELAY[v], "").startswith("tracked: its route")),
                   f"{version}: the relay's route leaves by the WAN: tracked")
            HOME.ip(f"{FLAG[version]}route del {RELAY[version]} dev eth0\n")
            tap.ok(wait.until(lambda v=version: stateless(v)), f"{version}: its route leads to the tunnel: stateless again")
            tap.ok(connection.echo(b"x" * 100000), f"{version}: the connection continues")
            tap.equal(served(version), well(version), f"{version}: a new one is served")


def idle(*connections):
    """Waits until all data is acknowledged."""
    def owed(sock):
        return struct.unpack("i", fcntl.ioctl(sock, termios.TIOCOUTQ, b"\0" * 4))[0]
    socks = [sock for connection in connections
             for sock in (connection.sock, relay.connection(connection.address, connection.port).sock)]
    return wait.until(lambda: not any(map(owed, socks)))


def first(connection, who, data):
    """One side sends first after a pause."""
    if who == "client":
        return connection.goes_on()
    at_relay = wait.until(lambda: relay.connection(connection.address, connection.port))
    at_relay.push(data)
    got = b""
    try:
        while len(got) < len(data):
            part = connection.sock.recv(4096)
            if not part:
                return False
            got += part
    except OSError:
        return False
    return got == data


@case.case
def open_connections_outlive_it_all():
    """A change of engine, and of the module itself: the mapping is the same before and after it."""
    load()

    def again():
        module.unload()
        load()
    steps = (("to tracked", lambda: module.set("engine", "tracked")),
             ("to stateless", lambda: module.set("engine", "stateless")),
             ("to auto", lambda: module.set("engine", "auto")),
             ("unloaded and loaded", again))
    for version in topo.ip_versions():
        with Connection(t.internet, PROXY[version], TCP, CLIENT[version]) as one, \
                Connection(t.internet, PROXY[version], TCP, CLIENT2[version]) as other:
            for connection in (one, other):
                wait.until(lambda c=connection: relay.connection(c.address, c.port))
            for name, step in steps:
                tap.ok(idle(one, other), f"{version} {name}: both are idle")
                step()
                tap.ok(first(one, "client", b""), f"{version} {name}: the client speaks first")
                tap.ok(first(other, "relay", b"news" * 100), f"{version} {name}: the relay speaks first")


@case.case
def what_is_not_plain():
    """IP options, extension headers, a padded frame: the same result."""
    load(mss="off")
    odd = {"ipv4": {"plain": {}, "options": {"options": b"\1\1\1\0"}},
           "ipv6": {"plain": {}, "extensions": {"options": bytes([60, 6, 0, 1, 4, 0, 0, 0, 0])}}}
    for version in topo.ip_versions():
        src, dst = CLIENT[version], PROXY[version]
        served(version)
        with wire.Link(t.internet, "to_eth0", "eth0") as outside, wire.Link(t.relay, "wg0") as inside:
            for number, (name, how) in enumerate(odd[version].items()):
                for what, flags in (("SYN", wire.SYN), ("ACK", ACK)):
                    sport = 41000 + 10 * number + flags
                    outside.send(wire.ip(src, dst, 6, wire.tcp(src, dst, sport, TCP, flags=flags, ack=1), **how))

                    def came(sport=sport, flags=flags, version=version):
                        return [frame for frame in inside.frames("in") for packet in [wire.parse_ip(frame.data)]
                                if packet and packet.dst == RELAY[version] and packet.proto == 6 and
                                wire.parse_tcp(packet.body).sport == sport and
                                wire.parse_tcp(packet.body).flags == flags]
                    got = wait.until(came)
                    tap.equal(len(got or ()), 1, f"{version} {name} {what}: arrives once")
                    tap.ok(got and wire.sound(got[0]), f"{version} {name} {what}: with a right checksum")
                    tap.equal(got and wire.parse_ip(got[0].data).hops, 63, f"{version} {name} {what}: one hop further")
            # Behind the packet, as Ethernet pads short frames.
            sport = 41999
            outside.send(wire.ip(src, dst, 6, wire.tcp(src, dst, sport, TCP, flags=ACK, ack=1)) + b"\0" * 6)

            def padded(version=version):
                return [frame.data for frame in inside.frames("in") for packet in [wire.parse_ip(frame.data)]
                        if packet and packet.dst == RELAY[version] and packet.proto == 6 and
                        wire.parse_tcp(packet.body).sport == 41999]
            got = wait.until(padded)
            tap.equal([len(data) for data in got or ()], [40 if version == "ipv4" else 60],
                      f"{version}: padding is taken off")


@case.case
def what_the_stack_would_drop():
    """Impossible source addresses, a damaged header, a proxy that does not forward: nothing passes."""
    load()
    for version in topo.ip_versions():
        served(version)
    HOME.sysctl(ipv4__conf__eth0__rp_filter=1)
    try:
        with wire.Link(t.internet, "to_eth0", "eth0") as outside, wire.Link(t.relay, "wg0") as inside:
            def ports(version):
                return [wire.parse_tcp(p.body).sport for p in (wire.parse_ip(f.data) for f in inside.frames("in"))
                        if p and p.proto == 6 and p.dst == RELAY[version]]

            def through(packet, version):
                """Whether it arrives; what is sent after it does in any case."""
                counter["port"] += 1
                probe = counter["port"]
                before = ports(version).count(41)
                src, dst = CLIENT[version], PROXY[version]
                outside.send(packet, wire.ip(src, dst, 6, wire.tcp(src, dst, probe, TCP, flags=ACK, ack=1)))
                arrived = wait.until(lambda: probe in ports(version))
                tap.ok(arrived, f"{version}: what follows arrives")
                return ports(version).count(41) > before
            counter = {"port": 42000}
            dst = PROXY["ipv4"]
            for name, source in (("a local address", dst), ("the relay's", RELAY["ipv4"]), ("the tunnel's", topo.TUNNEL["ipv4"]),
                                 ("one behind another tunnel", OTHER["ipv4"]), ("loopback", "127.0.0.1"),
                                 ("the unspecified", "0.0.0.0"), ("multicast", "224.1.1.1")):
                packet = wire.ip(source, dst, 6, wire.tcp(source, dst, 41, TCP, flags=ACK, ack=1))
                tap.ok(not through(packet, "ipv4"), f"ipv4: from {name} nothing enters")
            packet = bytearray(wire.ip(CLIENT["ipv4"], dst, 6, wire.tcp(CLIENT["ipv4"], dst, 41, TCP, flags=ACK, ack=1)))
            packet[10] ^= 1
            tap.ok(not through(bytes(packet), "ipv4"), "ipv4: with a damaged header nothing enters")
            packet = wire.ip(CLIENT["ipv4"], dst, 6, wire.tcp(CLIENT["ipv4"], dst, 41, TCP, flags=ACK, ack=1), fragment=0x2000)
            tap.ok(not through(packet, "ipv4"), "ipv4: one fragment of several does not enter")
            for version in topo.ip_versions():
                src, dst = CLIENT[version], PROXY[version]
                packet = wire.ip(src, dst, 6, wire.tcp(src, dst, 41, TCP, flags=ACK, ack=1), hops=1)
                tap.ok(not through(packet, version), f"{version}: at its last hop nothing enters")
            if "ipv6" in topo.ip_versions():
                dst = PROXY["ipv6"]
                for name, source in (("loopback", "::1"), ("the unspecified", "::"), ("multicast", "ff0e::1")):
                    packet = wire.ip(source, dst, 6, wire.tcp(source, dst, 41, TCP, flags=ACK, ack=1))
                    tap.ok(not through(packet, "ipv6"), f"ipv6: from {name} nothing enters")
    finally:
        HOME.sysctl(ipv4__conf__eth0__rp_filter=0)
    HOME.sysctl(ipv4__ip_forward=0, ipv6__conf__all__forwarding=0)
    try:
        for version in topo.ip_versions():
            tap.ok(not isinstance(traffic.tcp(t.internet, PROXY[version], TCP, CLIENT[version], timeout=2), Seen),
                   f"{version}: without forwarding nobody is served")
    finally:
        HOME.sysctl(ipv4__ip_forward=1, ipv6__conf__all__forwarding=1)
    for version in topo.ip_versions():
        # IPv6 takes router advertisements' routes away with forwarding, not these.
        tap.ok(wait.until(lambda v=version: served(v) == well(v)), f"{version}: with it again, they are")


@case.case
def checksums():
    """For segments with a complete checksum, as those received from a link."""
    load(mss="off")
    for version in topo.ip_versions():
        served(version)
        client, proxy, inner = CLIENT[version], PROXY[version], RELAY[version]
        with wire.Link(t.internet, "to_eth0", "eth0") as outside, wire.Link(t.relay, "wg0", "wg0") as inside:
            outside.send(wire.ip(client, proxy, 6, wire.tcp(client, proxy, 44000, TCP, flags=ACK, ack=1, payload=b"odd")))
            inside.send(wire.ip(inner, client, 6, wire.tcp(inner, client, TCP, 44001, flags=ACK, ack=1, payload=b"odd")))

            def came(link, port):
                return [frame for frame, _, segment in link.segments("in", ACK, wire.SYN | ACK)
                        if port in (segment.sport, segment.dport)]
            for name, link, port in (("to the relay", inside, 44000), ("to the client", outside, 44001)):
                got = wait.until(lambda link=link, port=port: came(link, port))
                tap.ok(got and wire.sound(got[0]), f"{version}: right {name}")


@case.case
def for_another_host():
    """Frames for other stations, or for all of them, are not forwarded."""
    load()
    for version in topo.ip_versions():
        served(version)
        src, dst = CLIENT[version], PROXY[version]
        with wire.Link(t.internet, "to_eth0", "eth0") as outside, wire.Link(t.relay, "wg0") as inside:
            for sport, mac in ((43000, b"\2\0\0\0\0\1"), (43001, b"\xff" * 6), (43002, None)):
                outside.send(wire.ip(src, dst, 6, wire.tcp(src, dst, sport, TCP, flags=ACK, ack=1)), mac=mac)

            def came():
                return [segment.sport for _, packet, segment in inside.segments("in", ACK, wire.SYN | ACK)]
            tap.ok(wait.until(lambda: 43002 in came()), f"{version}: what is for the proxy arrives")
            tap.ok(43000 not in came(), f"{version}: what is for another station does not")
            tap.ok(43001 not in came(), f"{version}: nor what is for all of them")


@case.case
def another_address_of_the_proxy():
    """Clients reach the relay under one address only; under another they reach the proxy."""
    load()
    for version in topo.ip_versions():
        counters = module.Counters()
        tap.equal(traffic.tcp(t.internet, topo.TUNNEL[version], TCP, CLIENT[version], timeout=2), "refused",
                  f"{version}: TCP is the proxy's own")
        tap.equal(counters.gained(version), {}, f"{version}: and is not counted")


@case.case
def temporary_addresses():
    """Clients are not sent to a temporary address: it does not count as a second one."""
    load()
    if "ipv6" not in topo.ip_versions():
        tap.skip("temporary addresses", "no IPv6")
        return

    def temporary():
        return "temporary" in HOME.run("ip", "-6", "addr", "show", "dev", "eth0")
    address = f"{PROXY['ipv6']}/64 dev eth0"
    HOME.sysctl(ipv6__conf__eth0__use_tempaddr=2)
    try:
        HOME.ip(f"-6 addr change {address} mngtmpaddr nodad valid_lft 3600 preferred_lft 1800\n")
        tap.ok(wait.until(temporary), "there is one")
        # Whoever looks finds it by now.
        module.configure(**settings())
        tap.ok(stateless("ipv6"), "the relay is served without state")
    finally:
        HOME.sysctl(ipv6__conf__eth0__use_tempaddr=0)
        # Not on every kernel it goes at once with the address that it was made of.
        HOME.ip(f"-6 addr flush dev eth0 temporary\n-6 addr del {address}\n-6 addr add {address} nodad\n"
                f"-6 route replace default via {topo.INTERNET['ipv6']}\n")
    tap.ok(not temporary(), "it goes")
    tap.equal(served("ipv6"), well("ipv6"), "which serves again")


@case.case
def exempted_by_others():
    """A packet to the relay itself that another table exempts from conntrack is not one of ours: the guard drops it."""
    load(guard="forward")
    t.route_what_is_behind()
    try:
        for version in topo.ip_versions():
            word = "ip" if version == "ipv4" else "ip6"
            counters = module.Counters()
            HOME.nft("table inet exempt { chain c { type filter hook prerouting priority -300;\n"
                     f"{word} daddr {RELAY[version]} notrack\n}}\n}}\n")
            try:
                tap.equal(traffic.tcp(t.internet, RELAY[version], TCP, CLIENT[version], timeout=0.5), "silence",
                          f"{version}: dropped")
            finally:
                HOME.nft("delete table inet exempt\n")
            tap.ok(counters.gained(version).get("dropped_invalid", 0) >= 1, f"{version}: and counted")
    finally:
        t.internet.ip("".join(f"{FLAG[version]}route del {address[version]}\n"
                              for address in (RELAY, OTHER) for version in topo.ip_versions()))


@case.case
def bans_of_others():
    """A netdev chain comes first; a packet socket sees what came in."""
    load()
    for version in topo.ip_versions():
        served(version)
        word = "ip" if version == "ipv4" else "ip6"
        HOME.nft("table netdev ban { chain c { type filter hook ingress device eth0 priority 0;\n"
                 f"{word} saddr {CLIENT2[version]} drop\n}}\n}}\n")
        try:
            tap.equal(traffic.tcp(t.internet, PROXY[version], TCP, CLIENT2[version], timeout=1), "silence",
                      f"{version}: banned")
            tap.equal(served(version), well(version), f"{version}: others are not")
        finally:
            HOME.nft("delete table netdev ban\n")
        with wire.Link(HOME, "eth0", None) as tap_on:
            served(version)
            seen = {(packet.src, packet.dst) for packet in (wire.parse_ip(frame.data) for frame in tap_on.frames())
                    if packet and packet.proto == 6}
            tap.ok({(CLIENT[version], PROXY[version]), (PROXY[version], CLIENT[version])} <= seen,
                   f"{version}: tcpdump sees the packets on the WAN side")


@case.case
def drained():
    load()
    for version in topo.ip_versions():
        with Connection(t.internet, PROXY[version], TCP, CLIENT[version]) as connection:
            module.set("enabled", "0")
            tap.equal(served(version, CLIENT2), "refused", f"{version}: no new connection is forwarded")
            tap.ok(connection.goes_on(), f"{version}: open ones continue")
            module.set("enabled", "1")
            tap.equal(served(version, CLIENT2), well(version, CLIENT2), f"{version}: forwarded again")
            # A refused client does not become a peer of the proxy.
            with Watch(client=CLIENT2[version]) as watch, Connection(t.internet, PROXY[version], TCP, CLIENT2[version]) as again:
                tap.ok(again.echo(os.urandom(300000)), f"{version}: 300 kB come back whole")
                tap.equal(watch.way(), PAST, f"{version}: {PAST} the stack")


@case.case
def another_relay():
    """The next segment of a connection reaches the new relay, which does not have the connection."""
    load()
    for version in topo.ip_versions():
        name = topo.SETTING[version]
        with Connection(t.internet, PROXY[version], TCP, CLIENT[version]) as connection:
            at_relay = wait.until(lambda c=connection: relay.connection(c.address, c.port))
            module.set(name, OTHER[version])
            with wire.Link(t.internet, "to_eth0", "eth0") as outside:
                # Nobody will acknowledge it: the relay need not try for minutes behind the test's end.
                at_relay.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                at_relay.push(b"late news")
                tap.equal(traffic.tcp(t.internet, PROXY[version], TCP, CLIENT2[version]),
                          Seen("other", CLIENT2[version], TCP), f"{version}: new connections meet the new relay")
                leaks = [packet for packet in (wire.parse_ip(frame.data) for frame in outside.frames())
                         if packet and RELAY[version] in (packet.src, packet.dst)]
                tap.equal(leaks, [], f"{version}: nothing of the old one's passes")
            tap.equal(connection.fate_when_talking(), "reset", f"{version}: a client that speaks is told")
            module.set(name, RELAY[version])


@case.case
def the_tunnel_goes():
    """Routes and devices that come and go while a connection is open."""
    load()
    for version in topo.ip_versions():
        with Connection(t.internet, PROXY[version], TCP, CLIENT[version], timeout=10) as connection:
            connection.goes_on()
            HOME.ip(f"{FLAG[version]}route replace prohibit {RELAY[version]}\n")
            tap.equal(traffic.tcp(t.internet, PROXY[version], TCP, CLIENT2[version]) == well(version, CLIENT2), False,
                      f"{version}: a route that forbids")
            HOME.ip(f"{FLAG[version]}route del prohibit {RELAY[version]}\n")
            tap.ok(connection.goes_on(), f"{version}: without it the connection continues")
            HOME.ip(f"{FLAG[version]}route replace {RELAY[version]} dev wg0 mtu lock 1290\n")
            tap.ok(connection.echo(os.urandom(200000)), f"{version}: the MTU became smaller")
            HOME.ip(f"{FLAG[version]}route del {RELAY[version]}\n")
            tap.ok(connection.echo(os.urandom(200000)), f"{version}: and wide again")
            for device in ("eth0", "wg0"):
                HOME.ip(f"neigh flush dev {device}\n")
                tap.ok(connection.echo(os.urandom(200000)), f"{version}: {device} has forgotten its neighbours")
            HOME.ip("link set wg0 mtu 1400\n")
            t.relay.ip("link set wg0 mtu 1400\n")
            tap.ok(connection.echo(os.urandom(200000)), f"{version}: a smaller MTU")
            HOME.ip("link set wg0 mtu 1500\n")
            t.relay.ip("link set wg0 mtu 1500\n")
            tap.ok(connection.echo(os.urandom(200000)), f"{version}: the old MTU")


@case.case
def a_link_too_narrow_for_ipv6():
    """A WAN interface that cannot have IPv6 has no IPv6 address that would count as a second one."""
    HOME.ip("link add narrow type dummy\nlink set narrow mtu 1000 up\n")
    try:
        load(wan="eth0,narrow")
        for version in topo.ip_versions():
            tap.ok(stateless(version), f"{version}: engines says so")
            tap.equal(served(version), well(version), f"{version}: served")
    finally:
        HOME.ip("link del narrow\n")


@case.case
def tracked_by_the_device():
    """Packets that traffic control has already tracked do not take the fast path, but that of their connection."""
    def tc(*words):
        return subprocess.run(["tc", *words], check=False, stderr=subprocess.DEVNULL).returncode
    load()
    try:
        for version in topo.ip_versions():
            # Neighbours are learnt, so that nothing else keeps packets from the fast path.
            tap.equal(served(version), well(version), f"{version}: served")
            with Watch() as watch, Connection(t.internet, PROXY[version], TCP, CLIENT[version]) as connection:
                tap.ok(connection.echo(os.urandom(300000)), f"{version}: 300 kB come back whole")
                tap.equal(watch.way(), PAST, f"{version}: {PAST} the stack at first")
        if (tc("qdisc", "add", "dev", "eth0", "clsact") or
                tc("filter", "add", "dev", "eth0", "ingress", "protocol", "all", "matchall", "action", "ct")):
            tap.skip("traffic control", "this kernel has no ct action")
            return
        for version in topo.ip_versions():
            with Watch() as watch:
                tap.equal(served(version), well(version), f"{version}: served")
                tap.ok(watch.packets() > 0, f"{version}: by the stack")
    finally:
        tc("qdisc", "del", "dev", "eth0", "clsact")


@case.case
def a_client_that_is_not_there():
    """If the client's address does not resolve, the relay gets an ICMP error that quotes its own packet."""
    load()
    ports = range(40000, 40003)
    for version in topo.ip_versions():
        src, dst = RELAY[version], NOBODY[version]
        with wire.Link(t.relay, "wg0", "wg0") as inside:
            # The first has the client looked for, the others wait with it.
            for port in ports:
                inside.send(wire.ip(src, dst, 6, wire.tcp(src, dst, TCP, port, flags=ACK, ack=1)))
            told = set()
            wait.until(lambda d=dst: told.update((error.ip.src, error.sport, error.dport) for error in inside.errors("in")
                                                 if error.ip.dst == d) or len(told) == len(ports), 10)
            tap.equal(told, {(src, TCP, port) for port in ports}, f"{version}: the relay is told")


@case.case
def a_client_that_goes():
    """The same for a client whose neighbour entry was valid a moment ago."""
    load()
    for version in topo.ip_versions():
        src, dst = RELAY[version], NOBODY[version]
        neighbour = f"{FLAG[version]}neigh replace {dst} lladdr 02:00:00:00:00:99 dev eth0 nud"
        with wire.Link(t.relay, "wg0", "wg0") as inside, wire.Link(t.internet, "to_eth0") as outside:
            def answer(port, src=src, dst=dst, inside=inside):
                inside.send(wire.ip(src, dst, 6, wire.tcp(src, dst, TCP, port, flags=ACK, ack=1)))
            HOME.ip(f"{neighbour} permanent\n")
            try:
                for port in range(40000, 40003):
                    answer(port)
                wait.until(lambda seen=outside: len(seen.segments("in", ACK)) == 3)
                HOME.ip(f"{neighbour} failed\n")
                answer(40003)
                tap.ok(wait.until(lambda seen=inside: 40003 in {error.dport for error in seen.errors("in")}, 10),
                       f"{version}: the relay is told")
            finally:
                HOME.ip(f"{FLAG[version]}neigh flush to {dst} dev eth0\n")


@case.case
def forwarded_by_a_switch():
    """Copies of packets that a switch has already forwarded go through the stack: on the fast path they would arrive twice."""
    switch = module.FILE.parent / "switch" / "switch.ko"
    if not switch.exists():
        tap.skip("a switch", "what plays one is not built for this kernel")
        return
    load()
    for version in topo.ip_versions():
        served(version)
        src, dst = CLIENT[version], PROXY[version]
        with wire.Link(t.internet, "to_eth0", "eth0") as outside, wire.Link(t.relay, "wg0") as inside:
            def segment(port, src=src, dst=dst, outside=outside):
                outside.send(wire.ip(src, dst, 6, wire.tcp(src, dst, port, TCP, flags=ACK, ack=1)))

            def came(inside=inside):
                return {each.sport for _, _, each in inside.segments("in", ACK, wire.SYN | ACK)}
            subprocess.run(["insmod", switch, "dev=eth0"], check=True)
            try:
                segment(45000)
            finally:
                subprocess.run(["rmmod", "switch"], check=True)
            segment(45001)
            tap.ok(wait.until(lambda: 45001 in came()), f"{version}: what no switch has forwarded arrives")
            tap.ok(45000 not in came(), f"{version}: what one has does not")


def keys():
    private = HOME.run("wg", "genkey").strip()
    public = subprocess.run(["wg", "pubkey"], input=private, text=True, capture_output=True, check=True)
    return private, public.stdout.strip()


def wireguard(ns, private, peer, host, allowed, endpoint):
    """One end of a tunnel."""
    path = f"/run/chatdnat-test-{ns.name}.key"
    with open(path, "w", encoding="ascii", opener=lambda p, f: os.open(p, f, 0o600)) as file:
        file.write(private)
    ns.ip("link add wgtest type wireguard\n")
    ns.run("wg", "set", "wgtest", "listen-port", str(WG), "private-key", path, "peer", peer, "allowed-ips", allowed,
           "endpoint", f"{endpoint}:{WG}")
    os.unlink(path)
    ns.ip(f"addr add 10.78.0.{host}/24 dev wgtest\n-6 addr add fd78::{host}/64 dev wgtest nodad\nlink set wgtest up\n")


def by_default(*way):
    """The relay's route to the internet: through a device, or without one through its usual gateway."""
    for version in topo.ip_versions():
        t.relay.ip_of(version, "route", "flush", "default")
        t.relay.ip_of(version, "route", "add", "default", *(way or ("via", topo.TUNNEL[version])))


@case.case
def through_wireguard():
    """A device that reads the route of packets that it sends."""
    mine, theirs = keys(), keys()
    wireguard(HOME, mine[0], theirs[1], 1, ",".join(INNER.values()), RELAY["ipv4"])
    wireguard(t.relay, theirs[0], mine[1], 2, "0.0.0.0/0,::/0", topo.TUNNEL["ipv4"])
    by_default("dev", "wgtest")
    try:
        load(v4=INNER["ipv4"], v6=INNER["ipv6"])
        for version in topo.ip_versions():
            tap.equal(module.engines().get(f"{INNER[version]}@{PROXY[version]}"), "stateless", f"{version}: engines says so")
            tap.equal(served(version), well(version), f"{version}: served")
            with Connection(t.internet, PROXY[version], TCP, CLIENT[version]) as connection:
                tap.ok(connection.echo(os.urandom(500000)), f"{version}: 500 kB come back whole")
    finally:
        t.relay.ip("link del wgtest\n")
        by_default()
        HOME.ip("link del wgtest\n")


def gre(ns, host, local, remote):
    ns.ip(f"link add gretest type gre local {local} remote {remote} ttl 64\n"
          f"addr add 10.78.0.{host}/24 dev gretest\n-6 addr add fd78::{host}/64 dev gretest nodad\nlink set gretest up\n")


@case.case
def through_gre():
    """A device without neighbours and without a link-layer header."""
    if subprocess.run(["modprobe", "-q", "ip_gre"], check=False).returncode:
        tap.skip("GRE", "this kernel has none")
        return
    gre(HOME, 1, topo.TUNNEL["ipv4"], RELAY["ipv4"])
    gre(t.relay, 2, RELAY["ipv4"], topo.TUNNEL["ipv4"])
    by_default("dev", "gretest")
    try:
        load(v4=INNER["ipv4"], v6=INNER["ipv6"])
        for version in topo.ip_versions():
            tap.equal(module.engines().get(f"{INNER[version]}@{PROXY[version]}"), "stateless", f"{version}: engines says so")
            tap.equal(served(version), well(version), f"{version}: served")
            over(t.relay)
            with Watch() as watch, Connection(t.internet, PROXY[version], TCP, CLIENT[version]) as connection:
                # What was looked up counts for a second.
                end = time.monotonic() + 2
                while time.monotonic() < end:
                    whole = connection.echo(os.urandom(200000))
                tap.ok(whole, f"{version}: 200 kB come back whole, again and again")
                tap.equal(watch.way(), PAST, f"{version}: {PAST} the stack")
    finally:
        t.relay.ip("link del gretest\n")
        by_default()
        HOME.ip("link del gretest\n")


@case.case
def an_inside_that_becomes_a_wan():
    """Clients on an interface that becomes a WAN interface only later take the fast path, too."""
    for version in topo.ip_versions():
        # The relay of the other family keeps the interface an inside one, until it is named.
        module.load(**settings(engine="auto", **{
            topo.SETTING[each]: f"{OTHER[each]}@{topo.TUNNEL[each]}" if each == version else RELAY[each]
            for each in topo.ip_versions()}))
        tap.equal(traffic.tcp(t.relay, topo.TUNNEL[version], TCP), "refused", f"{version}: from inside nobody is forwarded")
        module.set("wan", "eth0,wg0")
        tap.equal(module.engines().get(f"{OTHER[version]}@{topo.TUNNEL[version]}"), "stateless", f"{version}: engines says so")
        tap.equal(traffic.tcp(t.relay, topo.TUNNEL[version], TCP), Seen("other", RELAY[version], TCP), f"{version}: served")
        over(t.other)
        with Watch() as watch, Connection(t.relay, topo.TUNNEL[version], TCP) as connection:
            tap.ok(connection.echo(os.urandom(300000)), f"{version}: 300 kB come back whole")
            tap.equal(watch.way(), PAST, f"{version}: {PAST} the stack")
        module.unload()


@case.case
def a_source_port_of_the_service():
    """A reply to it would be translated as one to the relay: only the relay may use this port."""
    load()
    for version in topo.ip_versions():
        internet, own = topo.INTERNET[version], PROXY[version]
        counters = module.Counters()
        with Connection(t.other, internet, 25, source_port=587) as connection:
            tap.equal((connection.answer.server, connection.answer.peer), ("internet", own), f"{version}: another host's")
            tap.ok(connection.echo(os.urandom(100000)), f"{version}: 100 kB come back whole")
        tap.equal(counters.gained(version), {"masqueraded": 1}, f"{version}: is masqueraded")
        # Somebody has the port already, so the relay would get another, from which its later packets would not leave.
        HOME.run("conntrack", "-I", "-p", "tcp", "-s", OTHER[version], "-d", internet, "--sport", "40000", "--dport", "25",
                 "--reply-src", internet, "--reply-dst", own, "--reply-port-src", "25", "--reply-port-dst", "587",
                 "--state", "ESTABLISHED", "--timeout", "100")
        counters = module.Counters()
        tap.equal(traffic.tcp(t.relay, internet, 25, source_port=587, timeout=0.3), "silence",
                  f"{version}: a port that another has")
        tap.ok(counters.gained(version).get("dropped_source"), f"{version}: is no port of the relay's")
        conntrack.flush()


def outlives(version, what, *connections):
    tap.equal([connection.goes_on() for connection in connections], [True] * len(connections), f"{version}: {what}: all continue")


@case.case
def this_hosts_own_from_a_service_port():
    """A connection of the proxy that is bound to a port of the service, to a host that is a client of the relay as well."""
    load()
    for version in topo.ip_versions():
        internet, own = topo.INTERNET[version], PROXY[version]
        for first_one in ("the relay's client", "the proxy's"):
            opened = {}

            def client(version=version, internet=internet, own=own, opened=opened):
                opened["client"] = Connection(t.internet, own, TCP, internet)
                tap.ok(opened["client"].goes_on(), f"{version}: a client of the relay's")

            def proxy(version=version, internet=internet, own=own, opened=opened):
                opened["proxy"] = Connection(HOME, internet, 25, own, TCP)
                tap.equal(opened["proxy"].answer.peer_port, TCP, f"{version}: the proxy connects from {TCP}")
                tap.ok(opened["proxy"].echo(os.urandom(100000)), f"{version}: 100 kB come back whole")
            name = f"{first_one} first"
            with wire.Link(t.relay, "wg0") as inside:
                for step in (client, proxy) if first_one == "the relay's client" else (proxy, client):
                    step()
                outlives(version, name, *opened.values())
                tap.equal([segment.flags for _, _, segment in inside.segments("in", 0, 0) if segment.sport == 25], [],
                          f"{version}: {name}: the relay sees nothing of the proxy's")
            tap.equal([entry for entry in conntrack.entries() if (entry.orig.src, entry.orig.dport) == (internet, TCP)], [],
                      f"{version}: {name}: the relay's leaves nothing in conntrack")
            # Another peer is none.
            with Watch(client=CLIENT[version]) as watch, Connection(t.internet, own, TCP, CLIENT[version]) as other:
                tap.ok(other.echo(os.urandom(300000)), f"{version}: another client")
                tap.equal(watch.way(), PAST, f"{version}: {name}: goes {PAST} the stack")
            for connection in opened.values():
                connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                connection.close()


def flood(version, link, count):
    """SYNs from unused addresses, one from each."""
    for number in range(count):
        source = (f"10.200.{number >> 8}.{number & 255}" if version == "ipv4" else f"2001:db8:f::{number + 1:x}")
        link.send(wire.ip(source, PROXY[version], 6, wire.tcp(source, PROXY[version], 30000, TCP, seq=number)))


@case.case
def drained_to_this_host():
    """With enabled=0 new connections reach a service of the proxy on the same port, and so does a flood of them."""
    load(stale="keep")
    proxy = traffic.Host("proxy", HOME).tcp(TCP)
    try:
        for version in topo.ip_versions():
            client, own = CLIENT[version], PROXY[version]
            with Connection(t.internet, own, TCP, client) as old:
                tap.ok(old.goes_on(), f"{version}: a connection to the relay")
                module.set("enabled", "0")
                with Connection(t.internet, own, TCP, client) as drained:
                    tap.equal((drained.answer.server, drained.answer.peer), ("proxy", client), f"{version}: drained: the proxy's own")
                    tap.ok(drained.echo(os.urandom(100000)), f"{version}: 100 kB come back whole")
                    outlives(version, "drained", old, drained)
                    with Connection(t.internet, own, TCP, CLIENT2[version]) as other:
                        other.goes_on()
                    with wire.Link(t.internet, "to_eth0", "eth0") as outside:
                        flood(version, outside, 1000)
                    outlives(version, "after a flood", drained, old)
                    module.set("enabled", "1")
                    outlives(version, "enabled again", old, drained)
                    tap.equal(served(version), well(version), f"{version}: new ones are the relay's")
                    other = topo.INTERNET[version]
                    with Connection(t.internet, own, TCP, other) as relayed:
                        relayed.goes_on()
                        module.set("enabled", "0")
                        with wire.Link(t.internet, "to_eth0", "eth0") as outside, Watch(client=other) as watch:
                            flood(version, outside, 200)
                            tap.ok(relayed.echo(os.urandom(300000)), f"{version}: beside a flood: 300 kB come back whole")
                            tap.equal(watch.way(), PAST, f"{version}: beside a flood: {PAST} the stack")
                    module.set("enabled", "1")
    finally:
        proxy.close()


def of_one_set(version, count):
    """Clients whose addresses, with the proxy's, lead to one set of the flow cache, however many sets there are."""
    own = ipaddress.ip_address(PROXY[version]).packed
    first = int(ipaddress.ip_address("10.1.0.0" if version == "ipv4" else "2001:db8:e::"))
    sets = {}
    for number in itertools.count(first):
        words = struct.unpack(f"={len(own) // 2}I", number.to_bytes(len(own), "big") + own)
        key = words[0] | words[1] << 32
        if version == "ipv6":
            key ^= (words[2] ^ words[6]) | (words[3] ^ words[7]) << 32
        # As many bits of the hash as the largest cache needs.
        found = sets.setdefault(key * 0x61C8864680B583EB >> 52 & (1 << 11) - 1, [])
        found.append(number)
        if len(found) == count:
            return [str(ipaddress.ip_address(each)) for each in found]


@case.case
def more_clients_than_a_set_has_room_for():
    load()
    for version in topo.ip_versions():
        clients = of_one_set(version, 5)
        length = {"ipv4": 32, "ipv6": 128}[version]
        t.internet.ip("".join(f"addr add {client}/{length} dev lo\n" for client in clients))
        try:
            connections = [Connection(t.internet, PROXY[version], TCP, client) for client in clients]
            tap.equal([connection.answer.peer for connection in connections], clients, f"{version}: the relay sees each client")
            outlives(version, "clients of one set", *connections)
            with Watch(client=clients[0]) as watch:
                tap.ok(all(connection.echo(os.urandom(100000)) for connection in connections), f"{version}: 100 kB of each come back whole")
                tap.equal(watch.way(), PAST, f"{version}: those of the first one go {PAST} the stack")
            for connection in connections:
                connection.close()
        finally:
            t.internet.ip("".join(f"addr del {client}/{length} dev lo\n" for client in clients))


@case.case
def beside_a_tracked_relay():
    """Midstream connections that conntrack has to pick up, by their source port."""
    with topo.second_address():
        for version in topo.ip_versions():
            internet = topo.INTERNET[version]
            module.load(**settings(engine="auto", ports="chatmail,turn", **{topo.SETTING[version]: (
                f"{RELAY[version]}@{PROXY[version]},{RELAY[version]}@{topo.TUNNEL[version]},{OTHER[version]}@{PROXY2[version]}")}))
            engines = module.engines()
            tap.equal(engines.get(f"{OTHER[version]}@{PROXY2[version]}"), "stateless", f"{version}: one without state")
            with Connection(t.internet, PROXY[version], TCP, CLIENT[version]) as connection:
                conntrack.flush()
                # The relay cannot be the first to speak: nobody knows by which of its addresses.
                tap.ok(connection.goes_on(), f"{version}: the other relay's continues")
                tap.ok(connection.echo(os.urandom(10000)), f"{version}: and is answered")
            # It would get the address of the interface, by which its later packets do not leave.
            counters = module.Counters()
            tap.equal(traffic.tcp(t.other, internet, 25, source_port=587, timeout=0.3), "silence",
                      f"{version}: from a port of the service")
            tap.ok(counters.gained(version).get("dropped_source"), f"{version}: with another address than its own")
            module.unload()


@case.case
def a_wan_interface_becomes_a_port():
    """Packets received on a bridge port first pass the bridge, whose rules have to see them."""
    if subprocess.run(["modprobe", "-qa", "bridge", "nft_meta_bridge"], check=False).returncode:
        tap.skip("a bridge", "this kernel has no rules of one")
        return
    # It takes the address of its only port, as one does for which none was chosen.
    HOME.ip("link add br0 type bridge forward_delay 0\n")
    try:
        load(wan="eth0,br0")
        for version in topo.ip_versions():
            tap.equal(served(version), well(version), f"{version}: served")
        HOME.ip("addr flush dev eth0\nlink set eth0 master br0\n")
        for version in topo.ip_versions():
            tap.ok(wait.until(lambda each=version: not stateless(each)), f"{version}: no address to serve by")
        t.address_wan("br0")
        t.internet.ip("neigh flush dev to_eth0\n")
        t.settle_wan()
        for version in topo.ip_versions():
            tap.ok(wait.until(lambda each=version: stateless(each)), f"{version}: engines says so again")
            tap.equal(served(version), well(version), f"{version}: served by the bridge")
            with Watch("bridge") as watch, Connection(t.internet, PROXY[version], TCP, CLIENT[version]) as connection:
                tap.ok(connection.echo(os.urandom(300000)), f"{version}: 300 kB come back whole")
                tap.ok(watch.packets() > 8, f"{version}: whose rules see it")
        module.unload()
    finally:
        HOME.ip("link set eth0 nomaster\nlink del br0\n")
        t.address_wan()
        t.internet.ip("neigh flush dev to_eth0\n")
        t.settle_wan()


# The last: the kernel does not forget that there was one.
@case.case
def through_the_stack():
    """With a policy routing rule every packet takes the path through the stack, where it is not tracked either."""
    def rule(way):
        for version in topo.ip_versions():
            HOME.ip_of(version, "rule", way, "priority", "100", "lookup", "main")
    conntrack.flush()
    rule("add")
    try:
        load()
        for version in topo.ip_versions():
            counters = module.Counters()
            with Watch() as watch, Connection(t.internet, PROXY[version], TCP, CLIENT[version]) as connection:
                tap.ok(connection.echo(os.urandom(300000)), f"{version}: 300 kB come back whole")
                tap.equal([entry for entry in conntrack.entries() if CLIENT[version] in (entry.orig.src, entry.orig.dst)],
                          [], f"{version}: connection tracking knows nothing of it")
                tap.equal(watch.way(), "by", f"{version}: the stack saw it")
            tap.equal(counters.gained(version), {"seen": 1, "translated": 1, "sent": 1, "answered": 1},
                      f"{version}: counted as one connection")
    finally:
        rule("del")


case.run(setup, topo.EVERY_RELAY)
