#!/usr/bin/python3
"""A TURN relay's range of UDP ports: fragments in both directions, and sockets of the proxy bound within the range."""

import os
import socket
import struct
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
# pylint: disable=wrong-import-position
from lib import case, conntrack, module, tap, topo, traffic, wait, wire
from lib.topo import CLIENT, CLIENT2, HOME, INTERNET, PROXY, PROXY2, RELAY, settings
from lib.traffic import Flow, Seen

RANGE = "chatmail,turn,49152-65535/udp"
FIRST, MIDDLE, LAST = 49152, 55555, 65535
DNS, NTP, WG, BELOW = 53, 123, 51820, 32767
FORWARDED = dict.fromkeys(("seen", "translated", "sent", "answered"), 1)
FRAGMENT = 44
INNER = {"ipv4": ("10.77.0.1", "10.77.0.2"), "ipv6": ("fd77::1", "fd77::2")}

t = relay = None


def setup():
    global t, relay
    t = topo.Topology(relays=("relay",))
    relay = traffic.Host("relay", t.relay).udp(3478, FIRST, MIDDLE, LAST, 50000, 50001, BELOW, 40000, WG)
    traffic.Host("internet", t.internet).udp(DNS, NTP)


def load(**changes):
    module.load(**settings(**{"ports": RANGE, **changes}))


def persist(flow, payload):
    """Asks until the path MTU is known: a packet that is too big is lost, with an ICMP error."""
    def ask():
        try:
            return flow.ask(payload, 1)
        except (TimeoutError, OSError):
            return None
    return wait.until(ask, 10)


@case.case
def the_range():
    load()
    tap.equal(module.get("ports").split(",")[-2:], ["3478/udp", "49152-65535/udp"], "the range reads back")
    for version in topo.ip_versions():
        counters = module.Counters()
        for port in (3478, FIRST, MIDDLE, LAST):
            tap.equal(traffic.udp(t.internet, PROXY[version], port, CLIENT[version]),
                      Seen("relay", CLIENT[version], port), f"{version}: {port}")
        tap.equal(counters.gained(version), dict.fromkeys(FORWARDED, 4), f"{version}: counted")
        tap.equal(traffic.udp(t.internet, PROXY[version], FIRST - 1, CLIENT[version]), "refused",
                  f"{version}: {FIRST - 1} is the proxy's")
        # The relay's end of an allocation speaks first.
        with t.internet.socket(topo.net.family_of(CLIENT[version]), socket.SOCK_DGRAM) as peer, \
                t.relay.socket(topo.net.family_of(CLIENT[version]), socket.SOCK_DGRAM) as own:
            peer.bind((CLIENT2[version], 0))
            peer.settimeout(3)
            own.bind((RELAY[version], 60000))
            own.settimeout(3)
            own.sendto(b"there", peer.getsockname()[:2])
            data, source = peer.recvfrom(100)
            tap.equal((data, source[:2]), (b"there", (PROXY[version], 60000)),
                      f"{version}: the relay's own datagram keeps its port")
            peer.sendto(b"back", source)
            tap.equal(own.recvfrom(100)[0], b"back", f"{version}: and its answer comes")


@case.case
def fragments():
    load()
    for mtu in (1500, 1280):
        HOME.ip(f"link set wg0 mtu {mtu}\n")
        t.relay.ip(f"link set wg0 mtu {mtu}\n")
        try:
            for version in topo.ip_versions():
                for size in (1, 1000, 1252, 1400, 1472, 2000, 8192, 60000):
                    payload = os.urandom(size)
                    with Flow(t.internet, PROXY[version], MIDDLE, CLIENT[version]) as flow:
                        answer = persist(flow, payload)
                        tap.equal(answer and (answer.server, answer.peer), ("relay", CLIENT[version]),
                                  f"{version} MTU {mtu}: {size} bytes there and back")
                    tap.equal(relay.datagrams[-1][1] == payload, True, f"{version} MTU {mtu}: {size} bytes, unchanged")
        finally:
            HOME.ip("link set wg0 mtu 1500\n")
            t.relay.ip("link set wg0 mtu 1500\n")


