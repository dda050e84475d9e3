#!/usr/bin/python3
"""A WAN interface in a VRF: its packets come by as the VRF device's, and are the WAN's all the same."""

import os
import socket
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
# pylint: disable=wrong-import-position
from lib import case, craft, module, mroute, net, tap, topo, traffic, wait, wire
from lib.mroute import GROUP, passed
from lib.topo import CLIENT, HOME, INTERNET, OTHER, PROXY, PROXY2, RELAY, TUNNEL2, settings
from lib.traffic import Connection, Seen

TCP, UDP, OWN, SIZE = 993, 3478, 2525, 100000
HEADERS = {"ipv4": 40, "ipv6": 60}
ABSENT = {"ipv4": "203.0.113.50", "ipv6": "2001:db8:1::50"}

t = None


def setup():
    global t
    t = topo.Topology(relays=("relay", "other"))
    t.route_what_is_behind()
    traffic.Host("relay", t.relay).tcp(TCP).udp(UDP)
    traffic.Host("other", t.other).tcp(TCP)
    traffic.Host("internet", t.internet).tcp(25)
    traffic.Host("proxy", HOME).tcp(OWN).udp(OWN)
    HOME.sysctl(ipv4__tcp_l3mdev_accept=1, ipv4__udp_l3mdev_accept=1)
    HOME.ip("link add red type vrf table 10\nlink set red up\nlink set eth0 master red\n")
    # IPv6 addresses go with the change. The VRF has routes to the relays, and the main table has one to the internet.
    t.address_wan(default=False, own=topo.EVERY_OWN)
    HOME.ip("route add default via 203.0.113.254 dev eth0 table 10\n"
            "-6 route add default via 2001:db8:1::fe dev eth0 table 10\n"
            "route add 10.9.0.0/24 dev wg0 table 10\n-6 route add fd00:9::/64 dev wg0 table 10\n"
            "route add 10.9.1.0/24 dev wg1 table 10\n-6 route add fd00:9:1::/64 dev wg1 table 10\n"
            "route replace default via 203.0.113.254 dev eth0 onlink\n"
            "-6 route replace default via 2001:db8:1::fe dev eth0 onlink\n")
    t.settle_wan()
    t.internet.ip(f"route add {ABSENT['ipv4']} via {PROXY['ipv4']}\n-6 route add {ABSENT['ipv6']} via {PROXY['ipv6']}\n")


def load(**changes):
    module.load(**settings(ports="chatmail,turn", **changes))


def forwarded(version, name):
    counters = module.Counters()
    for protocol, port in (("tcp", TCP), ("udp", UDP)):
        tap.equal(traffic.ask(protocol, t.internet, PROXY[version], port, CLIENT[version]),
                  Seen("relay", CLIENT[version], port), f"{version} {name}: {protocol} is forwarded")
    with Connection(t.internet, PROXY2[version], TCP, CLIENT[version]) as connection:
        tap.ok(connection.echo(os.urandom(SIZE)), f"{version} {name}: {SIZE} bytes")
    with Connection(t.relay, INTERNET[version], 25) as connection:
        tap.equal(connection.answer.peer in (PROXY[version], topo.PROXY3[version]), True,
                  f"{version} {name}: the relay's own are masqueraded")
    gained = counters.gained(version)
    gained.pop("clamped", None)
    tap.equal(gained, {**dict.fromkeys(("seen", "translated", "sent", "answered"), 3),
                       "outbound": 1, "masqueraded": 1}, f"{version} {name}: counted")


@case.case
def what_is_forwarded():
    load()
    for version in topo.ip_versions():
        forwarded(version, "no guard")
        tap.equal(traffic.tcp(t.internet, PROXY[version], OWN, CLIENT[version]), Seen("proxy", CLIENT[version], OWN),
                  f"{version}: the proxy's own service answers")


@case.case
def the_guard():
    for wan in ("eth0", "red", "red,eth0"):
        load(wan=wan, guard="full")
        for version in topo.ip_versions():
            counters = module.Counters()
            tap.equal((traffic.tcp(t.internet, PROXY[version], OWN, CLIENT[version], timeout=1),
                       traffic.udp(t.internet, PROXY[version], OWN, CLIENT[version], timeout=1)), ("silence",) * 2,
                      f"{version} wan={wan}: the proxy's own service is shut")
            tap.ok(counters.gained(version).get("dropped_input", 0) >= 2, f"{version} wan={wan}: counted")
            tap.equal(traffic.tcp(t.internet, OTHER[version], TCP, CLIENT[version], timeout=1), "silence",
                      f"{version} wan={wan}: so is what is behind")
            tap.ok(counters.gained(version).get("dropped_forward", 0) >= 1, f"{version} wan={wan}: counted")
            tap.equal(traffic.tcp(t.other, TUNNEL2[version], OWN), Seen("proxy", OTHER[version], OWN),
                      f"{version} wan={wan}: who comes by another interface is not judged")
            if wan != "red":
                forwarded(version, f"wan={wan} guard=full")
        module.unload()


