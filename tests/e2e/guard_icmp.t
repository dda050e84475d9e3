#!/usr/bin/python3
"""What ICMP the guard lets in by a WAN interface: each type, so many echo requests; and crooked packets."""

import os
import socket
import struct
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
# pylint: disable=wrong-import-position
from lib import case, conntrack, craft, module, tap, topo, traffic, wait
from lib.craft import ACK, AH, DSTOPTS, ESP, FRAGMENT, HOPOPTS, MORE_FRAGMENTS, NONE, ROUTING
from lib.tally import Cells, Tally, answer_once, source, swallow_answers
from lib.topo import CLIENT, HOME, INTERNET, OTHER, PROXY, RELAY, settings
from lib.traffic import Flow, Seen

GUARDED = {"guard": "full", "ports": "chatmail,turn", "allow": "ssh,53/udp"}
ECHO_LIMIT = 100
TCP, UDP = socket.IPPROTO_TCP, socket.IPPROTO_UDP

# RFC 4890, 4.4.1 and 4.4.2, and of IPv4 what corresponds.
ERRORS = {"ipv4": {3, 11, 12}, "ipv6": {1, 2, 3, 4}}
ECHO = {"ipv4": 8, "ipv6": 128}
# Not forwarded: hop limit 255.
NEIGHBOUR = {133, 134, 135, 136, 141, 142, 148, 149}
# On the link: hop limit 1, link-local.
LISTENER = {130, 131, 132, 143, 151, 152, 153}

t = link = None


def setup():
    global t, link
    t = topo.Topology(relays=("relay", "other"))
    for name, ns in (("relay", t.relay), ("other", t.other), ("proxy", HOME), ("internet", t.internet)):
        traffic.Host(name, ns).tcp(22, 25).udp(53, 3478)
    t.route_what_is_behind()
    swallow_answers(t.internet)
    answer_once(t.relay, t.other)
    link = craft.Link(t.internet)


def versions():
    return topo.ip_versions()


def sweep(tally, version, verdict, what, dst=None, **more):
    """All 256 types; verdict() tells whether a type is accepted."""
    link_local = more.pop("link_local", False)
    cells = Cells(version)
    for kind in range(256):
        cells.add(f"type {kind}", "entered" if verdict(kind) else "dropped_input",
                  lambda src, k=kind: craft.icmp(src, dst or PROXY[version], k, payload=b"\0" * 40, **more),
                  link_local=link_local)
    tally.judge(link, version, cells.cells, what)


@case.case
def every_type_from_anywhere():
    module.load(**settings(**GUARDED))
    with Tally() as tally:
        for version in versions():
            admitted = ERRORS[version] | {ECHO[version]}
            sweep(tally, version, lambda kind, a=admitted: kind in a, "from anywhere")
        sweep(tally, "ipv4", lambda kind: kind in ERRORS["ipv4"] | {8}, "hop limit 255", ttl=255)


@case.case
def every_type_of_a_neighbour():
    module.load(**settings(**GUARDED))
    everywhere = ERRORS["ipv6"] | {ECHO["ipv6"]}
    with Tally() as tally:
        sweep(tally, "ipv6", lambda kind: kind in everywhere | NEIGHBOUR, "hop limit 255", ttl=255)
        sweep(tally, "ipv6", lambda kind: kind in everywhere, "hop limit 254, link-local", ttl=254, link_local=True)


@case.case
def every_type_on_the_link():
    module.load(**settings(**GUARDED))
    everywhere = ERRORS["ipv6"] | {ECHO["ipv6"]}
    with Tally() as tally:
        sweep(tally, "ipv6", lambda kind: kind in everywhere | LISTENER, "hop limit 1, link-local", dst="ff02::1",
              ttl=1, link_local=True, extensions=[(HOPOPTS, craft.ROUTER_ALERT)])
        sweep(tally, "ipv6", lambda kind: kind in everywhere, "hop limit 1, global", ttl=1)
        cells = Cells("ipv6")
        for kind in sorted(LISTENER):
            cells.add(f"type {kind}, hop limit 2", "dropped_input",
                      lambda src, k=kind: craft.icmp(src, "ff02::1", k, payload=b"\0" * 20, ttl=2), link_local=True)
        # One who has no address yet.
        cells.add("report from the unspecified address", "entered",
                  lambda src: craft.icmp(src, "ff02::1", 143, payload=b"\0" * 20, ttl=1), src="::")
        tally.judge(link, "ipv6", cells.cells, "listeners")


