#!/usr/bin/python3
# vm: --timeout 600
"""
What a tracked connection on the fast path obeys: after a change of the host or of the settings the next packet takes the
path through the stack, and those that follow the fast path again. Connection tracking is as if it had seen all packets.
"""

import os
import socket
import struct
import subprocess
import sys
import termios
import threading
from fcntl import ioctl

os.environ["CHATDNAT_ENGINE"] = "tracked"
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
# pylint: disable=wrong-import-position
from lib import case, conntrack, module, net, tap, topo, traffic, wait
from lib.topo import CLIENT, HOME, INTERNET, PROXY, PROXY2, PUBLIC, RELAY, settings

TCP, UDP, OTHER_PORT, OUT = 993, 3478, 2525, 25
SHORT, LONG = b"x" * 100, b"x" * 20000
# Another way to the relay.
SECOND = {"ipv4": "10.9.2.2", "ipv6": "fd00:9:2::2"}
# The relay in a tunnel.
INNER = {"ipv4": "10.77.0.2", "ipv6": "fd00:77::2"}
IP_MTU, IPV6_MTU = 14, 24

t = None
servers = {}


def setup():
    global t
    t = topo.Topology(relays=("relay", "other"))
    HOME.ip("link add wg2 type veth peer name wg2 netns relay\naddr add 10.9.2.1/24 dev wg2\n"
            "-6 addr add fd00:9:2::1/64 dev wg2 nodad\nlink set wg2 up\n")
    t.relay.ip("addr add 10.9.2.2/24 dev wg2\n-6 addr add fd00:9:2::2/64 dev wg2 nodad\nlink set wg2 up\n")
    traffic.Host("relay", t.relay).udp(UDP)
    for version in topo.ip_versions():
        for ns, port in ((t.relay, TCP), (t.relay, OTHER_PORT), (t.internet, OUT)):
            sock = traffic.listener(ns, net.family_of(PROXY[version]), socket.SOCK_STREAM, port)
            sock.listen(16)
            sock.settimeout(5)
            servers[version, port] = sock


def load(**changes):
    module.load(**settings(**{"fast": "on", **changes}))


class Stack:
    """What IP counts of this host; a packet on the fast path is not among it."""

    FIELDS = {"ipv4": {"received": "InReceives", "forwarded": "ForwDatagrams"},
              "ipv6": {"received": "Ip6InReceives", "forwarded": "Ip6OutForwDatagrams"}}

    def __init__(self, version):
        self._version = version

    def _read(self):
        if self._version == "ipv6":
            with open("/proc/thread-self/net/snmp6", encoding="ascii") as file:
                return dict(line.split() for line in file)
        with open("/proc/thread-self/net/snmp", encoding="ascii") as file:
            names, values = [line.split() for line in file if line.startswith("Ip: ")]
        return dict(zip(names, values))

    def get(self, what):
        return int(self._read()[self.FIELDS[self._version][what]])


