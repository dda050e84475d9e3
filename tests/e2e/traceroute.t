#!/usr/bin/python3
"""Traceroute through the proxy: which hop sends "time exceeded", and which packet the error quotes."""

import os
import socket
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
# pylint: disable=wrong-import-position
from lib import case, module, net, tap, topo, traffic, wait, wire
from lib.topo import CLIENT, HOME, INTERNET, PROXY, settings

# The relay is one hop behind the tunnel's far end.
DEEP = {"ipv4": "10.9.5.2", "ipv6": "fd00:9:5::2"}
HOP = {"ipv4": "10.9.5.1", "ipv6": "fd00:9:5::1"}
EXCEEDED = {"ipv4": 11, "ipv6": 3}
ICMP = {"ipv4": socket.IPPROTO_ICMP, "ipv6": socket.IPPROTO_ICMPV6}
TCP, UDP = 993, 3478

t = deep = None


def setup():
    global t, deep
    t = topo.Topology(relays=("relay",))
    deep, = net.create("deep")
    t.relay.sysctl(ipv4__ip_forward=1, ipv6__conf__all__forwarding=1, ipv4__icmp_ratelimit=0, ipv6__icmp__ratelimit=0)
    t.relay.ip("link add to_deep type veth peer name eth0 netns deep\naddr add 10.9.5.1/24 dev to_deep\n"
               "-6 addr add fd00:9:5::1/64 dev to_deep nodad\nlink set to_deep up\n")
    deep.ip("link set lo up\naddr add 10.9.5.2/24 dev eth0\n-6 addr add fd00:9:5::2/64 dev eth0 nodad\n"
            "link set eth0 up\nroute add default via 10.9.5.1\n-6 route add default via fd00:9:5::1\n")
    HOME.ip("route add 10.9.5.0/24 via 10.9.0.2\n-6 route add fd00:9:5::/64 via fd00:9::2\n")
    traffic.Host("deep", deep).tcp(TCP).udp(UDP)
    traffic.Host("internet", t.internet).tcp(25).udp(53)


def probe(version, kind, src, dst, hops, sport, ports=(TCP, UDP)):
    if kind == "tcp":
        return wire.ip(src, dst, socket.IPPROTO_TCP, wire.tcp(src, dst, sport, ports[0], b"\2\4\5\xb4"), hops=hops)
    if kind == "udp":
        return wire.ip(src, dst, socket.IPPROTO_UDP, wire.udp(src, dst, sport, ports[1]), hops=hops)
    return wire.ip(src, dst, ICMP[version], wire.echo_request(src, dst, sport), hops=hops)


def exceeded(link, version, sport, kind):
    """The errors about one probe, known by its source port or, of an echo request, by its identifier."""
    found = []
    for error in link.errors("in"):
        own = error.sport if kind != "icmp" else int.from_bytes(error.ip.body[4:6], "big")
        if error.type == EXCEEDED[version] and own == sport:
            found.append(error)
    return found


def answered(link, version, kind, src, sport):
    """Whether the last hop itself has answered the probe."""
    for frame in link.frames("in"):
        packet = wire.parse_ip(frame.data)
        if not packet or packet.dst != src:
            continue
        if kind == "icmp" and packet.proto == ICMP[version] and packet.body[0] in (0, 129) and \
                int.from_bytes(packet.body[4:6], "big") == sport:
            return packet.src
        if kind != "icmp" and packet.proto == {"tcp": 6, "udp": 17}[kind] and \
                int.from_bytes(packet.body[2:4], "big") == sport:
            return packet.src
    return None


