#!/usr/bin/python3
# vm: --timeout 600
"""The stateless engine while addresses, routes and devices of the host change, and beside connections and tables of others."""

import os
import socket
import struct
import subprocess
import sys
import time

os.environ["CHATDNAT_ENGINE"] = "stateless"
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
# pylint: disable=wrong-import-position
from lib import case, conntrack, module, stateless as engine, tap, topo, traffic, wait, wire
from lib.stateless import PAST, TCP, Watch, load, outlives, over, served, stateless, well
from lib.topo import CLIENT, CLIENT2, HOME, OTHER, PROXY, PROXY2, RELAY, settings
from lib.traffic import Connection, Seen

ACK = wire.ACK
SECOND = {"ipv4": "203.0.113.77", "ipv6": "2001:db8:1::77"}
FLAG = {"ipv4": "", "ipv6": "-6 "}
BITS = {"ipv4": 24, "ipv6": 64}
INNER = {"ipv4": "10.78.0.2", "ipv6": "fd78::2"}
WG = 51821

t = None


def setup():
    global t
    t, _ = engine.setup()


@case.case
def as_the_host_changes():
    """With a second local address, or a route through the WAN, the relay is served with conntrack, afterwards without again."""
    load()
    for version in topo.ip_versions():
        with Connection(t.internet, PROXY[version], TCP, CLIENT[version]) as connection:
            connection.echo(b"x" * 100000)
            HOME.ip(f"{FLAG[version]}addr add {SECOND[version]}/{BITS[version]} dev eth0"
                    f"{' nodad' if version == 'ipv6' else ''}\n")
            tap.ok(wait.until(lambda v=version: module.engines().get(RELAY[v], "").startswith("tracked: several")),
                   f"{version}: two local addresses: tracked")
            tap.ok(connection.echo(b"x" * 100000), f"{version}: a connection continues")
            tap.equal(served(version, CLIENT2), well(version, CLIENT2), f"{version}: a new one is served")
            HOME.ip(f"{FLAG[version]}addr del {SECOND[version]}/{BITS[version]} dev eth0\n")
            tap.ok(wait.until(lambda v=version: stateless(v)), f"{version}: one local address: stateless again")
            HOME.ip(f"{FLAG[version]}route replace {RELAY[version]} dev eth0\n")
            tap.ok(wait.until(lambda v=version: module.engines().get(RELAY[v], "").startswith("tracked: its route")),
                   f"{version}: the relay's route leaves by the WAN: tracked")
            HOME.ip(f"{FLAG[version]}route del {RELAY[version]} dev eth0\n")
            tap.ok(wait.until(lambda v=version: stateless(v)), f"{version}: its route leads to the tunnel: stateless again")
            tap.ok(connection.echo(b"x" * 100000), f"{version}: the connection continues")
            tap.equal(served(version), well(version), f"{version}: a new one is served")


@case.case
def another_address_of_the_proxy():
    """Clients reach the relay under one address only; under another they reach the proxy."""
    load()
    for version in topo.ip_versions():
        counters = module.Counters()
        tap.equal(traffic.tcp(t.internet, topo.TUNNEL[version], TCP, CLIENT[version], timeout=2), "refused",
                  f"{version}: TCP is the proxy's own")
        tap.equal(counters.gained(version), {}, f"{version}: and is not counted")


@case.case
def temporary_addresses():
    """Clients are not sent to a temporary address: it does not count as a second one."""
    load()
    if "ipv6" not in topo.ip_versions():
        tap.skip("temporary addresses", "no IPv6")
        return

    def temporary():
        return "temporary" in HOME.run("ip", "-6", "addr", "show", "dev", "eth0")
    address = f"{PROXY['ipv6']}/64 dev eth0"
    HOME.sysctl(ipv6__conf__eth0__use_tempaddr=2)
    try:
        HOME.ip(f"-6 addr change {address} mngtmpaddr nodad valid_lft 3600 preferred_lft 1800\n")
        tap.ok(wait.until(temporary), "there is one")
        # Whoever looks finds it by now.
        module.configure(**settings())
        tap.ok(stateless("ipv6"), "the relay is served without state")
    finally:
        HOME.sysctl(ipv6__conf__eth0__use_tempaddr=0)
        # Not on every kernel it goes at once with the address that it was made of.
        HOME.ip(f"-6 addr flush dev eth0 temporary\n-6 addr del {address}\n-6 addr add {address} nodad\n"
                f"-6 route replace default via {topo.INTERNET['ipv6']}\n")
    tap.ok(not temporary(), "it goes")
    tap.equal(served("ipv6"), well("ipv6"), "which serves again")


