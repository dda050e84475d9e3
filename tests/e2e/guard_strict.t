#!/usr/bin/python3
"""guard=strict: who enters by any interface is judged. A relay that was broken into gets no further than the internet."""

import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
# pylint: disable=wrong-import-position
from lib import case, conntrack, craft, module, mroute, tap, topo, traffic, wait, wire
from lib.topo import CLIENT, HOME, INTERNET, OTHER, PROXY, RELAY, TUNNEL, TUNNEL2, named, settings
from lib.traffic import Connection, Seen

t = None


def setup():
    global t
    t = topo.Topology(relays=("relay", "other"))
    for name, ns in (("relay", t.relay), ("other", t.other), ("proxy", HOME), ("internet", t.internet)):
        traffic.Host(name, ns).tcp(22, 25, 2222, 8080).udp(53, 3478)
    t.route_what_is_behind()


def dropped(counters, version):
    return {name for name in counters.gained(version) if name.startswith("dropped_")}


def refused(protocol, ns, address, port, what, source=None):
    tap.equal(traffic.ask(protocol, ns, address, port, source, timeout=0.3), "silence", what)


def reaches(protocol, ns, address, port, server, what, source=None):
    answer = traffic.ask(protocol, ns, address, port, source)
    tap.equal(getattr(answer, "server", answer), server, what)


@case.case
def to_this_host():
    module.load(**settings(guard="strict"))
    for version in topo.ip_versions():
        for ns, own in ((t.relay, TUNNEL), (t.other, TUNNEL2)):
            for address in (own[version], PROXY[version]):
                counters = module.Counters()
                reaches("tcp", ns, address, 22, "proxy", f"{version} {ns.name}: tcp 22 of {address} is in allow")
                tap.equal(dropped(counters, version), set(), f"{version} {ns.name}: nothing of that is dropped")
                refused("tcp", ns, address, 2222, f"{version} {ns.name}: tcp 2222 of {address}")
                refused("udp", ns, address, 53, f"{version} {ns.name}: udp 53 of {address}")
                tap.equal(dropped(counters, version), {"dropped_input"}, f"{version} {ns.name}: counted")
        reaches("tcp", t.internet, PROXY[version], 22, "proxy", f"{version}: tcp 22 from the internet", CLIENT[version])
        refused("tcp", t.internet, PROXY[version], 2222, f"{version}: tcp 2222 from the internet", CLIENT[version])
        counters = module.Counters()
        for address in ("127.0.0.1" if version == "ipv4" else "::1", PROXY[version], TUNNEL[version]):
            reaches("tcp", HOME, address, 2222, "proxy", f"{version}: the host to itself at {address}")
        reaches("tcp", HOME, INTERNET[version], 25, "internet", f"{version}: the host to the internet")
        reaches("udp", HOME, RELAY[version], 53, "relay", f"{version}: the host to the relay")
        reaches("tcp", HOME, OTHER[version], 8080, "other", f"{version}: the host to another host behind")
        tap.equal(dropped(counters, version), set(), f"{version}: what the host itself opens is not judged")


@case.case
def forwarded():
    module.load(**settings(guard="strict", ports="chatmail,turn"))
    for version in topo.ip_versions():
        counters = module.Counters()
        tap.equal(traffic.tcp(t.internet, PROXY[version], 25, CLIENT[version]), Seen("relay", CLIENT[version], 25),
                  f"{version}: a client to the relay")
        with Connection(t.internet, PROXY[version], 25, CLIENT[version]) as connection:
            tap.ok(connection.echo(os.urandom(200000)), f"{version}: 200,000 bytes")
        for protocol, port in (("tcp", 25), ("tcp", 2222), ("udp", 53)):
            tap.equal(traffic.ask(protocol, t.relay, INTERNET[version], port), Seen("internet", PROXY[version], port),
                      f"{version}: the relay's own, {protocol} {port}")
        reaches("tcp", t.other, RELAY[version], 25, "relay", f"{version}: from inside to a port of the relay")
        reaches("udp", t.other, RELAY[version], 3478, "relay", f"{version}: from inside to a port of the relay, UDP")
        tap.equal(dropped(counters, version), set(), f"{version}: nothing of that is dropped")
        for protocol, ns, address, port, what in (("tcp", t.relay, OTHER, 8080, "the relay to a host behind"),
                                                  ("udp", t.relay, OTHER, 53, "the relay to a host behind"),
                                                  ("tcp", t.other, RELAY, 8080, "from inside to another port of the relay"),
                                                  ("tcp", t.other, INTERNET, 25, "another host behind to the internet"),
                                                  ("udp", t.other, INTERNET, 53, "another host behind to the internet")):
            refused(protocol, ns, address[version], port, f"{version}: {what}, {protocol} {port}")
        tap.equal(dropped(counters, version), {"dropped_forward"}, f"{version}: counted")
        module.set("guard", "full")
        for ns, address, server in ((t.relay, OTHER, "other"), (t.other, INTERNET, "internet")):
            reaches("tcp", ns, address[version], 8080, server, f"{version} guard=full: {ns.name} to {server}")
        reaches("tcp", t.relay, TUNNEL[version], 2222, "proxy", f"{version} guard=full: the relay to this host")
        module.set("guard", "strict")


