#!/usr/bin/python3
# vm: --icount --timeout 1500
"""
No order of packets gets past the guard: whatever comes before it, a SYN opens what it could open as the first packet.
The packets are put on the WAN's wire in bulk, each order from a source port of its own.
With --icount the minutes that it waits for pass at once.
"""

import collections
import itertools
import os
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
# pylint: disable=wrong-import-position
from lib import case, conntrack, craft, module, tap, topo, traffic, wait
from lib.craft import ACK, FIN, RST, SYN
from lib.tally import answer_once, source, swallow_answers
from lib.topo import CLIENT, HOME, OTHER, PROXY, RELAY, settings

# Listened on by the proxy, the relay and a host behind; in neither `ports` nor `allow`.
CLOSED = 2222
TABLE = "chatdnat_sequences"
# Documented in docs/guard.md: for so long the middle of a forwarded connection that nobody tracked passes.
SETTLING = 120

# From the peer or, forged, in the name of the target, which the peer on the WAN puts there with a TTL that ends there.
KINDS = {
    "SYN": lambda peer, port, target: craft.tcp(peer, target, CLOSED, SYN, port),
    "ACK": lambda peer, port, target: craft.tcp(peer, target, CLOSED, ACK, port),
    "signed ACK": lambda peer, port, target: craft.tcp(peer, target, CLOSED, ACK, port, craft.TCP_MD5),
    "SYN+ACK": lambda peer, port, target: craft.tcp(peer, target, CLOSED, SYN | ACK, port),
    "FIN": lambda peer, port, target: craft.tcp(peer, target, CLOSED, FIN | ACK, port),
    "RST": lambda peer, port, target: craft.tcp(peer, target, CLOSED, RST, port),
    "UDP": lambda peer, port, target: craft.udp(peer, target, CLOSED, port),
    "error": lambda peer, port, target: error(peer, target, craft.tcp(target, peer, port, ACK, CLOSED)),
    "forged SYN": lambda peer, port, target: craft.tcp(target, peer, port, SYN, CLOSED, ttl=1),
    "forged SYN+ACK": lambda peer, port, target: craft.tcp(target, peer, port, SYN | ACK, CLOSED, ttl=1),
    "forged ACK": lambda peer, port, target: craft.tcp(target, peer, port, ACK, CLOSED, ttl=1),
    "forged FIN": lambda peer, port, target: craft.tcp(target, peer, port, FIN | ACK, CLOSED, ttl=1),
}
# Those that conntrack takes an entry up for, or moves one on by.
STRONG = ("ACK", "SYN", "FIN", "forged ACK", "forged SYN+ACK", "forged FIN")
ORDERS = [order for length in (1, 2, 3) for order in itertools.product(KINDS, repeat=length)] + \
    list(itertools.product(STRONG, repeat=4))

COUNTERS = ("syn_in", "any_in", "syn_out", "any_out", "answers", "last")
# Of the packet that tells that all before it have been judged.
LAST = 51820
ALLOW = f"ssh,{LAST}/udp"

t = link = relay = None


def error(src, dst, about):
    kind, code = (3, 3) if dst.count(".") else (1, 4)
    return craft.icmp(src, dst, kind, code, b"\0" * 4, about)


def setup():
    global t, link, relay
    t = topo.Topology(relays=("relay", "other"))
    relay, _, _ = [traffic.Host(name, ns).tcp(25, 22, CLOSED).udp(CLOSED)
                   for name, ns in (("relay", t.relay), ("other", t.other), ("proxy", HOME))]
    t.route_what_is_behind()
    swallow_answers(t.internet)
    # What answers again does so seconds later, when another case counts.
    answer_once(HOME, t.relay, t.other)
    # As most distributions have it.
    HOME.sysctl(ipv4__conf__all__rp_filter=1, ipv4__conf__eth0__rp_filter=1)
    link = craft.Link(t.internet)


class Watch:
    """Packets to or from the closed port that pass the guard, and replies that leave."""

    def __enter__(self):
        names = "".join(f"counter {name} {{ }};\n" for name in COUNTERS)
        HOME.nft(f"""table inet {TABLE} {{ {names}
            chain in {{ type filter hook input priority 10; iifname "lo" accept;
              udp dport {LAST} counter name last;
              tcp dport {CLOSED} tcp flags & (syn | ack) == syn counter name syn_in;
              meta l4proto {{ tcp, udp }} th dport {CLOSED} counter name any_in; }};
            chain out {{ type filter hook postrouting priority 10;
              oifname {{ "wg0", "wg1" }} tcp dport {CLOSED} tcp flags & (syn | ack) == syn counter name syn_out;
              oifname {{ "wg0", "wg1" }} meta l4proto {{ tcp, udp }} th dport {CLOSED} counter name any_out;
              oifname "eth0" meta l4proto {{ tcp, udp }} th sport {CLOSED} counter name answers; }}; }}""")
        return self

    def __exit__(self, *_):
        HOME.nft(f"delete table inet {TABLE}")

    @staticmethod
    def passed():
        """{counter: packets} of the counters that are not zero; resets them."""
        listing = HOME.run("nft", "reset", "counters", "table", "inet", TABLE).split("counter ")[1:]
        counts = {each.split(" ", 1)[0]: int(each.split("packets ", 1)[1].split(" ", 1)[0]) for each in listing}
        return {name: count for name, count in counts.items() if count}

    def drained(self, version):
        """Packets keep their order: once the last one arrives, all have been judged. Returns what passed; None if it does not."""
        found = {}

        def all_judged():
            for name, count in self.passed().items():
                found[name] = found.get(name, 0) + count
            return "last" in found
        link.send(craft.udp(source(version, 9999), PROXY[version], LAST))
        if not wait.until(all_judged, 60, 0.1):
            return None
        del found["last"]
        return found