@case.case
def exempted_by_others():
    """A packet to the relay itself that another table exempts from conntrack is not one of ours: the guard drops it."""
    load(guard="forward")
    t.route_what_is_behind()
    try:
        for version in topo.ip_versions():
            word = "ip" if version == "ipv4" else "ip6"
            counters = module.Counters()
            HOME.nft("table inet exempt { chain c { type filter hook prerouting priority -300;\n"
                     f"{word} daddr {RELAY[version]} notrack\n}}\n}}\n")
            try:
                tap.equal(traffic.tcp(t.internet, RELAY[version], TCP, CLIENT[version], timeout=0.5), "silence",
                          f"{version}: dropped")
            finally:
                HOME.nft("delete table inet exempt\n")
            tap.ok(counters.gained(version).get("dropped_invalid", 0) >= 1, f"{version}: and counted")
    finally:
        t.internet.ip("".join(f"{FLAG[version]}route del {address[version]}\n"
                              for address in (RELAY, OTHER) for version in topo.ip_versions()))


@case.case
def bans_of_others():
    """A netdev chain comes first; a packet socket sees what came in."""
    load()
    for version in topo.ip_versions():
        served(version)
        word = "ip" if version == "ipv4" else "ip6"
        HOME.nft("table netdev ban { chain c { type filter hook ingress device eth0 priority 0;\n"
                 f"{word} saddr {CLIENT2[version]} drop\n}}\n}}\n")
        try:
            tap.equal(traffic.tcp(t.internet, PROXY[version], TCP, CLIENT2[version], timeout=1), "silence",
                      f"{version}: banned")
            tap.equal(served(version), well(version), f"{version}: others are not")
        finally:
            HOME.nft("delete table netdev ban\n")
        with wire.Link(HOME, "eth0", None) as tap_on:
            served(version)
            seen = {(packet.src, packet.dst) for packet in (wire.parse_ip(frame.data) for frame in tap_on.frames())
                    if packet and packet.proto == 6}
            tap.ok({(CLIENT[version], PROXY[version]), (PROXY[version], CLIENT[version])} <= seen,
                   f"{version}: tcpdump sees the packets on the WAN side")


@case.case
def drained():
    load()
    for version in topo.ip_versions():
        with Connection(t.internet, PROXY[version], TCP, CLIENT[version]) as connection:
            module.set("enabled", "0")
            tap.equal(served(version, CLIENT2), "refused", f"{version}: no new connection is forwarded")
            tap.ok(connection.goes_on(), f"{version}: open ones continue")
            module.set("enabled", "1")
            tap.equal(served(version, CLIENT2), well(version, CLIENT2), f"{version}: forwarded again")
            # A refused client does not become a peer of the proxy.
            with Watch(client=CLIENT2[version]) as watch, Connection(t.internet, PROXY[version], TCP, CLIENT2[version]) as again:
                tap.ok(again.echo(os.urandom(300000)), f"{version}: 300 kB come back whole")
                tap.equal(watch.way(), PAST, f"{version}: {PAST} the stack")


@case.case
def the_tunnel_goes():
    """Routes and devices that come and go while a connection is open."""
    load()
    for version in topo.ip_versions():
        with Connection(t.internet, PROXY[version], TCP, CLIENT[version], timeout=10) as connection:
            connection.goes_on()
            HOME.ip(f"{FLAG[version]}route replace prohibit {RELAY[version]}\n")
            tap.equal(traffic.tcp(t.internet, PROXY[version], TCP, CLIENT2[version]) == well(version, CLIENT2), False,
                      f"{version}: a route that forbids")
            HOME.ip(f"{FLAG[version]}route del prohibit {RELAY[version]}\n")
            tap.ok(connection.goes_on(), f"{version}: without it the connection continues")
            HOME.ip(f"{FLAG[version]}route replace {RELAY[version]} dev wg0 mtu lock 1290\n")
            tap.ok(connection.echo(os.urandom(200000)), f"{version}: the MTU became smaller")
            HOME.ip(f"{FLAG[version]}route del {RELAY[version]}\n")
            tap.ok(connection.echo(os.urandom(200000)), f"{version}: and wide again")
            for device in ("eth0", "wg0"):
                HOME.ip(f"neigh flush dev {device}\n")
                tap.ok(connection.echo(os.urandom(200000)), f"{version}: {device} has forgotten its neighbours")
            HOME.ip("link set wg0 mtu 1400\n")
            t.relay.ip("link set wg0 mtu 1400\n")
            tap.ok(connection.echo(os.urandom(200000)), f"{version}: a smaller MTU")
            HOME.ip("link set wg0 mtu 1500\n")
            t.relay.ip("link set wg0 mtu 1500\n")
            tap.ok(connection.echo(os.urandom(200000)), f"{version}: the old MTU")


