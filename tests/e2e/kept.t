#!/usr/bin/python3
"""The cached DNAT decision and path MTU are used for later connections only as long as they are valid."""

import contextlib
import itertools
import os
import socket
import struct
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
# pylint: disable=wrong-import-position
from lib import case, craft, module, net, tap, topo, traffic, wait, wire
from lib.topo import CLIENT, CLIENT2, HOME, INTERNET, OTHER, PROXY, PROXY2, RELAY, SETTING, TRANSIT, TUNNEL, TUNNEL2, settings
from lib.traffic import Connection, Seen

TCP, UDP, OWN, CLOSED = 993, 3478, 2525, 143
PORTS = "chatmail,turn"
BEHIND = {"ipv4": "203.0.113.77", "ipv6": "2001:db8:1::77"}
BITS = {"ipv4": 32, "ipv6": 128}

t = None


def setup():
    global t
    t = topo.Topology(relays=("relay", "other"))
    traffic.Host("relay", t.relay).tcp(TCP).udp(UDP, 40000)
    traffic.Host("other", t.other).tcp(TCP).udp(UDP)
    traffic.Host("proxy", HOME).tcp(TCP, OWN).udp(UDP, TCP)
    traffic.Host("internet", t.internet).tcp(25)


def flag(version):
    return "-6 " if version == "ipv6" else ""


def dial(version, client=None):
    return traffic.tcp(t.internet, PROXY[version], TCP, (client or CLIENT)[version])


def ask(version, client=None):
    """Who answers a connection, and a datagram."""
    return dial(version, client), traffic.udp(t.internet, PROXY[version], UDP, (client or CLIENT)[version])


def by(name, version, client=None):
    return tuple(Seen(name, (client or CLIENT)[version], port) for port in (TCP, UDP))


def warm(version):
    """The second connection uses what the first one cached, and so does the second datagram."""
    tap.equal([ask(version), ask(version)], [by("relay", version)] * 2, f"{version}: two connections, and two flows")


def counted(version, packet):
    counters = module.Counters()
    with craft.Link(t.internet) as link:
        link.send(packet)
    wait.until(lambda: counters.gained(version).get("seen"), 2)
    gained = counters.gained(version)
    return tuple(gained.get(name, 0) for name in ("seen", "translated", "sent"))


_ports = itertools.count(41000)


def syn(version, src, dst=None):
    """How a SYN from an address is counted."""
    return counted(version, craft.tcp(src, (dst or PROXY)[version], TCP, sport=next(_ports)))


def first(version, src, dst=None):
    """How a SYN from an address is counted, if it is as a datagram is."""
    datagram = counted(version, craft.udp(src, (dst or PROXY)[version], UDP, sport=next(_ports)))
    segment = syn(version, src, dst)
    return segment if segment == datagram else (segment, datagram)


SENT, STOPPED, UNSEEN = (1, 1, 1), (1, 1, 0), (0, 0, 0)


@case.tracked("without state nothing of it is kept")
def a_route_changes():
    module.load(**settings(ports=PORTS))
    for version in topo.ip_versions():
        route = f"{flag(version)}route %s {RELAY[version]}/{BITS[version]}\n"
        for kind in ("unreachable", "blackhole"):
            warm(version)
            HOME.ip(route % f"add {kind}")
            tap.equal(first(version, CLIENT[version]), STOPPED, f"{version}: {kind}, and nothing leaves any more")
            HOME.ip(route % f"del {kind}")
        warm(version)
        # As an answer of the peer's would tell which of the two got it.
        t.other.ip(f"{flag(version)}addr add {RELAY[version]}/{BITS[version]} dev lo" +
                   (" nodad\n" if version == "ipv6" else "\n"))
        HOME.ip(f"{flag(version)}route add {RELAY[version]}/{BITS[version]} via {OTHER[version]}\n")
        tap.equal(ask(version), by("other", version), f"{version}: another way")
        HOME.ip(f"{flag(version)}route del {RELAY[version]}/{BITS[version]} via {OTHER[version]}\n")
        t.other.ip(f"{flag(version)}addr del {RELAY[version]}/{BITS[version]} dev lo\n")
        warm(version)


