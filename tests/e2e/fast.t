#!/usr/bin/python3
# vm: --timeout 600
"""Tracked connections on the fast path: which take it, that connection tracking stays right, and what ends it."""

import os
import socket
import sys
import time

os.environ["CHATDNAT_ENGINE"] = "tracked"
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
# pylint: disable=wrong-import-position
from lib import case, conntrack, module, tap, topo, traffic, wait, wire
from lib.topo import CLIENT, HOME, PROXY, RELAY, settings
from lib.traffic import Connection, Flow

TCP, UDP = 993, 3478
DATA = 3000000

t = relay = None


def setup():
    global t, relay
    t = topo.Topology()
    relay = traffic.Host("relay", t.relay).tcp(25, TCP).udp(UDP)
    traffic.Host("other", t.other).tcp(25, TCP)
    traffic.Host("public", t.public).tcp(25, TCP).udp(UDP)
    traffic.Host("world", t.internet).tcp(25)


def load(**changes):
    module.load(**settings(**{"ports": "chatmail,turn", "fast": "on", **changes}))


class Watch:
    """Packets that the stack sees, of TCP or UDP."""

    def __init__(self, protocol="tcp"):
        self._protocol = protocol

    def __enter__(self):
        HOME.nft("table inet watch { counter seen { }\n chain c { type filter hook prerouting priority -310;\n"
                 f"meta l4proto {self._protocol} counter name seen\n }}\n}}\n")
        return self

    def __exit__(self, *_):
        HOME.nft("delete table inet watch\n")

    def packets(self):
        return int(HOME.run("nft", "list", "counter", "inet", "watch", "seen").split("packets ")[1].split()[0])


def fastpath(version):
    """The state of a family: on or off, and what the file says of it."""
    lines = dict(line.split(" ", 1) for line in module.read("fastpath").splitlines())
    return lines[version].split(": ", 1)


def settled(version, state):
    return wait.until(lambda: fastpath(version)[0] == state)


@case.case
def taken():
    """Both directions of what comes in and of what the relay opens: the stack sees the first packets and the last."""
    load()
    for version in topo.ip_versions():
        for name, connect in (("in", lambda v=version: Connection(t.internet, PROXY[v], TCP, CLIENT[v])),
                              ("out", lambda v=version: Connection(t.relay, topo.INTERNET[v], 25))):
            # Neighbours are learnt on the path through the stack.
            connect().close()
            with Watch() as watch:
                with connect() as connection:
                    tap.ok(connection.echo(os.urandom(DATA)), f"{version} {name}: {DATA} bytes come back whole")
                    before = watch.packets()
                    tap.ok(before < 20, f"{version} {name}: and passed by the stack: {before} packets seen")
                    tap.ok(connection.echo(os.urandom(DATA)), f"{version} {name}: and again")
                    tap.ok(watch.packets() - before < 10, f"{version} {name}: {watch.packets() - before} packets seen")
                    tap.equal(fastpath(version)[0], "on", f"{version}: the file says so")
                    tap.diag(module.read("fastpath"))


@case.case
def datagrams():
    """A flow of datagrams, of which connection tracking sees one now and then until it takes it for a stream."""
    load()
    for version in topo.ip_versions():
        with Flow(t.internet, PROXY[version], UDP, CLIENT[version]) as flow:
            flow.ask()
            flow.ask()
            with Watch("udp") as watch:
                good = [flow.ask(b"%d" % n) for n in range(200)]
                tap.ok(all((answer.server, answer.peer) == ("relay", CLIENT[version]) for answer in good), f"{version}: 200 answers")
                tap.ok(watch.packets() < 40, f"{version}: {watch.packets()} packets seen by the stack")


@case.case
def a_relay_with_a_public_address():
    """Masqueraded, in and out by one interface."""
    load(relay=topo.PUBLIC, masquerade="all")
    for version in topo.ip_versions():
        Connection(t.internet, PROXY[version], TCP, CLIENT[version]).close()
        with Watch() as watch, Connection(t.internet, PROXY[version], TCP, CLIENT[version]) as connection:
            tap.ok(connection.echo(os.urandom(DATA)), f"{version}: {DATA} bytes come back whole")
            tap.ok(watch.packets() < 20, f"{version}: {watch.packets()} packets seen by the stack")


