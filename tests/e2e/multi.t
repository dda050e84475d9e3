#!/usr/bin/python3
"""Several WAN interfaces, several addresses, several relays, several proxies."""

import os
import socket
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
# pylint: disable=wrong-import-position
from lib import case, module, net, tap, topo, traffic, wait, wire
from lib.topo import CLIENT, CLIENT2, HOME, INTERNET, OTHER, PROXY, PROXY2, PROXY3, RELAY, settings
from lib.traffic import Connection, Flow, Seen

TCP, UDP, TURN, OWN = 993, 3478, 5349, 2525
IP_MTU_DISCOVER, IP_PMTUDISC_INTERFACE = 10, 4
SIZE = 300000
SECOND = {"ipv4": "198.18.1.1", "ipv6": "2001:db8:7::1"}
GATEWAY2 = {"ipv4": "198.18.1.254", "ipv6": "2001:db8:7::fe"}
# The other proxy, and its tunnel to the relay.
OTHER_PROXY = {"ipv4": "198.18.2.1", "ipv6": "2001:db8:8::1"}
HEADERS = {"ipv4": 40, "ipv6": 60}

t = None


def setup():
    global t
    t = topo.Topology(relays=("relay", "other"))
    t.add_wan("eth1", "198.18.1", "2001:db8:7:", default=False)
    t.settle_wan(SECOND)
    traffic.Host("relay", t.relay).tcp(TCP).udp(UDP)
    traffic.Host("other", t.other).tcp(TCP).udp(UDP)
    traffic.Host("internet", t.internet).tcp(25).udp(53)
    traffic.Host("proxy", HOME).tcp(OWN).udp(OWN)


class ByMetric:
    """The second default route in the main table, less preferred."""

    def __init__(self, *more):
        self.more = more

    def __str__(self):
        return "by metric"

    def __enter__(self):
        for version in topo.ip_versions():
            HOME.ip_of(version, "route", "add", "default", "via", GATEWAY2[version], "dev", "eth1", "metric", "5000",
               *self.more)

    def __exit__(self, *_):
        for version in topo.ip_versions():
            HOME.ip_of(version, "route", "flush", "default", "via", GATEWAY2[version])


class ByRule:
    """A table for each address."""

    def __init__(self, *more):
        self.more = more

    def __str__(self):
        return "by rule"

    def __enter__(self):
        for version in topo.ip_versions():
            for table, own, gateway, name in (("201", PROXY, INTERNET, "eth0"), ("202", SECOND, GATEWAY2, "eth1")):
                HOME.ip_of(version, "route", "add", "default", "via", gateway[version], "dev", name, "table", table,
                   *(self.more if name == "eth1" else ()))
                HOME.ip_of(version, "rule", "add", "from", own[version], "lookup", table, "priority", table)

    def __exit__(self, *_):
        for version in topo.ip_versions():
            for table in ("201", "202"):
                HOME.ip_of(version, "route", "flush", "table", table)
                HOME.ip_of(version, "rule", "del", "priority", table)


WAYS = ByMetric(), ByRule()


class Links:
    """What passes on both WAN links, seen from the internet."""

    def __enter__(self):
        self.links = wire.Link(t.internet, "to_eth0"), wire.Link(t.internet, "to_eth1")
        return self

    def __exit__(self, *_):
        for link in self.links:
            link.close()

    def sources(self):
        """Source addresses seen on each link. The last segments of an earlier connection may be late, and do not count."""
        def ends(packet, segment):
            return frozenset(((packet.src, segment.sport), (packet.dst, segment.dport)))
        begun = {ends(packet, segment) for link in self.links for _, packet, segment in link.segments()}
        found = []
        for link in self.links:
            packets = [wire.parse_ip(frame.data) for frame in link.frames("in")]
            found.append({packet.src for packet in packets if packet and packet.proto == socket.IPPROTO_UDP and
                          not packet.src.startswith("fe80")} |
                         {packet.src for _, packet, segment in link.segments("in", 0, 0) if ends(packet, segment) in begun})
        return found

    def errors(self):
        """Source addresses of ICMP errors on each link."""
        return [{error.source for error in link.errors("in")} for link in self.links]

    def resets(self):
        """Source addresses of resets on each link."""
        return [{packet.src for _, packet, _ in link.segments("in", wire.RST, wire.RST)} for link in self.links]


