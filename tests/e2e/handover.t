#!/usr/bin/python3
"""A service address that comes and goes: a named RELAY@OWN is served whether this host has OWN at the moment or not."""

import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
# pylint: disable=wrong-import-position
from lib import case, module, sniff, tap, topo, traffic, wait, wire
from lib.topo import CLIENT, CLIENT2, HOME, PROXY, RELAY, settings
from lib.traffic import Connection, Seen

TCP, UDP = 993, 3478
OWN = {"ipv4": "203.0.113.50", "ipv6": "2001:db8:1::50"}
NOBODY = {"ipv4": "203.0.113.60", "ipv6": "2001:db8:1::60"}
BITS = {"ipv4": 32, "ipv6": 128}
CLIENTS = 4

t = relay = None


def setup():
    global t, relay
    t = topo.Topology(relays=("relay",))
    relay = traffic.Host("relay", t.relay).tcp(25, TCP).udp(UDP)
    # Whoever has the service address, clients' packets for it come here: a neighbour that is late, or another proxy.
    t.internet.ip("".join(f"{'-6 ' if version == 'ipv6' else ''}route add {OWN[version]}/{BITS[version]} via {PROXY[version]}\n"
                          for version in topo.ip_versions()))


def load(**changes):
    chosen = {topo.SETTING[version]: f"{RELAY[version]}@{OWN[version]}" for version in topo.ip_versions()}
    module.load(**settings(**{"ports": "chatmail,turn", **chosen, **changes}))


def address(version, how):
    """The service address comes (add) or goes (del)."""
    HOME.ip(f"{'-6 ' if version == 'ipv6' else ''}addr {how} {OWN[version]}/{BITS[version]} dev eth0"
            f"{' nodad' if version == 'ipv6' and how == 'add' else ''}\n")


def served(version, source=CLIENT2):
    return traffic.tcp(t.internet, OWN[version], TCP, source[version])


def well(version, source=CLIENT2):
    return Seen("relay", source[version], TCP)


def push(connection):
    """The relay speaks first."""
    at_relay = wait.until(lambda: relay.connection(connection.address, connection.port))
    at_relay.push(b"news" * 100)
    got = b""
    try:
        while len(got) < 400:
            part = connection.sock.recv(4096)
            if not part:
                return False
            got += part
    except OSError:
        return False
    return got == b"news" * 100


def others(outside):
    """Source addresses of TCP segments on the WAN other than the service's."""
    return {packet.src for packet in outside.packets("out") if packet.proto == 6 and packet.src not in OWN.values()}


@case.case
def it_goes_and_comes():
    """Open connections continue in both directions, whoever sends first; new ones are served. No other address is used."""
    load()
    for version in topo.ip_versions():
        address(version, "add")
        connections = [Connection(t.internet, OWN[version], TCP, CLIENT[version]) for _ in range(CLIENTS)]
        try:
            tap.ok(all(each.goes_on() for each in connections), f"{version}: {CLIENTS} clients are served")
            for how, what in (("del", "gone"), ("add", "there again"), ("del", "gone again"), ("add", "there once more")):
                with sniff.Sniffer(HOME, "eth0") as outside:
                    address(version, how)
                    fates = [push(each) if number % 2 else each.goes_on() for number, each in enumerate(connections)]
                    tap.equal(fates, [True] * CLIENTS, f"{version}: {what}: half of the clients and the relay speak first")
                    tap.ok(all(each.echo(os.urandom(50000)) for each in connections), f"{version}: {what}: all continue")
                    tap.equal(served(version), well(version), f"{version}: {what}: a new connection is served")
                    tap.equal(traffic.udp(t.internet, OWN[version], UDP, CLIENT[version]), Seen("relay", CLIENT[version], UDP),
                              f"{version}: {what}: and so is UDP")
                    tap.equal(others(outside), set(), f"{version}: {what}: no segment leaves with another address")
        finally:
            for each in connections:
                each.close()
            address(version, "del")


@case.case
def it_was_never_here():
    """A standby forwards the connections that reach it."""
    load()
    for version in topo.ip_versions():
        counters = module.Counters()
        with sniff.Sniffer(HOME, "eth0") as outside:
            tap.equal(served(version), well(version), f"{version}: served")
            with Connection(t.internet, OWN[version], TCP, CLIENT[version]) as connection:
                tap.ok(connection.echo(os.urandom(300000)), f"{version}: 300 kB come back whole")
            tap.equal(others(outside), set(), f"{version}: under no other address")
        gained = counters.gained(version)
        tap.equal((gained.get("seen"), gained.get("translated"), gained.get("sent")), (2, 2, 2), f"{version}: and counted")
        if module.ENGINE != "tracked":
            tap.equal(module.engines().get(f"{RELAY[version]}@{OWN[version]}"), "stateless", f"{version}: engines says so")
        # From inside nobody is forwarded, as ever.
        tap.ok(not isinstance(traffic.tcp(t.relay, OWN[version], TCP, timeout=0.5), Seen), f"{version}: not from inside")


@case.case
def by_hairpin():
    """The proxy itself and the relay's neighbours reach the relay under its public address, also while another proxy has OWN."""
    load(hairpin="1")
    for version in topo.ip_versions():
        tap.equal(traffic.tcp(HOME, OWN[version], TCP), Seen("relay", topo.TUNNEL[version], TCP), f"{version}: the proxy itself")
        tap.equal(traffic.tcp(t.relay, OWN[version], TCP), Seen("relay", topo.TUNNEL[version], TCP), f"{version}: the relay")


@case.case
def what_is_not_named():
    """Another address that this host does not have belongs to another host."""
    load()
    for version in topo.ip_versions():
        t.internet.ip(f"{'-6 ' if version == 'ipv6' else ''}route add {NOBODY[version]}/{BITS[version]} via {PROXY[version]}\n")
        counters = module.Counters()
        try:
            tap.ok(not isinstance(traffic.tcp(t.internet, NOBODY[version], TCP, timeout=0.5), Seen), f"{version}: not served")
            tap.equal(counters.gained(version).get("seen"), None, f"{version}: nor counted")
        finally:
            t.internet.ip(f"{'-6 ' if version == 'ipv6' else ''}route del {NOBODY[version]}/{BITS[version]}\n")


@case.case
def a_client_that_is_not_there():
    """The relay is told about its own packet, although the error is first addressed to an address that is elsewhere."""
    load()
    for version in topo.ip_versions():
        src, dst = RELAY[version], NOBODY[version]
        with Connection(t.internet, OWN[version], TCP, CLIENT[version]) as connection, \
                wire.Link(t.relay, "wg0", "wg0") as inside:
            connection.goes_on()
            for port in (40000, 40001):
                inside.send(wire.ip(src, dst, 6, wire.tcp(src, dst, TCP, port, flags=wire.ACK, ack=1)))
            if module.ENGINE == "tracked":
                continue
            tap.ok(wait.until(lambda d=dst, link=inside: {40000, 40001} <= {
                error.dport for error in link.errors("in") if error.ip.dst == d}, 10), f"{version}: the relay is told")
    if module.ENGINE == "tracked":
        tap.skip("errors about packets without a connection", "conntrack begins one in its middle")


case.run(setup, topo.EVERY_RELAY)