class Pair(net.Closing):
    """Both ends of a connection: of a client to the relay, or with out=True of the relay to the internet."""

    def __init__(self, version, address=None, out=False, port=None):
        self.version, self.stack = version, Stack(version)
        port = port or (OUT if out else TCP)
        self.client = (t.relay if out else t.internet).socket(net.family_of(PROXY[version]), socket.SOCK_STREAM)
        self.client.settimeout(5)
        if not out:
            self.client.bind((CLIENT[version], 0))
        self.client.connect((address or (INTERNET if out else PROXY)[version], port))
        self.port = self.client.getsockname()[1]
        self.server, _ = servers[version, port].accept()
        for sock in (self.client, self.server):
            sock.settimeout(5)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def close(self):
        self.client.close()
        self.server.close()

    @staticmethod
    def heard(sock, data):
        """Whether an end gets that."""
        got = bytearray()
        try:
            while len(got) < len(data) and (part := sock.recv(1 << 16)):
                got += part
        except OSError:
            pass
        return got == data

    def there(self, data=SHORT):
        self.client.sendall(data)
        return self.heard(self.server, data)

    def back(self, data=SHORT):
        self.server.sendall(data)
        return self.heard(self.client, data)

    def acknowledged(self):
        """Waits until nothing is in flight."""
        return wait.until(lambda: not any(struct.unpack("i", ioctl(sock, termios.TIOCOUTQ, bytes(4)))[0]
                                          for sock in (self.client, self.server)))

    def talk(self, data=SHORT):
        return self.there(data) and self.back(data)

    def entry(self):
        found = [entry for entry in conntrack.entries() if self.port in (entry.orig.sport, entry.reply.dport)]
        return found[0] if found else None

    def passes_by(self):
        """Whether the stack sees nothing of some segments in both directions."""
        before = self.stack.get("forwarded")
        return self.talk() and self.stack.get("forwarded") == before

    def fast(self, what):
        """The first segments after a change may take the path through the stack, and what is sent again."""
        tap.ok(wait.until(self.passes_by, 10), f"{self.version}: {what}: by the fast path")
        return self

    def slow(self, what):
        """Nothing takes the fast path."""
        ways = []
        for say in (self.there, self.back, self.there, self.back):
            before = self.stack.get("forwarded")
            ways.append(say() and self.stack.get("forwarded") > before)
        tap.equal(ways, [True] * 4, f"{self.version}: {what}: all through the stack")

    def obeys(self, what, change, talk=None):
        """The first segment after a change takes the path through the stack."""
        before = self.stack.get("forwarded")
        change()
        tap.ok((talk or self.talk)(), f"{self.version}: {what}: it goes on")
        tap.ok(self.stack.get("forwarded") > before, f"{self.version}: {what}: first through the stack")

    def stopped(self, what):
        """A segment that the client sends reaches the stack, and nobody else."""
        before = self.stack.get("received")
        self.client.sendall(SHORT)
        tap.ok(wait.until(lambda: self.stack.get("received") > before), f"{self.version}: {what}: the stack gets it")
        self.server.setblocking(False)
        try:
            tap.equal(self.server.recv(1 << 16), None, f"{self.version}: {what}: the relay does not")
        except BlockingIOError:
            pass
        self.server.settimeout(5)

    def refused(self, what, change):
        """The next segment is dropped, and answered by a reset."""
        dropped = module.stats(self.version)["dropped_via"]
        change()
        try:
            # What is sent again may have been answered already.
            self.client.sendall(SHORT)
            tap.equal(self.client.recv(1), None, f"{self.version}: {what}: reset")
        except ConnectionResetError:
            tap.ok(module.stats(self.version)["dropped_via"] > dropped, f"{self.version}: {what}: dropped and reset")

    def resumed(self, what):
        tap.ok(self.heard(self.server, SHORT), f"{self.version}: {what}: what was sent arrives")
        self.fast(what)


def pairs(**options):
    """A connection of each family that has taken the fast path."""
    for version in topo.ip_versions():
        with Pair(version, **options) as pair:
            pair.fast("at first")
            yield pair


def sent_by(device):
    with open(f"/sys/class/net/{device}/statistics/tx_bytes", encoding="ascii") as file:
        return int(file.read())


def bits(version):
    return {"ipv4": 32, "ipv6": 128}[version]


def by_the_second_way(pair, what, change):
    before = sent_by("wg2")
    pair.obeys(what, change, lambda: pair.there(LONG) and pair.back())
    tap.ok(sent_by("wg2") - before > len(LONG), f"{pair.version}: {what}: by the other device")


@case.case
def routes():
    load()
    for pair in pairs():
        version = pair.version
        route = f"{RELAY[version]}/{bits(version)} via {SECOND[version]} dev wg2"
        by_the_second_way(pair, "a route", lambda: HOME.ip(f"route add {route}\n"))
        pair.obeys("without it", lambda: HOME.ip(f"route del {route}\n"))
        pair.fast("without it")
        HOME.ip(f"route add {route} table 77\n")
        pair.fast("a route in another table")
        rule = ("to", f"{RELAY[version]}/{bits(version)}", "lookup", "77")
        by_the_second_way(pair, "a rule", lambda: HOME.ip_of(version, "rule", "add", *rule))
        pair.obeys("without the rule", lambda: HOME.ip_of(version, "rule", "del", *rule))
        pair.fast("without the rule")
        HOME.ip(f"route del {route} table 77\n")


