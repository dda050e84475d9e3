#!/usr/bin/python3
"""Settings change under live traffic: who notices, who must not."""

import os
import socket
import sys
import threading

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
# pylint: disable=wrong-import-position
from lib import case, conntrack, module, net, sniff, tap, topo, traffic, wait
from lib.topo import CLIENT, CLIENT2, HOME, INTERNET, OTHER, PROXY, PROXY2, RELAY, SETTING, TRANSIT, TUNNEL2, settings
from lib.traffic import Connection, Flow, Seen

TRACKED = module.ENGINE == "tracked"

t = relay = other = None


def setup():
    global t, relay, other
    t = topo.Topology(relays=("relay", "other"))
    relay, other = [traffic.Host(name, ns).tcp(22, 143, 993).udp(3478, 3479)
                    for name, ns in (("relay", t.relay), ("other", t.other))]
    traffic.Host("internet", t.internet).tcp(25, 993).udp(53)


def versions():
    return topo.ip_versions()


def connect(version, port=993, address=None, source=CLIENT):
    return Connection(t.internet, (address or PROXY)[version], port, source[version])


def answers(version, port=993, address=None):
    return traffic.tcp(t.internet, (address or PROXY)[version], port, CLIENT[version])


def flow(version, port=3478, address=None, source=CLIENT):
    return Flow(t.internet, (address or PROXY)[version], port, source[version])


def to_other(**changes):
    """The same settings with the other relay, in one write."""
    module.configure(**settings(OTHER, ports="imap,imaps,turn", **changes))


class Blocked:
    """A client that only receives, as an IMAP client in IDLE does; with the stateless engine, one that sends in the end."""

    def __init__(self, connection):
        self.connection, self.fate = connection, None
        self.thread = threading.Thread(target=self._listen, daemon=True)
        if TRACKED:
            self.thread.start()

    def _listen(self):
        self.fate = self.connection.fate_when_told(15)

    def wait(self):
        if not TRACKED:
            self.thread.start()
        self.thread.join(20)


def expect_reset(blocked, what):
    blocked.wait()
    tap.equal(blocked.fate, "reset", f"{what} is reset")


@case.case
def flush_ends_what_the_old_relay_served():
    module.load(**settings(ports="imap,imaps,turn"))
    for version in versions():
        module.configure(**settings(ports="imap,imaps,turn"))
        with connect(version) as idle, connect(version, 143) as active, flow(version) as udp:
            tap.ok(active.echo(b"a" * 1000), f"{version}: an active connection to the first relay")
            tap.equal(udp.ask().server, "relay", f"{version}: a UDP flow to the first relay")
            served = [relay.connection(c.address, c.port) for c in (idle, active)]
            blocked = Blocked(idle)
            to_other()
            expect_reset(blocked, f"{version}: the idle client")
            tap.equal(active.fate_when_talking(), "reset", f"{version}: the active client is reset")
            if TRACKED:
                tap.ok(wait.until(lambda s=served: all(one.state != "open" for one in s)),
                       f"{version}: the old relay's sockets end too")
                tap.equal([one.state for one in served], ["reset", "reset"], f"{version}: by a reset")
            tap.equal(udp.ask().server, "other", f"{version}: the UDP flow moves to the new relay")
        tap.equal(answers(version), Seen("other", CLIENT[version], 993), f"{version}: who reconnects gets the new one")
        left = [entry for entry in conntrack.entries() if entry.reply.src == RELAY[version]]
        tap.equal(left, [], f"{version}: conntrack knows nothing of the old relay")


