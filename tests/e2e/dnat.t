#!/usr/bin/python3
"""Which connections are forwarded to the relay, what they look like there, and what is left alone."""

import os
import socket
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
# pylint: disable=wrong-import-position
from lib import case, conntrack, craft, module, net, sniff, tap, topo, traffic, wait
from lib.topo import (CLIENT, CLIENT2, OTHER, PORTS, PROXY, PROXY2, PROXY3, RELAY, SETTING, TRANSIT,
                      TUNNEL, HOME, settings)
from lib.traffic import Seen

t = relay = other = proxy = None


def setup():
    global t, relay, other, proxy
    t = topo.Topology(relays=("relay", "other"))
    tcp = PORTS + (22, 3478, 4999, 5000, 5001, 5002, 5003, 6000, 7000)
    udp = (25, 443, 993, 3478, 4999, 5000, 6000, 6001, 6999, 7000, 7001, 7002)
    relay, other, proxy = [traffic.Host(name, ns).tcp(*tcp).udp(*udp) for name, ns in
                           (("relay", t.relay), ("other", t.other), ("proxy", HOME))]


def all_versions():
    return topo.ip_versions()


@case.case
def every_default_port():
    module.load(**settings())
    for version in all_versions():
        counters = module.Counters()
        for port in PORTS:
            tap.equal(traffic.tcp(t.internet, PROXY[version], port, CLIENT[version]),
                      Seen("relay", CLIENT[version], port),
                      f"{version} tcp {port}: the relay answers on the same port and sees the client")
        tap.equal(counters.gained(version),
                  {"seen": 7, "translated": 7, "sent": 7, "answered": 7},
                  f"{version}: each connection counted once at each stage")
        for port, protocol in ((22, "tcp"), (3478, "tcp"), (993, "udp"), (3478, "udp")):
            tap.equal(traffic.ask(protocol, t.internet, PROXY[version], port, CLIENT[version]),
                      Seen("proxy", CLIENT[version], port),
                      f"{version} {protocol} {port} is not in the default set: the proxy's own")
        tap.equal(counters.gained(version)["seen"], 7, f"{version}: what is not in the set is not counted")


@case.case
def port_forms():
    module.load(**settings(ports="imaps,turn,5000-5002,6000/udp,7000-7001/udp,https/udp,22"))
    for version in all_versions():
        counters = module.Counters()
        taken = [("tcp", port) for port in (22, 993, 5000, 5001, 5002)] + \
                [("udp", port) for port in (443, 3478, 6000, 7000, 7001)]
        left = [("tcp", port) for port in (25, 443, 3478, 4999, 5003, 6000, 7000)] + \
               [("udp", port) for port in (993, 5000, 6001, 6999, 7002)]
        for server, pairs in (("relay", taken), ("proxy", left)):
            for protocol, port in pairs:
                tap.equal(traffic.ask(protocol, t.internet, PROXY[version], port, CLIENT[version]),
                          Seen(server, CLIENT[version], port), f"{version} {protocol} {port}: {server}")
        tap.equal(counters.gained(version), dict.fromkeys(
            ("seen", "translated", "sent", "answered"), len(taken)), f"{version}: the counters agree")


@case.case
def only_from_the_wan():
    module.load(**settings(ports="chatmail,turn", scope="any"))
    for version in all_versions():
        counters = module.Counters()
        for protocol, port in (("tcp", 993), ("udp", 3478)):
            for where, ns in (("another interface", t.other), ("the relay's tunnel", t.relay),
                              ("the proxy itself", HOME)):
                seen = traffic.ask(protocol, ns, PROXY[version], port)
                tap.equal(seen[:1], ("proxy",), f"{version} {protocol}: from {where} it stays with the proxy")
        tap.equal(counters.gained(version), {}, f"{version}: and is not counted")


@case.case
def families_are_independent():
    module.load(wan="eth0", v4=RELAY["ipv4"])
    for version in all_versions():
        tap.equal(traffic.tcp(t.internet, PROXY[version], 993, CLIENT[version]),
                  Seen("relay" if version == "ipv4" else "proxy", CLIENT[version], 993),
                  f"only v4 is set: {version}")
    module.configure(wan="eth0", v6=RELAY["ipv6"])
    for version in all_versions():
        tap.equal(traffic.tcp(t.internet, PROXY[version], 993, CLIENT[version]),
                  Seen("relay" if version == "ipv6" else "proxy", CLIENT[version], 993),
                  f"only v6 is set: {version}")


