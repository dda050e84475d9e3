#!/usr/bin/python3
# vm: --cpus 2 --append maxcpus=1
"""Whole configurations are flipped under a stream of connections: nobody sees a mixture of two."""

import os
import signal
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
# pylint: disable=wrong-import-position
from lib import case, module, tap, topo, traffic
from lib.topo import CLIENT, HOME, OTHER, PROXY, RELAY, TUNNEL, settings
from lib.traffic import Connection, Flow

SECONDS = 6
ENOUGH = 20

# A long way between the module's two looks at a new connection, so that changes come in between. On one processor none
# would, however long it is.
LONG_WAY = f"""
table inet chatdnat_test {{
    chain step {{
        {"meta mark 1 drop;" * 200}
    }};
    chain way {{
        {"jump step;" * 200}
    }};
    chain forward {{ type filter hook forward priority 0; {"ct state new jump way;" * 5} }};
}}
"""

t = None


class SecondProcessor:
    """So that writer and packets run at the same time; and only then, because emulated processors do not take
    it well when the kernel patches itself, as it does at boot and when hooks come and go."""

    @staticmethod
    def _switch(state):
        with open("/sys/devices/system/cpu/cpu1/online", "w", encoding="ascii") as file:
            file.write(state)

    def __enter__(self):
        self._switch("1")

    def __exit__(self, *_):
        self._switch("0")


def setup():
    global t
    t = topo.Topology(relays=("relay", "other"))
    for name, ns in (("relay", t.relay), ("other", t.other)):
        # Both serve all ports: a connection that meets half of a change gets an answer, a wrong one.
        traffic.Host(name, ns).tcp(25, 143, 993).udp(25, 143, 993)
    HOME.nft(LONG_WAY)


def line(relay, **changes):
    return " ".join(f"{name}={value}" for name, value in settings(relay, **changes).items()).encode()


# One sends everything on with the proxy's address, the other with the client's, and each serves a
# port that the other does not.
def first(stale):
    return line(RELAY, ports="25,993,25/udp,993/udp", masquerade="all", stale=stale)


def second(stale):
    return line(OTHER, ports="143,993,143/udp,993/udp", masquerade="off", stale=stale, scope="any")


class Writer:
    """A process of its own that flips the two as fast as it can."""

    def __init__(self, *configurations):
        self.read_end, write_end = os.pipe()
        self.pid = os.fork()
        if self.pid:
            os.close(write_end)
            return
        status = 1
        try:
            stop = []
            signal.signal(signal.SIGTERM, lambda *_: stop.append(True))
            fd = os.open(module.SYSFS / "parameters" / "config", os.O_WRONLY)
            writes = 0
            while not stop:
                os.pwrite(fd, configurations[writes % 2], 0)
                writes += 1
            os.write(write_end, str(writes).encode())
            status = 0
        finally:
            os._exit(status)

    def stop(self):
        os.kill(self.pid, signal.SIGTERM)
        _, status = os.waitpid(self.pid, 0)
        writes = int(os.read(self.read_end, 100) or 0)
        os.close(self.read_end)
        return status, writes


def signature(version):
    return {"relay": TUNNEL[version], "other": CLIENT[version]}


def judge(answer, version, port):
    """What is wrong with an answer; the port tells which relay may send it."""
    if answer.peer != signature(version)[answer.server]:
        return f"{version} {port}: {answer.server} sees {answer.peer}"
    if answer.server not in {25: ("relay",), 143: ("other",), 993: ("relay", "other")}[port]:
        return f"{version} {port}: answered by {answer.server}"
    return None


def stream(ask, refusal_is_fine, reset_is_fine):
    """Asks on all ports and both families until time is up; longer where the machine is slow."""
    wrong, served, refused = [], {"relay": 0, "other": 0}, 0
    begin = time.monotonic()
    while time.monotonic() < begin + (SECONDS if min(served.values()) >= ENOUGH else 4 * SECONDS):
        for version in topo.ip_versions():
            for port in (993, 25, 993, 143):
                try:
                    answer = ask(version, port)
                except ConnectionRefusedError:
                    refused += 1
                    if port == 993 and not refusal_is_fine:
                        wrong.append(f"{version} {port}: refused, though both configurations serve it")
                    continue
                except (ConnectionResetError, BrokenPipeError) as error:
                    if not reset_is_fine:
                        wrong.append(f"{version} {port}: {error}")
                    continue
                except OSError as error:
                    wrong.append(f"{version} {port}: {error}")
                    continue
                served[answer.server] += 1
                fault = judge(answer, version, port)
                if fault:
                    wrong.append(fault)
    return wrong, served, refused


