"""Which packets come how far into the proxy, told apart by their source addresses; and what the guard says."""

import json
import os

from . import conntrack, module, net, tap, wait

_TABLE = "chatdnat_tally"
# The last of them that sees a packet tells where it went.
_CHAINS = [("netdev", "arrived", "ingress device eth0 priority 0"),
           ("inet", "entered", "input priority 10"),
           ("inet", "forwarded", "postrouting priority 10")]
# Packets on the fast path of the stateless engine are seen at devices only; before 5.16 there is no hook at egress.
if tuple(int(number) for number in os.uname().release.split(".")[:2]) >= (5, 16):
    _CHAINS.append(("netdev", "forwarded", "egress devices = { wg0, wg1 } priority 0"))
_STAGES = ("arrived", "entered", "forwarded")
_TYPES = {"ip": "ipv4_addr", "ip6": "ipv6_addr"}
PASSED = ("entered", "forwarded")


def source(version, number, link_local=False):
    if version == "ipv4":
        return f"198.18.{number >> 8}.{number & 255}"
    return f"fe80::66:{number:x}" if link_local else f"2001:db8:66::{number:x}"


class Drops:
    """The counters of drops of one family, read often."""

    def __init__(self, version):
        self._files = {name: os.open(module.SYSFS / "stats" / version / name, os.O_RDONLY)
                       for name in module.COUNTERS if name.startswith("dropped_")}
        self._before = self._read()

    def _read(self):
        return {name: int(os.pread(fd, 32, 0)) for name, fd in self._files.items()}

    def gained(self):
        return {name: count - self._before[name] for name, count in self._read().items() if count != self._before[name]}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for fd in self._files.values():
            os.close(fd)


def swallow_answers(internet):
    """Nobody out there has these addresses: no ICMP error must come back about an answer to them."""
    internet.ip("route add blackhole 198.18.0.0/15\n-6 route add blackhole 2001:db8:66::/64\n")


def answer_once(*spaces):
    """A handshake that nobody finishes is not answered again: conntrack may have forgotten it by then."""
    for ns in spaces:
        ns.sysctl(ipv4__tcp_synack_retries=0)


class Tally:
    """`with Tally() as tally:` counts what enters by eth0."""

    def __enter__(self):
        script = ""
        for family, stage, hook in _CHAINS:
            script += f"table {family} {_TABLE} {{\n"
            for proto, kind in _TYPES.items():
                script += f"set {stage}_{proto} {{ type {kind}; flags dynamic; size 16384; }}\n"
            script += f"chain {stage} {{ type filter hook {hook};\n"
            for proto in _TYPES:
                match = 'iifname "eth0" ' if family == "inet" else ""
                script += f"{match}update @{stage}_{proto} {{ {proto} saddr counter }}\n"
            script += "}\n}\n"
        net.HOME.nft(script)
        return self

    def __exit__(self, *_):
        net.HOME.nft(f"delete table inet {_TABLE}\ndelete table netdev {_TABLE}\n")

    @staticmethod
    def packets():
        """{stage: {source: packets}}"""
        found = {stage: {} for stage in _STAGES}
        for family in ("netdev", "inet"):
            listing = json.loads(net.HOME.run("nft", "-j", "list", "table", family, _TABLE))
            for entry in listing["nftables"]:
                for element in entry.get("set", {}).get("elem", ()):
                    element = element["elem"]
                    found[entry["set"]["name"].split("_")[0]][element["val"]] = element["counter"]["packets"]
        return found

    def judge(self, link, version, cells, what):
        """
        Sends packets and looks what became of each. cells: (name, source, packet, verdict); the verdict is entered,
        forwarded, or the counter of the reason. A packet may be a list of fragments.
        """
        conntrack.flush()
        net.HOME.nft("".join(f"flush set {family} {_TABLE} {stage}_{proto}\n"
                             for family, stage, _ in _CHAINS for proto in _TYPES))
        with Drops(version) as drops:
            wrong = self._send(link, cells, drops)
        found = {}

        def all_arrived():
            found.update(self.packets())
            return all(src in found["arrived"] for _, src, _, _ in cells)
        if not wait.until(all_arrived, 5):
            wrong.append("not all arrived")
        for name, src, _, verdict in cells:
            got = [stage for stage in PASSED if src in found[stage]]
            if got != [stage for stage in PASSED if stage == verdict]:
                wrong.append(f"{name}: {got or 'went nowhere'}, expected {verdict}")
        tap.ok(not wrong, f"{what}: {version}, {len(cells)} kinds of packets")
        for line in wrong:
            tap.diag(line)

    @staticmethod
    def _send(link, cells, drops):
        want, wrong = {}, []
        for name, _, packet, verdict in cells:
            for fragment in packet if isinstance(packet, list) else [packet]:
                link.send(fragment)
            if verdict not in PASSED:
                want[verdict] = want.get(verdict, 0) + 1
            if not wait.until(lambda: drops.gained() == want):
                wrong.append(f"{name}: not {verdict}: {drops.gained()} instead of {want}")
                want = drops.gained()
        return wrong


class Cells:
    """Gathers such cells, each with a source address of its own."""

    def __init__(self, version):
        self.version, self.cells = version, []

    def add(self, name, verdict, make, src=None, link_local=False):
        src = src or source(self.version, len(self.cells) + 1, link_local)
        self.cells.append((name, src, make(src), verdict))
