"""The stateless engine in a test: the hosts, its settings, and which path the packets of a client take."""

from . import module, tap, topo, traffic, wait
from .topo import CLIENT, HOME, PROXY, RELAY, settings
from .traffic import Seen

TCP, UDP = 993, 3478
# Which path plain packets take: the fast path, or that through the stack.
PAST = "past" if module.SHORTCUT else "by"

t = relay = None


def setup():
    """The hosts, with servers. Gives the topology and the relay's server."""
    global t, relay
    t = topo.Topology(relays=("relay", "other"))
    relay = traffic.Host("relay", t.relay).tcp(25, TCP).udp(UDP)
    traffic.Host("other", t.other).tcp(25, TCP)
    traffic.Host("internet", t.internet).tcp(25)
    traffic.Host("proxy", HOME).tcp(2525)
    return t, relay


def load(**changes):
    module.load(**settings(**{"ports": "chatmail,turn", **changes}))


def stateless(version, address=None):
    return module.engines().get(f"{RELAY[version]}@{address or PROXY[version]}") == "stateless"


def served(version, source=CLIENT):
    return traffic.tcp(t.internet, PROXY[version], TCP, source[version])


def well(version, source=CLIENT):
    return Seen("relay", source[version], TCP)


def over(ns):
    """Waits until the servers there have no connection any more, so that no packet of one is on its way."""
    wait.until(lambda: not ns.run("ss", "-Htn", f"sport = :{TCP}"), 30)


class Watch:
    """Packets of the clients, or of one, in a family's chains; in the inet family only those not on the fast path."""

    def __init__(self, family="inet", client=None):
        self._family = family
        word = client and ("ip6" if ":" in client else "ip")
        self._of = [f"{word} {end} {client} " if client else "" for end in ("saddr", "daddr")]

    def __enter__(self):
        HOME.nft(f"table {self._family} watch {{ counter seen {{ }}\n chain c {{ type filter hook prerouting priority -310;\n"
                 f"{self._of[0]}tcp dport {TCP} counter name seen\n {self._of[1]}tcp sport {TCP} counter name seen\n }}\n}}\n")
        return self

    def __exit__(self, *_):
        HOME.nft(f"delete table {self._family} watch\n")

    def packets(self):
        return int(HOME.run("nft", "list", "counter", self._family, "watch", "seen").split("packets ")[1].split()[0])

    def way(self):
        """Which path the packets of a transfer took: the fast path, or that through the stack."""
        seen = self.packets()
        return "past" if seen == 0 else "by" if seen > 8 else f"{seen} packets by"


def outlives(version, what, *connections):
    tap.equal([connection.goes_on() for connection in connections], [True] * len(connections), f"{version}: {what}: all continue")
