#!/usr/bin/python3
"""hairpin: hosts behind the proxy, and the proxy itself, reach the relay under the proxy's public address."""

import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
# pylint: disable=wrong-import-position
from lib import case, module, net, tap, topo, traffic, wire
from lib.topo import CLIENT, HOME, OTHER, PROXY, PROXY2, PROXY3, RELAY, TUNNEL, TUNNEL2, settings
from lib.traffic import Connection, Flow, Seen

TCP, UDP = 993, 3478
PORTS = ("tcp", TCP), ("udp", UDP)
# A host behind the relay, reached by the same tunnel; a LAN of the proxy's.
MATE = {"ipv4": "10.9.5.2", "ipv6": "fd00:9:5::2"}
LAN = {"ipv4": "10.9.6.1", "ipv6": "fd00:9:6::1"}
LAN_RELAY = {"ipv4": "10.9.6.2", "ipv6": "fd00:9:6::2"}
LAN_HOST = {"ipv4": "10.9.6.3", "ipv6": "fd00:9:6::3"}

t = mate = lan_relay = lan_host = None
hosts = {}


def setup():
    global t, mate, lan_relay, lan_host
    t = topo.Topology()
    mate, lan_relay, lan_host = net.create("mate", "lanrelay", "lanhost")
    t.relay.sysctl(ipv4__ip_forward=1, ipv6__conf__all__forwarding=1)
    t.relay.ip("link add to_mate type veth peer name eth0 netns mate\n"
               "addr add 10.9.5.1/24 dev to_mate\n-6 addr add fd00:9:5::1/64 dev to_mate nodad\n"
               "link set to_mate up\n")
    mate.ip("link set lo up\naddr add 10.9.5.2/24 dev eth0\n-6 addr add fd00:9:5::2/64 dev eth0 nodad\n"
            "link set eth0 up\nroute add default via 10.9.5.1\n-6 route add default via fd00:9:5::1\n")
    HOME.ip("route add 10.9.5.0/24 via 10.9.0.2\n-6 route add fd00:9:5::/64 via fd00:9::2\n"
            "link add br0 type bridge\naddr add 10.9.6.1/24 dev br0\n-6 addr add fd00:9:6::1/64 dev br0 nodad\n"
            "link set br0 up\n")
    for ns, name, number in ((lan_relay, "lanrelay", 2), (lan_host, "lanhost", 3)):
        HOME.ip(f"link add p{number} type veth peer name eth0 netns {name}\nlink set p{number} master br0\n"
                f"link set p{number} up\n")
        ns.ip(f"link set lo up\naddr add 10.9.6.{number}/24 dev eth0\n"
              f"-6 addr add fd00:9:6::{number}/64 dev eth0 nodad\nlink set eth0 up\n"
              "route add default via 10.9.6.1\n-6 route add default via fd00:9:6::1\n")
    for name, ns in (("relay", t.relay), ("public", t.public), ("other", t.other), ("mate", mate),
                     ("lanrelay", lan_relay)):
        hosts[name] = traffic.Host(name, ns).tcp(TCP).udp(UDP)
    hosts["internet"] = traffic.Host("internet", t.internet).tcp(TCP).udp(UDP)
    hosts["proxy"] = traffic.Host("proxy", HOME).tcp(TCP).udp(UDP)


def load(relay=None, **changes):
    module.load(**settings(relay, ports="chatmail,turn", **changes))


FORWARDED = dict.fromkeys(("seen", "translated", "sent", "answered"), 2)


def reaches(version, ns, address, want, name, gained=None):
    counters = module.Counters()
    for protocol, port in PORTS:
        tap.equal(traffic.ask(protocol, ns, address, port), Seen(*want, port), f"{version} {protocol}: {name}")
    if gained is not None:
        tap.equal(counters.gained(version), gained, f"{version}: {name}: counted")


MASQUERADED = {**FORWARDED, "masqueraded": 2}


@case.case
def off_by_default():
    load()
    tap.equal(module.get("hairpin"), "0", "hairpin is off by default")
    for version in topo.ip_versions():
        for ns, who in ((HOME, PROXY), (t.relay, RELAY), (t.other, OTHER), (mate, MATE), (lan_host, LAN_HOST)):
            reaches(version, ns, PROXY[version], ("proxy", who[version]), f"{ns.name} reaches the proxy itself", {})
        for protocol, port in PORTS:
            tap.equal(traffic.ask(protocol, t.internet, PROXY[version], port, CLIENT[version]),
                      Seen("relay", CLIENT[version], port), f"{version} {protocol}: a client meets the relay")


@case.tracked("several local addresses for one relay need the tracked engine")
def from_the_relays_side():
    load(hairpin="1")
    for version in topo.ip_versions():
        reaches(version, mate, PROXY[version], ("relay", TUNNEL[version]),
                "a host on the relay's side, back through its tunnel", MASQUERADED)
        reaches(version, t.relay, PROXY[version], ("relay", TUNNEL[version]), "the relay meets itself", MASQUERADED)
        reaches(version, t.relay, PROXY3[version], ("relay", TUNNEL[version]), "under any address", MASQUERADED)


