#!/usr/bin/python3
"""Whoever is left waiting by a change of relay is told, also where its numbers are not known at first."""

import os
import socket
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
# pylint: disable=wrong-import-position
from lib import case, conntrack, module, sniff, tap, topo, traffic, wait
from lib.topo import CLIENT, HOME, OTHER, PROXY, RELAY, settings
from lib.traffic import Connection

PORTS = "imap,imaps"

t = relay = None


def setup():
    global t, relay
    t = topo.Topology(relays=("relay", "other"))
    relay, _ = [traffic.Host(name, ns).tcp(143, 993) for name, ns in (("relay", t.relay), ("other", t.other))]


def versions():
    return topo.ip_versions()


def connect(version):
    connection = Connection(t.internet, PROXY[version], 993, CLIENT[version])
    return connection, wait.until(lambda: relay.connection(connection.address, connection.port))


def to_other():
    module.configure(**settings(OTHER, ports=PORTS))


def unheard():
    """The relay is replaced without resets: as with the stateless engine, or where the resets were lost."""
    with traffic.without_resets(t.internet, t.relay):
        to_other()


def both_are_reset(connection, served, what):
    tap.equal(connection.fate(), "reset", f"{what}: the client, which only listens, is reset")
    tap.ok(wait.until(lambda: served.state != "open"), f"{what}: the old relay's socket ends")
    tap.equal(served.state, "reset", f"{what}: by a reset")


@case.case
def an_old_relay_that_speaks():
    for version in versions():
        for named in (False, True):
            relays = {topo.SETTING[version]: RELAY[version] + f"@{PROXY[version]}" * named}
            what = f"{version}{' with its own address' * named}"
            module.load(**settings(ports=PORTS, **relays))
            connection, served = connect(version)
            with connection, sniff.Sniffer(t.internet, "to_eth0") as outside:
                unheard()
                counters = module.Counters()
                tap.equal(connection.fate(0.3), "silence", f"{what}: nobody tells the client")
                outside.packets()
                served.push(b"news from the old relay")
                both_are_reset(connection, served, f"{what}: once the old relay speaks")
                tap.ok(counters.gained(version).get("dropped_stale"), f"{what}: what it says is dropped and counted")
                seen = {(p.src, p.flags & sniff.RST) for p in outside.packets("in") if p.proto == socket.IPPROTO_TCP}
                tap.equal(seen - {(PROXY[version], sniff.RST)}, set(), f"{what}: only resets, of the address it knows")
            module.unload()


@case.case
def an_old_relay_that_keeps_alive():
    """A keepalive segment has the sequence number before the next expected one."""
    for version in versions():
        module.load(**settings(ports=PORTS))
        connection, served = connect(version)
        with connection:
            unheard()
            served.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 1)
            served.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 1)
            served.sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            both_are_reset(connection, served, f"{version}: once the old relay asks whether it lives")
        module.unload()


def offloaded(version):
    """Loads the module. A connection that a flow table forwards, and the relay's end of it."""
    module.load(**settings(ports=PORTS))
    connection, served = connect(version)
    tap.ok(connection.echo(b"x" * 200000), f"{version}: a connection")
    tap.ok(conntrack.is_offloaded(connection), f"{version}: that is offloaded")
    return connection, served


@case.tracked("without state nothing of it is tracked that could be offloaded")
def an_offloaded_connection():
    """Conntrack does not see segments that a flow table forwards: its sequence numbers are outdated."""
    with topo.flow_table():
        for version in versions():
            connection, served = offloaded(version)
            with connection:
                to_other()
                both_are_reset(connection, served, f"{version}: with another relay")
            module.unload()


def take_over(version, *ends):
    """Has conntrack know a connection as conntrackd hands it over. An acknowledgement that is still under way makes an
    entry of its own."""
    def inserted():
        with HOME:
            subprocess.run(["conntrack", "-D", *ends], capture_output=True, check=False)
            return not subprocess.run(["conntrack", "-I", *ends, "-g", RELAY[version], "--state", "ESTABLISHED",
                                       "-u", "SEEN_REPLY,ASSURED", "-t", "300"], capture_output=True, check=False).returncode
    tap.ok(wait.until(inserted, 20), f"{version}: conntrack takes it over")


@case.tracked("without state nothing of it is tracked that could be offloaded")
def an_offloaded_connection_at_the_unload():
    """Without the module, an answer of the relay's does not lead to a reset."""
    with topo.flow_table():
        for version in versions():
            connection, _ = offloaded(version)
            with connection:
                module.unload()
                tap.equal(connection.fate(), "reset", f"{version}: the client, which only listens, is reset")


@case.tracked("without state nothing is synchronised")
def a_connection_of_another_host_that_failed():
    """conntrackd transfers entries without sequence numbers."""
    for version in versions():
        module.load(**settings(ports=PORTS))
        connection, served = connect(version)
        ends = ("-p", "tcp", "-s", CLIENT[version], "-d", PROXY[version], "--sport", str(connection.port), "--dport", "993")
        with connection:
            tap.ok(connection.echo(b"x" * 20000), f"{version}: a connection")
            take_over(version, *ends)
            to_other()
            both_are_reset(connection, served, f"{version}: with another relay")
        module.unload()


case.run(setup, topo.EVERY_RELAY)