@case.case
def beside_chains_of_others():
    """auto: a chain that would be passed by sees the next packet, and all that follow."""
    load(fast="auto")
    for version in topo.ip_versions():
        tap.ok(settled(version, "on"), f"{version}: on where nobody is passed by")
        with Connection(t.internet, PROXY[version], TCP, CLIENT[version]) as connection:
            tap.ok(connection.echo(b"x" * DATA), f"{version}: {DATA} bytes come back")
            HOME.nft("table inet other {\nchain c { type filter hook forward priority 0\n tcp dport 993 drop\n tcp sport 993 drop\n}\n}\n")
            tap.ok(not connection.goes_on(), f"{version}: a chain that drops the next packet does so")
            HOME.nft("delete table inet other\n")
        HOME.nft("table inet other {\nchain c { type filter hook forward priority 0; }\n}\n")
        tap.ok(settled(version, "off"), f"{version}: off beside a chain")
        tap.equal(fastpath(version), ["off", "a chain at forward, priority 0"], f"{version}: and the file says which")
        HOME.nft("delete table inet other\n")
        tap.ok(settled(version, "on"), f"{version}: on again when it is gone")
        HOME.nft("table inet other {\nchain c { type filter hook input priority 0; }\nchain n { type nat hook prerouting priority -100; }\n}\n"
                 "table netdev other {\nchain c { type filter hook ingress device eth0 priority 0; }\n}\n")
        module.set("log", "drops")
        tap.equal(fastpath(version)[0], "on", f"{version}: on beside chains that are not passed by")
        module.set("log", "off")
        HOME.nft("delete table inet other\ndelete table netdev other\n")
        module.set("fast", "off")
        tap.equal(fastpath(version), ["off", "fast=off"], f"{version}: off where it is told to")
        module.set("fast", "auto")


@case.case
def beside_chains_at_any_priority():
    """Also at a priority of one of the kernel's own hooks, here or at another hook."""
    load(fast="auto")
    for hook, priority in (("prerouting", -450), ("prerouting", -400), ("prerouting", -200), ("prerouting", -100), ("prerouting", 100),
                           ("forward", -225), ("forward", -200), ("forward", 100),
                           ("postrouting", -100), ("postrouting", 100), ("postrouting", 225), ("postrouting", 300)):
        HOME.nft(f"table inet other {{\nchain c {{ type filter hook {hook} priority {priority}; }}\n}}\n")
        module.set("log", "drops")
        for version in topo.ip_versions():
            tap.equal(fastpath(version), ["off", f"a chain at {hook}, priority {priority}"], f"{version}: {hook}, {priority}")
        HOME.nft("delete table inet other\n")
        module.set("log", "off")
        tap.equal({fastpath(version)[0] for version in topo.ip_versions()}, {"on"}, f"{hook}, {priority}: on without it")


@case.case
def beside_iptables():
    """The older kind of iptables has its tables at the same hooks."""
    load(fast="auto")
    for version in topo.ip_versions():
        command = {"ipv4": "iptables-legacy", "ipv6": "ip6tables-legacy"}[version]
        try:
            HOME.run(command, "-L")
        except RuntimeError as error:
            tap.skip(f"{version}: {command}", str(error))
            continue
        with Connection(t.internet, PROXY[version], TCP, CLIENT[version]) as connection:
            tap.ok(settled(version, "off"), f"{version}: off beside a table of iptables")
            tap.equal(fastpath(version), ["off", "a chain at forward, priority 0"], f"{version}: and the file says which")
            HOME.run(command, "-A", "FORWARD", "-j", "DROP")
            tap.ok(not connection.goes_on(), f"{version}: which sees the packets")
        HOME.run(command, "-F")
        HOME.run("rmmod", {"ipv4": "iptable_filter", "ipv6": "ip6table_filter"}[version])
        tap.ok(settled(version, "on"), f"{version}: on again when it is gone")