@case.tracked("several local addresses for one relay need the tracked engine")
def from_another_interface():
    # With a wildcard replies have a way of their own; none to those inside.
    for wan in ("eth0", "eth+"):
        load(hairpin="1", wan=wan)
        for version in topo.ip_versions():
            reaches(version, t.other, PROXY[version], ("relay", OTHER[version]),
                    f"wan={wan}: another interface, with the host's own address", FORWARDED)
            reaches(version, lan_host, PROXY2[version], ("relay", LAN_HOST[version]), f"wan={wan}: the LAN", FORWARDED)
            module.set("masquerade", "all")
            reaches(version, t.other, PROXY[version], ("relay", TUNNEL[version]), f"wan={wan} masquerade=all", MASQUERADED)
            module.set("masquerade", "off")
            reaches(version, t.other, PROXY[version], ("relay", OTHER[version]), f"wan={wan} masquerade=off", FORWARDED)
            reaches(version, mate, PROXY[version], ("relay", TUNNEL[version]),
                    f"wan={wan} masquerade=off, back where it came from all the same", MASQUERADED)
            module.set("masquerade", "wan")
        module.unload()


@case.tracked("several local addresses for one relay need the tracked engine")
def from_the_proxy():
    load(hairpin="1")
    for version in topo.ip_versions():
        reaches(version, HOME, PROXY[version], ("relay", TUNNEL[version]), "the proxy", MASQUERADED)
        reaches(version, HOME, PROXY2[version], ("relay", TUNNEL[version]), "the proxy, another address", MASQUERADED)
        with Connection(HOME, PROXY[version], TCP) as connection:
            tap.ok(connection.echo(os.urandom(300000)), f"{version}: 300000 bytes")
        with Flow(HOME, PROXY[version], UDP) as flow:
            tap.equal(flow.ask(os.urandom(8000)).server, "relay", f"{version}: a datagram in fragments")
        tap.equal(traffic.tcp(HOME, RELAY[version], TCP), Seen("relay", TUNNEL[version], TCP),
                  f"{version}: the relay's own address is as before")
        tap.equal(traffic.tcp(HOME, PROXY[version], 143), "refused", f"{version}: a closed port of the relay's")
        tap.equal(traffic.tcp(HOME, PROXY[version], 22), "refused", f"{version}: a port that is not ours")


@case.case
def a_relay_with_a_public_address():
    load(topo.PUBLIC, hairpin="1")
    for version in topo.ip_versions():
        for ns in (HOME, t.other, mate):
            reaches(version, ns, PROXY[version], ("public", PROXY[version]), f"{ns.name}, out by the WAN", MASQUERADED)
        module.set("masquerade", "off")
        reaches(version, HOME, PROXY[version], ("public", PROXY[version]), "masquerade=off, the proxy", MASQUERADED)
        module.set("masquerade", "wan")


@case.case
def a_relay_on_the_lan():
    """Host and relay are on one link: replies that bypass the proxy would not be accepted."""
    load(LAN_RELAY, hairpin="1")
    for version in topo.ip_versions():
        for count in (1, 2):
            reaches(version, lan_host, PROXY[version], ("lanrelay", LAN[version]), f"a neighbour, time {count}",
                    MASQUERADED)
        with Connection(lan_host, PROXY[version], TCP) as connection, wire.Link(lan_host, "eth0") as link:
            tap.ok(connection.echo(os.urandom(300000)), f"{version}: 300000 bytes")
            tap.equal([error for error in link.errors("in") if error.type == 5], [],
                      f"{version}: there are no redirects")
        reaches(version, lan_relay, PROXY[version], ("lanrelay", LAN[version]), "the relay meets itself", MASQUERADED)
        reaches(version, HOME, PROXY[version], ("lanrelay", LAN[version]), "the proxy", MASQUERADED)
        reaches(version, t.internet, PROXY[version], ("lanrelay", topo.INTERNET[version]), "and the internet", FORWARDED)


@case.case
def only_public_addresses():
    load(hairpin="1")
    for version in topo.ip_versions():
        for ns, own, who in ((t.other, TUNNEL, OTHER), (t.other, TUNNEL2, OTHER), (mate, TUNNEL, MATE),
                             (t.relay, TUNNEL, RELAY), (lan_host, LAN, LAN_HOST), (lan_host, TUNNEL, LAN_HOST),
                             (HOME, TUNNEL, TUNNEL), (HOME, LAN, LAN)):
            reaches(version, ns, own[version], ("proxy", who[version]), f"{ns.name} to {own[version]}: the proxy", {})
        loopback = {"ipv4": "127.0.0.1", "ipv6": "::1"}[version]
        reaches(version, HOME, loopback, ("proxy", loopback), "loopback", {})
        # Addresses of nobody here.
        reaches(version, mate, OTHER[version], ("other", MATE[version]), "another host", {})
        reaches(version, HOME, topo.INTERNET[version], ("internet", PROXY[version]), "the proxy to the internet", {})
        reaches(version, t.other, topo.INTERNET[version], ("internet", PROXY[version]), "another host to the internet",
                {"masqueraded": 2})


