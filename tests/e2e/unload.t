#!/usr/bin/python3
"""Unloading under traffic: connections end, nothing leaks, nothing is left, and loading again starts afresh."""

import os
import signal
import subprocess
import sys
import threading

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
# pylint: disable=wrong-import-position
from lib import case, conntrack, module, sniff, tap, topo, traffic, wait
from lib.topo import CLIENT, HOME, INTERNET, OTHER, PROXY, RELAY, settings
from lib.traffic import Connection, Flow, Seen

OTHER_NAT = """
table ip chatdnat_test {
    chain pre { type nat hook prerouting priority -100; tcp dport 8080 dnat to 10.9.1.2; };
    chain post { type nat hook postrouting priority 100; oifname wg1 masquerade; };
}
table ip6 chatdnat_test {
    chain pre { type nat hook prerouting priority -100; tcp dport 8080 dnat to fd00:9:1::2; };
    chain post { type nat hook postrouting priority 100; oifname wg1 masquerade; };
}
"""

t = relay = other = None


def setup():
    global t, relay, other
    t = topo.Topology(relays=("relay", "other"))
    relay, other = [traffic.Host(name, ns).tcp(993, 8080).udp(3478)
                    for name, ns in (("relay", t.relay), ("other", t.other))]
    traffic.Host("internet", t.internet).tcp(25)


def versions():
    return topo.ip_versions()


def connect(version, port=993):
    return Connection(t.internet, PROXY[version], port, CLIENT[version])


def strays(sniffer):
    """Packets that a client sent: everything but the resets that end a connection."""
    clients = set(CLIENT.values()) | set(topo.CLIENT2.values())
    return [packet for packet in sniffer.packets("in") if packet.src in clients and not packet.flags & sniff.RST]


def ours_left():
    # 8080 is the other table's.
    return [entry for entry in case.left_over(topo.EVERY_RELAY) if entry.orig.dport != 8080]


def unload_under_traffic(what):
    with sniff.Sniffer(t.relay, "wg0") as behind:
        module.load(**settings(ports="imaps,turn"))
        idle = [connect(version) for version in versions()]
        active = [connect(version) for version in versions()]
        flows = [Flow(t.internet, PROXY[version], 3478, CLIENT[version]) for version in versions()]
        tap.ok(all(connection.echo(b"a" * 1000) for connection in active), f"{what}: live TCP connections")
        tap.equal([flow.ask().server for flow in flows], ["relay"] * len(flows), f"{what}: live UDP flows")
        served = [wait.until(lambda c=c: relay.connection(c.address, c.port)) for c in idle]
        module.unload()
        behind.packets()
        fates = [connection.fate_when_told() for connection in idle]
        tap.equal(fates, ["reset"] * len(idle), f"{what}: clients that only listen are reset")
        if module.ENGINE == "tracked":
            tap.ok(wait.until(lambda: all(one.state == "reset" for one in served)), f"{what}: so are the relay's ends")
    with sniff.Sniffer(t.relay, "wg0") as behind:
        tap.equal([connection.fate_when_talking() for connection in active], ["reset"] * len(active),
                  f"{what}: clients that talk are reset")
        for version, flow in zip(versions(), flows):
            try:
                fate = flow.ask(timeout=5).server
            except OSError as error:
                fate = type(error).__name__
            tap.equal(fate, "ConnectionRefusedError", f"{what}: {version} UDP stays with the proxy")
            tap.equal(traffic.tcp(t.internet, PROXY[version], 993, CLIENT[version]), "refused",
                      f"{what}: {version} new connections stay with the proxy")
        tap.equal(strays(behind), [], f"{what}: nothing from a client reaches the relay")
    tap.equal(ours_left(), [], f"{what}: conntrack holds none of ours")
    for connection in idle + active + flows:
        connection.close()


@case.case
def no_other_nat_user():
    unload_under_traffic("no other NAT")


@case.case
def another_nat_user():
    HOME.nft(OTHER_NAT)
    try:
        module.load(**settings(ports="imaps,turn"))
        theirs = [connect(version, 8080) for version in versions()]
        tap.equal([connection.answer.server for connection in theirs], ["other"] * len(theirs),
                  "another table's connections")
        module.unload()
        tap.ok(all(connection.echo(b"b" * 1000) for connection in theirs), "they continue after the unload")
        unload_under_traffic("another NAT")
        tap.ok(all(connection.echo(b"c" * 1000) for connection in theirs), "and after another one")
        for connection in theirs:
            connection.close()
    finally:
        HOME.nft("delete table ip chatdnat_test\ndelete table ip6 chatdnat_test\n")
        conntrack.flush()