@case.case
def from_the_client():
    """Each hop of TCP and UDP probes; the proxy answers echo requests itself."""
    module.load(**settings(DEEP, ports="chatmail,turn"))
    for via in ("", "wg0"):
        module.set("via", via)
        name = f" via={via}" if via else ""
        for version in topo.ip_versions():
            src, dst = CLIENT[version], PROXY[version]
            with wire.Link(t.internet, "to_eth0", "eth0") as link:
                for number, kind in enumerate(("tcp", "udp")):
                    for hops in (1, 2, 3):
                        sport = 33000 + 10 * number + hops + (100 if via else 0)
                        link.send(probe(version, kind, src, dst, hops, sport))
                        what = f"{version} {kind}{name}: hop {hops}"
                        if hops == 3:
                            tap.equal(wait.until(lambda k=kind, s=sport, v=version: answered(link, v, k, CLIENT[v], s)),
                                      dst, f"{what} is the relay, under the proxy's address")
                            continue
                        found = wait.until(lambda k=kind, s=sport, v=version: exceeded(link, v, s, k))
                        port = TCP if kind == "tcp" else UDP
                        tap.equal([(error.ip.src, error.ip.dst, error.sport, error.dport) for error in found],
                                  [(src, dst, sport, port)], f"{what} says so, with the client's own probe inside")
                        if hops == 1:
                            tap.equal([error.source for error in found], [dst], f"{what} is the proxy")
                        else:
                            # Conntrack puts the proxy's address in the place of a hop's behind it.
                            tap.equal([error.source for error in found], [dst], f"{what} is behind the proxy")
                link.send(probe(version, "icmp", src, dst, 1, 34000))
                tap.equal(wait.until(lambda v=version: answered(link, v, "icmp", CLIENT[v], 34000)), dst,
                          f"{version} icmp{name}: the proxy answers")


@case.case
def from_the_relay():
    """From the relay: the proxy is a hop, the internet answers, and errors quote the packets as the relay sent them."""
    module.load(**settings(DEEP, ports="chatmail,turn", via="wg0"))
    for version in topo.ip_versions():
        src, dst = DEEP[version], INTERNET[version]
        traffic.tcp(deep, dst, 25)
        with wire.Link(deep, "eth0", "to_deep", t.relay) as link:
            for number, kind in enumerate(("tcp", "udp", "icmp")):
                for hops in (1, 2, 3):
                    sport = 35000 + 10 * number + hops
                    link.send(probe(version, kind, src, dst, hops, sport, (25, 53)))
                    what = f"{version} {kind}: hop {hops}"
                    if hops == 3:
                        tap.equal(wait.until(lambda k=kind, s=sport, v=version: answered(link, v, k, DEEP[v], s)),
                                  dst, f"{what} is the internet")
                        continue
                    found = wait.until(lambda k=kind, s=sport, v=version: exceeded(link, v, s, k))
                    tap.equal([(error.source, error.ip.src, error.ip.dst) for error in found],
                              [({1: HOP, 2: topo.TUNNEL}[hops][version], src, dst)], f"{what}")


@case.case
def beyond_the_internet():
    """An error of a hop further out, about a packet that was masqueraded."""
    far = t.add_far()
    traffic.Host("far", far).tcp(25).udp(53)
    address = {"ipv4": "198.51.100.130", "ipv6": "2001:db8:5::2"}
    module.load(**settings(DEEP, ports="chatmail,turn"))
    for version in topo.ip_versions():
        src, dst = DEEP[version], address[version]
        traffic.tcp(deep, dst, 25)
        with wire.Link(deep, "eth0", "to_deep", t.relay) as link:
            for number, kind in enumerate(("tcp", "udp", "icmp")):
                sport = 36000 + number
                link.send(probe(version, kind, src, dst, 3, sport, (25, 53)))
                found = wait.until(lambda k=kind, s=sport, v=version: exceeded(link, v, s, k))
                tap.equal([(error.source, error.ip.src, error.ip.dst) for error in found],
                          [(INTERNET[version], src, dst)], f"{version} {kind}: the third hop is the internet's router")
        # And a client behind that router, inward.
        with wire.Link(far, "eth0", "to_far", t.internet) as link:
            for number, kind in enumerate(("tcp", "udp")):
                for hops in (1, 2, 3):
                    sport = 37000 + 10 * number + hops
                    link.send(probe(version, kind, dst, PROXY[version], hops, sport))
                    found = wait.until(lambda k=kind, s=sport, v=version: exceeded(link, v, s, k))
                    tap.equal([(error.ip.src, error.ip.dst, error.sport) for error in found],
                              [(dst, PROXY[version], sport)], f"{version} {kind}: hop {hops} of a client further away")


case.run(setup, topo.EVERY_RELAY | set(DEEP.values()))
