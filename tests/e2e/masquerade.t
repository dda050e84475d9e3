#!/usr/bin/python3
"""Which source address packets have on which output interface."""

import itertools
import json
import os
import socket
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
# pylint: disable=wrong-import-position
from lib import case, conntrack, craft, module, net, sniff, tap, topo, traffic, wait
from lib.topo import CLIENT, HOME, INTERNET, OTHER, PROXY, PROXY2, PUBLIC, RELAY, TUNNEL, local_addresses, named, settings
from lib.traffic import Connection, Flow, Seen

WG_PORT = 51820
TRANSPARENT = {socket.AF_INET: (socket.SOL_IP, 19), socket.AF_INET6: (socket.IPPROTO_IPV6, 75)}

t = internet = relay = None


def setup():
    global t, internet, relay
    t = topo.Topology()
    relay = traffic.Host("relay", t.relay).tcp(993).udp(3478)
    for name, ns in (("public", t.public), ("other", t.other)):
        traffic.Host(name, ns).tcp(993).udp(3478)
    internet = traffic.Host("internet", t.internet).tcp(25).udp(53)


def versions():
    return topo.ip_versions()


def both_protocols(ports=(993, 3478)):
    return (("tcp", ports[0]), ("udp", ports[1]))


OUTBOUND = (25, 53)


@case.case
def relay_behind_the_tunnel():
    module.load(**settings(ports="chatmail,turn"))
    for mode, own in (("wan", None), ("off", None), ("all", TUNNEL), ("wan", None)):
        module.set("masquerade", mode)
        for version in versions():
            counters = module.Counters()
            for protocol, port in both_protocols():
                tap.equal(traffic.ask(protocol, t.internet, PROXY[version], port, CLIENT[version]),
                          Seen("relay", own[version] if own else CLIENT[version], port),
                          f"masquerade={mode} {version} {protocol}: the relay sees "
                          f"{'the proxy' if own else 'the client'}")
            want = dict.fromkeys(("seen", "translated", "sent", "answered"), 2)
            if own:
                want["masqueraded"] = 2
            tap.equal(counters.gained(version), want, f"masquerade={mode} {version}: counted")


@case.case
def relay_with_a_public_address():
    module.load(**settings(PUBLIC, ports="chatmail,turn"))
    for mode in ("wan", "all"):
        module.set("masquerade", mode)
        for version in versions():
            counters = module.Counters()
            for protocol, port in both_protocols():
                tap.equal(traffic.ask(protocol, t.internet, PROXY[version], port, CLIENT[version]),
                          Seen("public", PROXY[version], port),
                          f"masquerade={mode} {version} {protocol}: back out of the WAN with its address")
            tap.equal(counters.gained(version), dict.fromkeys(
                ("seen", "translated", "sent", "answered", "masqueraded"), 2),
                f"masquerade={mode} {version}: counted")
    module.set("masquerade", "off")
    for version in versions():
        counters = module.Counters()
        # The client is the internet itself, which drops its own address as a martian once that comes back to it.
        with sniff.Sniffer(t.internet, "to_eth0") as there:
            traffic.udp(t.internet, PROXY[version], 3478, CLIENT[version], timeout=0.5)
            arrived = wait.until(lambda: [packet.src for packet in there.packets("in")
                                          if packet.dport == 3478 and packet.dst == topo.PUBLIC[version]])
        tap.equal(arrived, [CLIENT[version]], f"masquerade=off {version}: leaves with the client's address")
        tap.equal(counters.gained(version).get("masqueraded"), None, f"masquerade=off {version}: counted")


@case.case
def connections_opened_by_the_relay():
    module.load(**settings())
    for mode in ("wan", "all"):
        module.set("masquerade", mode)
        for version in versions():
            counters = module.Counters()
            for protocol, port in both_protocols(OUTBOUND):
                tap.equal(traffic.ask(protocol, t.relay, INTERNET[version], port),
                          Seen("internet", PROXY[version], port),
                          f"masquerade={mode} {version} {protocol}: the internet sees the proxy's address")
            tap.equal(counters.gained(version), {"outbound": 2, "masqueraded": 2},
                      f"masquerade={mode} {version}: counted as outbound and masqueraded, nothing else")
    module.set("masquerade", "off")
    for version in versions():
        counters = module.Counters()
        with sniff.Sniffer(t.internet, "to_eth0") as outside:
            traffic.udp(t.relay, INTERNET[version], 53, timeout=0.3)
            arrived = wait.until(lambda: [packet.src for packet in outside.packets("in")
                                          if packet.dport == 53])
        tap.equal(arrived, [RELAY[version]], f"masquerade=off {version}: leaves with the relay's address")
        tap.equal(counters.gained(version), {"outbound": 1}, f"masquerade=off {version}: outbound all the same")