@case.case
def discovery_at_work():
    """Neighbour and router discovery by the kernel."""
    module.load(**settings(**GUARDED))
    with Tally() as tally:
        cells = Cells("ipv6")
        target = craft.packed(PROXY["ipv6"])
        cells.add("solicitation", "entered", lambda src: craft.icmp(
            src, "ff02::1:ff00:1", 135, rest=b"\0" * 4, payload=target + b"\1\1\2\0\0\0\0\1", ttl=255), link_local=True)
        cells.add("for address detection", "entered", lambda src: craft.icmp(
            src, "ff02::1:ff00:1", 135, rest=b"\0" * 4, payload=target, ttl=255), src="::")
        cells.add("router solicitation", "entered",
                  lambda src: craft.icmp(src, "ff02::2", 133, rest=b"\0" * 4, ttl=255), link_local=True)
        cells.add("router advertisement", "entered", lambda src: craft.icmp(
            src, "ff02::1", 134, rest=b"\x40\0\0\0", payload=b"\0" * 8, ttl=255), link_local=True)
        cells.add("redirect", "dropped_input", lambda src: craft.icmp(
            src, PROXY["ipv6"], 137, rest=b"\0" * 4, payload=craft.packed(src) + target, ttl=255), link_local=True)
        tally.judge(link, "ipv6", cells.cells, "discovery")
    HOME.ip("-6 neigh flush dev eth0\nneigh flush dev eth0\n")
    t.internet.ip("-6 neigh flush dev to_eth0\nneigh flush dev to_eth0\n")
    for version in versions():
        tap.equal(traffic.tcp(t.internet, PROXY[version], 22, CLIENT[version]), Seen("proxy", CLIENT[version], 22),
                  f"{version}: found after neighbours forgot one another")
        tap.equal(traffic.tcp(HOME, INTERNET[version], 25), Seen("internet", PROXY[version], 25), f"{version}: reaches others")


def judged(tally, src, packets):
    """Sends packets, waits until all have been judged, and returns how many were accepted."""
    before = tally.packets()
    for packet in packets:
        link.send(packet)

    def grown(stage, after):
        return after[stage].get(src, 0) - before[stage].get(src, 0)
    after = {}

    def all_arrived():
        after.update(tally.packets())
        return grown("arrived", after) == len(packets)
    if not wait.until(all_arrived):
        raise RuntimeError("not all arrived")
    return grown("entered", after)


def exhaust(version):
    """Sends echo requests up to the limit, and returns how many exceeded it."""
    src, many = source(version, 4000), 2 * ECHO_LIMIT
    packet = craft.echo(src, PROXY[version])
    with Tally() as tally:
        for _ in range(10):
            entered = judged(tally, src, [packet] * many)
            if entered < many:
                return many - entered
    raise RuntimeError("there is no limit")


def limit_is_free_again(version):
    src = source(version, 4000)
    with Tally() as tally:
        return wait.until(lambda: judged(tally, src, [craft.echo(src, PROXY[version])]) == 1)


def flood(version, sources):
    """How many are accepted and what is counted, from the beginning of a second on."""
    packets = [craft.echo(src, PROXY[version], 77) for src in sources]
    exhaust(version)
    if not limit_is_free_again(version):
        raise RuntimeError("the limit stays")
    conntrack.flush()
    counters = module.Counters()
    with Tally() as tally:
        def count(stage):
            return sum(number for src, number in tally.packets()[stage].items() if src in sources)
        begin = time.monotonic()
        for packet in packets:
            link.send(packet)
        took = time.monotonic() - begin
        wait.until(lambda: count("arrived") == len(packets))
        return count("entered"), counters.gained(version), took