@case.case
def multicast_routing():
    """A packet that waited for its multicast route has the interface as input device, others have the VRF."""
    module.load(**settings(ports="chatmail,turn"))
    for version in topo.ip_versions():
        with wire.Link(t.internet, "to_eth0", "eth0") as outside, wire.Link(t.relay, "wg0") as inside:
            for wan, guard in (("eth0", "off"), ("eth0", "full"), ("red", "full"), ("red,eth0", "full")):
                module.set("wan", wan)
                module.set("guard", guard)
                try:
                    router = mroute.Router(version, ["eth0", "wg0"], [], table=10)
                except mroute.Missing:
                    tap.skip(f"{version}: multicast routing", "this kernel has none for VRFs")
                    break
                with router:
                    for what in ("what waited", "what did not"):
                        counters, before = module.Counters(), passed(inside, GROUP[version])
                        outside.send(craft.udp(CLIENT[version], GROUP[version], 5000))
                        name = f"{version} wan={wan} guard={guard}: {what}"
                        if what == "what waited":
                            tap.ok(router.asked(GROUP[version]), f"{name}: waits")
                            router.add(CLIENT[version], GROUP[version], "eth0", "wg0")
                        if guard == "off":
                            tap.ok(wait.until(lambda was=before, link=inside, group=GROUP[version]: passed(link, group) == was + 1), f"{name}: passes")
                        else:
                            wait.until(lambda seen=counters, by=version: seen.gained(by))
                            tap.equal((counters.gained(version), passed(inside, GROUP[version]) - before),
                                      ({"dropped_forward": 1}, 0), f"{name}: is dropped")


@case.case
def the_mss():
    load()
    HOME.ip("link set wg0 mtu 1300\n")
    try:
        for version in topo.ip_versions():
            narrow = 1300 - HEADERS[version]
            with wire.Link(t.internet, "to_eth0") as near, wire.Link(t.relay, "wg0") as far:
                tap.equal((traffic.tcp(t.internet, PROXY[version], TCP, CLIENT[version]).server,
                           traffic.tcp(t.relay, INTERNET[version], 25).server), ("relay", "internet"), f"{version}: connect")
                for link, way, name in ((far, "in", "the relay"), (near, "in", "the internet")):
                    told = wait.until(lambda link=link, way=way: link.announced(way, wire.SYN, wire.SYN | wire.RST))
                    tap.equal(told, [narrow] * 2, f"{version}: SYN and SYN-ACK to {name}")
    finally:
        HOME.ip("link set wg0 mtu 1500\n")


@case.case
def forged_as_a_former_relays():
    """It causes no reset: packets from the WAN side are not trusted."""
    for version in topo.ip_versions():
        load()
        module.configure(**settings(OTHER, ports="chatmail,turn"))
        counters = module.Counters()
        with wire.Link(t.internet, "to_eth0", gateway="eth0") as near, wire.Link(t.relay, "wg0") as far:
            near.send(craft.tcp(RELAY[version], INTERNET[version], 47000, wire.ACK, sport=TCP))
            tap.ok(wait.until(lambda c=counters, v=version: c.gained(v).get("dropped_stale")), f"{version}: dropped")
            # These arrive after whatever was sent because of it.
            traffic.tcp(t.internet, PROXY[version], TCP, CLIENT[version])
            traffic.tcp(t.relay, INTERNET[version], 25)
            tap.equal([packet.dst for link in (near, far) for _, packet, _ in link.segments("in", wire.RST, wire.RST)], [],
                      f"{version}: no reset")
        module.unload()


@case.case
def own_connections():
    """Connections of the proxy from within the VRF keep their source address."""
    load()
    for version in topo.ip_versions():
        counters = module.Counters()
        with HOME.socket(net.family_of(INTERNET[version]), socket.SOCK_STREAM) as sock:
            sock.settimeout(5)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"red")
            sock.bind((PROXY2[version], 0))
            sock.connect((INTERNET[version], 25))
            tap.equal(sock.recv(200).split()[1].decode(), PROXY2[version], f"{version}: the source that the internet sees")
        tap.equal(counters.gained(version), {}, f"{version}: nothing counts")


@case.case
def a_named_address():
    """The stack looks up the routes of a VRF: a relay with a local address there is served with conntrack, also a later address."""
    for version in topo.ip_versions():
        for own in (PROXY2[version], ABSENT[version]):
            module.load(**{**settings(ports="chatmail,turn", engine="auto"), topo.SETTING[version]: f"{RELAY[version]}@{own}"})
            tap.equal(module.engines().get(RELAY[version]), "tracked: no local address for it yet, or one in a VRF",
                      f"{version} {own}: engines says so")
            tap.equal(traffic.tcp(t.internet, own, TCP, CLIENT[version]), Seen("relay", CLIENT[version], TCP),
                      f"{version} {own}: served")
            module.unload()


case.run(setup, topo.EVERY_RELAY)