@case.case
def a_link_too_narrow_for_ipv6():
    """A WAN interface that cannot have IPv6 has no IPv6 address that would count as a second one."""
    HOME.ip("link add narrow type dummy\nlink set narrow mtu 1000 up\n")
    try:
        load(wan="eth0,narrow")
        for version in topo.ip_versions():
            tap.ok(stateless(version), f"{version}: engines says so")
            tap.equal(served(version), well(version), f"{version}: served")
    finally:
        HOME.ip("link del narrow\n")


@case.case
def tracked_by_the_device():
    """Packets that traffic control has already tracked do not take the fast path, but that of their connection."""
    def tc(*words):
        return subprocess.run(["tc", *words], check=False, stderr=subprocess.DEVNULL).returncode
    load()
    try:
        for version in topo.ip_versions():
            # Neighbours are learnt, so that nothing else keeps packets from the fast path.
            tap.equal(served(version), well(version), f"{version}: served")
            with Watch() as watch, Connection(t.internet, PROXY[version], TCP, CLIENT[version]) as connection:
                tap.ok(connection.echo(os.urandom(300000)), f"{version}: 300 kB come back whole")
                tap.equal(watch.way(), PAST, f"{version}: {PAST} the stack at first")
        if (tc("qdisc", "add", "dev", "eth0", "clsact") or
                tc("filter", "add", "dev", "eth0", "ingress", "protocol", "all", "matchall", "action", "ct")):
            tap.skip("traffic control", "this kernel has no ct action")
            return
        for version in topo.ip_versions():
            with Watch() as watch:
                tap.equal(served(version), well(version), f"{version}: served")
                tap.ok(watch.packets() > 0, f"{version}: by the stack")
    finally:
        tc("qdisc", "del", "dev", "eth0", "clsact")


@case.case
def forwarded_by_a_switch():
    """Copies of packets that a switch has already forwarded go through the stack: on the fast path they would arrive twice."""
    switch = module.FILE.parent / "switch" / "switch.ko"
    if not switch.exists():
        tap.skip("a switch", "what plays one is not built for this kernel")
        return
    load()
    for version in topo.ip_versions():
        served(version)
        src, dst = CLIENT[version], PROXY[version]
        with wire.Link(t.internet, "to_eth0", "eth0") as outside, wire.Link(t.relay, "wg0") as inside:
            def segment(port, src=src, dst=dst, outside=outside):
                outside.send(wire.ip(src, dst, 6, wire.tcp(src, dst, port, TCP, flags=ACK, ack=1)))

            def came(inside=inside):
                return {each.sport for _, _, each in inside.segments("in", ACK, wire.SYN | ACK)}
            subprocess.run(["insmod", switch, "dev=eth0"], check=True)
            try:
                segment(45000)
            finally:
                subprocess.run(["rmmod", "switch"], check=True)
            segment(45001)
            tap.ok(wait.until(lambda: 45001 in came()), f"{version}: what no switch has forwarded arrives")
            tap.ok(45000 not in came(), f"{version}: what one has does not")


def keys():
    private = HOME.run("wg", "genkey").strip()
    public = subprocess.run(["wg", "pubkey"], input=private, text=True, capture_output=True, check=True)
    return private, public.stdout.strip()


def wireguard(ns, private, peer, host, allowed, endpoint):
    """One end of a tunnel."""
    path = f"/run/chatdnat-test-{ns.name}.key"
    with open(path, "w", encoding="ascii", opener=lambda p, f: os.open(p, f, 0o600)) as file:
        file.write(private)
    ns.ip("link add wgtest type wireguard\n")
    ns.run("wg", "set", "wgtest", "listen-port", str(WG), "private-key", path, "peer", peer, "allowed-ips", allowed,
           "endpoint", f"{endpoint}:{WG}")
    os.unlink(path)
    ns.ip(f"addr add 10.78.0.{host}/24 dev wgtest\n-6 addr add fd78::{host}/64 dev wgtest nodad\nlink set wgtest up\n")