@case.case
def the_relays_outbound_connections_end_too():
    # Without another table that masquerades the kernel ends them by itself.
    HOME.nft(OTHER_NAT)
    try:
        for version in versions():
            module.load(**settings())
            with Connection(t.relay, INTERNET[version], 25) as connection:
                tap.equal(connection.answer.peer, PROXY[version], f"{version}: a masqueraded connection")
                module.unload()
                left = [entry for entry in conntrack.entries()
                        if entry.orig.src == RELAY[version] and entry.status & conntrack.SRC_NAT]
                tap.equal(left, [], f"{version}: conntrack holds none after the unload")
    finally:
        HOME.nft("delete table ip chatdnat_test\ndelete table ip6 chatdnat_test\n")


OTHER_MASQUERADE = """
table inet chatdnat_test {
    chain post { type nat hook postrouting priority 100; oifname eth0 masquerade; };
}
"""


@case.case
def what_another_table_masquerades_goes_on():
    """Connections of the proxy itself, and those of a family without a relay."""
    HOME.nft(OTHER_MASQUERADE)
    try:
        for version in versions():
            module.load(**settings())
            with Connection(HOME, INTERNET[version], 25) as connection:
                tap.equal(connection.answer.peer, PROXY[version], f"{version}: the proxy's own, masqueraded")
                module.unload()
                tap.ok(connection.goes_on(), f"{version}: the proxy's own continues after the unload")
        for served, version in (("ipv4", "ipv6"), ("ipv6", "ipv4")) if len(versions()) == 2 else ():
            module.load(wan="eth0", **{topo.SETTING[served]: RELAY[served]})
            with Connection(t.relay, INTERNET[version], 25) as connection, \
                    Connection(t.relay, INTERNET[served], 25) as ours:
                tap.equal((connection.answer.peer, ours.answer.peer), (PROXY[version], PROXY[served]),
                          f"{version} without a relay: masqueraded by the other table, {served} by us")
                module.unload()
                tap.ok(connection.goes_on(), f"{version} without a relay: continues after the unload")
                # Without state, relays' ends of other cases may still be talking.
                left = [entry for entry in conntrack.entries()
                        if entry.orig.src == RELAY[served] and entry.orig.sport == ours.port]
                tap.equal(left, [], f"{served}: ours does not")
    finally:
        HOME.nft("delete table inet chatdnat_test\n")
        conntrack.flush()


@case.case
def a_later_load_does_not_continue():
    for version in versions():
        module.load(**settings(ports="imaps,turn"))
        with connect(version) as connection:
            tap.ok(connection.echo(b"d" * 100), f"{version}: a live connection to the first relay")
            # The client misses its reset and continues sending.
            t.internet.nft("table inet deaf { chain c { type filter hook input priority -300;"
                           " tcp flags & rst == rst drop; }; }")
            module.unload()
            t.internet.nft("delete table inet deaf")
            module.load(**settings(OTHER, ports="imaps,turn"))
            before = len(other.served)
            tap.equal(connection.fate_when_talking(), "reset",
                      f"{version}: after a load with another relay it is reset")
            tap.equal(len(other.served), before, f"{version}: the new relay accepted nothing")
        tap.equal(traffic.tcp(t.internet, PROXY[version], 993, CLIENT[version]), Seen("other", CLIENT[version], 993),
                  f"{version}: who reconnects gets the new relay")
        module.unload()


class Stream:
    """Clients that connect, talk and connect again; a failed connection is expected, a wrong answer is not."""

    def __init__(self, version, protocol):
        self.version, self.protocol = version, protocol
        self.answers, self.wrong, self.stop = 0, [], threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        port = 993 if self.protocol == "tcp" else 3478
        while not self.stop.is_set():
            seen = traffic.ask(self.protocol, t.internet, PROXY[self.version], port, CLIENT[self.version],
                               timeout=0.5)
            if isinstance(seen, Seen):
                self.answers += 1
                if seen != Seen("relay", CLIENT[self.version], port):
                    self.wrong.append(seen)

    def end(self):
        self.stop.set()
        self.thread.join(10)


def loads_and_unloads(what, rounds):
    # Long-lived ones and new ones, all the time.
    streams = [Stream(version, protocol) for version in versions() for protocol in ("tcp", "udp")]
    failures = []
    for _ in range(rounds):
        try:
            before = sum(stream.answers for stream in streams)
            module.load(**settings(ports="imaps,turn"))
            live = [connect(version) for version in versions()]
            wait.until(lambda b=before: sum(stream.answers for stream in streams) > b + 2, 2)
            module.unload()
            failures += [f"left in conntrack: {entry}" for entry in ours_left()]
            failures += [fate for fate in (connection.fate_when_told(3) for connection in live) if fate != "reset"]
            for connection in live:
                connection.close()
        except OSError as error:
            failures.append(str(error))
    for stream in streams:
        stream.end()
    tap.equal(failures[:5], [], f"{what}: {rounds} loads and unloads under traffic")
    tap.equal([wrong for stream in streams for wrong in stream.wrong], [], f"{what}: no wrong answer")
    tap.ok(all(stream.answers for stream in streams),
           f"{what}: every stream got answers in between ({[stream.answers for stream in streams]})")
    tap.equal(ours_left(), [], f"{what}: conntrack holds none of ours")