@case.tracked("several local addresses for one relay need the tracked engine")
def scope():
    module.load(**settings(ports="chatmail,turn"))
    for version in all_versions():
        for protocol, port in (("tcp", 993), ("udp", 3478)):
            what = f"{version} {protocol}"
            counters = module.Counters()
            for address in (PROXY2, PROXY3):
                tap.equal(traffic.ask(protocol, t.internet, address[version], port, CLIENT[version]),
                          Seen("relay", CLIENT[version], port),
                          f"{what}: local takes {address[version]}, a local address too")
            tap.equal(traffic.ask(protocol, t.internet, TUNNEL[version], port, CLIENT[version]),
                      Seen("relay", CLIENT[version], port),
                      f"{what}: local takes a local address of another interface")
            tap.equal(traffic.ask(protocol, t.internet, TRANSIT[version], port, CLIENT[version]),
                      Seen("other", CLIENT[version], port), f"{what}: local lets transit traffic pass")
            tap.equal(counters.gained(version).get("seen"), 3, f"{what}: transit traffic is not counted")
    module.set("scope", "any")
    for version in all_versions():
        for protocol, port in (("tcp", 993), ("udp", 3478)):
            what = f"{version} {protocol}"
            counters = module.Counters()
            for address in (PROXY, TRANSIT):
                tap.equal(traffic.ask(protocol, t.internet, address[version], port, CLIENT2[version]),
                          Seen("relay", CLIENT2[version], port), f"{what}: any takes {address[version]}")
            tap.equal(counters.gained(version), dict.fromkeys(
                ("seen", "translated", "sent", "answered"), 2), f"{what}: any counts both")


@case.tracked("several local addresses for one relay need the tracked engine")
def relay_by_local_address():
    chosen = {SETTING[version]: f"{RELAY[version]}@{PROXY[version]},{OTHER[version]}@{PROXY2[version]}"
              for version in all_versions()}
    module.load(wan="eth0", ports="chatmail,turn", **chosen)
    for version in all_versions():
        for protocol, port in (("tcp", 993), ("udp", 3478)):
            for address, server in ((PROXY, "relay"), (PROXY2, "other"), (PROXY3, "proxy")):
                tap.equal(traffic.ask(protocol, t.internet, address[version], port, CLIENT[version]),
                          Seen(server, CLIENT[version], port),
                          f"{version} {protocol}: {address[version]} leads to {server}")
    for version in all_versions():
        module.set(SETTING[version], f"{OTHER[version]}@{PROXY2[version]},{RELAY[version]}")
        for protocol, port in (("tcp", 993), ("udp", 3478)):
            for address, server in ((PROXY, "relay"), (PROXY2, "other"), (PROXY3, "relay")):
                tap.equal(traffic.ask(protocol, t.internet, address[version], port, CLIENT2[version]),
                          Seen(server, CLIENT2[version], port),
                          f"{version} {protocol}: with an entry for all others "
                          f"{address[version]} leads to {server}")


@case.tracked("several local addresses for one relay need the tracked engine")
def connections_that_look_alike_to_the_relay():
    """From one port to two addresses of the proxy: their tuples differ before DNAT, and would be equal after it."""
    module.load(**settings(ports="chatmail,turn"))
    for version in all_versions():
        counters = module.Counters()
        client = CLIENT[version]
        with traffic.Connection(t.internet, PROXY[version], 993, client) as first, \
                traffic.Connection(t.internet, PROXY2[version], 993, client, first.port) as second:
            tap.equal([first.answer[:2], second.answer[:2]], [("relay", client)] * 2,
                      f"{version} tcp: both reach the relay")
            tap.equal((first.answer.peer_port == first.port, second.answer.peer_port == second.port), (True, False),
                      f"{version} tcp: the second with another port")
            tap.ok(first.goes_on() and second.goes_on(), f"{version} tcp: each gets its own answers")
        with traffic.Flow(t.internet, PROXY[version], 3478, client) as first, \
                traffic.Flow(t.internet, PROXY2[version], 3478, client, first.port) as second:
            told = [first.ask(b"1"), second.ask(b"2"), first.ask(b"3"), second.ask(b"4")]
            tap.equal([answer[:2] for answer in told], [("relay", client)] * 4, f"{version} udp: both reach the relay")
            tap.equal([answer.peer_port == first.port for answer in told], [True, False] * 2,
                      f"{version} udp: the second with another port")
        tap.equal(counters.gained(version), dict.fromkeys(("seen", "translated", "sent", "answered"), 4),
                  f"{version}: none is dropped, each is counted once")