def by_default(*way):
    """The relay's route to the internet: through a device, or without one through its usual gateway."""
    for version in topo.ip_versions():
        t.relay.ip_of(version, "route", "flush", "default")
        t.relay.ip_of(version, "route", "add", "default", *(way or ("via", topo.TUNNEL[version])))


@case.case
def through_wireguard():
    """A device that reads the route of packets that it sends."""
    mine, theirs = keys(), keys()
    wireguard(HOME, mine[0], theirs[1], 1, ",".join(INNER.values()), RELAY["ipv4"])
    wireguard(t.relay, theirs[0], mine[1], 2, "0.0.0.0/0,::/0", topo.TUNNEL["ipv4"])
    by_default("dev", "wgtest")
    try:
        load(v4=INNER["ipv4"], v6=INNER["ipv6"])
        for version in topo.ip_versions():
            tap.equal(module.engines().get(f"{INNER[version]}@{PROXY[version]}"), "stateless", f"{version}: engines says so")
            tap.equal(served(version), well(version), f"{version}: served")
            with Connection(t.internet, PROXY[version], TCP, CLIENT[version]) as connection:
                tap.ok(connection.echo(os.urandom(500000)), f"{version}: 500 kB come back whole")
    finally:
        t.relay.ip("link del wgtest\n")
        by_default()
        HOME.ip("link del wgtest\n")


def gre(ns, host, local, remote):
    ns.ip(f"link add gretest type gre local {local} remote {remote} ttl 64\n"
          f"addr add 10.78.0.{host}/24 dev gretest\n-6 addr add fd78::{host}/64 dev gretest nodad\nlink set gretest up\n")


@case.case
def through_gre():
    """A device without neighbours and without a link-layer header."""
    if subprocess.run(["modprobe", "-q", "ip_gre"], check=False).returncode:
        tap.skip("GRE", "this kernel has none")
        return
    gre(HOME, 1, topo.TUNNEL["ipv4"], RELAY["ipv4"])
    gre(t.relay, 2, RELAY["ipv4"], topo.TUNNEL["ipv4"])
    by_default("dev", "gretest")
    try:
        load(v4=INNER["ipv4"], v6=INNER["ipv6"])
        for version in topo.ip_versions():
            tap.equal(module.engines().get(f"{INNER[version]}@{PROXY[version]}"), "stateless", f"{version}: engines says so")
            tap.equal(served(version), well(version), f"{version}: served")
            over(t.relay)
            with Watch() as watch, Connection(t.internet, PROXY[version], TCP, CLIENT[version]) as connection:
                # What was looked up counts for a second.
                end = time.monotonic() + 2
                while time.monotonic() < end:
                    whole = connection.echo(os.urandom(200000))
                tap.ok(whole, f"{version}: 200 kB come back whole, again and again")
                tap.equal(watch.way(), PAST, f"{version}: {PAST} the stack")
    finally:
        t.relay.ip("link del gretest\n")
        by_default()
        HOME.ip("link del gretest\n")


@case.case
def an_inside_that_becomes_a_wan():
    """Clients on an interface that becomes a WAN interface only later take the fast path, too."""
    for version in topo.ip_versions():
        # The relay of the other family keeps the interface an inside one, until it is named.
        module.load(**settings(engine="auto", **{
            topo.SETTING[each]: f"{OTHER[each]}@{topo.TUNNEL[each]}" if each == version else RELAY[each]
            for each in topo.ip_versions()}))
        tap.equal(traffic.tcp(t.relay, topo.TUNNEL[version], TCP), "refused", f"{version}: from inside nobody is forwarded")
        module.set("wan", "eth0,wg0")
        tap.equal(module.engines().get(f"{OTHER[version]}@{topo.TUNNEL[version]}"), "stateless", f"{version}: engines says so")
        tap.equal(traffic.tcp(t.relay, topo.TUNNEL[version], TCP), Seen("other", RELAY[version], TCP), f"{version}: served")
        over(t.other)
        with Watch() as watch, Connection(t.relay, topo.TUNNEL[version], TCP) as connection:
            tap.ok(connection.echo(os.urandom(300000)), f"{version}: 300 kB come back whole")
            tap.equal(watch.way(), PAST, f"{version}: {PAST} the stack")
        module.unload()