def peers(version):
    """(address, port), never the same again."""
    for number in itertools.count(1):
        for port in range(1025, 60000):
            yield source(version, number), port


def attack(version, target, orders, every_peer):
    """Sends each sequence, then a SYN that would open a connection; {peer: sequence}"""
    tried = {}
    for order in orders:
        peer, port = next(every_peer)
        tried[peer, port] = order
        for kind in order:
            link.send(KINDS[kind](peer, port, target))
        link.send(KINDS["SYN"](peer, port, target))
    return tried


def left(tried):
    """The sequences that leave an entry in conntrack."""
    found = collections.Counter()
    for entry in conntrack.entries():
        for end in ((entry.orig.src, entry.orig.sport), (entry.orig.dst, entry.orig.dport)):
            if end in tried and CLOSED in (entry.orig.sport, entry.orig.dport):
                found[tried[end]] += 1
    return found


def nothing_passes(watch, version, name, target, every_peer):
    tried = attack(version, target, ORDERS, every_peer)
    tap.equal(watch.drained(version), {}, f"{version} {name}: {len(tried)} orders: nothing gets past, nothing is answered")
    tap.equal(left(tried), {}, f"{version} {name}: no entry stays in conntrack")
    conntrack.flush()


@case.case
def to_this_host():
    module.load(**settings(guard="full", allow=ALLOW))
    every_peer = {version: peers(version) for version in topo.ip_versions()}
    with Watch() as watch:
        for version in topo.ip_versions():
            nothing_passes(watch, version, "to the proxy", PROXY[version], every_peer[version])
            tap.equal(traffic.tcp(t.internet, PROXY[version], CLOSED, CLIENT[version], timeout=0.3), "silence",
                      f"{version}: nor does a connection open")
            tap.equal(traffic.tcp(t.internet, PROXY[version], 22, CLIENT[version]).server, "proxy",
                      f"{version}: an allowed one does")


@case.case
def on_entries_from_before():
    """Entries that conntrack made before the guard was enabled do not open connections either."""
    module.load(**settings(guard="off", allow=ALLOW))
    # Entries of peers that said nothing else since.
    orders = [order for order in ORDERS if len(order) < 3]
    every_peer = {version: peers(version) for version in topo.ip_versions()}
    with Watch() as watch:
        for version in topo.ip_versions():
            for name, target in (("the proxy", PROXY[version]), ("a host behind", OTHER[version]), ("the relay", RELAY[version])):
                tried = {}
                module.set("guard", "off")
                for order in orders:
                    peer, port = next(every_peer[version])
                    tried[peer, port] = order
                    for kind in order:
                        link.send(KINDS[kind](peer, port, target))
                tap.ok(watch.drained(version) is not None, f"{version} to {name}: {len(orders)} orders before the guard")
                module.set("guard", "full")
                for peer, port in tried:
                    link.send(KINDS["SYN"](peer, port, target))
                passed = watch.drained(version)
                # An answer to what came before the guard may have been on its way.
                tap.ok(passed is not None and set(passed) <= {"answers"},
                       f"{version} to {name}: no SYN rides on an entry from before: {passed}")
                conntrack.flush()


@case.case
def in_the_name_of_this_host():
    """A forwarded packet with a forged source address of this host is not of a connection older than the guard."""
    module.load(**settings(guard="full", allow=ALLOW))
    with Watch() as watch:
        for version in topo.ip_versions():
            for port, kind in enumerate((ACK, ACK | FIN, RST, SYN), 3000):
                peer = source(version, 88)
                link.send(craft.tcp(PROXY[version], peer, port, ACK, CLOSED))
                link.send(craft.tcp(peer, PROXY[version], CLOSED, kind, port))
            tap.equal(watch.drained(version), {}, f"{version}: what answers it does not enter")
            conntrack.flush()


