#!/usr/bin/python3
"""Interfaces, addresses and routes that arrive under live traffic: older flows would be translated differently now."""

import contextlib
import os
import socket
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
# pylint: disable=wrong-import-position
from lib import case, conntrack, craft, module, tap, topo, trace, traffic, wait, wire
from lib.topo import CLIENT, CLIENT2, HOME, INTERNET, OTHER, PROXY, RELAY, TRANSIT, TUNNEL2, settings
from lib.traffic import Connection, Flow

LATE = {"ipv4": "203.0.113.9", "ipv6": "2001:db8:1::9"}

# Where more is to be done for each than a look.
CHANGES = 10000 if module.ENGINE == "tracked" else 30000
BATCH = 5000

t = proxy = None


def setup():
    global t, proxy
    t = topo.Topology(relays=("relay", "other"))
    for name, ns in (("relay", t.relay), ("other", t.other)):
        traffic.Host(name, ns).tcp(22, 993).udp(3478, 3479)
    proxy = traffic.Host("proxy", HOME).tcp(22, 993).udp(3478)
    traffic.Host("internet", t.internet).tcp(25).udp(53)


def versions():
    return topo.ip_versions()


def rename(old, new):
    HOME.ip(f"link set {old} down\nlink set {old} name {new}\n")
    t.address_wan(new)
    t.settle_wan()


def asked(flow, timeout=0.2):
    """Which server answers within the time, and which client it sees. Asks repeatedly, so that the flow does not expire."""
    try:
        answer = flow.ask(timeout=timeout)
        return answer.server, answer.peer
    except OSError:
        return None


def becomes(flow, server, peer, what):
    last = []

    def there():
        last[:] = [asked(flow)]
        return last == [(server, peer)]
    if not tap.ok(wait.until(there, 20), what):
        tap.diag(f"at last: {last}, and {[e for e in conntrack.entries() if flow.port in (e.orig.sport, e.orig.dport)]}")


def with_tracking(function):
    """A rule that makes conntrack track packets while the module is not loaded."""
    def run():
        HOME.nft("table inet chatdnat_test { chain c { type filter hook prerouting priority 0; ct state new accept; }; }")
        try:
            function()
        finally:
            HOME.nft("delete table inet chatdnat_test")
    run.__name__ = function.__name__
    return run


def traced(function):
    """A case that counts calls in the kernel."""
    def run():
        if trace.available():
            function()
        else:
            tap.skip(function.__name__, "this kernel cannot count calls")
    run.__name__ = function.__name__
    return run


@case.case
def an_interface_is_renamed():
    rename("eth0", "ens9")
    module.load(**settings(ports="imaps,ssh,turn"))
    for version in versions():
        client, query = Flow(t.internet, PROXY[version], 3478, CLIENT[version]), Flow(t.relay, INTERNET[version], 53)
        open_before, ssh = (Connection(t.internet, PROXY[version], port, CLIENT[version]) for port in (993, 22))
        inside = Connection(t.other, TUNNEL2[version], 993)
        with client, query, open_before, ssh, inside:
            tap.equal(asked(client, 5), ("proxy", CLIENT[version]), f"{version}: under its first name, the proxy's own")
            tap.equal(asked(query), None, f"{version}: what the relay asks is not masqueraded, nor answered")
            rename("ens9", "eth0")
            becomes(client, "relay", CLIENT[version], f"{version}: renamed, the flow that never paused is the relay's")
            becomes(query, "internet", PROXY[version], f"{version}: the relay's query is masqueraded")
            tap.equal(open_before.fate_when_told(), "reset", f"{version}: a connection to the proxy is reset")
            tap.ok(ssh.goes_on(), f"{version}: the operator's session continues")
            tap.ok(inside.goes_on(), f"{version}: another interface's too")
        rename("eth0", "ens9")
    rename("ens9", "eth0")


def flows_of(port):
    return [entry.orig for entry in conntrack.entries() if port in (entry.orig.sport, entry.orig.dport)]


