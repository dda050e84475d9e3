#!/usr/bin/python3
# vm: --append slab_nomerge
"""via: without the tunnel connections are refused at once, and nothing leaks to the default route."""

import contextlib
import errno
import os
import socket
import struct
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
# pylint: disable=wrong-import-position
from lib import case, conntrack, module, tap, topo, traffic, wait, wire
from lib.topo import CLIENT, CLIENT2, HOME, INTERNET, OTHER, PROXY, RELAY, TRANSIT, TUNNEL, settings
from lib.traffic import Connection, Flow, Seen

TCP, UDP, CLOSED_UDP = 993, 3478, 3479
UNREACHABLE = {"ipv4": (3, 3), "ipv6": (1, 4)}
MANY = 1000

t = relay = None


def setup():
    global t, relay
    t = topo.Topology(relays=("relay", "other"))
    relay = traffic.Host("relay", t.relay).tcp(TCP).udp(UDP)
    traffic.Host("other", t.other).tcp(TCP).udp(UDP)
    traffic.Host("internet", t.internet).tcp(25).udp(53)


def load(**changes):
    module.load(**settings(ports="chatmail,turn", **changes))


def tunnel_up(name="wg0"):
    # IPv6 addresses go with the link.
    HOME.ip(f"link set {name} up\n-6 addr replace {TUNNEL['ipv6']}/64 dev {name} nodad\n")
    t.relay.ip("route replace default via 10.9.0.1\n-6 route replace default via fd00:9::1\n")


def tunnel_back():
    """Creates the interface again, as it was."""
    HOME.ip("link add wg0 type veth peer name wg0 netns relay\naddr add 10.9.0.1/24 dev wg0\nlink set wg0 up\n")
    t.relay.ip("addr add 10.9.0.2/24 dev wg0\n-6 addr add fd00:9::2/64 dev wg0 nodad\nlink set wg0 up\n")
    tunnel_up()


def default(way):
    """The proxy's default routes: "del" or "add"."""
    HOME.ip(f"route {way} default via 203.0.113.254\n-6 route {way} default via 2001:db8:1::fe\n")


def leaked(link):
    """Packets that passed with the relay's address."""
    return [packet for packet in (wire.parse_ip(frame.data) for frame in link.frames())
            if packet and set(RELAY.values()) & {packet.src, packet.dst}]


def refused_udp(version, payload=b"?"):
    """The errno that a client's socket gets."""
    with Flow(t.internet, PROXY[version], UDP, CLIENT[version]) as flow:
        try:
            flow.ask(payload, 5)
            return "answered"
        except OSError as error:
            return errno.errorcode.get(error.errno, str(error))


def works(version, name, protocols=("tcp", "udp")):
    for protocol in protocols:
        port = {"tcp": TCP, "udp": UDP}[protocol]

        def answer(protocol=protocol, port=port):
            return traffic.ask(protocol, t.internet, PROXY[version], port, CLIENT[version]) == \
                Seen("relay", CLIENT[version], port)
        tap.ok(wait.until(answer, 10), f"{version} {name}: {protocol} gets through")


def none_is_left(name, states, wanted=lambda line: True):
    """No connection at either end is in one of these states. What is lost with a link comes again, when others count."""
    def left():
        return [line for ns in (t.internet, t.relay) for line in ns.run("ss", "-Htn", *(word for state in states for word in ("state", state))).splitlines()
                if wanted(line)]
    if not tap.ok(wait.until(lambda: not left(), 20), name):
        tap.diag("\n".join(left()))


def said_all(name):
    none_is_left(f"{name}: closed connections have ended", ("fin-wait-1", "fin-wait-2", "closing", "close-wait", "last-ack"))


def all_acknowledged(name):
    """Of open connections: what is not would be sent again and again."""
    def unacknowledged(line):
        # Without a column for the state: after the queue of what was received.
        return int(line.split()[1])
    none_is_left(f"{name}: all is acknowledged", ("established",), unacknowledged)


