#!/usr/bin/python3
"""Next to nftables, iptables and conntrack helpers: the first to set up NAT wins, other connections are not disturbed."""

import os
import re
import shutil
import socket
import subprocess
import sys
import threading

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
# pylint: disable=wrong-import-position
from lib import case, conntrack, module, tap, topo, traffic, wait
from lib.topo import CLIENT, HOME, INTERNET, OTHER, PROXY, PROXY2, RELAY, TUNNEL, named, settings
from lib.traffic import Connection, Flow, Seen

t = internet = None


def setup():
    global t, internet
    t = topo.Topology(relays=("relay", "other"))
    for name, ns in (("relay", t.relay), ("other", t.other)):
        traffic.Host(name, ns).tcp(993, 143, 8080).udp(3478)
    internet = traffic.Host("internet", t.internet).tcp(25, 26)


def versions():
    return topo.ip_versions()


def reached(server, port, what, protocol="tcp", sees=CLIENT):
    for version in versions():
        tap.equal(traffic.ask(protocol, t.internet, PROXY[version], port, CLIENT[version]),
                  Seen(server, sees[version], port), f"{what}: {version} {protocol} {port} reaches {server}")


def nft_nat(priority, rule, hook="prerouting"):
    """One table per family, with the relay's other self as {target}."""
    return "".join(
        f"table {family} chatdnat_test {{ chain {hook} {{ type nat hook {hook} priority {priority};"
        f" {rule.format(target=OTHER[version])}; }}; }}\n"
        for family, version in (("ip", "ipv4"), ("ip6", "ipv6")))


def drop_tables():
    HOME.nft("".join(f"table {family} chatdnat_test\ndelete table {family} chatdnat_test\n"
                     for family in ("ip", "ip6")))
    conntrack.flush()


def in_either_order(rules, check):
    """The order of registration must not matter."""
    for order in ("before", "after"):
        if order == "before":
            HOME.nft(rules)
        module.load(**settings(ports="chatmail,turn"))
        if order == "after":
            HOME.nft(rules)
        try:
            check(f"nftables table loaded {order} the module")
        finally:
            drop_tables()
            if order == "before":
                module.unload()


@case.case
def nftables_on_another_port():
    def check(what):
        counters = module.Counters()
        reached("other", 8080, what)
        for version in versions():
            tap.equal(counters.gained(version), {}, f"{what}: {version} theirs is not counted")
        reached("relay", 993, what)
        reached("relay", 3478, what, "udp")
    in_either_order(nft_nat(-100, "tcp dport 8080 dnat to {target}"), check)


@case.case
def nftables_binds_a_flow_first():
    def check(what):
        counters = module.Counters()
        reached("other", 3478, what, "udp")
        for version in versions():
            tap.equal(counters.gained(version).get("translated"), None, f"{what}: {version} not translated by us")
        reached("relay", 993, what)
    in_either_order(nft_nat(-150, "udp dport 3478 dnat to {target}"), check)


@case.tracked("other tables translate nothing that is not tracked")
def nftables_binds_first():
    def check(what):
        counters = module.Counters()
        reached("other", 993, what)
        for version in versions():
            tap.equal(counters.gained(version).get("translated"), None, f"{what}: {version} not translated by us")
        reached("relay", 143, what)
    in_either_order(nft_nat(-150, "tcp dport 993 dnat to {target}"), check)


@case.case
def nftables_comes_second():
    def check(what):
        reached("relay", 993, what)
    in_either_order(nft_nat(-50, "tcp dport 993 dnat to {target}"), check)


@case.case
def theirs_outlives_our_changes():
    HOME.nft(nft_nat(-100, "tcp dport 8080 dnat to {target}"))
    try:
        module.load(**settings())
        theirs = [Connection(t.internet, PROXY[version], 8080, CLIENT[version]) for version in versions()]
        module.configure(**settings(OTHER))
        module.configure(**settings(ports="imap"))
        module.configure(wan="eth0")
        tap.ok(all(connection.echo(b"a" * 1000) for connection in theirs),
               "another table's connections live through changes with stale=flush")
        # Towards the relay that we give up, from the same clients, on a port that never was ours.
        module.configure(**settings(OTHER))
        module.configure(**settings(RELAY))
        tap.ok(all(connection.echo(b"b" * 1000) for connection in theirs),
               "even when they lead to a relay of ours that is given up")
        for connection in theirs:
            connection.close()
    finally:
        drop_tables()