@case.tracked("without state nothing of it is kept")
def a_route_for_some():
    """Routes by type of service; by source, with a policy rule; with two next hops."""
    module.load(**settings(ports=PORTS))
    warm("ipv4")
    HOME.ip(f"route add unreachable {RELAY['ipv4']}/32 tos 0x10\n")
    warm("ipv4")
    for what, kind, port in (("connection", socket.SOCK_STREAM, TCP), ("datagram", socket.SOCK_DGRAM, UDP)):
        counters = module.Counters()
        with t.internet.socket(socket.AF_INET, kind) as sock:
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, 0x10)
            sock.bind((CLIENT["ipv4"], 0))
            sock.settimeout(2)
            with contextlib.suppress(OSError):
                sock.connect((PROXY["ipv4"], port))
                sock.send(b"?")
                sock.recv(1)
        # The kernel does not tell a client of each packet that it stops: one more SYN is sent then.
        gained = counters.gained("ipv4")
        tap.equal(gained, dict.fromkeys(("seen", "translated"), gained.get("seen")),
                  f"a type of service with a route of its own takes that: {what}")
    warm("ipv4")
    HOME.ip(f"route del unreachable {RELAY['ipv4']}/32 tos 0x10\n")
    for version in topo.ip_versions():
        warm(version)
        HOME.ip_of(version, "route", "add", "unreachable", "default", "table", "77")
        HOME.ip_of(version, "rule", "add", "from", CLIENT2[version], "lookup", "77")
        tap.equal(first(version, CLIENT2[version]), STOPPED, f"{version}: a rule by source concerns that source")
        warm(version)
        tap.equal(first(version, CLIENT2[version]), STOPPED, f"{version}: also after another's connection")
        HOME.ip_of(version, "rule", "del", "from", CLIENT2[version], "lookup", "77")
        HOME.ip_of(version, "route", "del", "unreachable", "default", "table", "77")
        tap.equal(ask(version, CLIENT2), by("relay", version, CLIENT2), f"{version}: it is gone")


@case.tracked("without state nothing of it is kept")
def another_way_out():
    """Whether the source is kept too depends on the output interface, which a mark may choose."""
    module.load(**settings(wan="eth0,wg1", ports=PORTS))
    for version in topo.ip_versions():
        t.other.ip(f"{flag(version)}addr add {RELAY[version]}/{BITS[version]} dev lo" +
                   (" nodad\n" if version == "ipv6" else "\n"))
        HOME.ip_of(version, "route", "add", "default", "via", OTHER[version], "table", "77")
        HOME.ip_of(version, "rule", "add", "fwmark", "0x77", "lookup", "77")
        word = "ip6" if version == "ipv6" else "ip"
        HOME.nft(f"table {word} marks {{ chain c {{ type filter hook prerouting priority -150;"
                 f" {word} saddr {CLIENT2[version]} meta mark set 0x77; }}; }}")
        for _ in range(2):
            warm(version)
            tap.equal(ask(version, CLIENT2), tuple(Seen("other", TUNNEL2[version], port) for port in (TCP, UDP)),
                      f"{version}: by a WAN interface, masqueraded")
        HOME.nft(f"delete table {word} marks")
        HOME.ip_of(version, "rule", "del", "fwmark", "0x77", "lookup", "77")
        HOME.ip_of(version, "route", "del", "default", "table", "77")
        t.other.ip(f"{flag(version)}addr del {RELAY[version]}/{BITS[version]} dev lo\n")


@case.tracked("without state nothing of it is kept")
def another_protocol():
    module.load(**settings(ports=f"{TCP}"))
    for version in topo.ip_versions():
        tap.equal([dial(version), dial(version)], [Seen("relay", CLIENT[version], TCP)] * 2, f"{version}: two connections")
        tap.equal(traffic.udp(t.internet, PROXY[version], TCP, CLIENT[version]), Seen("proxy", CLIENT[version], TCP),
                  f"{version}: a datagram to the same port is this host's")