def refuses(version, name):
    """New connections of both protocols: refused at once, counted, nothing leaked."""
    with wire.Link(t.internet, "to_eth0") as outside:
        counters = module.Counters()
        tap.equal(traffic.tcp(t.internet, PROXY[version], TCP, CLIENT[version]), "refused", f"{version} {name}: TCP")
        tap.equal(refused_udp(version), "ECONNREFUSED", f"{version} {name}: UDP")
        # Nothing was sent a second time.
        tap.equal(counters.gained(version), {"seen": 2, "translated": 2, "dropped_via": 2},
                  f"{version} {name}: at once, and counted exactly")
        tap.equal(leaked(outside), [], f"{version} {name}: nothing leaks")
        errors = [(error.source, error.type, error.code, error.ip.src, error.ip.dst, error.dport)
                  for error in outside.errors("in")]
        tap.equal(errors, [(PROXY[version], *UNREACHABLE[version], CLIENT[version], PROXY[version], UDP)],
                  f"{version} {name}: the error has the proxy's address in it, not the relay's")
        resets = [(packet.src, packet.dst, segment.sport)
                  for _, packet, segment in outside.segments("in", wire.RST, wire.RST)]
        tap.equal(resets, [(PROXY[version], CLIENT[version], TCP)], f"{version} {name}: so has the reset")


def outbound_unaffected(version, name):
    tap.equal(traffic.tcp(t.relay, INTERNET[version], 25), Seen("internet", PROXY[version], 25),
              f"{version} {name}: the relay's own connections leave")


def ends(name, down, up):
    """The tunnel goes down and up again, with live connections of both families."""
    load(via="wg0")
    for version in topo.ip_versions():
        works(version, "before")
    said_all(name)
    live = {version: Connection(t.internet, PROXY[version], TCP, CLIENT2[version]) for version in topo.ip_versions()}
    flows = {version: Flow(t.internet, PROXY[version], UDP, CLIENT2[version]) for version in topo.ip_versions()}
    gone = False
    try:
        for version in topo.ip_versions():
            flows[version].ask()
        down()
        gone = True
        for version in topo.ip_versions():
            with wire.Link(t.internet, "to_eth0") as outside:
                counters = module.Counters()
                tap.equal(live[version].fate_when_talking(), "reset", f"{version} {name}: a live connection is reset")
                try:
                    flows[version].ask(timeout=5)
                    fate = "answered"
                except OSError as error:
                    fate = errno.errorcode.get(error.errno, str(error))
                tap.equal(fate, "ECONNREFUSED", f"{version} {name}: a live flow is refused")
                tap.equal(counters.gained(version), {"dropped_via": 2}, f"{version} {name}: both are counted")
                tap.equal(leaked(outside), [], f"{version} {name}: nothing of them leaks")
            refuses(version, name)
        up()
        gone = False
        for version in topo.ip_versions():
            works(version, f"{name}, and back")
            outbound_unaffected(version, f"{name}, and back")
    finally:
        if gone:
            up()
        for client in (*live.values(), *flows.values()):
            client.close()


@case.case
def interface_down_with_a_default_route():
    ends("interface down", lambda: HOME.ip("link set wg0 down\n"), tunnel_up)


@case.case
def interface_deleted():
    ends("interface deleted", lambda: HOME.ip("link del wg0\n"), tunnel_back)


def clients_only(way):
    """A route to the clients, in place of the default one."""
    HOME.ip(f"route {way} 198.51.100.0/24 via 203.0.113.254\n-6 route {way} 2001:db8:2::/64 via 2001:db8:1::fe\n")
    default({"add": "del", "del": "add"}[way])


def nowhere(way):
    if way == "add":
        clients_only("add")
        HOME.ip("link set wg0 down\n")
    else:
        tunnel_up()
        clients_only("del")


@case.case
def no_route_at_all():
    ends("no route", lambda: nowhere("add"), lambda: nowhere("del"))


def leak(way):
    """A route to the relay through the default gateway."""
    for version in topo.ip_versions():
        flag, length = ("-6 ", 128) if version == "ipv6" else ("", 32)
        HOME.ip(f"{flag}route {way} {RELAY[version]}/{length} via {INTERNET[version]}\n")


@case.case
def route_leaks_to_the_gateway():
    ends("a route by the gateway", lambda: leak("add"), lambda: leak("del"))


@case.case
def route_forbids():
    ends("an unreachable route", lambda: forbid("add"), lambda: forbid("del"))