@case.case
def behind_options():
    """A SYN of a known connection, with its TCP header after IP options or extension headers."""
    module.load(**settings(guard="off", allow=ALLOW))
    with Watch() as watch:
        for version in topo.ip_versions():
            # Where a plain header would have its flags are none.
            more = {"options": b"\1" * 8} if version == "ipv4" else {"extensions": [(craft.DSTOPTS, b"\0\1\4" + bytes(4))]}
            for name, target in (("the proxy", PROXY[version]), ("a host behind", OTHER[version])):
                module.set("guard", "off")
                peer = source(version, 77)
                link.send(craft.tcp(peer, target, CLOSED, ACK, 2000, craft.TCP_MD5))
                link.send(craft.tcp(target, peer, 2000, ACK, CLOSED, ttl=1))
                tap.ok(watch.drained(version) is not None, f"{version} to {name}: an entry that is established")
                module.set("guard", "full")
                counters = module.Counters()
                link.send(craft.tcp(peer, target, CLOSED, SYN, 2000, **more))
                passed = watch.drained(version)
                tap.equal(passed, {}, f"{version} to {name}: the SYN does not pass")
                dropped = "dropped_input" if target == PROXY[version] else "dropped_forward"
                tap.equal(counters.gained(version), {dropped: 1}, f"{version} to {name}: it is counted")
                conntrack.flush()


def continues(watch, version, every_peer):
    """Whether a midstream segment of an untracked connection is forwarded."""
    counters = module.Counters()
    peer, port = next(every_peer)
    link.send(KINDS["ACK"](peer, port, OTHER[version]))
    return watch.drained(version) is None or not counters.gained(version).get("dropped_forward")


@case.case
def forwarded():
    """
    For a time after it was switched on, the middle of forwarded connections passes, and no SYN does. Then nothing. One load
    for all: the time is over once.
    """
    versions = topo.ip_versions()
    every_peer = {version: peers(version) for version in versions}
    targets = (("a host behind", OTHER), ("the relay's closed port", RELAY))
    conntrack.flush()
    open_before = {version: [traffic.Connection(t.internet, OTHER[version], CLOSED, CLIENT[version]) for _ in range(2)]
                   for version in versions}
    begin = time.monotonic()
    module.load(**settings(guard="forward", masquerade="off", allow=ALLOW))
    module.set("guard", "full")
    with Watch() as watch:
        for version in versions:
            tap.ok(open_before[version][0].goes_on(), f"{version}: a connection that nobody tracked goes on")
            orders = [("ACK",), ("signed ACK", "forged ACK"), ("ACK", "forged SYN+ACK"), ("ACK", "forged ACK", "FIN"),
                      ("forged ACK",), ("forged ACK", "ACK"), ("ACK", "forged FIN", "FIN", "ACK")]
            for name, target in targets:
                watch.passed()
                attack(version, target[version], orders * 20, every_peer[version])
                passed = watch.drained(version)
                tap.ok(passed is not None and "syn_out" not in passed, f"{version} {name}: at first no SYN passes: {passed}")
        # Other settings do not begin it anew.
        module.set("mss", "1400")
        over = {}

        def refused():
            module.set("stale", "keep" if module.get("stale") == "flush" else "flush")
            for version in set(versions) - set(over):
                if not continues(watch, version, every_peer[version]):
                    over[version] = time.monotonic() - begin
            return len(over) == len(versions)
        tap.ok(wait.until(refused, SETTLING + 120, 0.5), "that ends")
        tap.ok(all(SETTLING - 1 < took for took in over.values()), f"not before its time: {over}")
        for version in versions:
            known, unknown = open_before[version]
            tap.ok(known.goes_on(), f"{version}: the connection that went on still does")
            tap.equal(unknown.fate_when_talking(1), "silence", f"{version}: one that speaks only now is not forwarded")
        for version in versions:
            conntrack.flush()
            watch.passed()
            for name, target in targets:
                nothing_passes(watch, version, name, target[version], every_peer[version])
            tap.equal(traffic.tcp(t.internet, PROXY[version], 25, CLIENT[version]).server, "relay",
                      f"{version}: the relay is reached")
            for connection in open_before[version]:
                connection.close()


@case.case
def a_former_relay_under_strict():
    """Its segments on an ended connection are refused, as all that it opens; both endpoints get a reset all the same."""
    versions = topo.ip_versions()
    every_peer = {version: peers(version) for version in versions}
    module.load(**settings(guard="strict", allow=ALLOW))
    with Watch() as watch:
        for version in versions:
            tap.ok(wait.until(lambda v=version: not continues(watch, v, every_peer[v]), SETTLING + 120, 0.5),
                   f"{version}: the middle of connections is not forwarded any more")
    for version in versions:
        module.configure(**settings(guard="strict", allow=ALLOW))
        with traffic.Connection(t.internet, PROXY[version], 25, CLIENT[version]) as connection:
            end = wait.until(lambda c=connection: relay.connection(c.address, c.port))
            with traffic.without_resets(t.internet, t.relay):
                module.configure(**settings(OTHER, guard="strict", allow=ALLOW))
            counters = module.Counters()
            end.push(b"news from the old relay")
            tap.equal(connection.fate(), "reset", f"{version}: the client, which only listens, is reset")
            tap.ok(wait.until(lambda e=end: e.state == "reset"), f"{version}: so is the old relay")
            tap.equal(counters.gained(version).get("dropped_stale", 0) > 0, True, f"{version}: counted as what it is")


case.run(setup, topo.EVERY_RELAY, seconds=900)