@case.tracked("without state nothing of it is kept")
def a_local_socket_comes():
    """In a range of UDP ports, the port of a local socket is this host's."""
    module.load(**settings(ports="40000-40001/udp"))
    for version in topo.ip_versions():
        def asked(port, v=version):
            return traffic.udp(t.internet, PROXY[v], port, CLIENT[v], timeout=5)
        tap.equal([asked(40000), asked(40000)], [Seen("relay", CLIENT[version], 40000)] * 2, f"{version}: two flows")
        family = socket.AF_INET6 if version == "ipv6" else socket.AF_INET
        with traffic.listener(HOME, family, socket.SOCK_DGRAM, 40000) as server, \
                traffic.Flow(t.internet, PROXY[version], 40000, CLIENT[version]) as flow:
            server.settimeout(5)
            flow.sock.send(b"?")
            tap.equal(traffic.receive(server)[1][0], CLIENT[version], f"{version}: a flow that is this host's")
        tap.equal(asked(40000), Seen("relay", CLIENT[version], 40000), f"{version}: and again the relay's")


@case.tracked("without state nothing of it is kept")
def turned_elsewhere():
    """Another table changes the destination of a packet after DNAT."""
    module.load(**settings(ports=PORTS))
    for version in topo.ip_versions():
        warm(version)
        word = "ip6" if version == "ipv6" else "ip"
        HOME.nft(f"table {word} elsewhere {{ chain c {{ type filter hook prerouting priority 0;"
                 f" {word} saddr {CLIENT2[version]} tcp dport {TCP} {word} daddr set {OTHER[version]}; }}; }}")
        counters = module.Counters()
        with wire.Link(t.relay, "wg0") as relay, wire.Link(t.other, "wg0") as other:
            syn(version, CLIENT2[version])
            tap.equal([len(list(link.segments("in", wire.SYN))) for link in (relay, other)], [0, 1],
                      f"{version}: it goes there")
        tap.equal(counters.gained(version).get("sent"), 1, f"{version}: and counts")
        warm(version)
        HOME.nft(f"delete table {word} elsewhere")


@case.tracked("without state nothing of it is kept")
def a_local_address_goes():
    module.load(**settings(ports=PORTS))
    for version in topo.ip_versions():
        length = 64 if version == "ipv6" else 24
        address = f"{flag(version)}addr %s {PROXY2[version]}/{length} dev eth0"
        for _ in range(2):
            tap.equal(first(version, CLIENT[version], PROXY2), SENT, f"{version}: for a local address")
        HOME.ip(address % "del" + "\n")
        tap.equal(first(version, CLIENT[version], PROXY2), UNSEEN, f"{version}: which it is no longer")
        HOME.ip(address % "add" + (" nodad\n" if version == "ipv6" else "\n"))
        tap.equal(first(version, CLIENT[version], PROXY2), SENT, f"{version}: and is again")


@case.tracked("without state nothing of it is kept")
def settings_change():
    module.load(**settings(ports=PORTS))
    for version in topo.ip_versions():
        warm(version)
        module.set(SETTING[version], OTHER[version])
        tap.equal(ask(version), by("other", version), f"{version}: another relay")
        module.set(SETTING[version], RELAY[version])
        warm(version)
        module.set("ports", "25")
        tap.equal(ask(version), by("proxy", version), f"{version}: another port")
        module.set("ports", PORTS)
        warm(version)
        module.set("wan", "eth9")
        tap.equal(ask(version), by("proxy", version), f"{version}: another interface")
        module.set("wan", "eth0")
        warm(version)
        module.set("enabled", "0")
        tap.equal(ask(version), by("proxy", version), f"{version}: draining")
        module.set("enabled", "1")


