#!/usr/bin/python3
"""The guard in use: live connections continue, ICMP errors about them pass, drops are logged, other tables still work."""

import ipaddress
import os
import re
import socket
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
# pylint: disable=wrong-import-position
from lib import case, conntrack, craft, module, net, nflog, tap, topo, traffic, wait
from lib.tally import source, swallow_answers
from lib.topo import CLIENT, HOME, INTERNET, OTHER, PROXY, RELAY, TRANSIT, settings
from lib.traffic import Connection, Flow, Seen

LOGS_PER_SECOND = 10

t = link = far = hosts = None


def setup():
    global t, link, far, hosts
    t = topo.Topology(relays=("relay", "other"))
    hosts = {name: traffic.Host(name, ns).tcp(22, 25, 993, 2222, 8080).udp(53, 3478) for name, ns in
             (("relay", t.relay), ("other", t.other), ("proxy", HOME), ("internet", t.internet))}
    t.route_what_is_behind()
    swallow_answers(t.internet)
    far = t.add_far(mtu=1300)
    traffic.Host("far", far).tcp(25)
    link = craft.Link(t.internet)


def versions():
    return topo.ip_versions()


class Live:
    """Connections of all kinds, with traffic in both directions."""

    def __init__(self, version, relay):
        self.open = {
            "a session on 22": Connection(t.internet, PROXY[version], 22, CLIENT[version]),
            "a session on another port": Connection(t.internet, PROXY[version], 2222, CLIENT[version]),
            "into a host behind": Connection(t.internet, OTHER[version], 8080, CLIENT[version]),
            "the host's own": Connection(HOME, INTERNET[version], 25),
            "out of a host behind": Connection(t.other, INTERNET[version], 25),
        }
        if relay:
            self.open["to the relay"] = Connection(t.internet, PROXY[version], 993, CLIENT[version])
            self.open["out of the relay"] = Connection(t.relay, INTERNET[version], 25)
        self.version = version

    def server_side(self, connection):
        host = hosts[connection.answer.server]
        return host.connection(connection.answer.peer, connection.answer.peer_port)

    def check(self, what):
        """The clients talk."""
        for name, connection in self.open.items():
            try:
                alive = connection.echo(os.urandom(3000))
            except OSError as error:
                alive = False
                tap.diag(error)
            tap.ok(alive, f"{what}: {self.version} {name} continues")

    def check_idle(self, what):
        """The servers speak first."""
        for name, connection in self.open.items():
            self.server_side(connection).push(b"news")
            tap.equal(connection.fate(), "data", f"{what}: {self.version} {name} hears from its server")

    def close(self):
        for connection in self.open.values():
            connection.close()


def switched_on(what, relay, switch, servers_first):
    live = [Live(version, relay) for version in versions()]
    switch()
    for one in live:
        counters = module.Counters()
        if servers_first:
            one.check_idle(what)
        one.check(what)
        tap.equal({name: count for name, count in counters.gained(one.version).items() if name.startswith("dropped_")}, {},
                  f"{what}: {one.version} nothing of them is dropped")
        tap.equal(traffic.tcp(t.internet, PROXY[one.version], 2222, CLIENT[one.version], timeout=0.3), "silence",
                  f"{what}: {one.version} no other session enters")
        one.close()


@case.case
def switched_on_among_live_connections():
    for servers_first in (False, True):
        module.load(**settings())
        switched_on("off to full", True, lambda: module.set("guard", "full"), servers_first)
        module.unload()


@case.case
def switched_on_where_nothing_was_tracked():
    """Connection tracking first sees them midstream."""
    def known():
        return [entry for entry in conntrack.entries() if entry.orig.src in CLIENT.values()]
    module.load(wan="eth0")
    conntrack.flush()

    def switch():
        tap.equal(known(), [], "nobody tracks before")
        module.set("guard", "full")
    switched_on("off to full, untracked", False, switch, False)
    module.unload()

    def load():
        tap.equal(known(), [], "nobody tracks before the load")
        # What a host behind had open by an address of its own, masquerading would take for new.
        module.load(**settings(guard="full", masquerade="off"))
    for servers_first in (False, True):
        conntrack.flush()
        switched_on("loaded with guard=full", False, load, servers_first)
        module.unload()