@case.case
def echo_requests_are_limited():
    module.load(**settings(**GUARDED))
    count = 600
    for version in versions():
        for what, sources in (("from everywhere", [source(version, 5000 + n) for n in range(count)]),
                              # Once answered it is a known connection.
                              ("one client's ping", [CLIENT[version]] * count)):
            entered, gained, took = flood(version, sources)
            # The one that found the limit free again counts too.
            tap.ok(ECHO_LIMIT - 1 <= entered <= ECHO_LIMIT * (2 + int(took)),
                   f"{version} {what}: {entered} of {count} echo requests enter in {took:.2f} s")
            tap.equal(gained, {"dropped_echo": count - entered}, f"{version} {what}: the others are counted")


@case.case
def echo_limits_are_apart():
    module.load(**settings(**GUARDED))
    counters = module.Counters()
    beyond = exhaust("ipv4")
    with t.internet:
        done = subprocess.run(["ping", "-c", "1", "-W", "2", PROXY["ipv6"]], capture_output=True, check=False)
    tap.equal(done.returncode, 0, "IPv6 has a limit of its own")
    tap.equal(counters.gained("ipv4"), {"dropped_echo": beyond}, "while that of IPv4 is reached")
    for version in versions():
        counters = module.Counters()
        kind = min(ERRORS[version])
        with Tally() as tally:
            for number in range(300):
                link.send(craft.icmp(source(version, 7000 + number), PROXY[version], kind, 1, payload=b"\0" * 48))
                link.send(craft.echo(source(version, 8000 + number), RELAY[version]))

            def passed(version=version, tally=tally):
                packets = tally.packets()
                return all(packets[stage].get(source(version, first + number)) for number in range(300)
                           for stage, first in (("entered", 7000), ("forwarded", 8000)))
            tap.ok(wait.until(passed), f"{version}: errors, and echo requests to the relay, have no limit")
        done = subprocess.run(["ping", "-q", "-f", "-c", "300", "-W", "2", INTERNET[version]], capture_output=True, text=True,
                              check=False)
        tap.ok(" 0% packet loss" in done.stdout, f"{version}: the host's own pings are answered, 300 of 300")
        tap.equal(counters.gained(version), {}, f"{version}: nothing of it is counted")