@case.case
def a_server_that_replies_late():
    """A reply of this host after its flow was ended would keep the flow here: its entry has the client as its destination."""
    for what, before, after in (
            ("an interface is renamed", lambda: rename("eth0", "ens9"), lambda: rename("ens9", "eth0")),
            ("wan is written", lambda: module.set("wan", "eth7"), lambda: module.set("wan", "eth0"))):
        module.load(**settings(ports="3478-3479/udp"))
        for version in versions():
            before()
            family = socket.AF_INET if version == "ipv4" else socket.AF_INET6
            with traffic.listener(HOME, family, socket.SOCK_DGRAM, 3479) as server, \
                    Flow(t.internet, PROXY[version], 3479, CLIENT[version]) as client, \
                    Flow(HOME, INTERNET[version], 53, PROXY[version], 5002) as query:
                server.settimeout(5)
                client.sock.send(b"?")
                _, peer, _, own = traffic.receive(server)
                after()
                tap.ok(wait.until(lambda c=client: not flows_of(c.port)), f"{what}: {version}: the flow is ended")
                # Longer than any work of the module that was due by now.
                time.sleep(1)
                tap.equal(asked(query, 5), ("internet", PROXY[version]), f"{what}: {version}: a query of this host")
                server.sendmsg([b"proxy\n?"], own, 0, peer)
                tap.ok(client.sock.recv(64), f"{what}: {version}: the late reply arrives")
                client.sock.send(b"?")
                becomes(client, "relay", CLIENT[version], f"{what}: {version}: the flow becomes the relay's")
                tap.ok(flows_of(query.port), f"{what}: {version}: the query's flow is left alone")
        module.unload()


@case.case
def an_address_arrives():
    module.load(**settings(ports="turn"))
    t.internet.ip("".join(f"route add {LATE[version]} via {PROXY[version]}\n" for version in versions()))
    for version in versions():
        with Flow(t.internet, LATE[version], 3478, CLIENT[version]) as client:
            asked(client)
            tap.ok(wait.until(lambda v=version: [e for e in conntrack.entries() if e.orig.dst == LATE[v]]),
                   f"{version}: a flow to an address that is nobody's yet")
            HOME.ip(f"addr add {LATE[version]}/{'24' if version == 'ipv4' else '64 nodad preferred_lft 0'} dev eth0\n")
            becomes(client, "relay", CLIENT[version], f"{version}: once the proxy has it, the flow is the relay's")
        HOME.ip(f"addr del {LATE[version]}/{'24' if version == 'ipv4' else '64'} dev eth0\n")
    t.internet.ip("".join(f"route del {LATE[version]}\n" for version in versions()))


def untranslated(flow):
    return any(flow.port in (entry.orig.sport, entry.orig.dport) and not entry.status & (conntrack.SRC_NAT | conntrack.DST_NAT)
               for entry in conntrack.entries())


def for_a_moment(away, back, flow, what):
    """A flow that began between two commands of `ip` does not stay as it began. They are over before the module looks."""
    with HOME:
        ip = subprocess.Popen(["ip", "-batch", "-"], stdin=subprocess.PIPE, text=True)
    with contextlib.ExitStack() as stack:
        def begins():
            one = stack.enter_context(flow())
            one.sock.send(b"?")
            return one if untranslated(one) else None
        with ip:
            ip.stdin.write(away)
            ip.stdin.flush()
            begun = wait.until(begins, 10)
            ip.stdin.write(back)
        if tap.ok(begun, f"{what[-1]}: it begins"):
            becomes(begun, *what)


@case.case
def an_address_is_away_for_a_moment():
    """Before the module looks, all is as it was: only the flows that began meanwhile differ."""
    module.load(**settings(ports="turn"))
    t.internet.ip("".join(f"route add {LATE[version]} via {PROXY[version]}\n" for version in versions()))
    for version in versions():
        address = f"{LATE[version]}/{'24' if version == 'ipv4' else '64 nodad preferred_lft 0'} dev eth0\n"
        HOME.ip(f"addr add {address}")
        with Flow(t.internet, LATE[version], 3478, CLIENT[version]) as client:
            becomes(client, "relay", CLIENT[version], f"{version}: the address is the proxy's")
        for_a_moment(f"addr del {address.split()[0]} dev eth0\n", f"addr add {address}",
                     lambda v=version: Flow(t.internet, LATE[v], 3478, CLIENT[v]),
                     ("relay", CLIENT[version], f"{version}: a flow that began without it is the relay's"))
        HOME.ip(f"addr del {address.split()[0]} dev eth0\n")
    t.internet.ip("".join(f"route del {LATE[version]}\n" for version in versions()))


