#!/usr/bin/python3
"""A relay behind IPsec without an interface of its own: policies on the WAN take its packets into a tunnel."""

import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
# pylint: disable=wrong-import-position
from lib import case, craft, module, tap, topo, traffic, wait, wire
from lib.topo import CLIENT, HOME, INTERNET, PROXY, PUBLIC
from lib.traffic import Connection, Seen

TCP, UDP, OWN, SIZE = 993, 3478, 2525, 100000
RELAY = {"ipv4": "10.77.0.2", "ipv6": "fd00:77::2"}
ESP = 50

t = None


def setup():
    global t
    t = topo.Topology(relays=("public",))
    t.public.ip(f"addr add {RELAY['ipv4']}/32 dev lo\n-6 addr add {RELAY['ipv6']}/128 dev lo nodad\n")
    for version in topo.ip_versions():
        tunnel(PROXY[version], PUBLIC[version], RELAY[version], 128 if version == "ipv6" else 32)
    traffic.Host("relay", t.public).tcp(TCP).udp(UDP)
    traffic.Host("internet", t.internet).tcp(25)
    traffic.Host("proxy", HOME).tcp(OWN)


def tunnel(proxy, peer, relay, length):
    """All traffic of the relay, through a tunnel between the proxy and the relay's public address."""
    for ns in (HOME, t.public):
        for src, dst, spi in ((proxy, peer, "0x100"), (peer, proxy, "0x200")):
            ns.run("ip", "xfrm", "state", "add", "src", src, "dst", dst, "proto", "esp", "spi", spi, "mode", "tunnel",
                   "enc", "cipher_null", "", "auth", "digest_null", "")
    for ns, way, end, src, dst in ((HOME, "out", "dst", proxy, peer), (HOME, "fwd", "src", peer, proxy),
                                   (HOME, "in", "src", peer, proxy), (t.public, "out", "src", peer, proxy),
                                   (t.public, "in", "dst", proxy, peer)):
        ns.run("ip", "xfrm", "policy", "add", "dir", way, end, f"{relay}/{length}", "tmpl", "src", src, "dst", dst,
               "proto", "esp", "mode", "tunnel")


def load(**changes):
    module.load(wan="eth0", ports="chatmail,turn", **{topo.SETTING[version]: RELAY[version] for version in topo.ip_versions()}, **changes)


def in_the_clear(link, version):
    """Packets with the relay's inside address, other than those in ESP."""
    packets = [wire.parse_ip(frame.data) for frame in link.frames()]
    return [packet for packet in packets if packet and RELAY[version] in (packet.src, packet.dst)]


def forwarded(version, peer, name):
    with wire.Link(t.internet, "to_eth0") as outside:
        tap.equal(traffic.tcp(t.internet, PROXY[version], TCP, CLIENT[version]), Seen("relay", peer, TCP),
                  f"{version} {name}: whom the relay sees")
        tap.equal([traffic.udp(t.internet, PROXY[version], UDP, CLIENT[version]) for _ in range(2)],
                  [Seen("relay", peer, UDP)] * 2, f"{version} {name}: datagrams too")
        with Connection(t.internet, PROXY[version], TCP, CLIENT[version]) as connection:
            tap.ok(connection.echo(os.urandom(SIZE)), f"{version} {name}: {SIZE} bytes")
        tap.ok(any(packet and packet.proto == ESP for packet in
                   (wire.parse_ip(frame.data) for frame in outside.frames("in"))), f"{version} {name}: in the tunnel")
        tap.equal(in_the_clear(outside, version), [], f"{version} {name}: and there only")


@case.case
def the_relay_sees_its_clients():
    for masquerade in ("wan", "off"):
        load(masquerade=masquerade)
        for version in topo.ip_versions():
            counters = module.Counters()
            forwarded(version, CLIENT[version], f"masquerade={masquerade}")
            gained = counters.gained(version)
            gained.pop("clamped", None)
            tap.equal(gained, dict.fromkeys(("seen", "translated", "sent", "answered"), 4),
                      f"{version} masquerade={masquerade}: counted")
        module.unload()