def forbid(way):
    HOME.ip(f"route {way} unreachable 10.9.0.2/32\n-6 route {way} unreachable fd00:9::2/128\n")


@case.case
def another_tunnel():
    """Another route than the default one is a leak, too."""
    def turn(way):
        HOME.ip(f"route {way} 10.9.0.2/32 via 10.9.1.2\n-6 route {way} fd00:9::2/128 via fd00:9:1::2\n")
    ends("another tunnel", lambda: turn("add"), lambda: turn("del"))


@case.tracked("without state nothing of it is tracked that could be offloaded")
def an_offloaded_connection():
    """The packets of a connection that a flow table forwards pass no hook: new settings take it back to them."""
    with topo.flow_table():
        for version in topo.ip_versions():
            load()
            with Connection(t.internet, PROXY[version], TCP, CLIENT[version]) as connection:
                tap.ok(connection.echo(os.urandom(200000)), f"{version}: a connection")
                tap.ok(conntrack.is_offloaded(connection), f"{version}: that is offloaded")
                counters = module.Counters()
                module.set("log", "drops")
                tap.ok(connection.echo(os.urandom(200000)), f"{version}: continues after a setting that does not concern it")
                all_acknowledged(version)
                module.set("via", "wg1")
                tap.equal(connection.fate_when_talking(), "reset", f"{version}: is reset with another interface in via")
                tap.equal(counters.gained(version), {"dropped_via": 1}, f"{version}: and counted")
            module.unload()


@case.case
def comes_later():
    """An interface that does not exist yet, or had another name."""
    load(via="tun7")
    for version in topo.ip_versions():
        refuses(version, "no such interface")
        outbound_unaffected(version, "no such interface")
    HOME.ip("link set wg0 down\nlink set wg0 name tun7\n")
    tunnel_up("tun7")
    try:
        for version in topo.ip_versions():
            works(version, "renamed")
        said_all("renamed")
    finally:
        HOME.ip("link set tun7 down\nlink set tun7 name wg0\n")
        tunnel_up()
    for version in topo.ip_versions():
        refuses(version, "renamed back")
    module.set("via", "wg0")
    for version in topo.ip_versions():
        works(version, "via follows")
    module.set("via", "wg1")
    for version in topo.ip_versions():
        refuses(version, "via the other")
    module.set("via", "")
    for version in topo.ip_versions():
        works(version, "any way")


@case.case
def an_alternative_name():
    """An alternative name, by which the kernel would find the interface, is not its name."""
    HOME.ip("link property add dev wg0 altname tunnel-to-home\n")
    try:
        load(via="tunnel-to-home")
        for version in topo.ip_versions():
            refuses(version, "an alternative name")
    finally:
        HOME.ip("link property del dev wg0 altname tunnel-to-home\n")


@case.case
def what_is_not_forwarded():
    """via limits connections forwarded to the relay, not those of the proxy nor other forwarded ones."""
    load(via="wg0")
    proxy = traffic.Host("proxy", HOME).tcp(2525)
    try:
        for version in topo.ip_versions():
            counters = module.Counters()
            outbound_unaffected(version, "in force")
            tap.equal(traffic.tcp(t.internet, TRANSIT[version], TCP, CLIENT[version]),
                      Seen("other", CLIENT[version], TCP), f"{version}: transit passes")
            tap.equal(traffic.tcp(t.internet, PROXY[version], 2525, CLIENT[version]).server, "proxy",
                      f"{version}: the proxy's own service answers")
            tap.equal(traffic.tcp(HOME, OTHER[version], TCP).server, "other", f"{version}: the proxy opens connections")
            tap.equal(counters.gained(version).get("dropped_via", 0), 0, f"{version}: nothing dropped")
    finally:
        proxy.close()


def rule(version, way, table, *selector):
    HOME.ip_of(version, "rule", way, *selector, "lookup", str(table), "priority", "100")