def load(**changes):
    module.load(**settings(**{"wan": "eth0,eth1", "ports": "chatmail,turn", **changes}))


def replies(version, name):
    """Connections by both interfaces: replies leave through the interface of the request."""
    with Links() as links:
        counters = module.Counters()
        for own in (PROXY, SECOND):
            for protocol, port in (("tcp", TCP), ("udp", UDP)):
                tap.equal(traffic.ask(protocol, t.internet, own[version], port, CLIENT[version]),
                          Seen("relay", CLIENT[version], port), f"{version} {name}: {own[version]} {protocol}")
            with Connection(t.internet, own[version], TCP, CLIENT[version]) as connection:
                tap.ok(connection.echo(os.urandom(SIZE)), f"{version} {name}: {own[version]} {SIZE} bytes")
            with Flow(t.internet, own[version], UDP, CLIENT[version]) as flow:
                tap.equal(flow.ask(os.urandom(8000)).server, "relay",
                          f"{version} {name}: {own[version]} a datagram in fragments")
        tap.equal(links.sources(), [{PROXY[version]}, {SECOND[version]}],
                  f"{version} {name}: each by its own interface only")
        gained = counters.gained(version)
        gained.pop("clamped", None)
        tap.equal(gained, dict.fromkeys(("seen", "translated", "sent", "answered"), 8), f"{version} {name}: counted")


@case.case
def replies_leave_where_they_came_in():
    for wan in ("eth0,eth1", "eth+"):
        load(wan=wan)
        for way in WAYS:
            with way:
                for version in topo.ip_versions():
                    replies(version, f"wan={wan} {way}")
        module.unload()


@case.case
def without_a_second_route():
    """No route through the second interface: replies leave as they are routed."""
    load()
    for version in topo.ip_versions():
        with Links() as links:
            tap.equal(traffic.tcp(t.internet, SECOND[version], TCP, CLIENT[version]),
                      Seen("relay", CLIENT[version], TCP), f"{version}: gets through all the same")
            tap.equal(links.sources(), [{SECOND[version]}, set()], f"{version}: by the default route")
        # A client on the link itself needs no gateway.
        with Links() as links:
            tap.equal(traffic.tcp(t.internet, SECOND[version], TCP), Seen("relay", GATEWAY2[version], TCP),
                      f"{version}: a neighbour")
            tap.equal(links.sources(), [set(), {SECOND[version]}], f"{version}: on the link")


@case.case
def what_is_left_alone():
    """The proxy's own services, what the relay opens, and other settings of wan."""
    for way in WAYS:
        with way:
            for version in topo.ip_versions():
                ways = []
                for loaded in (False, True):
                    if loaded:
                        load()
                    with Links() as links:
                        for own in (PROXY, SECOND):
                            tap.equal((traffic.tcp(t.internet, own[version], OWN, CLIENT[version]),
                                       traffic.udp(t.internet, own[version], OWN, CLIENT[version])),
                                      (Seen("proxy", CLIENT[version], OWN),) * 2,
                                      f"{version} {way}: {own[version]} own service{', loaded' if loaded else ''}")
                        ways.append(links.sources())
                tap.equal(ways[1], ways[0], f"{version} {way}: its replies leave as its requests did")
                with Links() as links:
                    tap.equal((traffic.tcp(t.relay, INTERNET[version], 25), traffic.udp(t.relay, INTERNET[version], 53)),
                              (Seen("internet", PROXY[version], 25), Seen("internet", PROXY[version], 53)),
                              f"{version} {way}: what the relay opens goes as routed")
                    tap.equal(links.sources(), [{PROXY[version]}, set()], f"{version} {way}: by the default route")
                module.set("wan", "eth0")
                tap.equal(traffic.tcp(t.internet, SECOND[version], TCP, CLIENT[version]), "refused",
                          f"{version} {way}: with wan=eth0 the second is none of ours")
                module.unload()