@case.case
@with_tracking
def a_default_route_is_away_for_a_moment():
    module.load(**settings(ports="turn"))
    for version in versions():
        for_a_moment(f"route replace default via {OTHER[version]}\n", f"route replace default via {INTERNET[version]}\n",
                     lambda v=version: Flow(t.relay, CLIENT2[v], 53, RELAY[v]),
                     ("internet", PROXY[version], f"{version}: a query that left by another interface is masqueraded"))


@case.case
@with_tracking
def an_address_that_another_host_had():
    """A connection to it, which was forwarded there, would be the relay's now."""
    module.load(**settings(ports="imaps"))
    t.internet.ip("".join(f"route add {LATE[version]} via {PROXY[version]}\n" for version in versions()))
    for version in versions():
        bits = 128 if version == "ipv6" else 32
        t.other.ip(f"addr add {LATE[version]}/{bits} dev lo{' nodad' * (version == 'ipv6')}\n")
        HOME.ip(f"route add {LATE[version]}/{bits} via {OTHER[version]}\n")
        with Connection(t.internet, LATE[version], 993, CLIENT[version]) as connection:
            tap.equal(connection.answer.server, "other", f"{version}: a connection to another host")
            HOME.ip(f"addr add {LATE[version]}/{bits} dev eth0{' nodad' * (version == 'ipv6')}\n")
            tap.equal(connection.fate(), "reset", f"{version}: once the address is the proxy's, it is reset")
        HOME.ip(f"addr del {LATE[version]}/{bits} dev eth0\nroute del {LATE[version]}/{bits} via {OTHER[version]}\n")
        t.other.ip(f"addr del {LATE[version]}/{bits} dev lo\n")
    t.internet.ip("".join(f"route del {LATE[version]}\n" for version in versions()))


@case.case
@traced
@with_tracking
def a_default_route_arrives_under_a_connection():
    module.load(**settings(ports="turn"))
    for version in versions():
        bits = 128 if version == "ipv6" else 32
        t.other.ip(f"addr add {CLIENT2[version]}/{bits} dev lo{' nodad' * (version == 'ipv6')}\n")
        with trace.calls("chatdnat_survey_take") as calls:
            HOME.ip(f"route replace default via {OTHER[version]}\n")
            # Two looks follow a burst of events.
            tap.ok(wait.until(lambda c=calls: c.counts()["chatdnat_survey_take"] > 1), f"{version}: another default route")
        with Connection(t.relay, CLIENT2[version], 993, RELAY[version]) as connection:
            tap.equal(connection.answer.peer, RELAY[version], f"{version}: a connection of the relay's by another interface")
            HOME.ip(f"route replace default via {INTERNET[version]}\n")
            tap.equal(connection.fate(), "reset", f"{version}: once the route leads out by the WAN, it is reset")
        t.other.ip(f"addr del {CLIENT2[version]}/{bits} dev lo\n")


@case.case
@with_tracking
def a_default_route_arrives():
    module.load(**settings(ports="turn"))
    for version in versions():
        with Flow(t.relay, CLIENT2[version], 53, RELAY[version], 5000) as query:
            HOME.ip(f"route replace default via {OTHER[version]}\n")
            asked(query)
            tap.ok(wait.until(lambda v=version: [e for e in conntrack.entries() if e.orig.src == RELAY[v]
                                                 and e.orig.sport == 5000]),
                   f"{version}: a query of the relay's leaves by another interface")
            HOME.ip(f"route replace default via {INTERNET[version]}\n")
            becomes(query, "internet", PROXY[version], f"{version}: once the route leads out by the WAN, it is masqueraded")