@case.tracked("without state nothing is ended")
def flush_ends_what_the_relay_took_up_again():
    """Conntrack is flushed, and the relay sends first: for conntrack the relay opened the connection."""
    for version in versions():
        module.load(**topo.named(ports="imap,imaps,turn,5000"))
        with connect(version) as connection:
            served = wait.until(lambda c=connection: relay.connection(c.address, c.port))
            conntrack.flush()
            served.push(b"news")
            tap.equal(connection.sock.recv(100), b"news", f"{version}: a client continues to hear from the relay")
            with Connection(t.relay, INTERNET[version], 25, RELAY[version], 5000) as own:
                to_other()
                tap.equal(connection.fate(), "reset", f"{version}: with another relay it is reset")
                tap.ok(wait.until(lambda s=served: s.state == "reset"), f"{version}: so is the relay's end")
                tap.ok(own.goes_on(), f"{version}: what the relay opened itself continues, whatever port it is from")
        module.unload()


@case.case
def ended_before_an_answer():
    """A connection that is ended before its relay has replied is not counted as answered."""
    module.load(**settings(ports="imap,imaps,turn"))
    for version in versions():
        module.configure(**settings(ports="imap,imaps,turn"))
        counters = module.Counters()
        t.relay.nft("table inet mute { chain c { type filter hook input priority 0;\ntcp dport 993 drop\n}\n}\n")
        try:
            tap.equal(traffic.tcp(t.internet, PROXY[version], 993, CLIENT[version], timeout=0.5), "silence",
                      f"{version}: the relay is silent")
            to_other()
        finally:
            t.relay.nft("delete table inet mute\n")
        tap.equal(counters.gained(version), {"seen": 1, "translated": 1, "sent": 1}, f"{version}: nobody has answered")


@case.case
@topo.second_address()
def flush_is_for_the_connections_concerned_only():
    for version in versions():
        setting = SETTING[version]
        two = {setting: f"{RELAY[version]}@{PROXY[version]},{OTHER[version]}@{PROXY2[version]}"}
        module.load(**settings(ports="imap,imaps,turn", **two))
        with connect(version) as stays, connect(version, address=PROXY2) as goes, \
                flow(version) as udp_stays, flow(version, address=PROXY2) as udp_goes:
            tap.equal([stays.answer.server, goes.answer.server, udp_stays.ask().server, udp_goes.ask().server],
                      ["relay", "other"] * 2, f"{version}: two relays by local address")
            blocked = Blocked(goes)
            module.set(setting, f"{RELAY[version]}@{PROXY[version]}")
            expect_reset(blocked, f"{version}: the client of the entry that is gone")
            tap.ok(stays.echo(b"b" * 5000), f"{version}: the other one does not notice")
            tap.equal(udp_stays.ask().server, "relay", f"{version}: nor does its UDP flow")
        module.unload()


@case.case
def flush_when_a_port_goes():
    module.load(**settings(ports="imap,imaps,3478-3479/udp"))
    for version in versions():
        module.set("ports", "imap,imaps,3478-3479/udp")
        with connect(version, 143) as goes, connect(version, 993) as stays, \
                flow(version, 3478) as udp_goes, flow(version, 3479) as udp_stays:
            tap.equal([udp_goes.ask().server, udp_stays.ask().server], ["relay"] * 2, f"{version}: UDP flows")
            blocked = Blocked(goes)
            module.set("ports", "imaps,3479/udp")
            expect_reset(blocked, f"{version}: the client of the port that is gone")
            tap.ok(stays.echo(b"c" * 5000), f"{version}: the other port's does not notice")
            tap.equal(udp_stays.ask().server, "relay", f"{version}: the other UDP port's neither")
            try:
                fate = udp_goes.ask(timeout=5).server
            except OSError as error:
                fate = type(error).__name__
            tap.equal(fate, "ConnectionRefusedError", f"{version}: the UDP flow is the proxy's own now")
        tap.equal(answers(version, 143), "refused", f"{version}: new connections are the proxy's own")


@case.case
def flush_when_a_family_is_emptied():
    for version in versions():
        module.load(**settings(ports="imap,imaps,turn"))
        kept = [v for v in versions() if v != version]
        with connect(version) as goes:
            others = [connect(v) for v in kept]
            blocked = Blocked(goes)
            module.set(SETTING[version], "")
            expect_reset(blocked, f"{version} emptied: its client")
            tap.equal(answers(version), "refused", f"{version} emptied: new connections stay with the proxy")
            for connection in others:
                tap.ok(connection.echo(b"d" * 5000), f"{version} emptied: the other family does not notice")
                connection.close()
        module.unload()