@case.case
def theirs_to_our_relay():
    """A connection that another table forwards to our relay, and that we would not have, is not ours."""
    # To another of its ports; and from an interface that is no WAN.
    HOME.nft("".join(
        f"table {family} chatdnat_test {{ chain pre {{ type nat hook prerouting priority -150;"
        f" iifname eth0 tcp dport 143 dnat to {left}{RELAY[version]}{right}:8080;"
        f" iifname wg1 tcp dport 993 dnat to {RELAY[version]}; }}; }}\n"
        for family, version, left, right in (("ip", "ipv4", "", ""), ("ip6", "ipv6", "[", "]"))))
    try:
        module.load(**settings(masquerade="all"))
        counters = module.Counters()
        theirs = []
        for version in versions():
            other_port = Connection(t.internet, PROXY[version], 143, CLIENT[version])
            other_interface = Connection(t.other, PROXY[version], 993, OTHER[version])
            theirs += [other_port, other_interface]
            tap.equal([(c.answer.server, c.answer.peer, c.answer.own_port) for c in theirs[-2:]],
                      [("relay", CLIENT[version], 8080), ("relay", OTHER[version], 993)],
                      f"{version}: another table's connections to the relay keep their source")
            tap.equal(counters.gained(version), {}, f"{version}: and are not counted")
        module.configure(**settings(OTHER, masquerade="all"))
        tap.ok(all(connection.goes_on() for connection in theirs[::2]),
               "those to another port continue when the relay changes")
        for connection in theirs:
            connection.close()
    finally:
        drop_tables()


@case.case
@topo.second_address()
def nftables_source_nat():
    rules = "".join(
        f"table {family} chatdnat_test {{ chain post {{ type nat hook postrouting priority {{priority}};"
        f" oifname \"eth0\" tcp dport 26 snat to {PROXY2[version]}; }}; }}\n"
        for family, version in (("ip", "ipv4"), ("ip6", "ipv6")))
    HOME.nft(rules.replace("{priority}", "50"))
    try:
        module.load(**named())
        for version in versions():
            tap.equal(traffic.tcp(t.relay, INTERNET[version], 26), Seen("internet", PROXY2[version], 26),
                      f"{version}: a source that another table bound first is left alone")
            tap.equal(traffic.tcp(t.relay, INTERNET[version], 25), Seen("internet", PROXY[version], 25),
                      f"{version}: what it leaves alone is masqueraded")
        drop_tables()
        HOME.nft(rules.replace("{priority}", "100"))
        for version in versions():
            tap.equal(traffic.tcp(t.relay, INTERNET[version], 26), Seen("internet", PROXY[version], 26),
                      f"{version}: ahead of a table at the usual priority")
    finally:
        drop_tables()


@case.case
def flush_ruleset_under_traffic():
    HOME.nft(nft_nat(-100, "tcp dport 8080 dnat to {target}"))
    module.load(**settings(ports="chatmail,turn"))
    stop, broken, rounds = threading.Event(), [], [0]

    def stream(version):
        try:
            with Connection(t.internet, PROXY[version], 993, CLIENT[version]) as connection:
                while not stop.is_set():
                    if not connection.echo(os.urandom(2000)):
                        broken.append(f"{version}: changed or ended")
                        return
                    rounds[0] += 1
        except OSError as error:
            broken.append(f"{version}: {error}")
    threads = [threading.Thread(target=stream, args=(version,)) for version in versions()]
    for thread in threads:
        thread.start()
    try:
        wait.until(lambda: rounds[0] > 3)
        flows = [Flow(t.internet, PROXY[version], 3478, CLIENT[version]) for version in versions()]
        tap.equal([flow.ask().server for flow in flows], ["relay"] * len(flows), "UDP flows before")
        for turn in range(5):
            HOME.nft("flush ruleset")
            before = rounds[0]
            tap.ok(wait.until(lambda b=before: rounds[0] > b + 2), f"connections continue after flush ruleset, {turn + 1}")
            tap.equal([flow.ask().server for flow in flows], ["relay"] * len(flows), "UDP flows continue")
            reached("relay", 143, "new connections")
            for version in versions():
                tap.equal(traffic.tcp(t.relay, INTERNET[version], 25), Seen("internet", PROXY[version], 25),
                          f"{version}: the relay's own connections")
            HOME.nft(nft_nat(-100, "tcp dport 8080 dnat to {target}"))
    finally:
        stop.set()
        for thread in threads:
            thread.join(10)
        drop_tables()
    tap.equal(broken, [], "no stream was disturbed")
    for flow in flows:
        flow.close()