@case.case
def neighbours():
    load()

    def becomes(station):
        t.relay.ip(f"link set wg0 address {station}\n")
        HOME.ip("".join(f"neigh replace {RELAY[version]} lladdr {station} dev wg0\n" for version in topo.ip_versions()))
    for pair in pairs():
        version = pair.version
        becomes(f"02:00:00:00:00:{'04' if version == 'ipv4' else '06'}")
        tap.ok(pair.talk(), f"{version}: another link-layer address: it goes on")
        pair.fast("another link-layer address")
        pair.obeys("a neighbour is lost", lambda: HOME.ip(f"neigh replace {RELAY[version]} dev wg0 nud failed\n"))
        pair.fast("and found")
        pair.obeys("a neighbour is removed", lambda: HOME.ip(f"neigh del {RELAY[version]} dev wg0\n"))
        pair.fast("and found")


@case.case
def mtu():
    """A segment that no longer fits is answered, and the next one fits."""
    load()
    for pair in pairs():
        version = pair.version
        try:
            pair.obeys("a smaller MTU", lambda: HOME.ip("link set wg0 mtu 1280\n"))
            pair.fast("a smaller MTU")
            tap.ok(pair.there(LONG), f"{version}: long segments arrive all the same")
            level, name = (socket.IPPROTO_IP, IP_MTU) if version == "ipv4" else (socket.IPPROTO_IPV6, IPV6_MTU)
            tap.equal(pair.client.getsockopt(level, name), 1280, f"{version}: the client was told by ICMP")
            pair.fast("segments that fit")
        finally:
            HOME.ip("link set wg0 mtu 1500\n")
        pair.fast("the larger MTU again")
        t.internet.ip_of(version, "route", "flush", "cache")


@case.case
def addresses():
    """Conntrack keeps what is forwarded, and ends what was masqueraded."""
    load()
    for pair in pairs():
        version = pair.version
        address = f"192.0.2.99/{bits(version)}" if version == "ipv4" else "2001:db8:99::1/128"
        pair.obeys("another address", lambda: HOME.ip(f"addr add {address} dev eth0\n"))
        pair.fast("another address")
        HOME.ip(f"addr del {address} dev eth0\n")
    for version in topo.ip_versions():
        length = {"ipv4": 24, "ipv6": 64}[version]
        with Pair(version, PROXY2[version]) as pair:
            pair.fast("to an address")
            pair.obeys("without it", lambda: HOME.ip(f"addr del {PROXY2[version]}/{length} dev eth0\n"))
            pair.fast("without it")
        HOME.ip(f"addr add {PROXY2[version]}/{length} dev eth0\n")
    for pair in pairs(out=True):
        version = pair.version
        own = pair.entry().reply.dst
        # It would leave with another address, and be answered by a reset.
        tap.ok(pair.acknowledged(), f"{version}: masqueraded: nothing is in flight")
        HOME.ip(f"addr del {own}/{ {'ipv4': 24, 'ipv6': 64}[version] } dev eth0\n")
        tap.ok(wait.until(lambda: not pair.entry()), f"{version}: masqueraded: conntrack ends it")
        pair.stopped("masqueraded")
        t.address_wan()
        t.settle_wan()


@case.case
def devices():
    load()
    for name in topo.ip_versions()[1:]:
        HOME.sysctl(**{f"{name}__conf__wg0__keep_addr_on_down": 1})
    for pair in pairs():
        HOME.ip("link set wg0 down\n")
        pair.stopped("a device goes down")
        HOME.ip("link set wg0 up\n")
        pair.resumed("and comes up")
        # Either may change the room that the device wants for its header.
        pair.obeys("a device changes its features", lambda: HOME.run("ethtool", "-K", "wg0", "tso", "off"))
        pair.fast("other features")
        HOME.run("ethtool", "-K", "wg0", "tso", "on")
        pair.fast("the former ones")
        pair.obeys("a device is changed", lambda: HOME.ip("link set wg0 alias relay\n"))
        pair.fast("a changed device")
        HOME.ip("link set wg0 alias ''\n")


@case.case
def forwarding():
    load()
    for pair in pairs():
        name = {"ipv4": "ipv4__conf__eth0__forwarding", "ipv6": "ipv6__conf__all__forwarding"}[pair.version]
        HOME.sysctl(**{name: 0})
        pair.stopped("forwarding is switched off")
        HOME.sysctl(**{name: 1})
        pair.resumed("and on")