@case.case
def keep_lets_flows_finish():
    module.load(**settings(ports="imap,imaps,turn", stale="keep"))
    for version in versions():
        module.configure(**settings(ports="imap,imaps,turn", stale="keep"))
        with flow(version) as udp:
            tap.equal(udp.ask().server, "relay", f"{version}: a UDP flow to the first relay")
            to_other(stale="keep")
            tap.equal(udp.ask().server, "relay", f"{version}: continues after a change of relay")
            tap.equal(answers(version), Seen("other", CLIENT[version], 993), f"{version}: new ones get the new relay")


@case.tracked("the stateless engine does not know which connections are old")
def keep_lets_them_finish():
    module.load(**settings(ports="imap,imaps,turn", stale="keep"))
    for version in versions():
        module.configure(**settings(ports="imap,imaps,turn", stale="keep"))
        with connect(version) as old:
            to_other(stale="keep")
            tap.ok(old.echo(b"e" * 5000), f"{version}: a live connection continues after a change of relay")
            tap.equal(answers(version), Seen("other", CLIENT[version], 993), f"{version}: new ones get the new relay")
            module.set("ports", "imap")
            tap.ok(old.echo(b"f" * 5000), f"{version}: and after its port is gone")
            module.set(SETTING[version], "")
            tap.ok(old.echo(b"g" * 5000), f"{version}: and after its family is emptied")
            served = relay.connection(old.address, old.port)
            old.close()
            tap.ok(wait.until(lambda s=served: s.state == "closed"), f"{version}: and ends in good order")


@case.case
def disabling_drains():
    module.load(**settings(ports="imap,imaps,turn"))
    for version in versions():
        module.set("enabled", "1")
        with connect(version) as live, flow(version) as udp:
            tap.equal(udp.ask().server, "relay", f"{version}: a UDP flow")
            counters = module.Counters()
            module.set("enabled", "0")
            tap.ok(live.echo(b"h" * 5000), f"{version}: a live connection continues")
            tap.equal(udp.ask().server, "relay", f"{version}: a UDP flow too")
            tap.equal(answers(version), "refused", f"{version}: new ones stay with the proxy")
            tap.equal(traffic.udp(t.internet, PROXY[version], 3478, CLIENT2[version]), "refused",
                      f"{version}: over UDP as well")
            tap.equal(counters.gained(version), {"seen": 2}, f"{version}: they are seen, none is translated")
            module.set("enabled", "1")
            tap.ok(live.echo(b"i" * 5000), f"{version}: the live one continues after enabling again")
        tap.equal(answers(version), Seen("relay", CLIENT[version], 993), f"{version}: new ones are forwarded again")


@case.case
def flows_known_before_their_port_was_configured():
    proxy = traffic.Host("proxy", HOME).udp(3478)
    try:
        for stale, then in (("flush", "other"), ("keep", "proxy")):
            module.load(**settings(OTHER, ports="imaps", stale=stale))
            for version in versions():
                module.set("ports", "imaps")
                with flow(version) as udp:
                    tap.equal(udp.ask().server, "proxy", f"stale={stale} {version}: not configured, the proxy's own")
                    module.set("ports", "imaps,turn")
                    tap.equal(udp.ask().server, then, f"stale={stale} {version}: once configured, the flow is {then}'s")
                    with flow(version, source=CLIENT2) as new:
                        tap.equal(new.ask().server, "other", f"stale={stale} {version}: a new flow is the relay's")
            module.unload()
    finally:
        proxy.close()


