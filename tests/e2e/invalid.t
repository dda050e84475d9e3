#!/usr/bin/python3
"""Packets that conntrack calls invalid: translated so that the ends judge them, or dropped; never answered, never leaked."""

import os
import socket
import struct
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
# pylint: disable=wrong-import-position
from lib import case, conntrack, craft, module, net, sniff, tap, topo, traffic, wait, wire
from lib.topo import CLIENT, HOME, INTERNET, OTHER, PROXY, PUBLIC, RELAY, TRANSIT, named, settings
from lib.traffic import Connection, Seen

FIN, SYN, RST, PUSH, ACK, URG = 1, 2, 4, 8, 16, 32
TCP, OWN, DATAGRAM = 993, 2525, 3478
BEYOND = 10_000_000
GUARDS = ("off", "forward", "full", "strict")
INSIDE = {address[version] for address in (RELAY, OTHER) for version in topo.IP_VERSIONS}

t = hosts = None


def setup():
    global t, hosts
    t = topo.Topology()
    hosts = {name: traffic.Host(name, ns).tcp(TCP, OWN, 25).udp(DATAGRAM) for name, ns in
             (("relay", t.relay), ("public", t.public), ("proxy", HOME), ("internet", t.internet))}
    for ns in (t.relay, t.other):
        # What is sent for the other end of a link is for this one too.
        ns.sysctl(ipv4__conf__all__accept_local=1)


def versions():
    return topo.ip_versions()


def served(connection):
    """The server's end."""
    answer = connection.answer
    return wait.until(lambda: hosts[answer.server].connection(answer.peer, answer.peer_port))


class Watch(net.Closing):
    """A session, seen from the WAN, and from the server's side."""

    def __init__(self, connect, inside, interface):
        self.outside = wire.Link(t.internet, "to_eth0", gateway="eth0")
        self.inside = wire.Link(inside, interface, gateway="wg0" if interface == "wg0" else None)
        self.session = connect()
        wait.until(lambda: self.outside.segments(None, SYN, SYN | ACK) and self.outside.segments(None, SYN | ACK))
        syn, answer = self.outside.segments(None, SYN)[0], self.outside.segments(None, SYN | ACK)[0]
        # From who opened it, as the WAN side sees it, and back.
        self.there, self.back = (syn[1], syn[2], answer[2].seq), (answer[1], answer[2], syn[2].seq)

    def beyond(self, end, flags=ACK, names=None):
        """A segment of that end far beyond the window, with its addresses on the WAN side, or others."""
        packet, segment, acked = end
        src, sport, dst, dport = names or (packet.src, segment.sport, packet.dst, segment.dport)
        return wire.ip(src, dst, socket.IPPROTO_TCP, wire.tcp(src, dst, sport, dport, flags=flags,
                                                              seq=(segment.seq + BEYOND) & 0xffffffff,
                                                              ack=(acked + 1) & 0xffffffff))

    def arrived(self, link, end):
        """What arrived on a link of the segments beyond: sources and destinations."""
        seq = (end[1].seq + BEYOND) & 0xffffffff
        return [(packet.src, packet.dst) for _, packet, segment in link.segments("in", 0, 0) if segment.seq == seq]

    def resets(self):
        return len(self.outside.segments(None, RST, RST)) + len(self.inside.segments(None, RST, RST))

    def leaked(self):
        return {packet.src for packet in (wire.parse_ip(frame.data) for frame in self.outside.frames("in"))
                if packet} & INSIDE

    def close(self):
        self.session.close()
        self.outside.close()
        self.inside.close()


def judged_by_the_ends(name, watch, sends):
    """SENDS: (link to send on, segment, link where it has to arrive, its end, expected addresses)."""
    for put, packet, link, end, names in sends:
        put.send(packet)
        tap.equal(wait.until(lambda: watch.arrived(link, end)), [names], f"{name}: {names} is for the end to judge")
    tap.ok(watch.session.goes_on(), f"{name}: the session continues")
    tap.equal((watch.resets(), watch.leaked()), (0, set()), f"{name}: no reset, nothing leaks")