def ask_tcp(version, port):
    with Connection(t.internet, PROXY[version], port, CLIENT[version], timeout=5) as connection:
        # The exchange shows that later packets take the same way.
        if not connection.echo(b"x" * 100):
            raise ConnectionResetError("ended early")
        return connection.answer


def ask_udp(version, port):
    with Flow(t.internet, PROXY[version], port, CLIENT[version]) as flow:
        return flow.ask(timeout=3)


def flip(what, ask, stale, reset_is_fine):
    module.load(**settings())
    module.set("config", first(stale).decode())
    with SecondProcessor():
        writer = Writer(first(stale), second(stale))
        try:
            # A refusal may be the new relay's reset for a flushed connection's SYN sent again.
            wrong, served, refused = stream(ask, reset_is_fine, reset_is_fine)
        finally:
            status, writes = writer.stop()
    tap.equal(status, 0, f"{what}: every write was accepted")
    tap.equal(wrong[:10], [], f"{what}: {sum(served.values())} answers, each of one whole configuration")
    tap.ok(min(served.values()) >= ENOUGH, f"{what}: both configurations were met {served}")
    tap.ok(refused, f"{what}: a port that only the other configuration serves stays with the proxy")
    tap.ok(writes >= 20, f"{what}: flipped {writes} times")
    for version in topo.ip_versions():
        stats = module.stats(version)
        tap.ok(stats["translated"] >= stats["sent"] >= stats["answered"] > 0,
               f"{what}: {version} counters are in order")
        tap.equal([stats[name] for name in ("dropped_nat", "dropped_source")], [0, 0], f"{what}: {version} no loss")


@case.case
def tcp_with_stale_keep():
    flip("TCP, stale=keep", ask_tcp, "keep", False)


@case.case
def udp_with_stale_keep():
    flip("UDP, stale=keep", ask_udp, "keep", False)


@case.case
def tcp_with_stale_flush():
    flip("TCP, stale=flush", ask_tcp, "flush", True)


@case.case
def one_relay_by_two_interfaces():
    """Both settings serve the connection; only the one that accepted it masquerades it."""
    ours = line(RELAY, ports="993", masquerade="all", stale="keep")
    module.load(**settings())
    module.set("config", ours.decode())
    with SecondProcessor():
        writer = Writer(ours, line(RELAY, ports="993", masquerade="off", stale="keep", wan="eth1"))
        try:
            begin, seen, refused = time.monotonic(), [], 0
            # A change comes in between for one in twenty.
            while len(seen) < 4 * ENOUGH and time.monotonic() < begin + 4 * SECONDS:
                for version in topo.ip_versions():
                    try:
                        seen.append((version, ask_tcp(version, 993).peer))
                    except ConnectionRefusedError:
                        refused += 1
        finally:
            status, writes = writer.stop()
    tap.equal(status, 0, "every write was accepted")
    tap.ok(len(seen) >= ENOUGH and refused and writes >= 20, f"{len(seen)} served, {refused} refused, {writes} writes")
    tap.equal(set(seen), set(TUNNEL.items()), "who was let in is masqueraded")
    for version in topo.ip_versions():
        stats = module.stats(version)
        tap.equal(stats["sent"], stats["translated"], f"{version}: what was translated is forwarded")


@case.case
def readers_see_whole_configurations():
    module.load(**settings())
    module.set("config", first("keep").decode())
    one = module.get("config")
    module.set("config", second("keep").decode())
    two = module.get("config")
    writer = Writer(first("keep"), second("keep"))
    seen = []
    try:
        begin = time.monotonic()
        # On a busy machine it takes longer until that is enough of them.
        while time.monotonic() < begin + 3 or (len(seen) < 50 and time.monotonic() < begin + 30):
            seen.append(module.get("config"))
    finally:
        status, writes = writer.stop()
    # Which of the two is met how often is the scheduler's choice.
    tap.equal((status, set(seen) - {one, two}), (0, set()), "reading config gives one or the other, never a mixture")
    tap.ok(len(seen) >= 50 and writes >= 50, f"{len(seen)} reads beside {writes} writes")


@case.case
def counters_are_of_all_processors():
    module.load(**settings())
    with SecondProcessor():
        everywhere = os.sched_getaffinity(0)
        try:
            for version in topo.ip_versions():
                counters = module.Counters()
                for processor in sorted(everywhere):
                    # A packet goes its way where it was sent.
                    os.sched_setaffinity(0, {processor})
                    tap.equal(traffic.tcp(t.internet, PROXY[version], 993, CLIENT[version]).server, "relay",
                              f"{version}: served by processor {processor}")
                tap.equal(counters.gained(version), dict.fromkeys(("seen", "translated", "sent", "answered"), 2),
                          f"{version}: counted together")
        finally:
            os.sched_setaffinity(0, everywhere)

case.run(setup, topo.EVERY_RELAY)