@case.case
def connections_known_before_their_port_was_configured():
    proxy = traffic.Host("proxy", HOME).tcp(22, 993)
    try:
        for stale in ("flush", "keep"):
            module.load(**settings(ports="imap", stale=stale))
            for version in versions():
                what = f"stale={stale} {version}"
                module.set("ports", "imap")
                goes = connect(version)
                stay = {"SSH": connect(version, 22), "another interface's": Connection(t.other, TUNNEL2[version], 993),
                        "a transit connection": connect(version, address=TRANSIT),
                        "the proxy's own": Connection(HOME, INTERNET[version], 993, PROXY[version])}
                tap.equal([c.answer.server for c in (goes, *stay.values())], ["proxy"] * 3 + ["other", "internet"],
                          f"{what}: not configured, none is the relay's")
                served = proxy.connection(goes.address, goes.port)
                blocked = Blocked(goes) if stale == "flush" else None
                module.set("ports", "imap,imaps,ssh")
                if blocked:
                    expect_reset(blocked, f"{what}: once its port is configured, the client of the proxy")
                    if TRACKED:
                        tap.ok(wait.until(lambda s=served: s.state == "reset"), f"{what}: so is the proxy's end")
                elif TRACKED:
                    stay["a connection to that port"] = goes
                for whose, connection in stay.items():
                    tap.ok(connection.goes_on(), f"{what}: {whose} continues")
                for connection in (goes, *stay.values()):
                    connection.close()
                for port in (22, 993):
                    tap.equal(answers(version, port), Seen("relay", CLIENT[version], port),
                              f"{what}: new ones to {port} are the relay's")
            module.unload()
    finally:
        proxy.close()


@case.case
def own_connections_under_a_wildcard():
    """The return route of the proxy's own connections is through lo, which matches the wildcard in wan."""
    for version in versions():
        module.load(**settings(wan="+", scope="any", ports="imap", masquerade="off"))
        with Connection(HOME, INTERNET[version], 993, PROXY[version]) as own:
            module.set("ports", "imap,imaps")
            tap.ok(own.goes_on(), f"{version}: wan=+ scope=any: the proxy's own connection continues")
        module.unload()


@case.case
def flows_known_before_the_load():
    proxy = traffic.Host("proxy", HOME).udp(3478)
    # Something has to make conntrack look at packets while the module is not there.
    HOME.nft("table inet chatdnat_test { chain c { type filter hook prerouting priority 0; ct state new accept; }; }")
    try:
        for version in versions():
            with flow(version) as udp:
                tap.equal(udp.ask().server, "proxy", f"{version}: before the load, the proxy's own")
                module.load(**settings(ports="turn"))
                tap.equal(udp.ask().server, "relay", f"{version}: after the load, the relay's")
                module.unload()
    finally:
        HOME.nft("delete table inet chatdnat_test")
        proxy.close()


@case.case
def flows_kept_from_before_the_load():
    """They have no reply yet: for conntrack each datagram is a new one, but NAT is already set up."""
    HOME.nft("table inet chatdnat_test { chain c { type filter hook prerouting priority 0; ct state new accept; }; }")
    try:
        for version in versions():
            silent = HOME.socket(net.family_of(PROXY[version]), socket.SOCK_DGRAM)
            with silent, flow(version) as incoming, Flow(t.relay, INTERNET[version], 99) as outgoing:
                silent.bind((PROXY[version], 3478))
                silent.settimeout(5)
                incoming.sock.send(b"before")
                outgoing.sock.send(b"before")
                tap.equal(silent.recv(100), b"before", f"{version}: before the load, the proxy's own")
                module.load(**settings(ports="turn", stale="keep"))
                counters = module.Counters()
                for _ in range(5):
                    incoming.sock.send(b"after")
                    # The internet's error about the one before.
                    wait.until(lambda sock=outgoing.sock: _sends(sock, b"after"))
                tap.equal([silent.recv(100) for _ in range(5)], [b"after"] * 5, f"{version}: it continues")
                # What earlier cases have sent again since may be dropped.
                new = {name: n for name, n in counters.gained(version).items() if not name.startswith("dropped_")}
                tap.equal(new, {}, f"{version}: and counts as nothing new")
                module.unload()
            conntrack.flush()
    finally:
        HOME.nft("delete table inet chatdnat_test")


