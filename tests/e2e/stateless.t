#!/usr/bin/python3
# vm: --timeout 600
"""The stateless engine: what it takes, what it leaves to the stack, and that nobody notices which it was."""

import fcntl
import ipaddress
import itertools
import os
import socket
import struct
import sys
import termios

os.environ["CHATDNAT_ENGINE"] = "stateless"
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
# pylint: disable=wrong-import-position
from lib import case, conntrack, craft, module, stateless as engine, tap, topo, traffic, wait, wire
from lib.stateless import PAST, TCP, UDP, Watch, load, outlives, served, stateless, well
from lib.topo import CLIENT, CLIENT2, HOME, OTHER, PROXY, RELAY, settings
from lib.traffic import Connection, Seen

ACK = wire.ACK
FLAG = {"ipv4": "", "ipv6": "-6 "}
NOBODY = {"ipv4": "203.0.113.50", "ipv6": "2001:db8:1::50"}

t = relay = None


def setup():
    global t, relay
    t, relay = engine.setup()


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
        found = sets.setdefault(key * 0x61C8864680B583EB >> 50 & (1 << 14) - 1, [])
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