@case.case
def what_others_forward():
    module.load(**settings(scope="local"))
    for version in versions():
        counters = module.Counters()
        for protocol, port in both_protocols(OUTBOUND):
            tap.equal(traffic.ask(protocol, t.other, INTERNET[version], port),
                      Seen("internet", PROXY[version], port),
                      f"{version} {protocol}: another host's connection takes the WAN's address too")
        tap.equal(counters.gained(version), {"masqueraded": 2}, f"{version}: but is not the relay's")
    module.set("masquerade", "all")
    for version in versions():
        counters = module.Counters()
        tap.equal(traffic.tcp(t.internet, topo.TRANSIT[version], 993, CLIENT[version]),
                  Seen("other", CLIENT[version], 993),
                  f"masquerade=all {version}: what is not forwarded by us keeps its source on other interfaces")
        tap.equal(counters.gained(version), {}, f"masquerade=all {version}: and is not counted")


GATEWAY2 = {"ipv4": "198.18.1.254", "ipv6": "2001:db8:7::fe"}


def strangers(version, address, number):
    """Packets of a host on the WAN side, through the proxy, to a host that is also reached on a WAN interface."""
    src, sport = CLIENT[version], 40000 + number
    return [craft.tcp(src, address, 25, sport=sport), craft.tcp(src, address, 26, craft.ACK, sport=sport),
            craft.udp(src, address, 53, sport=sport), craft.echo(src, address, sport)]


@case.case
def what_enters_by_the_wan():
    """Packets of a neighbour that uses the proxy as its gateway do not get the proxy's address, on any WAN interface."""
    t.add_wan("eth1", "198.18.1", "2001:db8:7:", default=False)
    t.settle_wan({"ipv4": "198.18.1.1", "ipv6": "2001:db8:7::1"})
    link, number = craft.Link(t.internet), 0
    for guard, wan, masquerade in (("off", "eth0", "wan"), ("off", "eth0,eth1", "wan"), ("off", "eth+", "all"),
                                   ("forward", "eth0", "wan"), ("full", "eth0,eth1", "wan")):
        module.load(**settings(guard=guard, wan=wan, masquerade=masquerade))
        for version, (there, address) in itertools.product(versions(), (("to_eth0", INTERNET), ("to_eth1", GATEWAY2))):
            name = f"{version} guard={guard} wan={wan} masquerade={masquerade} out of {there}"
            counters, number = module.Counters(), number + 1
            with sniff.Sniffer(t.internet, there) as outside:
                sent = strangers(version, address[version], number)
                for packet in sent:
                    link.send(packet)
                # The relay's datagram goes the same way, as the last.
                traffic.udp(t.relay, address[version], 9, timeout=0.1)
                wait.until(lambda o=outside: any(packet.dport == 9 for packet in o.packets("in")))
                left = [packet.src for packet in outside.packets("in")
                        if packet.dst == address[version] and packet.dport != 9 and
                        not (packet.icmp and packet.icmp[0] > 128)]
            tap.equal(left, [CLIENT[version]] * (len(sent) if guard == "off" else len(left)),
                      f"{name}: what arrives on the WAN leaves as it came, or not at all")
            tap.equal(counters.gained(version).get("masqueraded", 0), int(there == "to_eth0" or wan != "eth0"),
                      f"{name}: the relay's is masqueraded, nothing else")
        module.unload()
    link.close()
    HOME.ip("link del eth1\n")


@case.case
def what_the_relay_opens_elsewhere():
    module.load(**settings())
    for version in versions():
        counters = module.Counters()
        for protocol, port in both_protocols():
            tap.equal(traffic.ask(protocol, t.relay, topo.OTHER[version], port), Seen("other", RELAY[version], port),
                      f"{version} {protocol}: by another interface than the WAN it keeps its source")
        tap.equal(counters.gained(version), {}, f"{version}: and is not counted")