def _sends(sock, data):
    try:
        return sock.send(data)
    except OSError:
        return 0


@case.case
def unrelated_settings_do_not_disturb():
    module.load(**settings(ports="imap,imaps,turn"))
    stop = threading.Event()
    broken, rounds = [], [0]

    def stream(version):
        with connect(version) as connection:
            while not stop.is_set():
                data = os.urandom(3000)
                if not connection.echo(data):
                    broken.append(f"{version}: bytes changed or ended")
                    return
                rounds[0] += 1

    def guarded(version):
        try:
            stream(version)
        except OSError as error:
            broken.append(f"{version}: {error}")
    threads = [threading.Thread(target=guarded, args=(version,)) for version in versions()]
    idle = [connect(version, 143) for version in versions()]
    for thread in threads:
        thread.start()
    wait.until(lambda: rounds[0] > 5)
    ports = ("imap,imaps,turn", "imap,imaps,turn,8000-8100", "imap-x", "imaps,imap,3478/udp", "143,993")
    # What has a relay change engines is not unrelated: tests/e2e/stateless.t.
    masquerades, scopes = (("off", "all", "wan"), ("any", "local")) if TRACKED else (("off", "wan"), ("local",))
    refused = writes = 0
    before = rounds[0]
    for turn in range(90):
        for name, value in (("masquerade", masquerades[turn % len(masquerades)]),
                            ("scope", scopes[turn % len(scopes)]),
                            ("wan", ("eth0,ppp+", "eth0")[turn % 2]),
                            ("enabled", ("0", "1")[turn % 2]),
                            ("ports", ports[turn % 5])):
            try:
                module.set(name, value)
                writes += 1
            except OSError:
                refused += 1
    wait.until(lambda: rounds[0] > before + 5)
    stop.set()
    for thread in threads:
        thread.join(10)
    tap.equal(refused, 18, "only the malformed ones of 450 writes are refused")
    tap.equal(broken, [], f"streams continue through {writes} writes")
    tap.ok(rounds[0] > before, f"with traffic in between ({rounds[0] - before} exchanges)")
    tap.ok(all(connection.echo(b"k" * 100) for connection in idle), "connections that were idle meanwhile as well")
    for connection in idle:
        connection.close()


@case.case
def one_relay_stays_while_the_other_family_changes():
    if len(versions()) < 2:
        tap.skip("two families", "no IPv6")
        return
    module.load(**settings(ports="imap,imaps,turn"))
    with connect("ipv4") as stays:
        for address in (OTHER["ipv6"], RELAY["ipv6"]) * 10:
            module.set("v6", address)
            same = stays.echo(b"l" * 2000)
            if not same:
                break
        tap.ok(same, "IPv4 connections do not notice 20 changes of the IPv6 relay")


@case.case
def an_old_relay_that_goes_on_sending():
    module.load(**settings(ports="imap,imaps,turn"))
    for version in versions():
        module.configure(**settings(ports="imap,imaps,turn"))
        with traffic.without_resets(t.relay):
            with connect(version) as connection:
                tap.ok(connection.echo(b"m" * 100), f"{version}: a live connection")
                served = relay.connection(connection.address, connection.port)
                counters = module.Counters()
                to_other()
                tap.equal(connection.fate_when_told(), "reset", f"{version}: the client is reset")
                port = connection.port
            with sniff.Sniffer(t.internet, "to_eth0") as outside:
                served.push(b"news from the old relay")
                dropped = wait.until(lambda c=counters, v=version: c.gained(v).get("dropped_stale"))
                tap.ok(dropped, f"{version}: its segments are dropped and counted")
                late = [packet for packet in outside.packets("in") if packet.dport == port
                        and packet.proto == socket.IPPROTO_TCP and not packet.flags & sniff.RST]
                tap.equal(late, [], f"{version}: and the client sees none of them, at most resets")
        relay.abort()