@case.case
def policy_routing():
    """The route is looked up with the packet's input interface, source and mark."""
    load(via="wg0")
    for version in topo.ip_versions():
        flag, length = ("-6 ", 128) if version == "ipv6" else ("", 32)
        right = f"{flag}route {{}} {RELAY[version]}/{length} dev wg0 table 100\n"
        wrong = f"{flag}route {{}} {RELAY[version]}/{length} via {INTERNET[version]}\n"
        away = f"{flag}route {{}} {RELAY[version]}/{length} via {INTERNET[version]} table 101\n"
        rules = {
            "by the interface": ("dev", "eth0"),
            "by the client": ("from", CLIENT[version]),
            "by the relay": ("from", CLIENT[version], "to", RELAY[version]),
            "by the mark": ("fwmark", "7"),
            "by the protocol": ("ipproto", "tcp"),
            "by the port": ("ipproto", "tcp", "dport", str(TCP)),
        }
        HOME.nft("table inet marks { chain pre { type filter hook prerouting priority mangle;\n"
                 "iifname eth0 meta mark set 7; }; }")
        try:
            for name, selector in rules.items():
                protocols = ("tcp",) if "ipproto" in selector else ("tcp", "udp")
                HOME.ip((right + wrong).format("add", "add"))
                rule(version, "add", 100, *selector)
                works(version, f"main leaks, a rule {name} does not", protocols)
                HOME.ip((right + wrong).format("del", "del"))
                rule(version, "del", 100, *selector)
                HOME.ip(away.format("add"))
                rule(version, "add", 101, *selector)
                if protocols == ("tcp",):
                    tap.equal(traffic.tcp(t.internet, PROXY[version], TCP, CLIENT[version]), "refused",
                              f"{version}: a rule {name} leaks")
                    works(version, f"a rule {name} leaks, but not for UDP", ("udp",))
                else:
                    refuses(version, f"a rule {name} leaks")
                HOME.ip(away.format("del"))
                rule(version, "del", 101, *selector)
        finally:
            HOME.nft("delete table inet marks")
        works(version, "no rules")


@case.case
def hairpin_from_the_proxy():
    load(via="wg0", hairpin="1")
    for version in topo.ip_versions():
        tap.equal(traffic.tcp(HOME, PROXY[version], TCP), Seen("relay", TUNNEL[version], TCP),
                  f"{version}: the proxy reaches the relay")
    leak("add")
    try:
        for version in topo.ip_versions():
            with wire.Link(t.internet, "to_eth0") as outside:
                counters = module.Counters()
                # A datagram that a hook drops is no secret to who sends it here.
                tap.equal((traffic.tcp(HOME, PROXY[version], TCP), traffic.udp(HOME, PROXY[version], UDP)),
                          ("refused", "EPERM"), f"{version}: a leak is refused to the proxy too")
                tap.equal(leaked(outside), [], f"{version}: and nothing leaks")
                tap.equal(counters.gained(version).get("dropped_via"), 2, f"{version}: at once, and counted")
            counters = module.Counters()
            tap.equal((traffic.tcp(t.other, PROXY[version], TCP), traffic.udp(t.other, PROXY[version], UDP)),
                      ("refused", "refused"), f"{version}: and to a host behind it")
            tap.equal(counters.gained(version).get("dropped_via"), 2, f"{version}: counted")
            refuses(version, "a client, as well as the proxy")
    finally:
        leak("del")
    for version in topo.ip_versions():
        tap.equal(traffic.udp(HOME, PROXY[version], UDP), Seen("relay", TUNNEL[version], UDP),
                  f"{version}: until it is over")


@case.case
def without_via():
    """Without via the routes alone decide, and the stack's error about a missing one quotes the proxy's address."""
    load()
    tap.equal(module.get("via"), "", "via is not set by default")
    leak("add")
    try:
        for version in topo.ip_versions():
            with wire.Link(t.internet, "to_eth0") as outside:
                counters = module.Counters()
                traffic.udp(t.internet, PROXY[version], UDP, CLIENT[version], timeout=0.5)
                tap.ok(wait.until(lambda link=outside: leaked(link)), f"{version}: goes where the route leads")
                tap.equal(counters.gained(version).get("dropped_via"), None, f"{version}: nothing dropped")
    finally:
        leak("del")
    forbid("add")
    try:
        for version in topo.ip_versions():
            with wire.Link(t.internet, "to_eth0") as outside:
                tap.equal(traffic.tcp(t.internet, PROXY[version], TCP, CLIENT[version]),
                          {"ipv4": "EHOSTUNREACH", "ipv6": "ENETUNREACH"}[version],
                          f"{version}: no route: the client is told")
                # Two clients: a host may get one such error a second.
                traffic.udp(t.internet, PROXY[version], UDP, CLIENT2[version], timeout=0.2)
                inside = wait.until(lambda link=outside: len(link.errors("in")) > 1 and {
                    (error.source, error.ip.src, error.ip.dst, error.dport) for error in link.errors("in")})
                tap.equal(inside, {(PROXY[version], client[version], PROXY[version], port)
                                   for client, port in ((CLIENT, TCP), (CLIENT2, UDP))},
                          f"{version}: with the proxy's address inside")
                tap.equal(leaked(outside), [], f"{version}: the relay's is nowhere")
    finally:
        forbid("del")