@case.case
def over_and_over():
    loads_and_unloads("no other NAT", 15)


@case.case
def over_and_over_beside_another_nat():
    HOME.nft(OTHER_NAT)
    try:
        loads_and_unloads("another NAT", 10)
    finally:
        HOME.nft("delete table ip chatdnat_test\ndelete table ip6 chatdnat_test\n")


@case.case
def parameters_written_and_read_meanwhile():
    """Processes that write and read all files while the module is loaded and unloaded."""
    children = []
    for number in range(2):
        pid = os.fork()
        if not pid:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            turn = 0
            while True:
                turn += 1
                try:
                    if number:
                        module.state()
                        module.stats("ipv4")
                        module.last_error()
                    else:
                        module.set("ports", ("imaps,turn", "imap")[turn % 2])
                        module.set("v4", (RELAY, OTHER)[turn % 2]["ipv4"])
                except (OSError, ValueError):
                    pass
        children.append(pid)
    failures = []
    try:
        for _ in range(25):
            try:
                module.load(**settings(ports="imaps,turn"))
                traffic.tcp(t.internet, PROXY["ipv4"], 993, CLIENT["ipv4"], timeout=0.2)
                if not module.unload_when_idle():
                    failures.append("the module stays busy")
            except OSError as error:
                failures.append(str(error))
    finally:
        for pid in children:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
    tap.equal(failures[:5], [], "25 loads and unloads while others write and read parameters")


def conntrack_count():
    with open("/proc/sys/net/netfilter/nf_conntrack_count", encoding="ascii") as file:
        return int(file.read())


@case.case
def no_connection_is_held():
    module.load(**settings(ports="imaps,turn,9999/udp"))
    deaf = [Flow(t.internet, PROXY[version], 9999, CLIENT[version]) for version in versions()]
    t.relay.nft("table inet deaf { chain c { type filter hook input priority 0; udp dport 9999 drop; }; }")
    try:
        for version in versions():
            for _ in range(20):
                traffic.tcp(t.internet, PROXY[version], 993, CLIENT[version])
            # Counts what has been answered, and keeps the rest waiting. Without state, what is sent again counts again.
            answered = module.stats(version)["answered"]
            tap.ok(answered == 20 or answered > 20 and module.ENGINE != "tracked", f"{version}: 20 answered connections")
        sent = {version: module.stats(version)["sent"] for version in versions()}
        for flow in deaf:
            flow.sock.send(b"no answer")
            flow.close()
        wait.until(lambda: all(module.stats(version)["sent"] > sent[version] for version in versions()))
        tap.equal({version: module.stats(version)["sent"] for version in versions()},
                  {version: sent[version] + 1 for version in versions()}, "and one that waits for its answer")
        module.unload()
    finally:
        t.relay.nft("delete table inet deaf")
    conntrack.flush()
    tap.ok(wait.until(lambda: not conntrack_count()), "after the unload nobody holds an entry of conntrack's")


@case.case
def conntrack_is_left():
    proxy = traffic.Host("proxy", HOME).tcp(993)
    try:
        module.load(**settings())
        tap.equal([connect(version).answer.server for version in versions()], ["relay"] * len(versions()),
                  "loaded, connections are the relay's")
        module.unload()
        conntrack.flush()
        for version in versions():
            with connect(version) as own:
                tap.equal((own.answer.server, conntrack.entries()), ("proxy", []),
                          f"{version}: after the unload nothing is tracked for our sake")
    finally:
        proxy.close()


@case.case
def by_the_usual_commands():
    done = subprocess.run(["modprobe", "chatdnat", "wan=eth0", f"v4={RELAY['ipv4']}"], capture_output=True,
                          text=True, check=False)
    tap.equal((done.returncode, done.stderr), (0, ""), "modprobe chatdnat wan=... v4=...")
    tap.equal(traffic.tcp(t.internet, PROXY["ipv4"], 993, CLIENT["ipv4"]), Seen("relay", CLIENT["ipv4"], 993),
              "sends on")
    done = subprocess.run(["rmmod", "chatdnat"], capture_output=True, text=True, check=False)
    tap.equal((done.returncode, done.stderr), (0, ""), "rmmod chatdnat")
    for path in ("/proc/modules", "/proc/kallsyms"):
        with open(path, encoding="ascii") as file:
            tap.equal([line for line in file if "chatdnat" in line], [], f"{path} knows nothing of it")


case.run(setup, topo.EVERY_RELAY)