@case.case
def another_mtu():
    """The second path has a smaller MTU than the first, which is the one that the route of the relay's packets has."""
    load(ports=f"chatmail,turn,{TURN}/udp")
    for way, client in ((ByMetric("mtu", "lock", "1400"), CLIENT), (ByRule("mtu", "lock", "1400"), CLIENT2)):
        with way:
            for version in topo.ip_versions():
                narrow = 1400 - HEADERS[version]
                module.set("mss", "auto")
                with wire.Link(t.relay, "wg0") as there, Links() as links:
                    with Connection(t.internet, SECOND[version], TCP, client[version]) as connection:
                        tap.ok(connection.echo(os.urandom(SIZE)), f"{version} {way} mss=auto: {SIZE} bytes")
                    tap.equal(there.announced("in"), [narrow],
                              f"{version} {way} mss=auto: the SYN fits the return route")
                    tap.equal(len(there.errors("in")), 0, f"{version} {way} mss=auto: without ICMP's help")
                    tap.equal(links.sources(), [set(), {SECOND[version]}], f"{version} {way} mss=auto: by the second")
                    tap.equal(traffic.tcp(t.internet, PROXY[version], TCP, client[version]).server, "relay",
                              f"{version} {way} mss=auto: the first way")
                    tap.equal(there.announced("in"),
                              [narrow, 1500 - HEADERS[version]], f"{version} {way} mss=auto: is as wide as it was")
                module.set("mss", "off")
                with wire.Link(t.relay, "wg0") as there, Links() as links:
                    with Connection(t.internet, SECOND[version], TCP, client[version], timeout=20) as connection:
                        tap.ok(connection.echo(os.urandom(SIZE)), f"{version} {way} mss=off: {SIZE} bytes")
                    told = {(error.ip.src, error.ip.dst, error.sport) for error in there.errors("in")}
                    tap.equal(told, {(RELAY[version], client[version], TCP)},
                              f"{version} {way} mss=off: by ICMP, with the relay's own packet inside")
                    tap.equal(links.sources(), [set(), {SECOND[version]}], f"{version} {way} mss=off: by the second")
                with Flow(t.internet, SECOND[version], UDP, client[version]) as flow:
                    tap.equal(flow.ask(os.urandom(8000)).server, "relay", f"{version} {way}: UDP in fragments")
            tap.equal(answer_that_may_be_cut(1390), 1390, f"{way}: what may be cut on the way needs no error")


def answer_that_may_be_cut(size):
    """How many bytes arrive of a datagram without DF that fits the path to the relay, and not that to the client."""
    with t.relay.socket(socket.AF_INET, socket.SOCK_DGRAM) as server, \
         Flow(t.internet, SECOND["ipv4"], TURN, CLIENT["ipv4"]) as flow:
        server.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_INTERFACE)
        server.bind((RELAY["ipv4"], TURN))
        for sock in (server, flow.sock):
            sock.settimeout(5)
        flow.sock.send(b"?")
        server.sendto(bytes(size), server.recvfrom(100)[1])
        try:
            return len(flow.sock.recv(1 << 16))
        except TimeoutError:
            return None


@case.case
def refusals_leave_where_they_came_in():
    """Errors that the proxy itself sends to a client: via refuses, there is no route, a packet is too big."""
    for way in WAYS:
        with way:
            load(via="wg1")
            for version in topo.ip_versions():
                with Links() as links:
                    for own in (PROXY, SECOND):
                        tap.equal((traffic.tcp(t.internet, own[version], TCP, CLIENT[version]),
                                   traffic.udp(t.internet, own[version], UDP, CLIENT[version])),
                                  ("refused", "refused"), f"{version} {way}: {own[version]} refused by via")
                    tap.equal((links.resets(), links.errors()), (([{PROXY[version]}, {SECOND[version]}]),) * 2,
                              f"{version} {way}: refused through the interface that the client arrived on")
            module.unload()
            load()
            HOME.ip(f"route add unreachable {RELAY['ipv4']}/32\n-6 route add unreachable {RELAY['ipv6']}/128\n")
            try:
                for version in topo.ip_versions():
                    with Links() as links:
                        for own, client in ((PROXY, CLIENT), (SECOND, CLIENT2)):
                            tap.ok(traffic.tcp(t.internet, own[version], TCP, client[version])
                                   in ("EHOSTUNREACH", "ENETUNREACH"), f"{version} {way}: {own[version]} unreachable")
                        tap.equal(links.errors(), [{PROXY[version]}, {SECOND[version]}],
                                  f"{version} {way}: the error through the interface that the client arrived on")
            finally:
                HOME.ip(f"route del unreachable {RELAY['ipv4']}/32\n-6 route del unreachable {RELAY['ipv6']}/128\n")
            module.unload()