def answered(counters, version):
    """Waits for the relay's answer to a datagram, which is counted with the answer or a moment later."""
    wait.until(lambda: counters.gained(version).get("answered") == 1)


@case.case
def fragments_out_of_order():
    """Crafted fragments: the last one first, and a datagram with a gap."""
    load()
    client, proxy = CLIENT["ipv4"], PROXY["ipv4"]
    payload = os.urandom(3500)
    datagram = wire.udp(client, proxy, 45000, MIDDLE, payload)

    def piece(begin, end, ident):
        more = 0x2000 if end < len(datagram) else 0
        return wire.ip(client, proxy, socket.IPPROTO_UDP, datagram[begin:end], ident=ident,
                       fragment=more | begin // 8)
    with wire.Link(t.internet, "to_eth0", "eth0") as link:
        before, counters = len(relay.datagrams), module.Counters()
        link.send(piece(2400, len(datagram), 7), piece(0, 1200, 7), piece(1200, 2400, 7))
        tap.ok(wait.until(lambda: len(relay.datagrams) == before + 1 and relay.datagrams[-1][1] == payload),
               "ipv4: the last fragment first")
        answered(counters, "ipv4")
        counters = module.Counters()
        link.send(piece(0, 1200, 8), piece(2400, len(datagram), 8))
        tap.equal(traffic.udp(t.internet, proxy, MIDDLE, client), Seen("relay", client, MIDDLE),
                  "ipv4: one with a gap waits")
        tap.equal(counters.gained("ipv4"), FORWARDED, "ipv4: and is not forwarded")


def pieces(version, datagram, ident, *spans):
    """The fragments of a datagram, with these byte ranges."""
    client, proxy = CLIENT[version], PROXY[version]
    for begin, end in spans:
        body, more = datagram[begin:end], end < len(datagram)
        if version == "ipv4":
            yield wire.ip(client, proxy, socket.IPPROTO_UDP, body, ident=ident, fragment=more << 13 | begin // 8)
        else:
            yield wire.ip(client, proxy, socket.IPPROTO_UDP, body, options=bytes([FRAGMENT]) + struct.pack(
                "!BBHI", socket.IPPROTO_UDP, 0, begin | more, ident))


@case.case
def fragments_that_overlap():
    """The whole datagram is lost, not only the one fragment: the others would make up for that."""
    load()
    for number, version in enumerate(topo.ip_versions()):
        datagram = wire.udp(CLIENT[version], PROXY[version], 45100 + number, MIDDLE, os.urandom(3500))
        spans = [(0, 1200), (2400, len(datagram)), (1200, 2400)]
        with wire.Link(t.internet, "to_eth0", "eth0") as link:
            before, counters = len(relay.datagrams), module.Counters()
            link.send(*pieces(version, datagram, 20, *spans))
            tap.ok(wait.until(lambda n=before, d=datagram: [data for _, data in relay.datagrams[n:]] == [d[8:]]),
                   f"{version}: whole without the one that overlaps")
            answered(counters, version)
            for ident, (name, overlap) in enumerate((
                    ("the first's end", (800, 1200 + 8)), ("the last's begin", (2000, 2400 + 8)),
                    ("all of the last", (2392, len(datagram))), ("all of the first", (0, 1200 + 8))), 21):
                counters, before = module.Counters(), len(relay.datagrams)
                link.send(*pieces(version, datagram, ident, *spans[:2], overlap, spans[2]))
                tap.equal(traffic.udp(t.internet, PROXY[version], MIDDLE, CLIENT[version]),
                          Seen("relay", CLIENT[version], MIDDLE), f"{version} {name}: a later datagram passes")
                tap.equal([data for _, data in relay.datagrams[before:]], [b"?"], f"{version} {name}: nothing else does")
                tap.equal(counters.gained(version), FORWARDED, f"{version} {name}: nor is counted")
            # What lies within one that is there already counts as sent twice: Linux keeps the first.
            before = len(relay.datagrams)
            link.send(*pieces(version, datagram, 30, *spans[:2]), *pieces(version, bytes(len(datagram)), 30, (400, 800)),
                      *pieces(version, datagram, 30, spans[2]))
            tap.ok(wait.until(lambda n=before, d=datagram: [data for _, data in relay.datagrams[n:]] == [d[8:]]),
                   f"{version}: other bytes within the first change nothing")


def querying(version, port, source_port, name):
    """The proxy asks a server on the internet from a port of the range."""
    with Flow(HOME, INTERNET[version], port, PROXY[version], source_port) as flow:
        counters = module.Counters()
        tap.equal(flow.ask().server, "internet", f"{version} {name}: is answered")
        conntrack.flush()
        # The answer is the first that conntrack sees of it.
        flow.sock.send(b"again")
        flow.sock.settimeout(3)
        tap.ok(flow.sock.recv(100).endswith(b"again"), f"{version} {name}: is answered when conntrack has forgotten")
        tap.equal(counters.gained(version), {}, f"{version} {name}: nobody counts it")
        tap.equal(traffic.udp(t.internet, PROXY[version], source_port, CLIENT[version]),
                  Seen("relay", CLIENT[version], source_port), f"{version} {name}: others meet the relay there")


@case.case
def own_clients():
    load()
    for version in topo.ip_versions():
        querying(version, DNS, 50000, "a resolver")
        querying(version, NTP, 50001, "a time client")
        with Flow(HOME, INTERNET[version], DNS) as flow:
            tap.equal(flow.ask().server, "internet", f"{version}: any port that the kernel picks")


@case.case
def unasked_answers():
    """A datagram without conntrack entry, for a socket of the proxy that waits for it: the proxy receives it."""
    load()
    for version in topo.ip_versions():
        family = topo.net.family_of(INTERNET[version])
        with HOME.socket(family, socket.SOCK_DGRAM) as own, t.internet.socket(family, socket.SOCK_DGRAM) as peer:
            own.bind((PROXY[version], 50000))
            own.settimeout(3)
            peer.bind((CLIENT[version], 0))
            counters = module.Counters()
            peer.sendto(b"hello", (PROXY[version], 50000))
            tap.equal(own.recvfrom(100)[0], b"hello", f"{version}: an unconnected socket gets it")
            tap.equal(counters.gained(version), {}, f"{version}: nobody counts it")
            with topo.second_address():
                tap.equal(traffic.udp(t.internet, PROXY2[version], 50000, CLIENT[version]),
                          Seen("relay", CLIENT[version], 50000), f"{version}: another address's is the relay's")
        tap.equal(traffic.udp(t.internet, PROXY[version], 50000, CLIENT2[version]),
                  Seen("relay", CLIENT2[version], 50000), f"{version}: and of this one, once it is closed")


@case.case
def adding_the_range():
    """Open flows of the proxy continue; packets that were refused before are forwarded."""
    load(ports="chatmail,turn")
    for version in topo.ip_versions():
        module.set("ports", "chatmail,turn")
        family = topo.net.family_of(INTERNET[version])
        with Flow(HOME, INTERNET[version], DNS, PROXY[version], 50000) as flow, \
                HOME.socket(family, socket.SOCK_DGRAM) as own, \
                t.internet.socket(family, socket.SOCK_DGRAM) as peer:
            own.bind((PROXY[version], 50001))
            own.settimeout(3)
            peer.bind((CLIENT[version], 0))
            peer.settimeout(3)

            def both_ways(name, version=version, own=own, peer=peer):
                peer.sendto(b"ping", (PROXY[version], 50001))
                data, source = own.recvfrom(100)
                own.sendto(b"pong", source)
                tap.equal((data, peer.recv(100)), (b"ping", b"pong"), f"{version}: a service in the range, {name}")
            flow.ask()
            both_ways("before")
            module.set("ports", RANGE)
            tap.equal(flow.ask().server, "internet", f"{version}: a query continues")
            both_ways("after")
            own.sendto(b"unasked", peer.getsockname()[:2])
            tap.equal(peer.recv(100), b"unasked", f"{version}: and the proxy speaks first")
            conntrack.flush()
            own.sendto(b"unasked", peer.getsockname()[:2])
            tap.equal(peer.recv(100), b"unasked", f"{version}: when conntrack has forgotten as well")
        tap.equal(traffic.udp(t.internet, PROXY[version], FIRST, CLIENT[version]),
                  Seen("relay", CLIENT[version], FIRST),
                  f"{version}: the range works")


@case.case
def which_sockets_count():
    """Only in a range, only from 32768 on, only UDP: an explicit port is the relay's."""
    for ports, port, server in (("chatmail,turn", 3478, "relay"), ("chatmail,40000/udp", 40000, "relay"),
                                ("chatmail,39000-41000/udp", 40000, "proxy"),
                                ("chatmail,32000-33000/udp", BELOW, "relay"),
                                ("chatmail,39999/udp,40000/udp", 40000, "proxy")):
        load(ports=ports)
        for version in topo.ip_versions():
            proxy = traffic.Host("proxy", HOME).udp(port)
            try:
                tap.equal(traffic.udp(t.internet, PROXY[version], port, CLIENT[version]).server, server,
                          f"{version} ports={ports}: {port} is the {server}'s though the proxy listens")
            finally:
                proxy.close()
        module.unload()


def keys():
    private = HOME.run("wg", "genkey").strip()
    public = subprocess.run(["wg", "pubkey"], input=private, text=True, capture_output=True, check=True)
    return private, public.stdout.strip()


def wireguard(ns, name, private, peer, addresses, port, *more):
    ns.ip(f"link add {name} type wireguard\n")
    path = f"/run/chatdnat-test-{name}.key"
    with open(path, "w", encoding="ascii", opener=lambda p, f: os.open(p, f, 0o600)) as file:
        file.write(private)
    ns.run("wg", "set", name, "listen-port", str(port), "private-key", path, "peer", peer,
           "allowed-ips", "10.77.0.0/24,fd77::/64", *more)
    os.unlink(path)
    ns.ip(f"addr add {addresses[0]}/24 dev {name}\n-6 addr add {addresses[1]}/64 dev {name} nodad\n"
          f"link set {name} mtu 1280 up\n")


@case.case
def wireguard_in_the_range():
    """The relay's tunnel ends at the proxy, in the range: peers dial in, before and after the range is set."""
    load(ports="chatmail,turn")
    for version in topo.ip_versions():
        module.set("ports", "chatmail,turn")
        mine, theirs = keys(), keys()
        wireguard(HOME, "wgtest", mine[0], theirs[1], [INNER[inner][0] for inner in INNER], WG)
        host = f"[{PROXY[version]}]" if version == "ipv6" else PROXY[version]
        wireguard(t.internet, "wgpeer", theirs[0], mine[1], [INNER[inner][1] for inner in INNER], 0,
                  "endpoint", f"{host}:{WG}")
        inside = traffic.Host("inside", HOME).udp(5353)
        outside = traffic.Host("outside", t.internet).udp(5353)

        def alive(name, version=version):
            for inner in topo.ip_versions():
                tap.equal((traffic.udp(t.internet, INNER[inner][0], 5353, timeout=10),
                           traffic.udp(HOME, INNER[inner][1], 5353, timeout=10)),
                          (Seen("inside", INNER[inner][1], 5353), Seen("outside", INNER[inner][0], 5353)),
                          f"{version} outside, {inner} inside, {name}: both ways")
        try:
            alive("before")
            counters = module.Counters()
            module.set("ports", RANGE)
            alive("the range is added")
            conntrack.flush()
            alive("conntrack has forgotten")
            # A peer that dials again from elsewhere.
            t.internet.run("wg", "set", "wgpeer", "listen-port", "33333")
            alive("the peer roams")
            tap.equal(counters.gained(version), {}, f"{version}: nobody counts it")
            tap.equal(traffic.udp(t.internet, PROXY[version], FIRST, CLIENT[version]),
                      Seen("relay", CLIENT[version], FIRST), f"{version}: the range works")
        finally:
            inside.close()
            outside.close()
            HOME.ip("link del wgtest\n")
            t.internet.ip("link del wgpeer\n")
        tap.equal(traffic.udp(t.internet, PROXY[version], WG, CLIENT2[version]), Seen("relay", CLIENT2[version], WG),
                  f"{version}: without WireGuard the port is the relay's")


case.run(setup, topo.EVERY_RELAY)