@case.case
def a_source_port_of_the_service():
    """A reply to it would be translated as one to the relay: only the relay may use this port."""
    load()
    for version in topo.ip_versions():
        internet, own = topo.INTERNET[version], PROXY[version]
        counters = module.Counters()
        with Connection(t.other, internet, 25, source_port=587) as connection:
            tap.equal((connection.answer.server, connection.answer.peer), ("internet", own), f"{version}: another host's")
            tap.ok(connection.echo(os.urandom(100000)), f"{version}: 100 kB come back whole")
        tap.equal(counters.gained(version), {"masqueraded": 1}, f"{version}: is masqueraded")
        # Somebody has the port already, so the relay would get another, from which its later packets would not leave.
        HOME.run("conntrack", "-I", "-p", "tcp", "-s", OTHER[version], "-d", internet, "--sport", "40000", "--dport", "25",
                 "--reply-src", internet, "--reply-dst", own, "--reply-port-src", "25", "--reply-port-dst", "587",
                 "--state", "ESTABLISHED", "--timeout", "100")
        counters = module.Counters()
        tap.equal(traffic.tcp(t.relay, internet, 25, source_port=587, timeout=0.3), "silence",
                  f"{version}: a port that another has")
        tap.ok(counters.gained(version).get("dropped_source"), f"{version}: is no port of the relay's")
        conntrack.flush()
        # Its peer knows the port of a connection that is older than the settings.
        with wire.Link(t.internet, "to_eth0") as outside, wire.Link(t.other, "wg0", "wg1") as behind:
            src = OTHER[version]
            behind.send(wire.ip(src, internet, 6, wire.tcp(src, internet, 465, 25, flags=ACK, seq=465, ack=1)))
            left = wait.until(lambda seen=outside: [each.sport for _, _, each in seen.segments("in", ACK, wire.SYN | ACK) if each.seq == 465])
            tap.equal(left, [465], f"{version}: a segment in the middle of another host's connection keeps it")
        conntrack.flush()


def outlives(version, what, *connections):
    tap.equal([connection.goes_on() for connection in connections], [True] * len(connections), f"{version}: {what}: all continue")


@case.case
def this_hosts_own_from_a_service_port():
    """A connection of the proxy that is bound to a port of the service, to a host that is a client of the relay as well."""
    load()
    for version in topo.ip_versions():
        internet, own = topo.INTERNET[version], PROXY[version]
        for first_one in ("the relay's client", "the proxy's"):
            opened = {}

            def client(version=version, internet=internet, own=own, opened=opened):
                opened["client"] = Connection(t.internet, own, TCP, internet)
                tap.ok(opened["client"].goes_on(), f"{version}: a client of the relay's")

            def proxy(version=version, internet=internet, own=own, opened=opened):
                opened["proxy"] = Connection(HOME, internet, 25, own, TCP)
                tap.equal(opened["proxy"].answer.peer_port, TCP, f"{version}: the proxy connects from {TCP}")
                tap.ok(opened["proxy"].echo(os.urandom(100000)), f"{version}: 100 kB come back whole")
            name = f"{first_one} first"
            with wire.Link(t.relay, "wg0") as inside:
                for step in (client, proxy) if first_one == "the relay's client" else (proxy, client):
                    step()
                outlives(version, name, *opened.values())
                tap.equal([segment.flags for _, _, segment in inside.segments("in", 0, 0) if segment.sport == 25], [],
                          f"{version}: {name}: the relay sees nothing of the proxy's")
            tap.equal([entry for entry in conntrack.entries() if (entry.orig.src, entry.orig.dport) == (internet, TCP)], [],
                      f"{version}: {name}: the relay's leaves nothing in conntrack")
            # Another peer is none.
            with Watch(client=CLIENT[version]) as watch, Connection(t.internet, own, TCP, CLIENT[version]) as other:
                tap.ok(other.echo(os.urandom(300000)), f"{version}: another client")
                tap.equal(watch.way(), PAST, f"{version}: {name}: goes {PAST} the stack")
            for connection in opened.values():
                connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                connection.close()


def flood(version, link, count):
    """SYNs from unused addresses, one from each."""
    for number in range(count):
        source = (f"10.200.{number >> 8}.{number & 255}" if version == "ipv4" else f"2001:db8:f::{number + 1:x}")
        link.send(wire.ip(source, PROXY[version], 6, wire.tcp(source, PROXY[version], 30000, TCP, seq=number)))