@case.case
@with_tracking
def the_middle_of_a_relays_connection_before_the_load():
    """No client got a reply from the relay's inside address, so no reset is sent from that."""
    for version in versions():
        with wire.Link(t.internet, "to_eth0", gateway="eth0") as outside, wire.Link(t.relay, "wg0", gateway="wg0") as inside:
            inside.send(craft.tcp(RELAY[version], CLIENT[version], 47000, wire.ACK, sport=993))
            tap.ok(wait.until(lambda v=version: [e for e in conntrack.entries() if e.orig.src == RELAY[v]
                                                 and e.orig.sport == 993]), f"{version}: known, and not masqueraded")
            module.load(**settings(ports="imaps"))
            tap.ok(wait.until(lambda v=version: not [e for e in conntrack.entries() if e.orig.src == RELAY[v]
                                                     and e.orig.sport == 993]), f"{version}: ended by the load")
            # It arrives after whatever was sent because of it.
            traffic.tcp(t.internet, PROXY[version], 993, CLIENT[version])
            tap.equal([packet.src for _, packet, _ in outside.segments("in", wire.RST, wire.RST)
                       if packet.src == RELAY[version]], [], f"{version}: no reset leaves with the inside address")
        module.unload()


@case.case
@with_tracking
def what_was_not_masqueraded_before_the_load():
    HOME.nft("table inet others { chain c { type nat hook postrouting priority 100;\nudp dport 53 udp sport 5001 "
             "masquerade\n}\n}\n")
    try:
        for version in versions():
            with Flow(t.relay, INTERNET[version], 53, RELAY[version], 5000) as query, \
                    Flow(t.relay, INTERNET[version], 53, RELAY[version], 5001) as others, \
                    Flow(HOME, INTERNET[version], 53, PROXY[version], 5002) as own:
                tap.equal(asked(query), None, f"{version}: before the load, the relay's query is not masqueraded")
                tap.equal([asked(others, 5), asked(own, 5)], [("internet", PROXY[version])] * 2,
                          f"{version}: another table's masquerading, and the proxy's own query")
                module.load(**settings(ports="turn"))
                becomes(query, "internet", PROXY[version], f"{version}: after the load it is")
                tap.equal([asked(others, 5), asked(own, 5)], [("internet", PROXY[version])] * 2, f"{version}: the others continue")
                tap.equal(module.stats(version)["masqueraded"], 1, f"{version}: and are left alone")
            module.unload()
    finally:
        HOME.nft("delete table inet others")


@case.case
@with_tracking
def what_masquerading_begins_with():
    """A write of `masquerade` is such a change too."""
    module.load(**settings(ports="turn", masquerade="off"))
    for version in versions():
        module.set("masquerade", "off")
        with Flow(t.relay, INTERNET[version], 53, RELAY[version], 5000) as query:
            tap.equal(asked(query), None, f"{version}: masquerade=off: not masqueraded")
            module.set("masquerade", "wan")
            becomes(query, "internet", PROXY[version], f"{version}: masquerade=wan: it is")


@case.case
def kept_or_drained():
    """Flows that are to stay are not ended."""
    for changes, why in (({"stale": "keep"}, "stale=keep"), ({"enabled": "0"}, "enabled=0")):
        rename("eth0", "ens9")
        module.load(**settings(ports="turn", **changes))
        flows = [Flow(t.internet, PROXY[version], 3478, CLIENT[version]) for version in versions()]
        for version, flow in zip(versions(), flows):
            tap.equal(asked(flow, 5), ("proxy", CLIENT[version]), f"{why} {version}: the proxy's own")
        rename("ens9", "eth0")
        # The look at what has changed is behind this: it takes the same lock, and comes first.
        HOME.ip("addr add 192.0.2.99/32 dev eth0\n")
        tap.ok(not wait.until(lambda f=flows: [True for flow in f if (asked(flow, 5) or ["?"])[0] != "proxy"], 1),
               f"{why}: it stays so")
        HOME.ip("addr del 192.0.2.99/32 dev eth0\n")
        for flow in flows:
            flow.close()
        module.unload()


def routes(action, number):
    """Adds N routes towards the other relay, half of them of each family."""
    each = number // len(versions())
    HOME.ip("".join(f"route {action} 100.{64 + n // 65536}.{n // 256 % 256}.{n % 256}/32 via {OTHER['ipv4']}\n"
                    for n in range(each)) +
            "".join(f"-6 route {action} 2001:db8:99::{n // 65536:x}:{n % 65536:x}/128 via {OTHER['ipv6']}\n"
                    for n in range(each)))