@case.case
def policies_come_and_go():
    """A cached decision about the source is for connections without IPsec."""
    load()
    for version in topo.ip_versions():
        policy = ("dir", "out", "dst", f"{RELAY[version]}/{128 if version == 'ipv6' else 32}")
        HOME.run("ip", "xfrm", "policy", "delete", *policy)
        counters = module.Counters()
        for port in (41000, 41001):
            with craft.Link(t.internet) as link:
                link.send(craft.tcp(CLIENT[version], PROXY[version], TCP, sport=port))
        tap.ok(wait.until(lambda c=counters, v=version: c.gained(v).get("masqueraded") == 2),
               f"{version}: without a policy, masqueraded")
        HOME.run("ip", "xfrm", "policy", "add", *policy, "tmpl", "src", PROXY[version], "dst", PUBLIC[version],
                 "proto", "esp", "mode", "tunnel")
        tap.equal(traffic.tcp(t.internet, PROXY[version], TCP, CLIENT[version]), Seen("relay", CLIENT[version], TCP),
                  f"{version}: with one, the client's own address")


@case.case
def unless_told_otherwise():
    """masquerade=all means the tunnel too; the proxy's address is the relay's to route."""
    load(masquerade="all")
    for version in topo.ip_versions():
        forwarded(version, PROXY[version], "masquerade=all")


@case.case
def segments_fit_the_tunnel():
    """The MSS is lowered by the overhead of the tunnel, in both directions."""
    load()
    for version in topo.ip_versions():
        most = 1500 - (60 if version == "ipv6" else 40)
        counters = module.Counters()
        with wire.Link(t.internet, "to_eth0") as near, wire.Link(t.public, "eth0") as far:
            tap.equal(traffic.tcp(t.internet, PROXY[version], TCP, CLIENT[version]), Seen("relay", CLIENT[version], TCP),
                      f"{version}: forwarded")
            sizes = [wire.mss_of(segment.options) for link, flags in ((far, wire.SYN), (near, wire.SYN | wire.ACK))
                     for _, _, segment in link.segments("in", flags) if TCP in (segment.sport, segment.dport)]
        tap.ok(len(sizes) == 2 and max(sizes) <= most - 28 and min(sizes) > 1200, f"{version}: {sizes}")
        tap.equal(counters.gained(version).get("clamped"), 2, f"{version}: clamped")


@case.case
def what_the_relay_opens():
    """It leaves the tunnel on the WAN interface, but no host on the internet sent it."""
    for guard in ("off", "forward", "full", "strict"):
        load(guard=guard)
        for version in topo.ip_versions():
            # The tunnel is known to the guard once this end has sent.
            tap.equal(traffic.tcp(t.internet, PROXY[version], TCP, CLIENT[version]), Seen("relay", CLIENT[version], TCP),
                      f"{version} guard={guard}: a client")
            counters = module.Counters()
            with Connection(t.public, INTERNET[version], 25, RELAY[version]) as connection:
                tap.equal((connection.answer.server, connection.answer.peer), ("internet", PROXY[version]),
                          f"{version} guard={guard}: the relay's own leave with the proxy's address")
            gained = counters.gained(version)
            gained.pop("clamped", None)
            tap.equal(gained, {"outbound": 1, "masqueraded": 1}, f"{version} guard={guard}: and count")
            tap.equal(traffic.tcp(t.public, PROXY[version], OWN, RELAY[version]), Seen("proxy", RELAY[version], OWN),
                      f"{version} guard={guard}: it reaches the proxy itself")
            shut = guard in ("full", "strict")
            tap.equal(traffic.tcp(t.internet, PROXY[version], OWN, CLIENT[version], timeout=1 if shut else 5),
                      "silence" if shut else Seen("proxy", CLIENT[version], OWN),
                      f"{version} guard={guard}: a client is judged")
        module.unload()


case.run(setup, {*topo.EVERY_RELAY, *RELAY.values()})