@case.case
def resets_leave_where_they_came_in():
    """A change of relay resets its clients, each through the interface that it arrived on."""
    for way in WAYS:
        with way:
            load()
            for version in topo.ip_versions():
                live = [Connection(t.internet, own[version], TCP, CLIENT[version]) for own in (PROXY, SECOND)]
                with Links() as links:
                    module.set(topo.SETTING[version], OTHER[version])
                    tap.equal([connection.fate() for connection in live], ["reset"] * 2, f"{version} {way}: both reset")
                    tap.equal(links.resets(), [{PROXY[version]}, {SECOND[version]}],
                              f"{version} {way}: each by its own interface")
                for connection in live:
                    connection.close()
                with Connection(t.internet, SECOND[version], TCP, CLIENT[version]) as live, Links() as links:
                    module.set("wan", "eth0")
                    module.set(topo.SETTING[version], RELAY[version])
                    tap.equal(live.fate(), "reset", f"{version} {way}: when the interface is a WAN no more")
                    module.set("wan", "eth0,eth1")
            module.unload()


def take_down(name):
    HOME.ip(f"link set {name} down\n")


def bring_up(name):
    if name == "eth0":
        t.address_wan()
        HOME.ip("route replace 192.0.2.200/32 via 10.9.1.2\n")
    else:
        t.address_wan("eth1", "198.18.1", "2001:db8:7:", default=False)
        for version in topo.ip_versions():
            HOME.ip_of(version, "route", "replace", "default", "via", GATEWAY2[version], "dev", "eth1", "metric", "5000")


@case.case
def one_goes_down():
    load()
    with ByMetric():
        for gone, stays, name in ((SECOND, PROXY, "eth1"), (PROXY, SECOND, "eth0")):
            live = {version: Connection(t.internet, stays[version], TCP, CLIENT[version])
                    for version in topo.ip_versions()}
            take_down(name)
            try:
                for version in topo.ip_versions():
                    tap.ok(live[version].echo(os.urandom(SIZE)), f"{version} {name} down: the other continues")
                    tap.equal(traffic.tcp(t.internet, stays[version], TCP, CLIENT[version]),
                              Seen("relay", CLIENT[version], TCP), f"{version} {name} down: new ones come in")
                    tap.equal(traffic.tcp(t.relay, INTERNET[version] if name == "eth1" else GATEWAY2[version], 25),
                              Seen("internet", stays[version], 25), f"{version} {name} down: the relay opens connections")
            finally:
                bring_up(name)
            for version in topo.ip_versions():
                for own in (gone, stays):
                    tap.ok(wait.until(lambda v=version, o=own: traffic.tcp(
                        t.internet, o[v], TCP, CLIENT[v]) == Seen("relay", CLIENT[v], TCP), 10),
                        f"{version} {name} up again: {own[version]}")
                tap.ok(live[version].echo(b"still there"), f"{version} {name} up again: the connection continues")
                live[version].close()


