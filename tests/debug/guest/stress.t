#!/usr/bin/python3
# vm: --cpus 2 --icount --timeout 900
"""
All at once, for as long as asked: connections of both families while settings, interfaces, addresses, routes and other
tables change, connection tracking is emptied and the module comes and goes. No packet reaches a host that no configuration
of that moment names, no record is changed or another's, and behind it all nothing is left.

SEED= in the environment draws another sequence of changes, DURATION= is how many seconds of it: 180, or 30 on the debug
kernel, whose seconds take longer. What went wrong is shown with what was done before. Between two stretches all rests, and
every port has to answer.
"""

import collections
import os
import pathlib
import random
import shutil
import socket
import subprocess
import sys

sys.dont_write_bytecode = True
TESTS = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TESTS / "e2e"), str(TESTS / "debug")]
# pylint: disable=wrong-import-position
from lib import case, conntrack, module, net, tap, topo, wait
from lib.topo import HOME, OTHER, OWN, PROXY, RELAY, SETTING
from stress import mutators, places, record
from stress.clients import NAMES, Clients
from stress.journal import Journal
from stress.places import RELAYS, VERSIONS
from stress.servers import Servers
from stress.worker import now

DEBUG = "debug" in os.uname().release
SEED = int(os.environ.get("SEED") or 1)
DURATION = int(os.environ.get("DURATION") or (30 if DEBUG else 180))
STRETCH = 10 if DEBUG else 15
# Records a second that are answered, of each protocol and family, at the very least.
ENOUGH = 0.5
SHOWN = 5

t = operator = servers = None
flows, others = [], []
journal = Journal()


def setup():
    global t, operator, servers
    if len(OWN) < 3 or not net.have_ipv6():
        raise RuntimeError("it takes IPv6, and several local addresses")
    # It is loaded over and over, and large: not every time from the host.
    image = pathlib.Path("/run/chatdnat.ko")
    shutil.copyfile(module.FILE, image)
    module.FILE = image
    subprocess.run(["modprobe", "-a", "dummy", "veth", "nft_masq", "nft_nat"], check=True)
    t = topo.Topology()
    mutators.second_wan(t)
    for name in ("eth0", "wg0"):
        HOME.run("ethtool", "-K", name, "tx", "off")
    t.internet.run("ethtool", "-K", "to_eth0", "tx", "off")
    for ns in (HOME, t.internet):
        ns.sysctl(ipv4__tcp_orphan_retries=1, ipv4__tcp_fin_timeout=2)
    for ns in (t.relay, t.other, t.public):
        places.settle_in(ns)
        places.count_never(ns)
    servers = Servers(SEED, (t.relay, t.other, t.public, t.internet))
    tcp, udp = socket.IPPROTO_TCP, socket.IPPROTO_UDP
    many = 1 if DEBUG else 2
    for number, kinds in enumerate(({tcp: 6 * many, udp: many}, {tcp: 3 * many, udp: 4 * many})):
        one = Clients(number, SEED, kinds)
        one.places(t.internet, HOME, ((t.relay, RELAY), (t.other, OTHER)))
        flows.append(one)
    operator = mutators.Operator(SEED, t)
    if DEBUG:
        mutators.Mutator.hurry = 5
    others.extend(kind(SEED, t) for kind in mutators.EVERY)
    for worker in (servers, *flows, operator, *others):
        worker.start()