@case.case
def addressed_to_the_relay_itself():
    module.load(**settings(ports="chatmail,turn", scope="any"))
    ways = "".join(f"{'-6 ' if version == 'ipv6' else ''}route {{}} {RELAY[version]} via {PROXY[version]}\n"
                   for version in all_versions())
    t.internet.ip(ways.replace("{}", "add"))
    try:
        for version in all_versions():
            counters = module.Counters()
            for protocol, port in (("tcp", 993), ("udp", 3478)):
                tap.equal(traffic.ask(protocol, t.internet, RELAY[version], port, CLIENT[version]),
                          Seen("relay", CLIENT[version], port), f"{version} {protocol}: gets there by itself")
            tap.equal(counters.gained(version), {}, f"{version}: and is not counted")
    finally:
        t.internet.ip(ways.replace("{}", "del"))


@case.case
def link_local_stays_on_the_link():
    if not net.have_ipv6():
        tap.skip("link-local addresses", "no IPv6")
        return
    HOME.ip("addr replace fe80::1/64 dev eth0 nodad\n")
    t.internet.ip("addr replace fe80::2/64 dev to_eth0 nodad\n")
    with t.internet:
        index = socket.if_nametoindex("to_eth0")
    module.load(**settings())
    counters = module.Counters()
    for scope in ("local", "any"):
        module.set("scope", scope)
        for what, source, address in (("to", CLIENT["ipv6"], "fe80::1"), ("from", "fe80::2", PROXY["ipv6"]),
                                      ("from and to", "fe80::2", "fe80::1")):
            with t.internet.socket(socket.AF_INET6, socket.SOCK_STREAM) as sock:
                sock.settimeout(5)
                sock.bind((source, 0, 0, index if source == "fe80::2" else 0))
                sock.connect((address, 993, 0, index if address == "fe80::1" else 0))
                tap.equal(sock.recv(100).split()[:1], [b"proxy"],
                          f"scope={scope}: {what} a link-local address: the proxy's own")
    tap.equal(counters.gained("ipv6"), {}, "and is not counted")


@case.case
def large_datagrams():
    module.load(**settings(ports="turn"))
    payload = bytes(range(256)) * 32
    for version in all_versions():
        counters = module.Counters()
        tap.equal(traffic.udp(t.internet, PROXY[version], 3478, CLIENT[version], payload),
                  Seen("relay", CLIENT[version], 3478),
                  f"{version}: 8 kB come back whole, in fragments both ways")
        tap.equal(counters.gained(version), dict.fromkeys(("seen", "translated", "sent", "answered"), 1),
                  f"{version}: and count once")


@case.case
def nothing_but_unicast():
    module.load(**settings(ports="1-21,23-65535,1-65535/udp", scope="any"))
    counters = module.Counters()
    with sniff.Sniffer(t.relay, "wg0") as behind:
        targets = ["203.0.113.255", "255.255.255.255", "224.0.0.1", "239.1.2.3"]
        for address in targets:
            with t.internet.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"to_eth0")
                sock.bind(("203.0.113.254", 0))
                sock.sendto(b"all of you", (address, 3478))
        if net.have_ipv6():
            # The kernel adds it a moment after the interface is up.
            tap.ok(wait.until(lambda: "ff00::/8" in t.internet.run("ip", "-6", "route", "show", "table", "local")),
                   "there is a route for multicast")
            for address in ("ff02::1", "ff05::2"):
                with t.internet.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"to_eth0")
                    sock.sendto(b"all of you", (address, 3478))
            # All routers of the network have that address.
            tap.ok("anycast 2001:db8:1:: dev eth0" in HOME.run("ip", "-6", "route", "show", "table", "local"), "there is an anycast address")
            with craft.Link(t.internet) as link:
                link.send(craft.udp(CLIENT["ipv6"], "2001:db8:1::", 3478))
        # These come later on the same way, so what was to arrive has arrived.
        for version in all_versions():
            tap.equal(traffic.udp(t.internet, PROXY[version], 3478, CLIENT[version]),
                      Seen("relay", CLIENT[version], 3478), f"{version}: unicast is forwarded")
        strangers = [packet for packet in behind.packets("in")
                     if packet.proto == socket.IPPROTO_UDP and packet.src not in CLIENT.values()]
    tap.equal(strangers, [], "broadcast, multicast and anycast do not reach the relay")
    for version in all_versions():
        tap.equal(counters.gained(version).get("seen"), 1, f"{version}: and are not counted")