@case.tracked("several local addresses for one relay need the tracked engine")
def addresses_and_relays():
    """RELAY@OWN: one proxy, two addresses, two relays, and one for the rest."""
    lines = {version: f"{RELAY[version]}@{PROXY[version]},{OTHER[version]}@{PROXY2[version]}"
             for version in topo.ip_versions()}
    load(wan="eth0", **{topo.SETTING[version]: lines[version] for version in topo.ip_versions()})
    for version in topo.ip_versions():
        tap.equal(module.get(topo.SETTING[version]), lines[version], f"{version}: reads back")
        for own, server in ((PROXY, "relay"), (PROXY2, "other")):
            for protocol, port in (("tcp", TCP), ("udp", UDP)):
                tap.equal(traffic.ask(protocol, t.internet, own[version], port, CLIENT[version]),
                          Seen(server, CLIENT[version], port), f"{version} {protocol}: {own[version]} is {server}")
            with Links() as links:
                with Connection(t.internet, own[version], TCP, CLIENT[version]) as connection:
                    tap.ok(connection.echo(os.urandom(SIZE)), f"{version}: {own[version]} {SIZE} bytes")
                tap.equal(links.sources(), [{own[version]}, set()], f"{version}: answers from {own[version]}")
        tap.equal(traffic.tcp(t.internet, PROXY3[version], TCP, CLIENT[version]), "refused",
                  f"{version}: an address without a relay is the proxy's")
        counters = module.Counters()
        tap.equal((traffic.tcp(t.relay, INTERNET[version], 25), traffic.tcp(t.other, INTERNET[version], 25)),
                  (Seen("internet", PROXY[version], 25),) * 2, f"{version}: both relays open connections")
        tap.equal(counters.gained(version).get("outbound"), 2, f"{version}: both count")

        with Connection(t.internet, PROXY[version], TCP, CLIENT[version]) as first, \
                Connection(t.internet, PROXY2[version], TCP, CLIENT[version]) as second:
            module.set(topo.SETTING[version], f"{RELAY[version]}@{PROXY[version]},{OTHER[version]}")
            tap.ok(first.echo(b"a") and second.echo(b"b"), f"{version}: both continue where their relay stays")
            tap.equal(traffic.tcp(t.internet, PROXY3[version], TCP, CLIENT[version]),
                      Seen("other", CLIENT[version], TCP),
                      f"{version}: an entry without @ serves the rest")
            module.set(topo.SETTING[version], f"{RELAY[version]}@{PROXY[version]},{RELAY[version]}@{PROXY2[version]}")
            tap.equal(second.fate_when_talking(), "reset", f"{version}: whose relay has changed is reset")
            tap.ok(first.echo(b"a"), f"{version}: the other is not")


@case.case
def two_addresses_two_interfaces_two_relays():
    lines = {version: f"{RELAY[version]}@{SECOND[version]},{OTHER[version]}" for version in topo.ip_versions()}
    load(**{topo.SETTING[version]: lines[version] for version in topo.ip_versions()})
    for way in WAYS:
        with way:
            for version in topo.ip_versions():
                with Links() as links:
                    tap.equal((traffic.tcp(t.internet, PROXY[version], TCP, CLIENT[version]).server,
                               traffic.tcp(t.internet, SECOND[version], TCP, CLIENT[version]).server),
                              ("other", "relay"), f"{version} {way}: each address its relay")
                    tap.equal(links.sources(), [{PROXY[version]}, {SECOND[version]}],
                              f"{version} {way}: each its interface")


def second_proxy():
    """A second proxy with its own address and its own tunnel to the same relay; the relay routes replies by source."""
    box, = net.create("box")
    box.sysctl(ipv4__ip_forward=1, ipv6__conf__all__forwarding=1)
    t.internet.ip("link add to_box type veth peer name eth0 netns box\naddr add 198.18.2.254/24 dev to_box\n"
                  "-6 addr add 2001:db8:8::fe/64 dev to_box nodad\nlink set to_box up\n")
    box.ip("link set lo up\naddr add 198.18.2.1/24 dev eth0\n-6 addr add 2001:db8:8::1/64 dev eth0 nodad\n"
           "link set eth0 up\nroute add default via 198.18.2.254\n-6 route add default via 2001:db8:8::fe\n"
           "link add wg0 type veth peer name wg1 netns relay\naddr add 10.9.2.1/24 dev wg0\n"
           "-6 addr add fd00:9:2::1/64 dev wg0 nodad\nlink set wg0 up\n")
    t.relay.ip("addr add 10.9.2.2/24 dev wg1\n-6 addr add fd00:9:2::2/64 dev wg1 nodad\nlink set wg1 up\n"
               "route add default via 10.9.2.1 table 102\n-6 route add default via fd00:9:2::1 table 102\n")
    t.relay.run("ip", "-4", "rule", "add", "from", "10.9.2.2", "lookup", "102")
    t.relay.run("ip", "-6", "rule", "add", "from", "fd00:9:2::2", "lookup", "102")
    box.nft("table inet nat { chain pre { type nat hook prerouting priority dstnat;\n"
            f"iifname eth0 meta nfproto ipv4 tcp dport {TCP} dnat ip to 10.9.2.2\n"
            f"iifname eth0 meta nfproto ipv6 tcp dport {TCP} dnat ip6 to fd00:9:2::2\n}};\n"
            "chain post { type nat hook postrouting priority srcnat; oifname eth0 masquerade; }; }")
    return box