@case.case
def drained_to_this_host():
    """With enabled=0 new connections reach a service of the proxy on the same port, and so does a flood of them."""
    load(stale="keep")
    proxy = traffic.Host("proxy", HOME).tcp(TCP)
    try:
        for version in topo.ip_versions():
            client, own = CLIENT[version], PROXY[version]
            with Connection(t.internet, own, TCP, client) as old:
                tap.ok(old.goes_on(), f"{version}: a connection to the relay")
                module.set("enabled", "0")
                with Connection(t.internet, own, TCP, client) as drained:
                    tap.equal((drained.answer.server, drained.answer.peer), ("proxy", client), f"{version}: drained: the proxy's own")
                    tap.ok(drained.echo(os.urandom(100000)), f"{version}: 100 kB come back whole")
                    outlives(version, "drained", old, drained)
                    with Connection(t.internet, own, TCP, CLIENT2[version]) as other:
                        other.goes_on()
                    with wire.Link(t.internet, "to_eth0", "eth0") as outside:
                        flood(version, outside, 1000)
                    outlives(version, "after a flood", drained, old)
                    module.set("enabled", "1")
                    outlives(version, "enabled again", old, drained)
                    tap.equal(served(version), well(version), f"{version}: new ones are the relay's")
                    other = topo.INTERNET[version]
                    with Connection(t.internet, own, TCP, other) as relayed:
                        relayed.goes_on()
                        module.set("enabled", "0")
                        with wire.Link(t.internet, "to_eth0", "eth0") as outside, Watch(client=other) as watch:
                            flood(version, outside, 200)
                            tap.ok(relayed.echo(os.urandom(300000)), f"{version}: beside a flood: 300 kB come back whole")
                            tap.equal(watch.way(), PAST, f"{version}: beside a flood: {PAST} the stack")
                    module.set("enabled", "1")
    finally:
        proxy.close()


@case.case
def beside_a_tracked_relay():
    """Midstream connections that conntrack has to pick up, by their source port."""
    with topo.second_address():
        for version in topo.ip_versions():
            internet = topo.INTERNET[version]
            module.load(**settings(engine="auto", ports="chatmail,turn", **{topo.SETTING[version]: (
                f"{RELAY[version]}@{PROXY[version]},{RELAY[version]}@{topo.TUNNEL[version]},{OTHER[version]}@{PROXY2[version]}")}))
            engines = module.engines()
            tap.equal(engines.get(f"{OTHER[version]}@{PROXY2[version]}"), "stateless", f"{version}: one without state")
            with Connection(t.internet, PROXY[version], TCP, CLIENT[version]) as connection:
                conntrack.flush()
                # The relay cannot be the first to speak: nobody knows by which of its addresses.
                tap.ok(connection.goes_on(), f"{version}: the other relay's continues")
                tap.ok(connection.echo(os.urandom(10000)), f"{version}: and is answered")
            # It would get the address of the interface, by which its later packets do not leave.
            counters = module.Counters()
            tap.equal(traffic.tcp(t.other, internet, 25, source_port=587, timeout=0.3), "silence",
                      f"{version}: from a port of the service")
            tap.ok(counters.gained(version).get("dropped_source"), f"{version}: with another address than its own")
            module.unload()


@case.case
def a_wan_interface_becomes_a_port():
    """Packets received on a bridge port first pass the bridge, whose rules have to see them."""
    if subprocess.run(["modprobe", "-qa", "bridge", "nft_meta_bridge"], check=False).returncode:
        tap.skip("a bridge", "this kernel has no rules of one")
        return
    # It takes the address of its only port, as one does for which none was chosen.
    HOME.ip("link add br0 type bridge forward_delay 0\n")
    try:
        load(wan="eth0,br0")
        for version in topo.ip_versions():
            tap.equal(served(version), well(version), f"{version}: served")
        HOME.ip("addr flush dev eth0\nlink set eth0 master br0\n")
        for version in topo.ip_versions():
            tap.ok(wait.until(lambda each=version: not stateless(each)), f"{version}: no address to serve by")
        t.address_wan("br0")
        t.internet.ip("neigh flush dev to_eth0\n")
        t.settle_wan()
        for version in topo.ip_versions():
            tap.ok(wait.until(lambda each=version: stateless(each)), f"{version}: engines says so again")
            tap.equal(served(version), well(version), f"{version}: served by the bridge")
            with Watch("bridge") as watch, Connection(t.internet, PROXY[version], TCP, CLIENT[version]) as connection:
                tap.ok(connection.echo(os.urandom(300000)), f"{version}: 300 kB come back whole")
                tap.ok(watch.packets() > 8, f"{version}: whose rules see it")
        module.unload()
    finally:
        HOME.ip("link set eth0 nomaster\nlink del br0\n")
        t.address_wan()
        t.internet.ip("neigh flush dev to_eth0\n")
        t.settle_wan()


case.run(setup, topo.EVERY_RELAY)