@case.case
def beyond_the_window():
    """In both directions, for connections that clients opened and those that the relay opened."""
    for guard in GUARDS:
        module.load(**settings(guard=guard))
        for version in versions():
            client, proxy, relay, internet = CLIENT[version], PROXY[version], RELAY[version], INTERNET[version]
            name = f"{version} guard={guard}"
            with Watch(lambda: Connection(t.internet, proxy, TCP, client), t.relay, "wg0") as watch:
                port = watch.session.port
                judged_by_the_ends(f"{name} a client's", watch, (
                    (watch.outside, watch.beyond(watch.there), watch.inside, watch.there, (client, relay)),
                    (watch.inside, watch.beyond(watch.back, names=(relay, TCP, client, port)), watch.outside, watch.back,
                     (proxy, client))))
            with Watch(lambda: Connection(t.relay, internet, 25), t.relay, "wg0") as watch:
                port = watch.session.port
                judged_by_the_ends(f"{name} the relay's", watch, (
                    (watch.outside, watch.beyond(watch.back), watch.inside, watch.back, (internet, relay)),
                    (watch.inside, watch.beyond(watch.there, names=(relay, port, internet, 25)), watch.outside, watch.there,
                     (proxy, internet))))
        module.unload()


@case.tracked("helpers see nothing that is not tracked")
def of_a_connection_that_a_helper_reads():
    """A segment beyond the window must not make the helper expect a connection."""
    if subprocess.run(["modprobe", "nf_conntrack_ftp"], capture_output=True, check=False).returncode:
        tap.skip("FTP helper", "the kernel has none")
        return
    HOME.nft('table ip others { ct helper ftp { type "ftp" protocol tcp; };'
             f' chain pre {{ type filter hook prerouting priority 0; tcp dport {TCP} ct helper set "ftp"; }}; }}\n')
    try:
        module.load(**settings(guard="full"))
        with Watch(lambda: Connection(t.internet, PROXY["ipv4"], TCP, CLIENT["ipv4"]), t.relay, "wg0") as watch:
            counters = module.Counters()
            watch.outside.send(watch.beyond(watch.there))
            tap.equal(wait.until(lambda: counters.gained("ipv4").get("dropped_invalid")), 1, "dropped and counted")
            tap.ok(watch.session.goes_on(), "the session continues")
            tap.equal((watch.arrived(watch.inside, watch.there), watch.resets()), ([], 0), "nothing arrives, no reset")
    finally:
        module.unload()
        HOME.nft("delete table ip others")


@case.case
def impossible_resets():
    """A reset outside the window ends no connection, and the proxy sends none; invalid combinations of flags are dropped."""
    module.load(**settings())
    for version in versions():
        with Watch(lambda v=version: Connection(t.internet, PROXY[v], TCP, CLIENT[v]), t.relay, "wg0") as watch:
            watch.outside.send(watch.beyond(watch.there, RST))
            tap.ok(wait.until(lambda w=watch: w.arrived(w.inside, w.there)), f"{version}: the relay gets it")
            watch.outside.send(watch.beyond(watch.there, SYN | FIN), watch.beyond(watch.there, 0))
            tap.ok(watch.session.goes_on(), f"{version}: and takes no notice")
            tap.equal(len(watch.outside.segments("in", RST, RST)), 0, f"{version}: nobody answers")
            if module.ENGINE == "tracked":
                # Without state a segment continues with any flags.
                tap.equal(len(watch.arrived(watch.inside, watch.there)), 1, f"{version}: impossible flags do not continue")


@case.case
def a_relay_with_a_public_address():
    """Both clients and relay are on the WAN side."""
    for guard in GUARDS:
        module.load(**settings(PUBLIC, guard=guard))
        for version in versions():
            client, proxy, public = CLIENT[version], PROXY[version], PUBLIC[version]
            with Watch(lambda c=client, p=proxy: Connection(t.internet, p, TCP, c), t.public, "eth0") as watch:
                translated = (wire.parse_ip(watch.inside.segments("in", SYN)[0][0].data),
                              watch.inside.segments("in", SYN)[0][2])
                watch.outside.send(watch.beyond(watch.there))
                tap.equal(wait.until(lambda w=watch: w.arrived(w.inside, w.there)), [(proxy, public)],
                          f"{version} guard={guard}: the relay gets the client's")
                watch.outside.send(watch.beyond(watch.back, names=(public, TCP, proxy, translated[1].sport)))
                tap.ok(wait.until(lambda w=watch: (proxy, client) in w.arrived(w.outside, w.back)),
                       f"{version} guard={guard}: the client gets the relay's")
                tap.ok(watch.session.goes_on(), f"{version} guard={guard}: the session continues")
                tap.equal(watch.resets(), 0, f"{version} guard={guard}: no reset")
        module.unload()