@case.tracked("without state nothing of it is kept")
def the_interface_is_renamed():
    module.load(**settings(ports=PORTS))
    for version in topo.ip_versions():
        warm(version)
    HOME.ip("link set eth0 down\nlink set eth0 name eth7\n")
    t.address_wan("eth7")
    t.settle_wan()
    for version in topo.ip_versions():
        tap.equal(ask(version), by("proxy", version), f"{version}: it is none of wan's any more")
    HOME.ip("link set eth7 down\nlink set eth7 name eth0\n")
    t.address_wan()
    t.settle_wan()
    for version in topo.ip_versions():
        warm(version)


@case.tracked("without state nothing of it is kept")
def what_the_stack_does_not_let_in():
    """The stack checks the source of each packet, and whether it forwards at all."""
    module.load(**settings(ports=PORTS))
    warm("ipv4")
    for name, source in (("a local address", PROXY2["ipv4"]), ("the tunnel's own", TUNNEL["ipv4"]),
                         ("loopback", "127.0.0.1"), ("nobody", "0.0.0.0"), ("a group", "224.0.0.1"),
                         ("everybody", "255.255.255.255")):
        if topo.OWN == (1,) and source == PROXY2["ipv4"]:
            continue
        tap.ok(first("ipv4", source)[2] == 0, f"from {name}: is not forwarded")
        warm("ipv4")
    HOME.ip(f"route add {CLIENT['ipv4']}/32 via {OTHER['ipv4']}\n")
    tap.equal(first("ipv4", CLIENT["ipv4"]), SENT, "from where the return route is another: rp_filter=0 lets it in")
    HOME.sysctl(ipv4__conf__eth0__rp_filter=1)
    tap.equal(first("ipv4", CLIENT["ipv4"]), STOPPED, "rp_filter=1 does not")
    HOME.sysctl(ipv4__conf__eth0__rp_filter=2)
    tap.equal(first("ipv4", CLIENT["ipv4"]), SENT, "rp_filter=2 does")
    HOME.sysctl(ipv4__conf__eth0__rp_filter=0)
    HOME.ip(f"route del {CLIENT['ipv4']}/32 via {OTHER['ipv4']}\n")
    for version, names in (("ipv4", ("ipv4__conf__eth0__forwarding",)), ("ipv6", ("ipv6__conf__all__forwarding",))):
        if version not in topo.ip_versions():
            continue
        warm(version)
        HOME.sysctl(**dict.fromkeys(names, 0))
        tap.equal(first(version, CLIENT[version]), STOPPED, f"{version}: forwarding is off")
        HOME.sysctl(**dict.fromkeys(names, 1))
        t.address_wan()
        t.settle_wan()
        warm(version)


@case.tracked("without state nothing of it is kept")
def the_reverse_path_changes():
    """The segment size follows at once."""
    module.load(**settings(ports=PORTS))
    for version in topo.ip_versions():
        counters = module.Counters()
        warm(version)
        tap.equal(counters.gained(version).get("clamped", 0), 0, f"{version}: nothing is narrow")
        route = f"{flag(version)}route %s {CLIENT[version]}/{BITS[version]} via {INTERNET[version]} mtu 1300\n"
        HOME.ip(route % "add")
        counters = module.Counters()
        dial(version)
        tap.equal(counters.gained(version).get("clamped", 0), 2, f"{version}: SYN and SYN-ACK fit the new return route")
        HOME.ip(route % "del")


@case.tracked("without state nothing of it is kept")
def the_forward_path_becomes_narrow():
    """No notifier tells of an ICMP error about the relay: the cached route itself becomes invalid."""
    module.load(**settings(ports=PORTS))
    for version in topo.ip_versions():
        own, relay = TUNNEL[version], RELAY[version]
        kind, code, reply = (3, 4, 0) if version == "ipv4" else (2, 0, 129)
        error = craft.icmp(relay, own, kind, code, rest=struct.pack("!I", 1300), payload=craft.icmp(own, relay, reply))
        with wire.Link(t.relay, "wg0", "wg0") as inside:
            # A reset announces nothing: what is clamped is the SYN.
            refused = [traffic.tcp(t.internet, PROXY[version], CLOSED, CLIENT[version]) for _ in range(2)]
            inside.send(error)
        tap.equal(refused, ["refused"] * 2, f"{version}: two connections")
        tap.ok(wait.until(lambda r=relay: "mtu 1300" in HOME.run("ip", "route", "get", r)), f"{version}: there is an exception")
        counters = module.Counters()
        tap.equal(traffic.tcp(t.internet, PROXY[version], CLOSED, CLIENT[version]), "refused", f"{version}: one more")
        tap.equal(counters.gained(version).get("clamped"), 1, f"{version}: fits the smaller MTU")
        HOME.ip_of(version, "route", "flush", "cache")