@case.case
def what_a_relay_refuses_itself():
    """Refusals by the relay itself are unchanged, and quote the proxy's address."""
    module.load(**settings(ports=f"chatmail,{CLOSED_UDP}/udp", via="wg0"))
    for version in topo.ip_versions():
        with wire.Link(t.internet, "to_eth0") as outside:
            counters = module.Counters()
            tap.equal((traffic.tcp(t.internet, PROXY[version], 143, CLIENT[version]),
                       traffic.udp(t.internet, PROXY[version], CLOSED_UDP, CLIENT[version])), ("refused", "refused"),
                      f"{version}: closed ports")
            inside = [(error.source, error.ip.dst, error.dport) for error in outside.errors("in")]
            tap.equal(inside, [(PROXY[version], PROXY[version], CLOSED_UDP)],
                      f"{version}: the error seems to come from the proxy")
            tap.equal(counters.gained(version).get("dropped_via"), None, f"{version}: nothing is dropped")


@case.case
def fragments_and_odd_packets():
    load(via="wg0")
    leak("add")
    try:
        for version in topo.ip_versions():
            with wire.Link(t.internet, "to_eth0", "eth0") as outside:
                counters = module.Counters()
                tap.equal(refused_udp(version, os.urandom(8000)), "ECONNREFUSED",
                          f"{version}: a datagram in fragments is refused")
                tap.equal(counters.gained(version).get("dropped_via"), 1, f"{version}: and counts once")
                counters = module.Counters()
                # A reset gets none, and one with a wrong checksum gets nothing.
                client, proxy = CLIENT[version], PROXY[version]
                bad = wire.tcp(client, proxy, 44001, TCP)
                bad = bad[:16] + struct.pack("!H", struct.unpack_from("!H", bad, 16)[0] ^ 1) + bad[18:]
                outside.send(wire.ip(client, proxy, socket.IPPROTO_TCP, wire.tcp(client, proxy, 44000, TCP)))
                tap.ok(wait.until(lambda c=counters, v=version: c.gained(v).get("dropped_via") == 1),
                       f"{version}: a SYN is dropped")
                outside.send(wire.ip(client, proxy, socket.IPPROTO_TCP, bad))
                traffic.tcp(t.internet, proxy, TCP, CLIENT2[version])
                resets = [segment.dport for _, packet, segment in outside.segments("in", wire.RST, wire.RST)
                          if packet.dst == client]
                tap.equal(resets, [44000], f"{version}: one with a wrong checksum is not answered")
                tap.equal(leaked(outside), [], f"{version}: and does not leak")
    finally:
        leak("del")


BROADCAST = b"\xff" * 6