@case.case
@topo.second_address()
def own_connections_keep_their_source():
    for mode in ("wan", "all"):
        module.load(**named(masquerade=mode))
        for version in versions():
            counters = module.Counters()
            for protocol, port in both_protocols(OUTBOUND):
                tap.equal(traffic.ask(protocol, HOME, INTERNET[version], port, PROXY2[version]),
                          Seen("internet", PROXY2[version], port),
                          f"masquerade={mode} {version} {protocol}: the second address stays when chosen")
                tap.equal(traffic.ask(protocol, HOME, INTERNET[version], port),
                          Seen("internet", PROXY[version], port),
                          f"masquerade={mode} {version} {protocol}: without a choice it is the first")
            for protocol, port in both_protocols():
                tap.equal(traffic.ask(protocol, HOME, RELAY[version], port, PROXY2[version]),
                          Seen("relay", PROXY2[version], port),
                          f"masquerade={mode} {version} {protocol}: towards the relay as well")
            borrowed = topo.CLIENT2[version]
            with HOME.socket(net.family_of(borrowed), socket.SOCK_DGRAM) as sock, \
                    sniff.Sniffer(t.internet, "to_eth0") as outside:
                sock.setsockopt(*TRANSPARENT[sock.family], 1)
                sock.bind((borrowed, 0))
                sock.sendto(b"whose?", (INTERNET[version], 53))
                arrived = wait.until(lambda s=outside: [packet.src for packet in s.packets("in")
                                                        if packet.dport == 53])
            tap.equal(arrived, [borrowed], f"masquerade={mode} {version}: a transparent proxy's client's as well")
            tap.equal(counters.gained(version), {}, f"masquerade={mode} {version}: not counted")
        module.unload()


class Forgotten(net.Closing):
    """A client's sessions with a local address, over TCP and UDP, whose conntrack entries are gone; the relay sends first."""

    def __init__(self, version, address):
        self.connection = Connection(t.internet, address[version], 993, CLIENT[version])
        self.flow = Flow(t.internet, address[version], 3478, CLIENT[version])
        self.flow.ask()
        conntrack.flush()
        self.counters, self.version = module.Counters(), version
        relay.connection(self.connection.address, self.connection.port).push(b"news")
        with t.relay.socket(self.flow.sock.family, socket.SOCK_DGRAM) as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind((RELAY[version], 3478))
            sock.sendto(b"news", (self.flow.address, self.flow.port))

    def heard(self, seconds):
        """What arrived over TCP, and over UDP."""
        self.flow.sock.settimeout(seconds)
        fate = self.connection.fate(seconds)
        try:
            return fate, self.flow.sock.recv(100).decode()
        except socket.timeout:
            return fate, "silence"

    def dropped(self):
        return self.counters.gained(self.version).get("dropped_source", 0)

    def close(self):
        # The relay's kernel is not to repeat anything while a later case counts.
        relay.abort()
        self.connection.close()
        self.flow.close()


def relays(version, text):
    """A list of relays, with PROXY and so on in the place of addresses."""
    names = {"RELAY": RELAY, "OTHER": OTHER, "PROXY": PROXY, "SECOND": PROXY2, "THIRD": topo.PROXY3}
    return ",".join("@".join(names[name][version] for name in entry.split("@")) for entry in text.split(","))


def serving(text):
    module.load(wan="eth0", ports="chatmail,turn", **{topo.SETTING[version]: relays(version, text)
                                                      for version in versions()})


@case.case
@topo.second_address()
def the_relay_speaks_first():
    """Its client gets the segment from the address that it connected to, which is not the first one of the interface."""
    for text in ("RELAY@SECOND", "RELAY@SECOND,OTHER", "RELAY,OTHER@PROXY,OTHER@THIRD"):
        serving(text)
        for version in versions():
            with Forgotten(version, PROXY2) as session:
                tap.equal(session.heard(5), ("data", "news"), f"{version} {text}: the client hears its relay")
                tap.ok(session.connection.goes_on(), f"{version} {text}: and continues")
                tap.equal(session.dropped(), 0, f"{version} {text}: nothing is dropped")
        module.unload()