@case.case
def closed_after_conntrack_forgot():
    """Whichever end closes, the other end is told."""
    for guard in GUARDS:
        module.load(**named(guard=guard))
        for version in versions():
            for how, want in (("close", "closed"), ("abort", "reset")):
                name = f"{version} guard={guard} {how}"
                linger = struct.pack("ii", 1, 0)
                with Connection(t.internet, PROXY[version], TCP, CLIENT[version]) as session:
                    end = served(session)
                    conntrack.flush()
                    if how == "abort":
                        session.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                    session.sock.close()
                    tap.ok(wait.until(lambda: end.state != "open"), f"{name}: the client's, the relay is told")
                    tap.equal(end.state, want, f"{name}: as it was")
                with Connection(t.internet, PROXY[version], TCP, CLIENT[version]) as session, \
                        sniff.Sniffer(t.internet, "to_eth0") as outside:
                    end = served(session)
                    conntrack.flush()
                    if how == "abort":
                        hosts["relay"].abort()
                    else:
                        end.sock.shutdown(socket.SHUT_WR)
                    tap.equal(session.fate(), want, f"{name}: the relay's, the client is told")
                    tap.equal({packet.src for packet in outside.packets("in")} & INSIDE, set(), f"{name}: nothing leaks")
                hosts["relay"].abort()
        module.unload()


def nothing(src, dst, port):
    """An ICMP error about a segment that was never sent."""
    quoted = craft.tcp(dst, src, port, ACK, sport=47000)
    kind = 3 if net.family_of(src) == socket.AF_INET else 1
    return craft.icmp(src, dst, kind, 1, rest=b"\0\0\0\0", payload=quoted)


FLAGS = {"reset": RST, "reset and ACK": RST | ACK, "SYN and ACK": SYN | ACK, "FIN and ACK": FIN | ACK, "no flag": 0,
         "SYN and FIN": SYN | FIN, "SYN and reset": SYN | RST, "all flags": FIN | SYN | RST | PUSH | ACK | URG, "FIN": FIN}
TOLD = ("reset", "reset and ACK", "FIN and ACK")


def out_of_nothing(version, src):
    """What conntrack calls invalid, from the relay's side: what it is, the port it is from, the packet."""
    dst = CLIENT[version]
    for name, flags in FLAGS.items():
        for port in (TCP, 40000):
            yield name, port, craft.tcp(src, dst, 47000 + len(name), flags, sport=port)
    for port in (TCP, 40000):
        yield "an ICMP error", 0, nothing(src, dst, port)
    broken = bytearray(craft.udp(src, dst, 47100, sport=40000))
    broken[-1] ^= 1
    yield "a broken datagram", 0, bytes(broken)


def sent_out_of_nothing(version, src, interface, ns):
    """Sends all, and tells what left by the WAN: (source, source port, flags); the last is a datagram that is known."""
    link = wire.Link(ns, "wg0", gateway=interface)
    with sniff.Sniffer(t.internet, "to_eth0") as outside:
        for _, _, packet in out_of_nothing(version, src):
            link.send(packet)
        link.send(craft.udp(src, CLIENT[version], 47999, sport=41000))
        wait.until(lambda: any(packet.dport == 47999 for packet in outside.packets("in")))
        left = [packet for packet in outside.packets("in") if packet.dst == CLIENT[version] and packet.dport != 47999]
    link.close()
    return sorted((packet.src, packet.sport, packet.flags) for packet in left if packet.icmp != (136, 0))


@case.case
def from_inside_out_of_nothing():
    """Nothing leaves with an inside address; a segment that a client may wait for leaves from the address it connected to."""
    for guard in GUARDS:
        module.load(**named(guard=guard))
        for version in versions():
            counters = module.Counters()
            told = sorted((PROXY[version], TCP, FLAGS[name]) for name in TOLD)
            if module.ENGINE != "tracked":
                # Without state a segment with these continues too, and an error about one: for the client to judge.
                told = sorted(told + [(PROXY[version], 0, 0)] + [(PROXY[version], TCP, FLAGS[name]) for name in
                                                                 ("SYN and ACK", "no flag", "all flags", "FIN")])
            tap.equal(sent_out_of_nothing(version, RELAY[version], "wg0", t.relay), told,
                      f"{version} guard={guard}: the relay's")
            dropped = counters.gained(version).get("dropped_invalid")
            tap.equal(dropped, len(FLAGS) * 2 + 3 - len(told), f"{version} guard={guard}: the rest is counted")
            tap.equal(sent_out_of_nothing(version, OTHER[version], "wg1", t.other), [],
                      f"{version} guard={guard}: another host's")
        module.unload()
    module.load(**settings(masquerade="off", engine="tracked"))
    for version in versions():
        counters = module.Counters()
        left = sent_out_of_nothing(version, RELAY[version], "wg0", t.relay)
        tap.equal(({each[0] for each in left}, len(left)), ({RELAY[version]}, len(FLAGS) * 2 + 3),
                  f"{version} masquerade=off: all leaves as it is")
        tap.equal(counters.gained(version).get("dropped_invalid"), None, f"{version} masquerade=off: nothing is dropped")