@case.case
def a_bridge_with_its_own_netfilter():
    """br_netfilter shows a bridge's packets to the hooks before the bridge has decided whose they are."""
    subprocess.run(["modprobe", "-a", "bridge", "br_netfilter"], check=True)
    HOME.ip("link add br0 type bridge forward_delay 0\nlink set br0 address 02:00:00:00:99:01\n"
            "addr flush dev eth0\nlink set eth0 master br0\n")
    behind, = net.create("behind")
    HOME.ip("link add port1 type veth peer name eth0 netns behind\nlink set port1 master br0 up\n")
    behind.ip(f"addr add {BEHIND['ipv4']}/24 dev eth0\n-6 addr add {BEHIND['ipv6']}/64 dev eth0 nodad\nlink set eth0 up\n")
    try:
        t.address_wan("br0")
        t.internet.ip("neigh flush dev to_eth0\n")
        t.settle_wan()
        module.load(**settings(wan="br0", guard="full", allow=""))
        HOME.ip("link set wg0 mtu 1280\n")
        for version in topo.ip_versions():
            counters = module.Counters()
            for _ in range(2):
                tap.equal(dial(version), by("relay", version)[0], f"{version}: forwarded")
            gained = counters.gained(version)
            tap.equal((gained.get("seen"), gained.get("sent"), gained.get("clamped")), (2, 2, 4),
                      f"{version}: counted and clamped once each")
            with Connection(t.internet, PROXY[version], TCP, CLIENT[version]) as connection:
                tap.ok(connection.echo(os.urandom(200000)), f"{version}: 200,000 bytes")
            counters = module.Counters()
            tap.equal(traffic.tcp(t.internet, TRANSIT[version], TCP, CLIENT[version], timeout=0.3), "silence",
                      f"{version}: what is not for the relay is not forwarded")
            tap.ok(counters.gained(version).get("dropped_forward"), f"{version}: but counted")
            tap.equal(traffic.tcp(t.internet, PROXY[version], OWN, CLIENT[version], timeout=0.3), "silence",
                      f"{version}: nor does the host take it in")
            # Not even a guard minds what passes from one port to another.
            for guard in ("strict", "full"):
                module.set("guard", guard)
                tap.equal(traffic.tcp(behind, INTERNET[version], 25), Seen("internet", BEHIND[version], 25),
                          f"{version} guard={guard}: bridged, with an address of its own")
        module.unload()
    finally:
        HOME.ip("link del port1\nlink set wg0 mtu 1500\nlink set eth0 nomaster\nlink del br0\n")
        t.address_wan()
        t.internet.ip("neigh flush dev to_eth0\n")
        t.settle_wan()


@case.tracked("without state nothing of it is kept")
def a_device_goes():
    """Cached entries hold no reference to a device."""
    for version in topo.ip_versions():
        module.load(**settings(ports=PORTS, relay=OTHER))
        tap.equal([ask(version), ask(version)], [by("other", version)] * 2, f"{version}: two connections")
        module.unload()
    module.load(**settings(ports=PORTS, relay=OTHER))
    for version in topo.ip_versions():
        ask(version)
        ask(version)
    HOME.ip("link del wg1\n")
    tap.ok(wait.until(lambda: not net.exists("wg1"), 10), "the device to the relay is gone")
    for version in topo.ip_versions():
        tap.equal(first(version, CLIENT[version])[2], 1, f"{version}: what is for the relay takes what route there is left")


case.run(setup, topo.EVERY_RELAY)