def iptables(flavour):
    commands = {"ipv4": f"iptables-{flavour}", "ipv6": f"ip6tables-{flavour}"}
    if not all(shutil.which(command, path="/usr/sbin:/sbin:/usr/bin") for command in commands.values()):
        tap.skip(f"iptables-{flavour}", "not installed")
        return

    def rule(action, version, *words):
        HOME.run(commands[version], "-w", "-t", "nat", action, *words)

    for order in ("before", "after"):
        what = f"iptables-{flavour} rules loaded {order} the module"
        if order == "after":
            module.load(**settings(ports="chatmail,turn"))
        for version in versions():
            rule("-A", version, "PREROUTING", "-i", "eth0", "-p", "tcp", "--dport", "8080",
                 "-j", "DNAT", "--to-destination", OTHER[version])
            rule("-A", version, "POSTROUTING", "-o", "wg1", "-j", "MASQUERADE")
            # On our port, at the usual priority: we are ahead of it.
            rule("-A", version, "PREROUTING", "-i", "eth0", "-p", "tcp", "--dport", "143",
                 "-j", "DNAT", "--to-destination", OTHER[version])
        if order == "before":
            module.load(**settings(ports="chatmail,turn"))
        try:
            reached("other", 8080, what, sees=topo.TUNNEL2)
            reached("relay", 993, what)
            reached("relay", 143, what)
            reached("relay", 3478, what, "udp")
            for version in versions():
                tap.equal(traffic.tcp(t.relay, INTERNET[version], 25), Seen("internet", PROXY[version], 25),
                          f"{what}: {version} the relay's own connections")
            if order == "after":
                theirs = [Connection(t.internet, PROXY[version], 8080, CLIENT[version]) for version in versions()]
            module.unload()
            if order == "after":
                tap.ok(all(connection.echo(b"c" * 1000) for connection in theirs),
                       f"{what}: theirs continue after our unload")
                for connection in theirs:
                    connection.close()
        finally:
            for version in versions():
                HOME.run(commands[version], "-w", "-t", "nat", "-F")
            conntrack.flush()


@case.case
def iptables_nft():
    iptables("nft")


@case.case
def iptables_legacy():
    iptables("legacy")


@case.tracked("what a helper expects is known to connection tracking alone")
def a_helpers_expected_connection_is_not_new():
    """Passive FTP to the proxy itself, with a data port that is in `ports`."""
    if subprocess.run(["modprobe", "nf_conntrack_ftp"], capture_output=True, check=False).returncode:
        tap.skip("FTP helper", "the kernel has none")
        return
    HOME.nft('table ip chatdnat_test { ct helper ftp { type "ftp" protocol tcp; };'
             ' chain pre { type filter hook prerouting priority 0; tcp dport 21 ct helper set "ftp"; }; }\n')
    module.load(**settings())
    proxy = traffic.Host("proxy", HOME).tcp(993)
    server = HOME.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind((PROXY["ipv4"], 21))
        server.listen()
        with t.internet.socket(socket.AF_INET, socket.SOCK_STREAM) as client:
            client.settimeout(5)
            client.bind((CLIENT["ipv4"], 0))
            client.connect((PROXY["ipv4"], 21))
            control, _ = server.accept()
            with control:
                control.settimeout(5)
                control.sendall(b"220 ready\r\n")
                client.recv(100)
                client.sendall(b"PASV\r\n")
                control.recv(100)
                control.sendall(b"227 Entering Passive Mode (203,0,113,1,3,225)\r\n")
                tap.ok(re.search(rb"3,225", client.recv(100)), "the data port is 993")
                counters = module.Counters()
                with Connection(t.internet, PROXY["ipv4"], 993, CLIENT["ipv4"]) as data:
                    tap.equal(data.answer.server, "proxy", "the data connection stays with the proxy")
                    tap.equal(counters.gained("ipv4"), {}, "and is not counted")
                    module.set("ports", "imap,imaps")
                    tap.ok(data.goes_on(), "nor ended by a change that keeps its port")
                tap.equal(traffic.tcp(t.internet, PROXY["ipv4"], 993, CLIENT["ipv4"]),
                          Seen("relay", CLIENT["ipv4"], 993), "one that nobody expects is forwarded")
    finally:
        server.close()
        proxy.close()
        drop_tables()


@case.case
def untracked_packets_pass():
    HOME.nft("table inet chatdnat_test { chain raw { type filter hook prerouting priority -300;"
             " udp dport 3478 notrack; }; chain out { type filter hook output priority -300;"
             " udp sport 3478 notrack; }; }")
    proxy = traffic.Host("proxy", HOME).udp(3478)
    try:
        module.load(**settings(ports="turn"))
        counters = module.Counters()
        reached("proxy", 3478, "notrack", "udp")
        for version in versions():
            tap.equal(counters.gained(version).get("translated"), None, f"notrack: {version} is not translated")
    finally:
        proxy.close()
        HOME.nft("delete table inet chatdnat_test")


@case.case
def host_traffic_of_all_kinds_passes():
    """Ping, and services of the host itself."""
    module.load(**settings(scope="any"))
    proxy = traffic.Host("proxy", HOME).tcp(22)
    try:
        for version in versions():
            flag = "-6" if version == "ipv6" else "-4"
            with t.internet:
                done = subprocess.run(["ping", flag, "-c", "1", "-W", "2", PROXY[version]], capture_output=True,
                                      check=False) if shutil.which("ping") else None
            if done is None:
                tap.skip(f"{version}: ping", "not installed")
            else:
                tap.equal(done.returncode, 0, f"{version}: the proxy answers a ping")
        reached("proxy", 22, "SSH to the host itself")
        for version in versions():
            tap.equal(traffic.tcp(HOME, RELAY[version], 8080), Seen("relay", TUNNEL[version], 8080),
                      f"{version}: the proxy reaches the relay by itself")
    finally:
        proxy.close()


case.run(setup, ())