@case.case
def switched_back_and_forth():
    module.load(**settings())
    live = [Live(version, True) for version in versions()]
    for guard in ("full", "forward", "full", "off", "forward", "off", "full"):
        module.set("guard", guard)
        for one in live:
            one.check(f"guard={guard}")
            for address, port, want, what in ((PROXY, 2222, guard != "full", "enter"), (OTHER, 8080, guard == "off", "are forwarded")):
                answer = traffic.tcp(t.internet, address[one.version], port, CLIENT[one.version], timeout=5 if want else 0.3)
                tap.equal(answer != "silence", want, f"guard={guard}: {one.version} new ones {what}")
    for one in live:
        one.close()


@case.case
def errors_about_known_connections():
    """They pass in both directions, to the host and through it."""
    module.load(**settings(guard="full", ports="chatmail,9998-9999/udp"))

    def refused(flow):
        try:
            flow.ask(b"?", 5)
        except ConnectionRefusedError:
            return True
        except OSError:
            pass
        return False
    for version in versions():
        counters = module.Counters()
        for who, ns, address, port in (("the relay's, to a client", t.internet, PROXY, 9999),
                                       ("the internet's, to the relay", t.relay, INTERNET, 7777),
                                       ("the internet's, to another host", t.other, INTERNET, 7777),
                                       ("the internet's, to the host itself", HOME, INTERNET, 7777)):
            with Flow(ns, address[version], port) as flow:
                tap.ok(refused(flow), f"{version}: port unreachable, {who}")
        # The client has gone: its refusal is for the relay's socket.
        with t.relay.socket(net.family_of(RELAY[version]), socket.SOCK_DGRAM) as server:
            server.settimeout(5)
            server.bind((RELAY[version], 9998))
            with Flow(t.internet, PROXY[version], 9998, CLIENT[version]) as flow:
                flow.sock.send(b"hello")
                server.connect(server.recvfrom(100)[1][:2])
            server.send(b"too late")
            try:
                server.recv(100)
                answer = "data"
            except OSError as error:
                answer = type(error).__name__
            tap.equal(answer, "ConnectionRefusedError", f"{version}: port unreachable, the client's to the relay")
        tap.equal({name: count for name, count in counters.gained(version).items() if name.startswith("dropped_")}, {},
                  f"{version}: none is dropped")
    module.set("mss", "off")
    for version in versions():
        counters = module.Counters()
        for name, address, port, ns in (("relay", PROXY, 993, far), ("proxy", PROXY, 22, far)):
            with Connection(ns, address[version], port, timeout=20) as connection:
                tap.ok(connection.echo(os.urandom(100000)), f"{version}: {name}: too large is said where it belongs")
        with Connection(t.relay, {"ipv4": "198.51.100.130", "ipv6": "2001:db8:5::2"}[version], 25, timeout=20) as connection:
            tap.ok(connection.echo(os.urandom(100000)), f"{version}: to the relay about what it opened")
        tap.equal({name: count for name, count in counters.gained(version).items() if name.startswith("dropped_")}, {},
                  f"{version}: nothing is dropped")


def logged(messages):
    return [text for text in messages if text.startswith("chatdnat dropped_")]


def logger_users():
    """How many hold the kernel log's logger."""
    path = "/sys/module/nf_log_syslog/refcnt"
    if not os.path.exists(path):
        return 0
    with open(path, encoding="ascii") as file:
        return int(file.read())