@case.case
def what_an_old_relay_opens():
    """Its late UDP answers are dropped; its own queries and connections pass, even from ports that were forwarded."""
    # Nothing else of it is to be dropped: what other cases left, for one, where nobody has told it.
    relay.abort()
    module.load(**settings(ports="imaps,turn,5000,40000/udp"))
    for version in versions():
        module.configure(**settings(ports="imaps,turn,5000,40000/udp"))
        to_other()
        counters = module.Counters()
        with sniff.Sniffer(t.internet, "to_eth0") as outside:
            with Flow(t.relay, CLIENT[version], 4000, RELAY[version], 3478) as late:
                late.sock.send(b"a late answer")
                tap.ok(wait.until(lambda c=counters, v=version: c.gained(v) == {"dropped_stale": 1}),
                       f"{version}: a late answer over UDP is dropped and counted")
            with Flow(t.relay, INTERNET[version], 53, RELAY[version], 40000) as query:
                tap.equal(query.ask()[:2], ("internet", PROXY[version]),
                          f"{version}: a query from an ephemeral port passes")
            with Connection(t.relay, INTERNET[version], 25, RELAY[version], 5000) as own:
                tap.equal(own.answer[:2], ("internet", PROXY[version]), f"{version}: a connection that it opens passes")
            tap.equal([packet for packet in outside.packets("in") if packet.dport == 4000], [],
                      f"{version}: the client sees nothing of the late answer")
        tap.equal(counters.gained(version), {"masqueraded": 2, "dropped_stale": 1}, f"{version}: counted")


@case.tracked("the stateless engine does not know which connections are old")
def keep_for_sixteen_services():
    module.load(**settings(ports="imap", stale="keep"))
    with connect("ipv4", 143) as first:
        module.set("ports", "imaps")
        with connect("ipv4", 993) as second:
            for number in range(15):
                module.set("ports", str(5000 + number))
            tap.ok(first.goes_on() and second.goes_on(), "connections live through sixteen changes with stale=keep")
            blocked = Blocked(first)
            module.set("ports", "5015")
            expect_reset(blocked, "the first, with the seventeenth, which forgets whose it is,")
            tap.ok(second.goes_on(), "the second continues")


def slab_objects():
    """Allocated objects of the sizes of settings and snapshots."""
    found = 0
    for size in ("kmalloc-1k", "kmalloc-2k", "kmalloc-4k"):
        # Empties the lists of free ones that count as used.
        with open(f"/sys/kernel/slab/{size}/shrink", "w", encoding="ascii") as file:
            file.write("1")
        with open("/proc/slabinfo", encoding="ascii") as file:
            found += sum(int(line.split()[1]) for line in file if line.startswith(size + " "))
    return found


@case.case
def changes_free_what_they_replace():
    module.load(**settings(stale="keep"))
    # More than are remembered.
    values = [str(5000 + number) for number in range(24)]

    def change(times):
        for turn in range(times):
            module.set("ports", values[turn % len(values)])
            try:
                module.set("ports", "nonsense")
            except OSError:
                pass
    change(20)
    before = slab_objects()
    change(200)
    # What readers may still see is freed with some delay.
    wait.until(lambda: slab_objects() < before + 50, 20, 0.5)
    grown = slab_objects() - before
    tap.ok(grown < 50, f"200 changes and as many refusals leave no memory behind ({grown} objects)")


@case.case
def a_client_that_missed_the_reset():
    module.load(**settings(ports="imap,imaps,turn"))
    for version in versions():
        module.configure(**settings(ports="imap,imaps,turn"))
        with connect(version) as connection:
            tap.ok(connection.echo(b"n" * 100), f"{version}: a live connection")
            with traffic.without_resets(t.internet):
                to_other()
            with sniff.Sniffer(t.relay, "wg0") as at_old:
                tap.equal(connection.fate_when_talking(), "reset", f"{version}: its next segment is reset")
                strays = [packet for packet in at_old.packets("in") if packet.sport == connection.port]
                tap.equal(strays, [], f"{version}: nothing goes to the old relay any more")


case.run(setup, topo.EVERY_RELAY)