@case.case
def two_proxies_for_one_relay():
    box = second_proxy()
    load(wan="eth0", via="wg0")
    for version in topo.ip_versions():
        for own in (PROXY, OTHER_PROXY):
            tap.ok(wait.until(lambda v=version, o=own: traffic.tcp(
                t.internet, o[v], TCP, CLIENT[v]) == Seen("relay", CLIENT[v], TCP), 10),
                f"{version}: the relay serves by {own[version]}")
    live = {}
    for version in topo.ip_versions():
        live[version] = [Connection(t.internet, own[version], TCP, CLIENT[version]) for own in (PROXY, OTHER_PROXY)]

    # The other one vanishes, tunnel and all.
    box.ip("link set eth0 down\nlink set wg0 down\n")
    for version in topo.ip_versions():
        counters = module.Counters()
        tap.ok(live[version][0].echo(os.urandom(SIZE)), f"{version}: the other proxy is gone, ours continues")
        tap.equal(traffic.tcp(t.internet, PROXY[version], TCP, CLIENT2[version]), Seen("relay", CLIENT2[version], TCP),
                  f"{version}: and takes new ones")
        tap.equal(traffic.tcp(t.relay, INTERNET[version], 25), Seen("internet", PROXY[version], 25),
                  f"{version}: the relay's own leave by ours")
        gained = counters.gained(version)
        tap.equal((gained.get("sent"), gained.get("answered"), gained.get("dropped_via")), (1, 1, None),
                  f"{version}: counted")
    box.ip("link set eth0 up\nlink set wg0 up\n-6 addr replace 2001:db8:8::1/64 dev eth0 nodad\n"
           "-6 addr replace fd00:9:2::1/64 dev wg0 nodad\nroute replace default via 198.18.2.254\n"
           "-6 route replace default via 2001:db8:8::fe\n")
    t.relay.ip("route replace default via 10.9.2.1 table 102\n-6 route replace default via fd00:9:2::1 table 102\n")
    for version in topo.ip_versions():
        tap.ok(wait.until(lambda v=version: traffic.tcp(
            t.internet, OTHER_PROXY[v], TCP, CLIENT[v]) == Seen("relay", CLIENT[v], TCP), 10), f"{version}: it returns")

    # Ours vanishes.
    for version in topo.ip_versions():
        live[version][1].close()
        live[version][1] = Connection(t.internet, OTHER_PROXY[version], TCP, CLIENT[version])
    HOME.ip("link set wg0 down\n")
    try:
        for version in topo.ip_versions():
            tap.ok(live[version][1].echo(os.urandom(SIZE)), f"{version}: our tunnel is down, the other's clients continue")
            tap.equal(traffic.tcp(t.internet, PROXY[version], TCP, CLIENT[version]), "refused",
                      f"{version}: ours are refused")
            tap.equal(live[version][0].fate_when_talking(), "reset", f"{version}: or reset")
    finally:
        HOME.ip("link set wg0 up\n-6 addr replace fd00:9::1/64 dev wg0 nodad\n")
        t.relay.ip("route replace default via 10.9.0.1\n-6 route replace default via fd00:9::1\n")
    module.unload()
    for version in topo.ip_versions():
        tap.ok(live[version][1].echo(b"still there"), f"{version}: and when ours is unloaded")
        for connection in live[version]:
            connection.close()


case.run(setup, topo.EVERY_RELAY)