def calm_settings(number):
    """What rests look at: another relay and engine in turn."""
    relay = (RELAY, OTHER)[number % 2]
    return {"wan": "eth0", "ports": "chatmail,turn,5349/udp,50005/udp,2005", "stale": ("flush", "keep")[number // 2 % 2],
            "engine": ("tracked", "auto", "auto", "tracked")[number % 4],
            **{SETTING[version]: f"{relay[version]}@{PROXY[version]}" for version in VERSIONS}}, relay


class Call:
    """A record to one port, and who answers."""

    number = 1 << 62

    def __init__(self, proto, address, port):
        Call.number += 1
        kind = socket.SOCK_STREAM if proto == socket.IPPROTO_TCP else socket.SOCK_DGRAM
        asked = record.Record(record.ASK, proto, port, address, "", Call.number, 1, now(), now(), 700, 1200)
        self.host, self.data = None, bytearray()
        try:
            with t.internet.socket(net.family_of(address), kind) as sock:
                sock.settimeout(3)
                sock.connect((address, port))
                sock.sendall(record.encode(asked))
                answer = None
                while not answer:
                    data = sock.recv(1 << 16)
                    if not data:
                        raise ConnectionResetError("closed")
                    self.data += data
                    answer, _ = record.decode(self.data)
                self.host = answer.host
        except (OSError, record.Broken) as error:
            self.host = str(error)


def all_answer(relay):
    """What does not work, though nothing disturbs it."""
    wrong = []
    ports = [(socket.IPPROTO_TCP, port) for port in (25, 143, 993, 2005)]
    ports += [(socket.IPPROTO_UDP, port) for port in places.UDP_PORTS]
    for version in VERSIONS:
        for proto, port in ports:
            last = []

            def answered(version=version, proto=proto, port=port, last=last):
                last[:] = [Call(proto, PROXY[version], port).host]
                return last[0] == relay[version]
            if not wait.until(answered, 10):
                wrong.append(f"{version} {NAMES[proto]} {port}: {last[0]}")
    return wrong


class Findings:
    """Of all stretches, each shown with what was done before."""

    def __init__(self):
        self.wrong, self.fates = collections.defaultdict(list), collections.Counter()
        self.arrivals, self.done = 0, collections.Counter()

    def add(self, kind, text, begin=None, end=None):
        self.wrong[kind].append(text)
        if len(self.wrong[kind]) > SHOWN:
            return
        tap.diag(f"SEED={SEED}: {kind}: {text}")
        for line in journal.tail(begin, end) if begin else ():
            tap.diag(f"    {line}")


def judge(findings, arrivals):
    for arrival in arrivals:
        findings.arrivals += 1
        why = journal.judge(arrival)
        if why:
            asked = arrival.record
            findings.add("strays", f"at {arrival.host} {NAMES[asked.proto]} {asked.port}, "
                         f"{'its first' if arrival.first else 'not its first'}: {asked}: "
                         f"begun {(arrival.at - asked.begun) / 1e9:.4f} s before, "
                         f"sent {(arrival.at - asked.sent) / 1e9:.4f} s before: {why}", asked.sent, arrival.at)


def stretch(findings, number, seconds):
    """Chaos, then rest; what was seen is judged."""
    begin = now()
    servers.begin(number)
    operator.begin(operator.settings)
    for worker in (*flows, *others):
        worker.begin(number)
    # The mutators pace themselves; this is how long.
    wait.until(lambda: False, seconds, 0.25)
    reports = {worker.name: worker.end() for worker in (operator, *others)}
    mutators.heal(t)
    for one in flows:
        fates, broken = one.end()
        findings.fates.update(fates)
        for text in broken:
            findings.add("broken records", text, begin, now())

    entries, failures, changes = reports.pop("operator")
    journal.add(entries)
    for text in failures:
        findings.add("operator", text, begin, now())
    for name, (more, _, _) in reports.items():
        journal.add(more)
        findings.done.update((name, entry.result == "done") for entry in more)
    findings.done.update(("operator", "refused" not in entry.what) for entry in entries)
    journal.configurations(changes)

    settings, relay = calm_settings(number)
    journal.configurations([operator.calm(settings)])
    engine = {"tracked": "tracked", "auto": "stateless"}[settings["engine"]]
    wrong = [] if wait.until(lambda: list(module.engines().values()) == [engine] * 2, 10) else [str(module.engines())]
    for text in wrong + all_answer(relay):
        findings.add("silent at rest", text, begin, now())
    arrivals, broken = servers.end()
    for text in broken:
        findings.add("broken records", text, begin, now())
    judge(findings, arrivals)
    for ns in (t.relay, t.other, t.public):
        many = places.counted_never(ns) - never[ns.name]
        never[ns.name] += many
        if many:
            findings.add("strays", f"{many} packets to an address in {ns.name} that nobody names", begin, now())


never = collections.Counter()


@case.case
def chaos():
    findings = Findings()
    tap.diag(f"SEED={SEED} DURATION={DURATION}")
    order = random.Random(SEED)
    left, number = DURATION, 0
    journal.configurations([operator.calm(calm_settings(0)[0])])
    while left > 0 and sum(map(len, findings.wrong.values())) < 50:
        seconds = min(left, STRETCH * (0.5 + order.random()))
        stretch(findings, number, seconds)
        left, number = left - seconds, number + 1

    def none(kind, name):
        tap.equal(len(findings.wrong[kind]), 0, name)
    none("strays", f"{findings.arrivals} records reached nobody but whom a configuration of that moment names")
    none("broken records", "each is as it was sent, and its flow's")
    none("operator", "settings are taken, wrong ones are not, and the module comes and goes")
    none("silent at rest", f"{number} times at rest: every port answers")
    for version in VERSIONS:
        for proto in NAMES.values():
            answered = findings.fates[proto, version, "answered"]
            tap.ok(answered >= DURATION * ENOUGH, f"{version} {proto}: {answered} records answered")
            tap.diag({fate: many for (one, other, fate), many in findings.fates.items() if (one, other) == (proto, version)})
    for name in ("operator", *(worker.name for worker in others)):
        done, failed = findings.done[name, True], findings.done[name, False]
        tap.ok(done >= DURATION * ENOUGH / 2, f"{name}: {done} times, and {failed} that could not be")


@case.case
def nothing_is_left():
    """The network goes, and with it each reference to it."""
    for worker in (servers, *flows, operator, *others):
        worker.quit()
    conntrack.flush()

    def count():
        with open("/proc/sys/net/netfilter/nf_conntrack_count", encoding="ascii") as file:
            return int(file.read())
    net.destroy()
    for ns in (t.internet, t.relay, t.other, t.public):
        os.close(ns.fd)
    names = {"eth0", "eth1", "wg0", "wg1"}
    gone = wait.until(lambda: not any(map(net.exists, names)), 60)
    if not tap.ok(gone, "the interfaces are gone"):
        tap.diag({name for name in names if net.exists(name)})
    conntrack.flush()
    tap.ok(wait.until(lambda: not count(), 20), "connection tracking is empty")
    # It takes room for one, and a namespace counts until its last reference is gone.
    limit = pathlib.Path("/proc/sys/user/max_net_namespaces")
    before = limit.read_text(encoding="ascii")
    limit.write_text("1", encoding="ascii")

    def unshared():
        return not subprocess.run(["unshare", "-n", "true"], capture_output=True, check=False).returncode
    tap.ok(wait.until(unshared, 20), "the namespaces are gone")
    limit.write_text(before, encoding="ascii")


case.run(setup, {address for relay in RELAYS for address in relay.values()}, seconds=DURATION * 10 + 300)