@case.case
def errors_from_the_relay():
    module.load(**settings(ports="8000,8000/udp"))
    for version in all_versions():
        counters = module.Counters()
        with sniff.Sniffer(t.internet, "to_eth0") as outside:
            tap.equal(traffic.udp(t.internet, PROXY[version], 8000, CLIENT[version]), "refused",
                      f"{version} udp: the relay's port-unreachable reaches the client's socket")
            errors = {packet.src for packet in outside.packets("in") if packet.icmp in ((3, 3), (1, 4))}
            tap.equal(errors, {PROXY[version]}, f"{version} udp: as an error of the proxy's address")
        tap.equal(traffic.tcp(t.internet, PROXY[version], 8000, CLIENT[version]), "refused",
                  f"{version} tcp: the relay's reset reaches the client")
        gained = counters.gained(version)
        tap.equal([gained.get(name) for name in ("translated", "sent")], [2, 2],
                  f"{version}: both have been forwarded")
        tap.ok(wait.until(lambda: counters.gained(version).get("answered", 0) >= 1),
               f"{version}: a reset counts as an answer")


@case.case
def errors_from_the_client():
    module.load(**settings(ports="8001/udp"))
    for version in all_versions():
        family = net.family_of(RELAY[version])
        with t.relay.socket(family, socket.SOCK_DGRAM) as server:
            server.bind((RELAY[version], 8001))
            server.settimeout(5)
            with traffic.Flow(t.internet, PROXY[version], 8001, CLIENT[version]) as flow:
                flow.sock.send(b"hello")
                _, peer = server.recvfrom(100)
            # The client is gone now.
            server.connect(peer[:2])
            server.send(b"too late")

            def refused():
                try:
                    server.recv(100)
                except ConnectionRefusedError:
                    return True
                except OSError:
                    pass
                return False
            tap.ok(wait.until(refused), f"{version}: the client's port-unreachable reaches the relay's socket")


@case.case
def stage_counters_name_the_guilty_layer():
    HOME.ip("route add unreachable 10.99.0.2/32\n-6 route add unreachable fd00:99::2/128\n")
    nowhere = {"ipv4": "10.99.0.2", "ipv6": "fd00:99::2"}
    deaf = {"ipv4": "10.9.0.77", "ipv6": "fd00:9::77"}
    module.load(**settings(ports="turn"))
    for version in all_versions():
        setting, one = SETTING[version], dict.fromkeys(("seen", "translated", "sent", "answered"), 1)

        def ask(timeout=0.3):
            return traffic.udp(t.internet, PROXY[version], 3478, CLIENT[version], timeout=timeout)
        counters = module.Counters()
        tap.equal(ask(5), Seen("relay", CLIENT[version], 3478), f"{version}: a relay that works")
        tap.equal(counters.gained(version), one, f"{version}: answered")

        counters = module.Counters()
        module.set(setting, deaf[version])
        ask()
        tap.equal(counters.gained(version), {"seen": 1, "translated": 1, "sent": 1},
                  f"{version}: a relay that does not answer: sent is the last to count")

        counters = module.Counters()
        module.set(setting, nowhere[version])
        ask()
        tap.equal(counters.gained(version), {"seen": 1, "translated": 1},
                  f"{version}: no route to the relay: translated is the last to count")

        counters = module.Counters()
        module.set(setting, RELAY[version])
        HOME.nft("table inet chatdnat_test { chain forward { type filter hook forward priority 0;"
                 " policy drop; }; }")
        ask()
        HOME.nft("delete table inet chatdnat_test")
        tap.equal(counters.gained(version), {"seen": 1, "translated": 1},
                  f"{version}: a firewall in between: translated is the last to count")
        before = module.stats(version)
        module.set("masquerade", "all")
        module.set("masquerade", "wan")
        tap.equal(module.stats(version), before, f"{version}: a change of settings resets no counter")