@case.tracked("without state other packets are dropped")
def by_an_unknown_address():
    """Several addresses lead to the relay: it is unknown which one the client connected to."""
    module.load(**settings())
    for version in versions():
        tap.equal(sent_out_of_nothing(version, RELAY[version], "wg0", t.relay), [], f"{version}: nothing leaves")


@case.case
def to_the_relay_out_of_nothing():
    """The proxy's own stack gets nothing of it, and does not answer."""
    for guard in GUARDS:
        module.load(**named(guard=guard))
        for version in versions():
            src, dst = CLIENT[version], PROXY[version]
            with wire.Link(t.internet, "to_eth0", gateway="eth0") as outside, sniff.Sniffer(t.relay, "wg0") as inside:
                for name, flags in FLAGS.items():
                    outside.send(craft.tcp(src, dst, TCP, flags, sport=48000 + len(name)))
                # Nobody is to be told of the relay's address.
                outside.send(craft.tcp(src, dst, TCP, FIN | ACK, sport=48100, ttl=1))
                tap.equal(traffic.tcp(t.internet, dst, TCP, src), Seen("relay", src, TCP), f"{version} guard={guard}: last")
                got = sorted(packet.flags for packet in inside.packets("in") if packet.sport in range(48000, 48200))
                if module.ENGINE == "tracked":
                    tap.equal(got, sorted(FLAGS[name] for name in TOLD), f"{version} guard={guard}: the relay gets")
                tap.equal([error.source for error in outside.errors("in") if RELAY[version] in (error.ip.src, error.ip.dst)],
                          [], f"{version} guard={guard}: no error quotes the relay")
                answers = [segment.sport for _, packet, segment in outside.segments("in", RST, RST)
                           if packet.src == dst and segment.seq == 0 and segment.dport in range(48000, 48200)]
                # The relay itself answers what has an ACK with the number that it acknowledges.
                if module.ENGINE == "tracked":
                    tap.equal(answers, [], f"{version} guard={guard}: nobody answers in the proxy's name")
        module.unload()


@case.case
def to_a_relay_that_is_gone():
    """The proxy must not send an ICMP error that quotes the relay's address."""
    for version in versions():
        module.load(**named())
        t.relay.ip("link set wg0 arp off")
        HOME.ip("neigh flush dev wg0\n-6 neigh flush dev wg0\n")
        counters = module.Counters()
        with wire.Link(t.internet, "to_eth0", gateway="eth0") as outside:
            outside.send(craft.tcp(CLIENT[version], PROXY[version], TCP, FIN | ACK, sport=48100))
            tap.ok(wait.until(lambda o=outside, c=counters, v=version: o.errors("in") or c.gained(v).get("dropped_invalid")),
                   f"{version}: the neighbour does not answer")
            tap.equal([error.ip.dst for error in outside.errors("in") if error.ip.dst == RELAY[version]], [],
                      f"{version}: no error quotes the relay")
        t.relay.ip("link set wg0 arp on")
        module.unload()


@case.case
def the_proxys_own_connections():
    """They are left to the stack, also on a port of the service."""
    for enabled, port in (("1", OWN), ("0", TCP)):
        if enabled == "0" and module.ENGINE != "tracked":
            continue
        module.load(**named(enabled=enabled))
        for version in versions():
            name = f"{version} port {port}"
            with Watch(lambda v=version, p=port: Connection(t.internet, PROXY[v], p, CLIENT[v]), t.relay, "wg0") as watch:
                tap.equal(watch.session.answer.server, "proxy", f"{name}: the proxy's own")
                watch.outside.forget()
                watch.outside.send(watch.beyond(watch.there))
                tap.ok(wait.until(lambda w=watch: w.outside.segments("in", ACK)), f"{name}: its stack says what it expects")
                tap.ok(watch.session.goes_on(), f"{name}: it continues")
                tap.equal((watch.resets(), watch.arrived(watch.inside, watch.there)), (0, []), f"{name}: no reset")
                end = served(watch.session)
                conntrack.flush()
                watch.session.sock.close()
                tap.ok(wait.until(lambda e=end: e.state == "closed"), f"{name}: forgotten, its FIN is the stack's")
        module.unload()