@case.case
def scope_any_catches_no_more():
    load(hairpin="1", scope="any")
    for version in topo.ip_versions():
        reaches(version, t.other, topo.INTERNET[version], ("internet", PROXY[version]), "another host is masqueraded",
                {"masqueraded": 2})
        reaches(version, HOME, topo.INTERNET[version], ("internet", PROXY[version]), "the proxy's too", {})
        reaches(version, t.other, PROXY[version], ("relay", OTHER[version]), "but not to the public address", FORWARDED)


@case.tracked("several local addresses for one relay need the tracked engine")
def local_addresses_that_are_named():
    """RELAY@OWN: a named address is a public one, whichever interface has it."""
    lines = {"ipv4": f"{RELAY['ipv4']}@{PROXY['ipv4']},{OTHER['ipv4']}@{PROXY2['ipv4']},{OTHER['ipv4']}@10.200.0.1",
             "ipv6": f"{RELAY['ipv6']}@{PROXY['ipv6']},{OTHER['ipv6']}@{PROXY2['ipv6']},{OTHER['ipv6']}@fd00:200::1"}
    more = {"ipv4": "10.200.0.1", "ipv6": "fd00:200::1"}
    HOME.ip("addr add 10.200.0.1/32 dev lo\n-6 addr add fd00:200::1/128 dev lo nodad\n")
    try:
        load(lines, hairpin="1")
        for version in topo.ip_versions():
            reaches(version, lan_host, PROXY[version], ("relay", LAN_HOST[version]), "the first", FORWARDED)
            reaches(version, lan_host, PROXY2[version], ("other", LAN_HOST[version]), "the second", FORWARDED)
            reaches(version, lan_host, more[version], ("other", LAN_HOST[version]), "one on lo, named", FORWARDED)
            reaches(version, lan_host, PROXY3[version], ("proxy", LAN_HOST[version]), "one that is not named", {})
            reaches(version, HOME, PROXY2[version], ("other", TUNNEL2[version]), "the proxy", MASQUERADED)
    finally:
        HOME.ip("addr del 10.200.0.1/32 dev lo\n-6 addr del fd00:200::1/128 dev lo\n")


@case.case
def switching():
    """hairpin=1 ends flows to the proxy: they reach the relay. hairpin=0: open flows continue, new ones reach the proxy."""
    load()
    for version in topo.ip_versions():
        with Flow(t.other, PROXY[version], UDP) as flow, Flow(HOME, PROXY[version], UDP) as own:
            tap.equal((flow.ask().server, own.ask().server), ("proxy", "proxy"), f"{version}: off: the proxy answers")
            module.set("hairpin", "1")
            tap.equal((flow.ask().server, own.ask().server), ("relay", "relay"),
                      f"{version}: on: the same flows meet the relay")
            with Connection(t.other, PROXY[version], TCP) as connection, Connection(HOME, PROXY[version], TCP) as mine:
                tap.equal((connection.answer.server, mine.answer.server), ("relay", "relay"), f"{version}: on: TCP")
                module.set("hairpin", "0")
                tap.ok(connection.echo(b"still there") and mine.echo(b"still there"),
                       f"{version}: off: what was begun continues")
            reaches(version, t.other, PROXY[version], ("proxy", OTHER[version]), "off: new ones reach the proxy")
            reaches(version, HOME, PROXY[version], ("proxy", PROXY[version]), "off: the proxy's own too")


@case.case
def changes_of_the_relay():
    load(hairpin="1")
    for version in topo.ip_versions():
        with Connection(HOME, PROXY[version], TCP) as mine, Connection(t.other, PROXY[version], TCP) as theirs, \
                Connection(mate, PROXY[version], TCP) as back:
            module.set(topo.SETTING[version], LAN_RELAY[version])
            tap.equal([connection.fate_when_talking() for connection in (mine, theirs, back)], ["reset"] * 3,
                      f"{version}: connections to the former relay are reset")
            reaches(version, HOME, PROXY[version], ("lanrelay", LAN[version]), "the proxy reaches the new one")
            reaches(version, t.other, PROXY[version], ("lanrelay", OTHER[version]), "and others do")
            module.set(topo.SETTING[version], RELAY[version])
    module.set("enabled", "0")
    for version in topo.ip_versions():
        reaches(version, HOME, PROXY[version], ("proxy", PROXY[version]), "enabled=0: the proxy", {"seen": 2})
        reaches(version, t.other, PROXY[version], ("proxy", OTHER[version]), "enabled=0: others", {"seen": 2})


case.run(setup, topo.EVERY_RELAY | set(LAN_RELAY.values()))