def pieces(version, src, dst, data, extensions=()):
    """A UDP datagram in two fragments."""
    cut = 16
    if version == "ipv4":
        return [craft.ip(src, dst, UDP, data[:cut], fragment=MORE_FRAGMENTS), craft.ip(src, dst, UDP, data[cut:], fragment=cut // 8)]
    return [craft.ip(src, dst, UDP, part, extensions=list(extensions) + [(FRAGMENT, struct.pack("!BHI", 0, offset, 0x77))])
            for part, offset in ((data[:cut], 1), (data[cut:], cut))]


@case.case
def fragments():
    module.load(**settings(**GUARDED))
    with Tally() as tally:
        for version in versions():
            cells = Cells(version)
            for name, dst, port, verdict in (
                    ("allowed", PROXY, 53, "entered"), ("not allowed", PROXY, 54, "dropped_input"),
                    ("to the relay's address", RELAY, 3478, "forwarded"), ("forwarded to the relay", PROXY, 3478, "forwarded"),
                    ("to another port of the relay", RELAY, 53, "dropped_forward"), ("to another host", OTHER, 3478, "dropped_forward")):
                cells.add(name, verdict, lambda src, d=dst, p=port, v=version: pieces(
                    v, src, d[v], craft.udp_datagram(src, d[v], p, payload=b"x" * 100)))
            tally.judge(link, version, cells.cells, "in two fragments")
    for version in versions():
        with Flow(t.internet, PROXY[version], 3478, CLIENT[version]) as flow:
            tap.equal(flow.ask(b"y" * 4000).server, "relay", f"{version}: a datagram in several fragments, and its answer")
        with Flow(HOME, INTERNET[version], 53) as flow:
            tap.equal(flow.ask(b"z" * 4000).server, "internet", f"{version}: the host's own")
    # Where tracking, and putting together with it, is switched off for them, they are no one's.
    HOME.nft('table inet chatdnat_test { chain raw { type filter hook prerouting priority -450; iifname "eth0" notrack; }; }')
    try:
        with Tally() as tally:
            for version in versions():
                cells = Cells(version)
                for name, dst in (("to the relay", RELAY), ("to another host", OTHER)):
                    cells.add(name, "dropped_invalid", lambda src, d=dst, v=version: pieces(
                        v, src, d[v], craft.udp_datagram(src, d[v], 3478, payload=b"x" * 100))[:1])
                tally.judge(link, version, cells.cells, "fragments that nobody puts together")
    finally:
        HOME.nft("delete table inet chatdnat_test")


@case.case
def crooked_packets():
    """Headers that are truncated or very long: judged or dropped, without reading beyond the packet."""
    module.load(**settings(log="drops", **GUARDED))
    with Tally() as tally:
        for version in versions():
            own, relay, cells = PROXY[version], RELAY[version], Cells(version)
            for dst in (own, relay):
                for size in (0, 1, 3, 8, 13, 19):
                    cells.add(f"TCP header of {size} bytes to {dst}", "dropped_invalid", lambda src, d=dst, n=size, v=version:
                              craft.ip(src, d, TCP, craft.tcp_segment(src, d, 22)[:n]))
                for size in (0, 1, 7):
                    cells.add(f"UDP header of {size} bytes to {dst}", "dropped_invalid", lambda src, d=dst, n=size, v=version:
                              craft.ip(src, d, UDP, craft.udp_datagram(src, d, 53)[:n]))
                icmp = socket.IPPROTO_ICMP if version == "ipv4" else socket.IPPROTO_ICMPV6
                cells.add(f"ICMP header of 0 bytes to {dst}", "dropped_invalid",
                          lambda src, d=dst, i=icmp: craft.ip(src, d, i))
            cells.add("ICMP of the other family", "dropped_invalid", lambda src, o=own, v=version: craft.ip(
                src, o, socket.IPPROTO_ICMPV6 if v == "ipv4" else socket.IPPROTO_ICMP, b"\x08\0\0\0\0\1\0\1"))
            (options if version == "ipv4" else extension_headers)(cells, own, relay)
            tally.judge(link, version, cells.cells, "crooked")
    # What the stack itself refuses; nothing must complain.
    counters = module.Counters()
    whole = craft.tcp(CLIENT["ipv4"], PROXY["ipv4"], 2222)
    for packet in [whole[:n] for n in range(1, len(whole))] + \
            [bytes([0x40 | n]) + whole[1:] for n in range(16) if n != 5] + [whole[:2] + b"\xff\xff" + whole[4:]]:
        link.send(packet)
    whole = craft.tcp(CLIENT["ipv6"], PROXY["ipv6"], 2222)
    for packet in [whole[:n] for n in range(1, len(whole))] + [whole[:4] + b"\xff\xff" + whole[6:]]:
        link.send(packet)
    link.send(craft.tcp(CLIENT["ipv4"], PROXY["ipv4"], 2222))
    tap.ok(wait.until(lambda: counters.gained("ipv4").get("dropped_input")), "the stack is well after packets cut anywhere")


@case.case
def cut_short_and_untracked():
    """Packets that connection tracking has not seen."""
    HOME.nft('table inet chatdnat_test { chain raw { type filter hook prerouting priority -300; iifname "eth0" notrack; }; }')
    try:
        module.load(**settings(**GUARDED))
        with Tally() as tally:
            for version in versions():
                own, cells = PROXY[version], Cells(version)
                for size in (0, 1, 4, 8, 13, 19, 20):
                    cells.add(f"TCP header of {size} bytes", "entered" if size == 20 else "dropped_invalid",
                              lambda src, n=size, o=own: craft.ip(src, o, TCP, craft.tcp_segment(src, o, 22)[:n]))
                for size in (0, 1, 4, 7, 8):
                    cells.add(f"UDP header of {size} bytes", "entered" if size == 8 else "dropped_invalid",
                              lambda src, n=size, o=own: craft.ip(src, o, UDP, craft.udp_datagram(src, o, 53)[:n]))
                icmp = socket.IPPROTO_ICMP if version == "ipv4" else socket.IPPROTO_ICMPV6
                for size in (0, 1):
                    cells.add(f"ICMP header of {size} bytes", "entered" if size else "dropped_invalid",
                              lambda src, n=size, o=own, i=icmp, v=version: craft.ip(src, o, i, bytes([ECHO[v]])[:n]))
                tally.judge(link, version, cells.cells, "cut short, untracked")
    finally:
        HOME.nft("delete table inet chatdnat_test")


def behind(cells, own, relay, name, **headers):
    """Packets that are judged by their ports, whatever headers come before them."""
    cells.add(f"tcp 22 behind {name}", "entered", lambda src: craft.tcp(src, own, 22, **headers))
    cells.add(f"tcp 2222 behind {name}", "dropped_input", lambda src: craft.tcp(src, own, 2222, **headers))
    cells.add(f"tcp 25 to the relay behind {name}", "forwarded", lambda src: craft.tcp(src, relay, 25, **headers))
    cells.add(f"tcp 22 to the relay behind {name}", "dropped_forward", lambda src: craft.tcp(src, relay, 22, **headers))
    cells.add(f"three bytes behind {name}", "dropped_invalid",
              lambda src: craft.ip(src, own, TCP, craft.tcp_segment(src, own, 22)[:3], **headers))


def options(cells, own, relay):
    timestamps = b"\x44\x28\x05\0" + b"\0" * 36
    for name, data in (("no operation", b"\1" * 40), ("timestamps", timestamps)):
        behind(cells, own, relay, name, options=data)


def extension_headers(cells, own, relay):
    pad = b"\0\x01\x04\0\0\0\0"
    chains = {
        "hop-by-hop": [(HOPOPTS, pad)],
        "destination options": [(DSTOPTS, pad)],
        "twelve headers": [(DSTOPTS, pad)] * 12,
        "a long header": [(DSTOPTS, b"\x1f\x01\xfc" + b"\0" * 252)],
        "all kinds": [(HOPOPTS, pad), (DSTOPTS, pad), (AH, b"\x04\0\0" + b"\0" * 20), (DSTOPTS, pad)],
    }
    for name, chain in chains.items():
        behind(cells, own, relay, name, extensions=chain)
    for name, number, data in (("a header longer than the packet", DSTOPTS, b"\xff\x01\x04\0\0\0\0"),
                               ("a header cut short", DSTOPTS, b"\0"), ("an AH longer than the packet", AH, b"\xff" + b"\0" * 10)):
        cells.add(name, "dropped_invalid", lambda src, n=number, d=data: craft.ip(src, relay, n, bytes([TCP]) + d))
    cells.add("no next header", "dropped_invalid", lambda src: craft.ip(src, relay, NONE, b"\0" * 20))
    cells.add("an endless chain", "dropped_invalid", lambda src: craft.ip(src, relay, DSTOPTS, (bytes([DSTOPTS]) + pad) * 160))
    cells.add("a segment behind ESP", "dropped_forward", lambda src: craft.ip(src, relay, ESP, craft.tcp_segment(src, relay, 25)))
    cells.add("a routing header", "forwarded",
              lambda src: craft.tcp(src, relay, 25, extensions=[(ROUTING, b"\0\x02\0\0\0\0\0")]))
    cells.add("a routing header in front of the middle", "forwarded",
              lambda src: craft.tcp(src, relay, 22, ACK, extensions=[(ROUTING, b"\0\x02\0\0\0\0\0")]))


case.run(setup, topo.EVERY_RELAY)