@case.case
def policies():
    """While there is an IPsec policy all packets take the path through the stack."""
    load()
    for pair in pairs():
        for way in ("fwd", "out"):
            policy = ("xfrm", "policy", "{}", "dir", way, "dst", f"{PUBLIC[pair.version]}/{bits(pair.version)}")
            HOME.run("ip", *(word.replace("{}", "add") for word in policy))
            pair.slow(f"an IPsec policy, {way}")
            HOME.run("ip", *(word.replace("{}", "del") for word in policy))
            pair.fast(f"without it, {way}")


@case.case
def settings_that_it_obeys():
    load()
    for pair in pairs():
        version = pair.version
        for name, value, back in (("guard", "full", "off"), ("guard", "strict", "off"), ("masquerade", "all", "wan"),
                                  ("log", "drops", "off"), ("wan", "eth0,eth7", "eth0")):
            pair.obeys(f"{name}={value}", lambda: module.set(name, value))
            pair.fast(f"{name}={value}")
            module.set(name, back)
        pair.obeys("wan=eth7", lambda: module.set("wan", "eth7"))
        module.set("wan", "eth0")
        pair.fast("wan=eth0")
        module.set("fast", "off")
        pair.slow("fast=off")
        module.set("fast", "on")
        pair.fast("fast=on")


@case.case
def via():
    """Packets that would leave by another interface are refused."""
    load()
    for pair in pairs():
        module.set("via", "wg0")
        pair.fast("via=wg0")
        pair.refused("via=wg1", lambda: module.set("via", "wg1"))
        module.set("via", "wg0")
    for pair in pairs():
        version = pair.version
        route = f"{RELAY[version]}/{bits(version)} via {SECOND[version]} dev wg2"
        pair.refused("a route by another interface", lambda: HOME.ip(f"route add {route}\n"))
        HOME.ip(f"route del {route}\n")


@case.case
def types_of_service():
    """The route of a packet may depend on it; conntrack does not know it."""
    load()
    with Pair("ipv4") as pair:
        pair.fast("at first")
        pair.obeys("another TOS", lambda: pair.client.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, 0x10))
        pair.fast("another TOS")


@case.case
def connections_of_others():
    """What another table forwards is not the module's to take."""
    load()
    HOME.nft("table inet other {\nchain c { type nat hook prerouting priority -100;\n" +
             "".join(f"meta nfproto {version} tcp dport {OTHER_PORT} dnat {'ip6' if version == 'ipv6' else 'ip'} to {RELAY[version]}\n"
                     for version in topo.ip_versions()) + "}\n}\n")
    for version in topo.ip_versions():
        with Pair(version, port=OTHER_PORT) as pair:
            pair.slow("of another table")
    HOME.nft("delete table inet other\n")
    conntrack.flush()


@case.case
def the_end():
    """A FIN, a reset, and an unload."""
    load()
    for pair in pairs():
        version = pair.version
        pair.client.shutdown(socket.SHUT_WR)
        tap.equal(pair.server.recv(1), b"", f"{version}: a FIN arrives")
        tap.ok(wait.until(lambda: pair.entry().state == conntrack.CLOSE_WAIT), f"{version}: and conntrack has seen it")
        ways = []
        for _ in range(3):
            before = pair.stack.get("forwarded")
            ways.append(pair.back() and pair.stack.get("forwarded") > before)
        tap.equal(ways, [True] * 3, f"{version}: what the other end has to say: all through the stack")
        pair.server.shutdown(socket.SHUT_WR)
        tap.equal(pair.client.recv(1), b"", f"{version}: the other FIN arrives")
        tap.ok(wait.until(lambda: pair.entry().state == conntrack.TIME_WAIT), f"{version}: and conntrack has seen that")
    for pair in pairs():
        pair.talk(LONG * 10)
        pair.client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        pair.client.close()
        try:
            tap.equal(pair.server.recv(1), None, f"{pair.version}: a reset arrives")
        except ConnectionResetError:
            tap.ok(True, f"{pair.version}: a reset arrives")
        tap.ok(wait.until(lambda: pair.entry().state == conntrack.CLOSE), f"{pair.version}: and ends conntrack's entry")
    ends = [Pair(version) for version in topo.ip_versions()]
    for pair in ends:
        pair.fast("before the unload")
        pair.talk(LONG * 10)
    module.unload()
    for pair in ends:
        fates = []
        for sock in (pair.client, pair.server):
            try:
                fates.append(sock.recv(1))
            except OSError as error:
                fates.append(type(error).__name__)
            sock.close()
        tap.equal(fates, ["ConnectionResetError"] * 2, f"{pair.version}: an unload resets both ends")