@case.tracked("several local addresses for one relay need the tracked engine")
def what_the_stack_drops_silently():
    """Impossible source addresses, and packets to all hosts of a link, get no answer."""
    load(via="wg0")
    HOME.sysctl(ipv4__conf__eth0__rp_filter=1)
    leak("add")
    try:
        with wire.Link(t.internet, "to_eth0", "eth0") as outside, wire.Link(t.other, "wg0") as behind:
            counters = module.Counters()
            proxy, client = PROXY["ipv4"], CLIENT["ipv4"]
            # From behind the second tunnel, and from the proxy itself.
            for source in (OTHER["ipv4"], topo.PROXY2["ipv4"]):
                outside.send(wire.ip(source, proxy, socket.IPPROTO_TCP, wire.tcp(source, proxy, 44100, TCP)),
                             wire.ip(source, proxy, socket.IPPROTO_UDP, wire.udp(source, proxy, 44100, UDP)))
            tap.equal(traffic.tcp(t.internet, proxy, TCP, client), "refused", "ipv4: a client is refused")
            tap.equal([(packet.src, packet.proto) for packet in (wire.parse_ip(frame.data) for frame in
                                                                 behind.frames("in")) if packet and packet.src == proxy],
                      [], "ipv4: whose source was made up is not")
            tap.equal(counters.gained("ipv4"), {"seen": 5, "translated": 5, "dropped_via": 1},
                      "ipv4: the stack drops it, not via")
        for version in topo.ip_versions():
            with wire.Link(t.internet, "to_eth0", "eth0") as outside:
                counters = module.Counters()
                client, proxy = CLIENT[version], PROXY[version]
                for body, proto in ((wire.tcp(client, proxy, 44200, TCP), socket.IPPROTO_TCP),
                                    (wire.udp(client, proxy, 44200, UDP), socket.IPPROTO_UDP)):
                    outside.send(wire.ip(client, proxy, proto, body), mac=BROADCAST)
                tap.ok(wait.until(lambda c=counters, v=version: c.gained(v).get("dropped_via") == 2),
                       f"{version}: what was sent to the whole link is dropped")
                tap.equal(traffic.tcp(t.internet, proxy, TCP, CLIENT2[version]), "refused",
                          f"{version}: a client is refused")
                tap.equal([segment.dport for _, _, segment in outside.segments("in", wire.RST, wire.RST)
                           if segment.dport == 44200] + outside.errors("in"), [], f"{version}: without an answer")
    finally:
        leak("del")
        HOME.sysctl(ipv4__conf__eth0__rp_filter=0)


# The names before and since Linux 6.9.
CACHES = {"ipv4": ("ip_dst_cache", "rtable"), "ipv6": ("ip6_dst_cache", "rt6_info")}


def routes(version):
    """Number of allocated route entries (dst)."""
    for cache in CACHES[version]:
        # KASAN lays aside for a while what is freed, and lets go of it when the cache is shrunk.
        with contextlib.suppress(FileNotFoundError), open(f"/sys/kernel/slab/{cache}/shrink", "w", encoding="ascii") as file:
            file.write("1")
    with open("/proc/slabinfo", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.split()[0] in CACHES[version])


@case.case
def routes_are_given_back():
    load(via="wg0")
    cases = (("no route", nowhere), ("an unreachable route", forbid), ("a route by the gateway", leak))
    for name, turn in cases:
        turn("add")
        try:
            for version in topo.ip_versions():
                with wire.Link(t.internet, "to_eth0", "eth0") as outside:
                    for protocol in (socket.IPPROTO_TCP, socket.IPPROTO_UDP):
                        before, counters = routes(version), module.Counters()
                        for number in range(MANY):
                            body = (wire.tcp(CLIENT[version], PROXY[version], 1024 + number, TCP)
                                    if protocol == socket.IPPROTO_TCP else
                                    wire.udp(CLIENT[version], PROXY[version], 1024 + number, UDP))
                            outside.send(wire.ip(CLIENT[version], PROXY[version], protocol, body))
                        tap.ok(wait.until(lambda c=counters, v=version: c.gained(v).get("dropped_via") == MANY, 20),
                               f"{version} {name} {protocol}: {MANY} are dropped")
                        kept = wait.until(lambda b=before, v=version: routes(v) - b < MANY / 2, 3)
                        tap.ok(kept, f"{version} {name} {protocol}: and keep no route")
                        tap.diag(f"routes: {before} before, {routes(version)} after")
        finally:
            turn("del")


@case.case
def transfers_go_on():
    load(via="wg0")
    for version in topo.ip_versions():
        counters = module.Counters()
        with Connection(t.internet, PROXY[version], TCP, CLIENT[version]) as connection:
            tap.ok(connection.echo(os.urandom(300000)), f"{version}: 300000 bytes pass")
        with Flow(t.internet, PROXY[version], UDP, CLIENT[version]) as flow:
            tap.equal(flow.ask(os.urandom(8000)).server, "relay", f"{version}: and fragments")
        tap.equal(counters.gained(version).get("dropped_via"), None, f"{version}: nothing dropped")


case.run(setup, topo.EVERY_RELAY)