@case.case
def told_when_it_ends():
    """Both ends of an idle connection that has taken the fast path are reset when the relay changes: the numbers are right."""
    load()
    for version in topo.ip_versions():
        with Connection(t.internet, PROXY[version], TCP, CLIENT[version]) as connection:
            connection.echo(os.urandom(DATA))
            module.set(topo.SETTING[version], topo.OTHER[version])
            tap.equal(connection.fate(), "reset", f"{version}: an idle client is told")
        module.set(topo.SETTING[version], RELAY[version])


@case.case
def ended_by_conntrack():
    """conntrack -D ends it: what follows is no longer translated by the old entry."""
    load(guard="full")
    for version in topo.ip_versions():
        with Connection(t.internet, PROXY[version], TCP, CLIENT[version]) as connection:
            connection.echo(b"x" * DATA)
            module.set("enabled", "0")
            tap.ok(connection.goes_on(), f"{version}: drained, a live one goes on")
            conntrack.flush()
            connection.sock.settimeout(2)
            tap.ok(not connection.goes_on(), f"{version}: deleted, it does not")
            module.set("enabled", "1")


def passed_by(version):
    """Whether a new connection passes by the stack, both ways."""
    with Connection(t.internet, PROXY[version], TCP, CLIENT[version]) as connection, Watch() as watch:
        return connection.echo(os.urandom(DATA)) and watch.packets() < 20


@case.case
def an_interface_that_comes_later():
    """The WAN interface of a boot, of a redial."""
    HOME.ip("link del eth0\n")
    load()
    for turn in ("created after the load", "created again"):
        t.add_wan()
        t.settle_wan()
        for version in topo.ip_versions():
            tap.ok(wait.until(lambda version=version: passed_by(version), 30), f"{version}: {turn}")
        if turn == "created after the load":
            HOME.ip("link del eth0\n")


def tracked(connection):
    """Whether conntrack has it."""
    return any((entry.orig.src, entry.orig.sport) == (connection.address, connection.port) for entry in conntrack.entries())


def unacknowledged(connection):
    """What conntrack takes for data without an acknowledgment, for which it shortens its timeout."""
    return [flags & conntrack.UNACKNOWLEDGED for entry in conntrack.entries() if entry.orig.sport == connection.port
            for flags in entry.flags]


@case.case
def acknowledgments():
    """Conntrack knows that what it saw was acknowledged, though the acknowledgments passed by."""
    load()
    for version in topo.ip_versions():
        for turn in range(5):
            with Connection(t.internet, PROXY[version], TCP, CLIENT[version]) as connection:
                connection.echo(b"x" * DATA)
                tap.ok(wait.until(lambda connection=connection: unacknowledged(connection) == [0, 0]), f"{version} {turn}: all")


@case.case
def strays():
    """A segment that conntrack does not accept does not keep a connection that has ended."""
    load()
    states = ("close_wait", "fin_wait", "last_ack", "time_wait", "close")
    before = {state: HOME.run("cat", f"/proc/sys/net/netfilter/nf_conntrack_tcp_timeout_{state}").strip() for state in states}
    HOME.sysctl(**{f"netfilter__nf_conntrack_tcp_timeout_{state}": 4 for state in states})
    for version in topo.ip_versions():
        with Connection(t.internet, PROXY[version], TCP, CLIENT[version]) as connection, \
             wire.Link(t.internet, "to_eth0", gateway="eth0") as link:
            connection.echo(b"x" * DATA)
            tap.ok(tracked(connection), f"{version}: conntrack has it")
            connection.sock.close()
            src, dst = connection.address, PROXY[version]
            stray = wire.ip(src, dst, socket.IPPROTO_TCP, wire.tcp(src, dst, connection.port, TCP, flags=wire.ACK, seq=1, ack=1))
            # Conntrack would accept a reset in answer to it.
            t.relay.nft("table inet mute {\nchain c { type filter hook output priority 0; tcp flags & rst == rst drop; }\n}\n")
            for _ in range(12):
                link.send(stray)
                time.sleep(0.2)
            tap.ok(wait.until(lambda connection=connection: not tracked(connection), 20), f"{version}: it forgets it soon after its end")
            t.relay.nft("delete table inet mute\n")
    HOME.sysctl(**{f"netfilter__nf_conntrack_tcp_timeout_{state}": value for state, value in before.items()})


case.run(setup, topo.EVERY_RELAY, seconds=120)