def offloaded():
    return {line.split()[0]: line.split(": ")[1] for line in module.read("fastpath").splitlines()}


@case.case
def deleted():
    """conntrack -D ends it. Conntrack finds the connection in its middle then, and does not know its windows."""
    load()
    for pair in pairs():
        pair.obeys("deleted", conntrack.flush)
        pair.slow("found in the middle")
        tap.ok(wait.until(lambda: offloaded()[pair.version] == "0"), f"{pair.version}: the file counts none")


@case.case
def timeouts():
    """Conntrack does not lose a connection of which it sees no packets, nor one that is idle."""
    load()
    path = "netfilter__nf_conntrack_tcp_timeout_established"
    before = open(f"/proc/sys/net/{path.replace('__', '/')}", encoding="ascii").read()
    for pair in pairs():
        version = pair.version

        def renewed(seconds):
            """Whether packets set the timeout of which the stack sees none."""
            HOME.sysctl(**{path: seconds})
            forwarded = pair.stack.get("forwarded")
            return wait.until(lambda: pair.talk() and seconds - 10 <= pair.entry().timeout <= seconds) and \
                pair.stack.get("forwarded") == forwarded
        # More than once: something may have been sent again.
        tap.ok(any(renewed(seconds) for seconds in (1000, 2000, 3000)), f"{version}: packets on the fast path set the timeout")
        pair.server.setsockopt(socket.SOL_SOCKET, socket.SO_OOBINLINE, 1)

        def may_be_idle():
            """Conntrack shortens the timeout for what is not acknowledged."""
            forwarded = pair.stack.get("forwarded")
            pair.client.send(b"!", socket.MSG_OOB)
            return pair.heard(pair.server, b"!") and pair.acknowledged() and pair.stack.get("forwarded") > forwarded and \
                pair.entry().timeout > 900
        tap.ok(any(may_be_idle() for _ in range(3)),
               f"{version}: urgent data passes through the stack, and the connection may be idle: {pair.entry().timeout} s")
        HOME.sysctl(**{path: before})


@case.case
def datagrams():
    """The same for a flow of datagrams, once conntrack takes it for one that lasts."""
    load(ports="imaps,turn")
    path = "netfilter__nf_conntrack_udp_timeout_stream"
    for version in topo.ip_versions():
        stack = Stack(version)
        HOME.sysctl(**{path: 120})
        with traffic.Flow(t.internet, PROXY[version], UDP, CLIENT[version]) as flow:
            def timeout():
                flow.ask()
                return [entry.timeout for entry in conntrack.entries() if entry.orig.sport == flow.port][0]

            def passes_by():
                before = stack.get("forwarded")
                return timeout() > 60 and stack.get("forwarded") == before
            tap.ok(wait.until(passes_by, 10), f"{version}: a flow that lasts: by the fast path")
            HOME.sysctl(**{path: 1000})
            before = stack.get("forwarded")
            tap.ok(wait.until(lambda: 990 <= timeout() <= 1000), f"{version}: datagrams on the fast path set the timeout")
            tap.equal(stack.get("forwarded"), before, f"{version}: and took it")
    HOME.sysctl(**{path: 120})


@case.case
def accounts():
    """nf_conntrack_acct counts what arrives at the devices."""
    HOME.sysctl(netfilter__nf_conntrack_acct=1)
    load()
    HOME.nft("table netdev count {\ncounter eth0 { }\ncounter wg0 { }\n" +
             "".join(f"chain {device} {{ type filter hook ingress device {device} priority 0;\n"
                     f"tcp {side} {TCP} counter name {device}\n }}\n" for device, side in (("eth0", "dport"), ("wg0", "sport"))) +
             "}\n")

    def counted(device):
        words = HOME.run("nft", "list", "counter", "netdev", "count", device).split()
        return int(words[words.index("packets") + 1]), int(words[words.index("bytes") + 1])
    def equally(version, last):
        """For one connection; a segment that is sent again for no reason is not counted by conntrack."""
        HOME.nft("reset counters table netdev count\n")
        with Pair(version) as pair:
            pair.fast("at first")
            tap.ok(pair.talk(LONG * 20), f"{version}: both ways")

            def equal():
                last[:] = [(counted("eth0"), counted("wg0")), pair.entry().counters]
                return last[0] == last[1]
            return wait.until(equal)
    for version in topo.ip_versions():
        last = []
        tap.ok(any(equally(version, last) for _ in range(3)), f"{version}: packets and bytes of both directions are counted: {last}")
        tap.ok(last[0][0][1] > len(LONG) * 20, f"{version}: and there are so many")
    HOME.nft("delete table netdev count\n")
    HOME.sysctl(netfilter__nf_conntrack_acct=0)