@case.case
def by_the_interface_that_via_names():
    module.load(**named(engine="tracked"))
    for version in versions():
        module.set("via", "wg0")
        with Watch(lambda v=version: Connection(t.internet, PROXY[v], TCP, CLIENT[v]), t.relay, "wg0") as watch:
            port = watch.session.port
            module.set("via", "wg1")
            watch.inside.forget()
            for known in (True, False):
                counters = module.Counters()
                if known:
                    watch.outside.send(watch.beyond(watch.there))
                else:
                    conntrack.flush()
                    watch.outside.send(craft.tcp(CLIENT[version], PROXY[version], TCP, FIN | ACK, sport=port))
                tap.ok(wait.until(lambda c=counters, v=version: c.gained(v).get("dropped_via")),
                       f"{version} known={known}: held, and counted")
            tap.equal((watch.resets(), watch.inside.segments("in", 0, 0)), (0, []), f"{version}: nothing passes")


def drained(link, outside, version):
    """What left by the WAN, once all that LINK has put there has passed; the last is a datagram that is known."""
    link.send(craft.udp(RELAY[version], CLIENT[version], 47999, sport=41000))
    wait.until(lambda: any(packet.dport == 47999 for packet in outside.packets("in")))
    return sorted((packet.src, packet.proto, packet.icmp) for packet in outside.packets("in") if packet.src in INSIDE)


# Neighbour and multicast listener discovery, which conntrack leaves alone, and other messages; of IPv4 what it has no place for.
MESSAGES = {"ipv4": (5, 9, 10, 13, 14, 40), "ipv6": (127, *range(130, 138), 141, 143, 148, 151, 200)}


@case.case
def messages_of_one_link():
    """They are untracked, and the stack forwards those to addresses of other hosts."""
    for guard in GUARDS:
        module.load(**named(guard=guard))
        for version in versions():
            more = {} if version == "ipv4" else {"extensions": [(craft.DSTOPTS, b"\0\1\4" + bytes(4))]}
            with craft.Link(t.relay, "wg0", "wg0") as link, sniff.Sniffer(t.internet, "to_eth0") as outside:
                for kind in MESSAGES[version]:
                    link.send(craft.icmp(RELAY[version], CLIENT[version], kind, payload=bytes(16)))
                    link.send(craft.icmp(RELAY[version], CLIENT[version], kind, payload=bytes(16), ttl=255, **more))
                tap.equal(drained(link, outside, version), [], f"{version} guard={guard}: none leaves")
        module.unload()
    module.load(**named(masquerade="off"))
    if "ipv6" in versions():
        with craft.Link(t.relay, "wg0", "wg0") as link, sniff.Sniffer(t.internet, "to_eth0") as outside:
            link.send(craft.icmp(RELAY["ipv6"], CLIENT["ipv6"], 135, payload=bytes(16)))
            tap.ok((RELAY["ipv6"], 58, (135, 0)) in drained(link, outside, "ipv6"), "masquerade=off: it does")


@case.case
def errors_about_what_nobody_translates():
    """The NAT core does not translate them."""
    for guard in GUARDS:
        module.load(**named(guard=guard, allow=f"22,{OWN}"))
        for version in versions():
            kind, code = (3, 3) if version == "ipv4" else (1, 4)
            client, proxy = CLIENT[version], PROXY[version]
            with Connection(t.internet, proxy, OWN, client) as session, sniff.Sniffer(t.internet, "to_eth0") as outside, \
                    craft.Link(t.relay, "wg0", "wg0") as link, craft.Link(t.other, "wg0", "wg1") as other:
                quoted = craft.tcp(client, proxy, OWN, ACK, sport=session.port)
                counters = module.Counters()
                for put, src in ((link, RELAY[version]), (other, OTHER[version])):
                    put.send(craft.icmp(src, client, kind, code, rest=bytes(4), payload=quoted))
                tap.equal(drained(link, outside, version), [], f"{version} guard={guard}: about a connection of the proxy's")
                tap.equal(counters.gained(version).get("dropped_invalid"), 2, f"{version} guard={guard}: counted")
                tap.ok(session.goes_on(), f"{version} guard={guard}: which continues")
        module.unload()
    # A router reports errors about untranslated packets, from its own address.
    module.load(**named())
    for version in versions():
        kind, code = (3, 3) if version == "ipv4" else (1, 4)
        with craft.Link(t.internet) as outer, craft.Link(t.other, "wg0", "wg1") as other, \
                craft.Link(t.relay, "wg0", "wg0") as link, sniff.Sniffer(t.internet, "to_eth0") as outside:
            about = craft.udp(CLIENT[version], TRANSIT[version], 9, sport=47200)
            outer.send(about)
            wait.until(lambda v=version: any(entry.orig.dst == TRANSIT[v] for entry in conntrack.entries()))
            other.send(craft.icmp(OTHER[version], CLIENT[version], kind, code, rest=bytes(4), payload=about))
            tap.ok(wait.until(lambda o=outside, v=version: any(packet.src == OTHER[v] for packet in o.packets("in"))),
                   f"{version}: a router's error about a connection that it carries passes")
            outside.packets()
            link.send(craft.icmp(RELAY[version], CLIENT[version], kind, code, rest=bytes(4), payload=about))
            tap.ok(RELAY[version] not in {src for src, _, _ in drained(link, outside, version)}, f"{version}: the relay's does not")