@case.case
@traced
def a_flood_of_routes():
    """A full routing table changes nothing for the module: it looks ten times a second, and allocates and walks nothing."""
    module.load(**settings(ports="imaps,turn"))
    connections = [Connection(t.internet, PROXY[version], 993, CLIENT[version], timeout=30) for version in versions()]
    engines, broken = module.engines(), []
    with trace.calls("chatdnat_survey_take", "chatdnat_engine_rebind", "chatdnat_bindings_new", "chatdnat_ingress_set",
                     "chatdnat_flush_misplaced") as calls:
        for first in range(0, CHANGES, BATCH):
            for action in ("add", "del"):
                routes(action, BATCH // 2)
            broken += [first for connection in connections if not connection.goes_on()]
        counts = calls.counts()
        looks = counts.pop("chatdnat_survey_take")
        tap.ok(looks, f"{CHANGES} changes of routes are looked at, {looks} times")
        tap.equal({name: n for name, n in counts.items() if n}, {}, "and nothing is done")
        HOME.ip("addr add 192.0.2.99/32 dev eth0\n")
        tap.ok(wait.until(lambda: calls.counts()["chatdnat_flush_misplaced"]), "an address is something else")
        HOME.ip("addr del 192.0.2.99/32 dev eth0\n")
    tap.equal(broken, [], "connections continue meanwhile")
    tap.ok(wait.until(lambda: module.engines() == engines), "by the same engine")
    for connection in connections:
        connection.close()


@case.case
@traced
def who_reads_engines_waits_for_nobody():
    """Reading `engines` takes neither RTNL nor the lock of the settings."""
    module.load(**settings())
    with trace.calls("chatdnat_engine_show", "chatdnat_active_locked", "chatdnat_eligible_judge") as calls:
        def read():
            before = calls.counts()
            module.engines()
            return [calls.counts()[name] - before[name] for name in calls.functions]
        # What follows the load itself is done within a moment.
        tap.ok(wait.until(lambda: read() == [1, 0, 0]), "engines is read without a look at the settings, or at this host")
    tap.equal({relay.split("@")[0] for relay in module.engines()}, {RELAY[version] for version in versions()},
              "and tells of all relays")


@case.case
@with_tracking
def connections_of_routed_hosts():
    """A host behind the proxy with an address that the internet routes: its connections worked before."""
    # The last case: the kernel remembers that there were rules.
    for rules in (False, True):
        for version in versions():
            if rules:
                HOME.ip_of(version, "rule", "add", "fwmark", "0x77", "lookup", "main", "priority", "100")
            with Connection(t.other, INTERNET[version], 25, TRANSIT[version]) as routed:
                tap.equal(routed.answer.peer, TRANSIT[version], f"{version}: not masqueraded before the load")
                module.load(**settings())
                if rules:
                    tap.ok(routed.goes_on(), f"{version}: with rules, by which it may leave elsewhere, it continues")
                else:
                    tap.equal(routed.fate(), "reset", f"{version}: an inside address that would leave by the WAN: reset")
            module.unload()


@case.case
def connections_to_this_host_by_a_rule():
    """A client behind a tunnel, to which a policy rule only routes replies: its address could as well be on the WAN side."""
    module.load(**settings())
    for version in versions():
        far = {"ipv4": "198.18.0.77", "ipv6": "2001:db8:77::1"}[version]
        t.other.ip_of(version, "addr", "add", far, "dev", "lo", *["nodad"] * (version == "ipv6"))
        HOME.ip_of(version, "route", "add", "default", "via", OTHER[version], "dev", "wg1", "table", "77")
        HOME.ip_of(version, "rule", "add", "ipproto", "tcp", "sport", "993", "lookup", "77", "priority", "100")
        with Connection(t.other, TUNNEL2[version], 993, far) as connection:
            tap.equal(connection.answer.server, "proxy", f"{version}: it is this host's")
            HOME.ip_of(version, "addr", "add", LATE[version], "dev", "eth0")
            tap.equal(connection.fate(1), "silence", f"{version}: an address that arrives at the WAN interface does not end it")
            tap.ok(connection.goes_on(), f"{version}: it continues")
        HOME.ip_of(version, "addr", "del", LATE[version], "dev", "eth0")
        HOME.ip_of(version, "rule", "del", "priority", "100")


case.run(setup, topo.EVERY_RELAY)