@case.case
def drops_are_logged():
    module.load(**settings(guard="full"))
    users = logger_users()
    case.log.messages()

    def provoke(version):
        link.send(craft.tcp(source(version, 1), PROXY[version], 2222))
        link.send(craft.tcp(source(version, 2), OTHER[version], 25))
        link.send(craft.tcp(source(version, 3), PROXY[version], 22, craft.RST))
    for version in versions():
        counters = module.Counters()
        provoke(version)
        tap.ok(wait.until(lambda v=version, c=counters: len(c.gained(v)) == 3), f"{version}: three are dropped")
    tap.equal(logged(case.log.messages()), [], "log=off: nobody is told")
    module.set("log", "drops")
    for version in versions():
        lines = []

        def complete(lines=lines):
            lines.extend(logged(case.log.messages()))
            return len(lines) >= 3
        provoke(version)
        wait.until(complete)
        want = [("dropped_input", source(version, 1), "2222", ""), ("dropped_forward", source(version, 2), "25", "wg1"),
                ("dropped_invalid", source(version, 3), "22", "")]
        for (counter, src, port, out), line in zip(want, lines + [""] * 3):
            begins = line.startswith(f"chatdnat {counter}: IN=eth0 OUT={out} ")
            tap.ok(begins and f"SRC={ipaddress.ip_address(src).exploded} " in line and f"DPT={port} " in line,
                   f"{version}: a line that names {counter} and the packet")
            tap.diag(line)
        tap.equal(len(lines), 3, f"{version}: one line for each")
    flood_the_log()
    module.set("log", "off")
    case.log.messages()
    provoke("ipv4")
    tap.equal(traffic.tcp(t.internet, PROXY["ipv4"], 2222, CLIENT["ipv4"], timeout=0.3), "silence", "log=off again")
    tap.equal(logged(case.log.messages()), [], "and nobody is told any more")
    tap.equal(logger_users(), users, "nor is the logger held")


def flood_the_log():
    counters, begin = module.Counters(), time.monotonic()
    for number in range(1000):
        link.send(craft.tcp(source("ipv4", 1000 + number), PROXY["ipv4"], 2222))
    tap.ok(wait.until(lambda: counters.gained("ipv4").get("dropped_input") == 1000), "1,000 at once: all are counted")
    lines = logged(case.log.messages())
    took = time.monotonic() - begin
    tap.ok(0 < len(lines) <= LOGS_PER_SECOND * (2 + int(took)), f"1,000 in {took:.2f} s: {len(lines)} lines in the kernel log")


@case.case
def drops_are_logged_to_ulogd():
    if subprocess.run(["modprobe", "nfnetlink_log"], capture_output=True, check=False).returncode:
        tap.skip("nfnetlink_log", "the kernel has none")
        return
    families = {"ipv4": 2, "ipv6": 10}
    before = {}
    for version in versions():
        path = f"/proc/sys/net/netfilter/nf_log/{families[version]}"
        with open(path, encoding="ascii") as file:
            before[path] = file.read().strip()
        with open(path, "w", encoding="ascii") as file:
            file.write("nfnetlink_log")
    try:
        with nflog.Group() as group:
            module.load(**settings(guard="full", log="drops"))
            case.log.messages()
            for version in versions():
                link.send(craft.tcp(source(version, 1), PROXY[version], 2222))
                link.send(craft.tcp(source(version, 2), OTHER[version], 25))
            want = ["chatdnat dropped_input: ", "chatdnat dropped_forward: "] * len(versions())
            tap.ok(wait.until(lambda: len(group.prefixes()) >= len(want)), "the group hears of each")
            tap.equal(group.prefixes(), want, "by the counter's name")
            tap.equal(logged(case.log.messages()), [], "the kernel log does not")
        module.unload()
    finally:
        for path, value in before.items():
            with open(path, "w", encoding="ascii") as file:
                file.write(value)