def served_from(version, port, protocol, sport):
    with t.internet.socket(net.family_of(CLIENT[version]), {"tcp": socket.SOCK_STREAM, "udp": socket.SOCK_DGRAM}[protocol]) as sock:
        sock.settimeout(3)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        sock.bind((CLIENT[version], sport))
        sock.connect((PROXY[version], port))
        if protocol == "udp":
            sock.send(b"?")
        return sock.recv(100).split()[0].decode()


@case.case
def in_the_name_of_the_service():
    """Forged packets from the proxy's address and served port: their conntrack entries do not keep clients from the relay."""
    # It is to die before the client, which would reset it.
    HOPS, sport = 2, 45000
    t.internet.nft("table ip6 chatdnat_forged { chain in { type filter hook input priority 0; ip6 hoplimit 1 drop; }; }")
    for guard in GUARDS:
        for version in versions():
            module.load(**named(guard=guard, ports=f"chatmail,{DATAGRAM}/udp"))
            for ns, far, near in ((t.internet, "to_eth0", "eth0"), (t.relay, "wg0", "wg0")):
                sport += 1
                name = f"{version} guard={guard} by {near}"
                with craft.Link(ns, far, near) as link, sniff.Sniffer(t.internet, "to_eth0") as outside:
                    link.send(craft.tcp(PROXY[version], CLIENT[version], sport, ACK, sport=TCP, ttl=HOPS))
                    link.send(craft.udp(PROXY[version], CLIENT[version], sport, sport=DATAGRAM, ttl=HOPS))
                    with craft.Link(t.relay, "wg0", "wg0") as last:
                        drained(last, outside, version)
                    for protocol, port in (("tcp", TCP), ("udp", DATAGRAM)):
                        tap.equal(served_from(version, port, protocol, sport), "relay", f"{name}: {protocol}")
            module.unload()
    t.internet.nft("delete table ip6 chatdnat_forged")


@case.case
def put_together_too_large():
    """Segments that reception has merged, each too large for the tunnel: no error names the relay's address."""
    narrow = "link set wg0 mtu {}\n"
    HOME.ip(narrow.format(1400))
    for guard in GUARDS:
        module.load(**named(guard=guard))
        for version in versions():
            src, dst = CLIENT[version], PROXY[version]
            with wire.Link(t.internet, "to_eth0", gateway="eth0") as outside, sniff.Sniffer(t.relay, "wg0") as inside, \
                    craft.Merged(t.internet) as link:
                for sport, size in ((46001, 1440), (46002, 1200)):
                    link.send(src, dst, wire.tcp(src, dst, sport, TCP, flags=FIN | ACK, ack=1, payload=bytes(2 * size)), size)
                tap.equal(traffic.tcp(t.internet, dst, TCP, src), Seen("relay", src, TCP), f"{version} guard={guard}: last")
                tap.equal([error.source for error in outside.errors("in") if RELAY[version] in (error.ip.src, error.ip.dst)], [],
                          f"{version} guard={guard}: no error quotes the relay")
                if module.ENGINE == "tracked":
                    tap.equal({packet.sport for packet in inside.packets("in")} & {46001, 46002}, {46002},
                              f"{version} guard={guard}: the relay gets those that fit")
        module.unload()
    HOME.ip(narrow.format(1500))


case.run(setup, topo.EVERY_RELAY)