@case.case
@topo.second_address()
def the_relay_speaks_first_by_an_unknown_address():
    """Several addresses lead to it: a segment is dropped until the client sends; a datagram gets the first if that may be right."""
    for text, address, datagram in (("RELAY", PROXY2, "silence"), ("RELAY", PROXY, "news"),
                                    ("OTHER@PROXY,RELAY@SECOND,RELAY@THIRD", PROXY2, "silence")):
        serving(text)
        for version in versions():
            with sniff.Sniffer(t.internet, "to_eth0") as outside, Forgotten(version, address) as session:
                tap.equal(session.heard(1), ("silence", datagram), f"{version} {text}: what the client hears")
                tap.ok(session.dropped() >= 1, f"{version} {text}: counted")
                left = {packet.src for packet in outside.packets("in") if packet.sport == 3478}
                # The answer from before, and what the relay said first.
                tap.equal(left, {address[version]} | (set() if "@" in text else {PROXY[version]}),
                          f"{version} {text}: by which addresses")
                tap.equal(session.connection.fate_when_talking(), "data", f"{version} {text}: once the client speaks")
        module.unload()


def keys():
    private = HOME.run("wg", "genkey").strip()
    public = subprocess.run(["wg", "pubkey"], input=private, text=True, capture_output=True,
                            check=True).stdout.strip()
    return private, public


def wireguard(ns, name, private, peer, endpoint, address):
    ns.ip(f"link add {name} type wireguard\n")
    path = f"/run/chatdnat-test-{name}.key"
    with open(path, "w", encoding="ascii", opener=lambda p, f: os.open(p, f, 0o600)) as file:
        file.write(private)
    words = ["wg", "set", name, "listen-port", str(WG_PORT), "private-key", path,
             "peer", peer, "allowed-ips", "10.77.0.0/24"]
    ns.run(*words, *(["endpoint", endpoint] if endpoint else []))
    os.unlink(path)
    ns.ip(f"addr add {address}/24 dev {name}\nlink set {name} up\n")


@case.case
@topo.second_address()
def a_tunnels_own_packets_keep_their_source():
    mine, theirs = keys(), keys()
    wireguard(HOME, "wgtest", mine[0], theirs[1], None, "10.77.0.1")
    wireguard(t.internet, "wgpeer", theirs[0], mine[1], f"{PROXY2['ipv4']}:{WG_PORT}", "10.77.0.2")
    peer = traffic.Host("peer", t.internet).udp(5353)
    try:
        module.load(**named())
        # The peer dials the second address, which makes it the source of what the proxy sends from then on.
        with t.internet.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.sendto(b"dial", ("10.77.0.1", 9))
        tap.ok(wait.until(lambda: "(none)" not in HOME.run("wg", "show", "wgtest", "endpoints")),
               "the peer has dialled")
        counters = module.Counters()
        tap.equal(traffic.udp(HOME, "10.77.0.2", 5353, timeout=10), Seen("peer", "10.77.0.1", 5353),
                  "the tunnel works")
        # As if conntrack had forgotten: the next outer packet is a new connection of the proxy's own.
        conntrack.flush()
        with sniff.Sniffer(t.internet, "to_eth0") as outside:
            tap.equal(traffic.udp(HOME, "10.77.0.2", 5353, timeout=10), Seen("peer", "10.77.0.1", 5353),
                      "and continues working")
            sources = {packet.src for packet in outside.packets("in") if packet.dport == WG_PORT}
        tap.equal(sources, {PROXY2["ipv4"]}, "its outer packets keep the address that the peer dialled")
        tap.equal(counters.gained("ipv4"), {}, "and are not counted")
    finally:
        peer.close()
        HOME.ip("link del wgtest\n")
        t.internet.ip("link del wgpeer\n")