@case.case
def one_connection_is_counted_once():
    module.load(**settings())
    for version in all_versions():
        counters = module.Counters()
        with traffic.Connection(t.internet, PROXY[version], 143, CLIENT[version]) as connection:
            tap.ok(all(connection.echo(b"x" * 1000) for _ in range(50)), f"{version}: 50 exchanges")
        tap.equal(counters.gained(version), dict.fromkeys(("seen", "translated", "sent", "answered"), 1),
                  f"{version}: count as one connection")


@case.tracked("connection tracking does not see it")
def conntrack_shows_the_translation():
    module.load(**settings())
    for version in all_versions():
        with traffic.Connection(t.internet, PROXY[version], 25, CLIENT[version]) as connection:
            mine = [entry for entry in conntrack.entries() if entry.orig.sport == connection.port
                    and entry.orig.src == CLIENT[version]]
            tap.equal([(entry.orig.dst, entry.reply.src, entry.reply.dst, entry.reply.sport)
                       for entry in mine],
                      [(PROXY[version], RELAY[version], CLIENT[version], 25)],
                      f"{version}: one entry, translated in its destination only")
            tap.equal([entry.status & (conntrack.SRC_NAT | conntrack.DST_NAT) for entry in mine],
                      [conntrack.DST_NAT], f"{version}: as `ct status dnat` sees it")


@case.case
def a_rule_for_a_tunnels_key():
    """Where a tunnel keeps its key with each packet, rules that ask for the key route the relay's replies."""
    inner, key = {"ipv4": "10.78.0.2", "ipv6": "fd78::2"}, 100
    if subprocess.run(["modprobe", "-q", "ip_gre"], check=False).returncode:
        tap.skip("a tunnel's key", "this kernel has no GRE")
        return
    up = "addr add 10.78.0.{0}/24 dev keyed\n-6 addr add fd78::{0}/64 dev keyed nodad\nlink set keyed up\n"
    HOME.ip("link add keyed type gre external\n" + up.format(1) +
            "".join(f"route add {address} encap ip id {key} key dst {RELAY['ipv4']} dev keyed\n" for address in inner.values()))
    t.relay.ip(f"link add keyed type gre local {RELAY['ipv4']} remote {TUNNEL['ipv4']} key {key}\n" + up.format(2))
    for version in all_versions():
        t.relay.ip_of(version, "route", "flush", "default")
        t.relay.ip_of(version, "route", "add", "default", "dev", "keyed")
    try:
        module.load(**settings(relay=inner))
        for version in all_versions():
            want = Seen("relay", CLIENT[version], 993)
            for id_, seen in ((key + 1, want), (key, "silence")):
                rule = ("priority", "100", "tun_id", str(id_), "blackhole")
                HOME.ip_of(version, "rule", "add", *rule)
                tap.equal(traffic.tcp(t.internet, PROXY[version], 993, CLIENT[version], timeout=1 if seen == "silence" else 5), seen,
                          f"{version}: a rule for the key {id_}")
                HOME.ip_of(version, "rule", "del", *rule)
            tap.equal(traffic.tcp(t.internet, PROXY[version], 993, CLIENT[version]), want, f"{version}: no rule")
            # The stack, too, asks for the key once more.
            rules = (("priority", "100", "tun_id", str(key), "lookup", "main"),
                     ("priority", "101", "iif", "keyed", "blackhole"))
            for rule in rules:
                HOME.ip_of(version, "rule", "add", *rule)
            tap.equal(traffic.tcp(t.internet, PROXY[version], 993, CLIENT[version]), want, f"{version}: but with this key")
            for rule in rules:
                HOME.ip_of(version, "rule", "del", *rule)
    finally:
        t.relay.ip(f"link del keyed\nroute add default via {TUNNEL['ipv4']}\n-6 route add default via {TUNNEL['ipv6']}\n")
        HOME.ip("link del keyed\n")


case.run(setup, topo.EVERY_RELAY)