def received(*devices):
    """Packets as they arrive, before reception merges them."""
    total = 0
    for device in devices:
        with open(f"/sys/class/net/{device}/statistics/rx_packets", encoding="ascii") as file:
            total += int(file.read())
    return total


def sent_again():
    """Segments that either end has sent again: these take the path through the stack."""
    total = 0
    for ns in (t.internet, t.relay):
        with ns, open("/proc/thread-self/net/snmp", encoding="ascii") as file:
            names, values = [line.split() for line in file if line.startswith("Tcp: ")]
        total += int(dict(zip(names, values))["RetransSegs"])
    return total


def bulk(pair, inside, size, what):
    """Much in both directions at once."""
    data = os.urandom(size)
    for sock in (pair.client, pair.server):
        # Less in flight than WireGuard's queues have room for.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 17)
        sock.settimeout(60)
    pair.fast(what)
    forwarded, arrived, again = pair.stack.get("forwarded"), received("eth0", inside), sent_again()
    whole = []
    threads = [threading.Thread(target=pair.client.sendall, args=(data,)), threading.Thread(target=pair.server.sendall, args=(data,)),
               threading.Thread(target=lambda: whole.append(pair.heard(pair.server, data))),
               threading.Thread(target=lambda: whole.append(pair.heard(pair.client, data)))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    forwarded, arrived, again = (pair.stack.get("forwarded") - forwarded, received("eth0", inside) - arrived, sent_again() - again)
    tap.equal(whole, [True] * 2, f"{pair.version}: {what}: {size} bytes both ways are whole")
    tap.ok((forwarded - again) * 1000 < arrived,
           f"{pair.version}: {what}: by the stack: {forwarded} of {arrived} packets, {again} of them sent again")


@case.case
def in_bulk():
    """Segments that are sent one by one, and merged by reception (GRO)."""
    load()
    for ns, device, feature in ((t.internet, "to_eth0", "off"), (t.relay, "wg0", "off"), (HOME, "eth0", "on"), (HOME, "wg0", "on")):
        names = ("gro",) if feature == "on" else ("tso", "gso")
        ns.run("ethtool", "-K", device, *(word for name in names for word in (name, feature)))
    for pair in pairs():
        bulk(pair, "wg0", 100_000_000, "veth")


def wireguard():
    """A tunnel through the link between the proxy and the relay."""
    private = [HOME.run("wg", "genkey").strip() for _ in range(2)]
    public = [subprocess.run(["wg", "pubkey"], input=key, text=True, capture_output=True, check=True).stdout.strip() for key in private]
    for n, (ns, peer) in enumerate(((HOME, RELAY["ipv4"]), (t.relay, topo.TUNNEL["ipv4"]))):
        path = f"/run/chatdnat-test-{n}.key"
        with open(path, "w", encoding="ascii", opener=lambda p, f: os.open(p, f, 0o600)) as file:
            file.write(private[n])
        ns.ip("link add wgt type wireguard\n")
        ns.run("wg", "set", "wgt", "listen-port", "51820", "private-key", path, "peer", public[1 - n], "endpoint", f"{peer}:51820",
               "allowed-ips", "0.0.0.0/0,::/0")
        os.unlink(path)
        ns.ip(f"addr add 10.77.0.{n + 1}/24 dev wgt\n-6 addr add fd00:77::{n + 1}/64 dev wgt nodad\nlink set wgt up\n")
    t.relay.ip("route replace default dev wgt\n-6 route del ::/0\n-6 route add ::/0 dev wgt\n")


@case.case
def in_bulk_through_wireguard():
    wireguard()
    load(**{topo.SETTING[version]: address for version, address in INNER.items() if version in topo.ip_versions()})
    for pair in pairs():
        bulk(pair, "wgt", 3_000_000, "WireGuard")


case.run(setup, {*topo.EVERY_RELAY, *INNER.values()}, seconds=120)