@case.case
def addresses_of_the_wan_change():
    module.load(**settings())
    new = {"ipv4": "203.0.113.77", "ipv6": "2001:db8:1::77"}
    for version in versions():
        flag, length = ("-6 ", 64) if version == "ipv6" else ("", 24)
        suffix = " nodad" if version == "ipv6" else ""
        gateway = INTERNET[version]
        with traffic.Connection(t.relay, INTERNET[version], 25) as connection:
            tap.equal(connection.answer.peer, PROXY[version], f"{version}: before, the old address")
            HOME.ip("".join(f"{flag}addr del {address}/{length} dev eth0\n"
                            for address in reversed(local_addresses(version))) +
                    f"{flag}addr add {new[version]}/{length} dev eth0{suffix}\n"
                    f"{flag}route replace default via {gateway}\n")
            gone = wait.until(lambda c=connection: not [
                entry for entry in conntrack.entries()
                if entry.orig.src == RELAY[version] and entry.orig.sport == c.port])
            tap.ok(gone, f"{version}: connections of the removed address are dropped from conntrack")
        tap.equal(traffic.tcp(t.relay, INTERNET[version], 25), Seen("internet", new[version], 25),
                  f"{version}: after, the new address")
        tap.equal(traffic.udp(t.relay, INTERNET[version], 53), Seen("internet", new[version], 53),
                  f"{version}: for UDP too")
        HOME.ip(f"{flag}addr del {new[version]}/{length} dev eth0\n")
        t.address_wan()
        tap.equal(traffic.tcp(t.relay, INTERNET[version], 25), Seen("internet", PROXY[version], 25),
                  f"{version}: and the old one when it is back")


def link_address(ns, interface):
    return json.loads(ns.run("ip", "-json", "link", "show", "dev", interface))[0]["address"]


def nothing_leaves(version):
    counters = module.Counters()
    with sniff.Sniffer(t.internet, "to_eth0") as outside:
        answer = traffic.udp(t.relay, INTERNET[version], 53, timeout=0.5)
        left = [packet for packet in outside.packets("in") if packet.dport == 53]
    tap.equal((answer, left), ("silence", []), f"without an {version} address nothing leaves by the WAN")
    for each in versions():
        gained = counters.gained(each)
        # The relay may still repeat the end of a connection whose address went in an earlier case.
        gained.pop("dropped_invalid", None)
        tap.equal(gained, {"outbound": 1, "dropped_source": 1} if each == version else {},
                  f"and the loss is counted for {version} only: {each}")


@case.case
def no_address_to_take():
    module.load(**settings())
    # The first goes last: Linux takes the others of its net away with it.
    own = reversed(local_addresses("ipv4"))
    # The tunnel's own address has to go as well, or the kernel would take that one.
    HOME.ip("".join(f"addr del {address}/24 dev eth0\n" for address in own) +
            "addr del 10.9.0.1/24 dev wg0\naddr del 10.9.1.1/24 dev wg1\n"
            "route add 10.9.0.2/32 dev wg0\n"
            "route replace default via 203.0.113.254 dev eth0 onlink\n")
    t.relay.ip(f"neigh replace 10.9.0.1 lladdr {link_address(HOME, 'wg0')} dev wg0\n")
    try:
        nothing_leaves("ipv4")
    finally:
        t.relay.ip("neigh del 10.9.0.1 dev wg0\n")
        HOME.ip("addr add 10.9.0.1/24 dev wg0\naddr add 10.9.1.1/24 dev wg1\n"
                "route replace 192.0.2.200/32 via 10.9.1.2\n")
        t.address_wan()
    tap.equal(traffic.tcp(t.relay, INTERNET["ipv4"], 25), Seen("internet", PROXY["ipv4"], 25),
              "with an address it leaves again")


@case.case
def no_ipv6_address_to_take():
    if not net.have_ipv6():
        tap.skip("no IPv6 address to take", "no IPv6")
        return
    module.load(**settings())
    # Of no other interface either, and no link-local one, which would do.
    HOME.sysctl(ipv6__conf__eth0__use_oif_addrs_only=1)
    HOME.ip("-6 addr flush dev eth0\n"
            f"-6 neigh replace {INTERNET['ipv6']} lladdr {link_address(t.internet, 'to_eth0')} dev eth0\n"
            f"-6 route replace default via {INTERNET['ipv6']} dev eth0 onlink\n")
    try:
        nothing_leaves("ipv6")
    finally:
        HOME.sysctl(ipv6__conf__eth0__use_oif_addrs_only=0)
        HOME.ip(f"-6 neigh del {INTERNET['ipv6']} dev eth0\n-6 addr replace fe80::1/64 dev eth0 nodad\n")
        t.address_wan()
        t.settle_wan()
    tap.equal(traffic.tcp(t.relay, INTERNET["ipv6"], 25), Seen("internet", PROXY["ipv6"], 25),
              "with an address it leaves again")


case.run(setup, topo.EVERY_RELAY)