# As Docker writes them, with one published port of one container. The operator's chain lets pass what is forwarded, with state
# and without.
DOCKER = """
table ip chatdnat_docker {
  chain nat_pre { type nat hook prerouting priority -100; fib daddr type local jump nat_docker; }
  chain nat_docker { iifname "wg1" return; iifname != "wg1" tcp dport 8080 dnat to 10.9.1.2:8080; }
  chain nat_post { type nat hook postrouting priority 100; oifname != "wg1" ip saddr 10.9.1.0/24 masquerade; }
  chain forward { type filter hook forward priority 0; policy drop; jump user; jump isolation_1;
    oifname "wg1" ct state related,established accept; oifname "wg1" jump docker;
    iifname "wg1" oifname != "wg1" accept; iifname "wg1" oifname "wg1" accept; }
  chain user { ct status dnat accept; ct state untracked accept; iifname "wg0" accept; oifname "wg0" ct state related,established accept; return; }
  chain isolation_1 { iifname "wg1" oifname != "wg1" jump isolation_2; return; }
  chain isolation_2 { oifname "wg1" drop; return; }
  chain docker { iifname != "wg1" oifname "wg1" ip daddr 10.9.1.2 tcp dport 8080 accept; }
}
"""


@case.case
def beside_docker():
    for order in ("before", "after"):
        if order == "before":
            HOME.nft(DOCKER)
        module.load(**settings())
        if order == "after":
            HOME.nft(DOCKER)
        what = f"Docker's tables loaded {order} the module"
        try:
            tap.equal(traffic.tcp(t.internet, PROXY["ipv4"], 8080, CLIENT["ipv4"]).server, "other",
                      f"{what}: guard=off: the container's port is published")
            for guard in ("forward", "full"):
                module.set("guard", guard)
                counters = module.Counters()
                tap.equal(traffic.tcp(t.internet, PROXY["ipv4"], 8080, CLIENT["ipv4"], timeout=0.3), "silence",
                          f"{what}: guard={guard}: no port is published but the relay's")
                tap.equal(set(counters.gained("ipv4")), {"dropped_forward"}, f"{what}: guard={guard}: that is counted")
                tap.equal(traffic.tcp(t.internet, PROXY["ipv4"], 993, CLIENT["ipv4"]), Seen("relay", CLIENT["ipv4"], 993),
                          f"{what}: guard={guard}: the relay is reached")
                for name, ns in (("container", t.other), ("relay", t.relay)):
                    tap.equal(traffic.tcp(ns, INTERNET["ipv4"], 25), Seen("internet", PROXY["ipv4"], 25),
                              f"{what}: guard={guard}: the {name} reaches the internet")
                tap.equal(traffic.tcp(t.relay, OTHER["ipv4"], 8080).server, "other",
                          f"{what}: guard={guard}: who enters by no WAN interface reaches the container")
        finally:
            module.unload()
            HOME.nft("delete table ip chatdnat_docker")
            conntrack.flush()


@case.case
def a_drop_of_others_is_theirs():
    """Packets that pass the guard still have to pass other tables."""
    dropped_by_another_table((("tcp", 22), ("udp", 3478)))


@case.tracked("the fast path goes past other tables")
def what_others_drop_of_the_relays():
    dropped_by_another_table((("tcp", 993),))


def dropped_by_another_table(services):
    HOME.nft("table inet chatdnat_test { counter seen { };"
             " chain in { type filter hook input priority 0; tcp dport 22 drop; tcp dport 4444 counter name seen; };"
             " chain forward { type filter hook forward priority 0; tcp dport 993 drop; udp dport 3478 drop; }; }")
    try:
        module.load(**settings(guard="full", ports="chatmail,turn"))
        for version in versions():
            counters = module.Counters()
            for protocol, port in services:
                tap.equal(traffic.ask(protocol, t.internet, PROXY[version], port, CLIENT[version], timeout=0.3), "silence",
                          f"{version}: {protocol} {port} is dropped by another table")
            tap.ok(not re.search("dropped", str(counters.gained(version))), f"{version}: not on our account")
            for address in (PROXY, TRANSIT):
                tap.equal(traffic.tcp(t.internet, address[version], 4444, CLIENT[version], timeout=0.3), "silence",
                          f"{version}: tcp 4444 of {address[version]} is dropped by the guard")
            tap.ok("packets 0 " in HOME.run("nft", "list", "counter", "inet", "chatdnat_test", "seen"),
                   f"{version}: for this host, before others see it")
    finally:
        HOME.nft("delete table inet chatdnat_test")


case.run(setup, topo.EVERY_RELAY)