@case.case
def replies_through_the_stack():
    """The relay's replies pass, also those with IP options, which do not take the fast path."""
    module.load(**named(guard="strict"))
    with craft.Link(t.relay, "wg0", "wg0") as inside, wire.Link(t.internet, "to_eth0", "eth0") as outside:
        for version in topo.ip_versions():
            more = {"options": b"\1" * 4} if version == "ipv4" else {"extensions": [(craft.DSTOPTS, b"\0\1\4" + bytes(4))]}
            counters = module.Counters()
            inside.send(craft.tcp(RELAY[version], CLIENT[version], 40000, craft.ACK, 25, **more))
            tap.ok(wait.until(lambda v=version: mroute.passed(outside, CLIENT[v], PROXY[v])), f"{version}: it leaves")
            tap.equal(dropped(counters, version), set(), f"{version}: nothing is dropped")
            inside.send(craft.tcp(RELAY[version], OTHER[version], 40000, craft.SYN, 25, **more))
            tap.ok(wait.until(lambda v=version, c=counters: dropped(c, v)), f"{version}: another host behind does not get any")
            tap.equal(dropped(counters, version), {"dropped_forward"}, f"{version}: it is counted")


@case.case
def hairpin():
    module.load(**settings(guard="strict", hairpin="1"))
    for version in topo.ip_versions():
        counters = module.Counters()
        for ns in (t.relay, t.other, HOME):
            reaches("tcp", ns, PROXY[version], 25, "relay", f"{version}: {ns.name} by the public address")
        tap.equal(dropped(counters, version), set(), f"{version}: nothing is dropped")


@case.case
def in_the_relays_name():
    """Packets with its address from another interface may open what the relay may open, and no more; from the WAN nothing."""
    HOME.sysctl(ipv4__conf__all__rp_filter=0, ipv4__conf__wg1__rp_filter=0, ipv4__conf__eth0__rp_filter=0)
    module.load(**settings(guard="strict"))
    with wire.Link(t.internet, "to_eth0", "eth0") as outside:
        for version in topo.ip_versions():
            counters = module.Counters()
            outside.send(craft.tcp(RELAY[version], INTERNET[version], 25))
            tap.ok(wait.until(lambda v=version, c=counters: dropped(c, v)), f"{version}: in the relay's name from the WAN")
            tap.equal(dropped(counters, version), {"dropped_forward"}, f"{version}: is not forwarded")


@case.case
def switched_on_among_live_connections():
    """Connections with a conntrack entry, with a local socket, or forwarded just before continue, from other interfaces too."""
    for tracked in (True, False):
        # By nobody: without relay, guard=off needs no conntrack.
        module.load(**(settings(guard="full", masquerade="off") if tracked else {"wan": "eth0"}))
        conntrack.flush()
        for version in topo.ip_versions():
            module.set("guard", "full" if tracked else "off")
            connections = {"other to this host": Connection(t.other, TUNNEL2[version], 2222),
                           "relay to this host": Connection(t.relay, TUNNEL[version], 8080),
                           "relay to other": Connection(t.relay, OTHER[version], 8080)}
            counters = module.Counters()
            module.set("guard", "strict")
            for name, connection in connections.items():
                tap.ok(connection.goes_on(), f"{version}, tracked {tracked}: {name} continues")
            tap.equal(dropped(counters, version), set(), f"{version}, tracked {tracked}: nothing is dropped")
            for name, connection in connections.items():
                connection.close()
            refused("tcp", t.other, TUNNEL2[version], 2222, f"{version}, tracked {tracked}: no other one opens")
        module.unload()


case.run(setup, topo.EVERY_RELAY)
