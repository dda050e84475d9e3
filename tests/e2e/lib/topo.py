"""
The standard topology. The proxy is the namespace in which the test runs: init_net of the guest.

    far ─── internet ────────── proxy ─┬─ wg0 ─── relay    10.9.0.2    fd00:9::2
    (on     │  203.0.113.254    eth0   │                   its default route is the tunnel
     demand)│  2001:db8:1::fe   .1 .2 .3
            │                          └─ wg1 ─── other    10.9.1.2    fd00:9:1::2
            │  clients on lo:                              192.0.2.200 2001:db8:4::200, routed
            │  198.51.100.10 to .13                        through the proxy and not its own
            │  2001:db8:2::10 to ::13
            └── public   192.0.2.10   2001:db8:3::10
                a relay that is reached, and answers, through the internet

eth0 carries 203.0.113.1 to .3 and 2001:db8:1::1 to ::3. wg0 and wg1 stand for tunnels: the internet has
no route to what is behind them, so an address that leaks cannot be answered by luck. 10.9.0.1 and
fd00:9::1 are the exceptions: local addresses of the proxy to which the internet has a route.
"""

import contextlib

from . import module, net, traffic, wait

HOME = net.HOME
PORTS = (25, 80, 143, 443, 465, 587, 993)
IP_VERSIONS = ("ipv4", "ipv6")
# How many addresses the proxy has: the stateless engine serves one for each relay.
EVERY_OWN = (1, 2, 3)
OWN = EVERY_OWN if module.ENGINE == "tracked" else (1,)
PROXY = {"ipv4": "203.0.113.1", "ipv6": "2001:db8:1::1"}
PROXY2 = {"ipv4": "203.0.113.2", "ipv6": "2001:db8:1::2"}
PROXY3 = {"ipv4": "203.0.113.3", "ipv6": "2001:db8:1::3"}
TUNNEL = {"ipv4": "10.9.0.1", "ipv6": "fd00:9::1"}
TUNNEL2 = {"ipv4": "10.9.1.1", "ipv6": "fd00:9:1::1"}
INTERNET = {"ipv4": "203.0.113.254", "ipv6": "2001:db8:1::fe"}
CLIENT = {"ipv4": "198.51.100.10", "ipv6": "2001:db8:2::10"}
CLIENT2 = {"ipv4": "198.51.100.11", "ipv6": "2001:db8:2::11"}
RELAY = {"ipv4": "10.9.0.2", "ipv6": "fd00:9::2"}
OTHER = {"ipv4": "10.9.1.2", "ipv6": "fd00:9:1::2"}
PUBLIC = {"ipv4": "192.0.2.10", "ipv6": "2001:db8:3::10"}
TRANSIT = {"ipv4": "192.0.2.200", "ipv6": "2001:db8:4::200"}
EVERY_RELAY = {address for relay in (RELAY, OTHER, PUBLIC) for address in relay.values()}
SETTING = {"ipv4": "v4", "ipv6": "v6"}


def ip_versions():
    return IP_VERSIONS if net.have_ipv6() else IP_VERSIONS[:1]



def _quick(ns):
    # No duplicate address detection, no router solicitation: every address counts at once.
    ns.sysctl(ipv6__conf__default__accept_dad=0, ipv6__conf__all__accept_dad=0,
              ipv6__conf__default__router_solicitations=0)


def _router(ns):
    ns.sysctl(ipv4__ip_forward=1, ipv6__conf__all__forwarding=1)
    # Answer every ICMP error that a test provokes.
    ns.sysctl(ipv4__icmp_ratelimit=0, ipv6__icmp__ratelimit=0)


class Topology:
    def __init__(self, relays=("relay", "other", "public")):
        names = ("internet",) + tuple(relays)
        spaces = dict(zip(names, net.create(*names)))
        self.internet = spaces["internet"]
        self.relay = spaces.get("relay")
        self.other = spaces.get("other")
        self.public = spaces.get("public")
        for ns in (HOME, *spaces.values()):
            _quick(ns)
        for ns in (HOME, self.internet):
            _router(ns)
        # Ports that tests choose are never those of an earlier connection, see also traffic.Flow.
        self.internet.sysctl(ipv4__ip_local_port_range="20000 31999")
        # The proxy may forward packets from clients' addresses to the internet, which has these itself.
        self.internet.sysctl(ipv4__conf__all__accept_local=1)
        # Removing the first address leaves the others.
        HOME.sysctl(ipv4__conf__all__promote_secondaries=1)
        HOME.ip("link set lo up\n")
        self.internet.ip(
            "link set lo up\n" +
            "".join(f"addr add 198.51.100.{n}/32 dev lo\n"
                    f"-6 addr add 2001:db8:2::{n}/128 dev lo nodad\n" for n in range(10, 14)))
        self.add_wan()
        if self.relay:
            self._tunnel("wg0", self.relay, "10.9.0", "fd00:9:")
        if self.other:
            self._tunnel("wg1", self.other, "10.9.1", "fd00:9:1:")
            self.other.ip("addr add 192.0.2.200/32 dev lo\n"
                          "-6 addr add 2001:db8:4::200/128 dev lo nodad\n")
            HOME.ip("route add 192.0.2.200/32 via 10.9.1.2\n"
                    "-6 route add 2001:db8:4::/64 via fd00:9:1::2\n")
        if self.public:
            self._public()
        self._settle(spaces.values())

    def add_wan(self, name="eth0", net4="203.0.113", net6="2001:db8:1:", default=True, far=None):
        """A link to the internet; the far end is called FAR there, to_NAME without."""
        far = far or f"to_{name}"
        HOME.ip(f"link add {name} type veth peer name {far} netns internet\n")
        self.address_wan(name, net4, net6, default)
        self.internet.ip(
            f"addr add {net4}.254/24 dev {far}\n"
            f"-6 addr add {net6}:fe/64 dev {far} nodad\n"
            f"link set {far} up\n")
        if default:
            # Routes of the internet to addresses that it cannot reach through the proxy.
            self.internet.ip(
                f"route replace 192.0.2.128/25 via {net4}.1\n"
                f"route replace 10.9.0.1/32 via {net4}.1\n"
                f"-6 route replace 2001:db8:4::/64 via {net6}:1\n"
                f"-6 route replace fd00:9::1/128 via {net6}:1\n")

    @staticmethod
    def address_wan(name="eth0", net4="203.0.113", net6="2001:db8:1:", default=True, own=None):
        """The proxy's end: up, with addresses and, of the first link, the default route."""
        own = own or OWN
        # Where nothing else decides, Linux takes the first IPv4 address and the last IPv6 one.
        HOME.ip(
            "".join(f"addr replace {net4}.{n}/24 dev {name}\n"
                    f"-6 addr replace {net6}:{own[-1 - i]}/64 dev {name} nodad\n"
                    for i, n in enumerate(own)) +
            f"link set {name} up\n" +
            (f"route replace default via {net4}.254\n"
             f"-6 route replace default via {net6}:fe\n" if default else ""))

    def _tunnel(self, name, ns, net4, net6):
        HOME.ip(
            f"link add {name} type veth peer name wg0 netns {ns.name}\n"
            f"addr add {net4}.1/24 dev {name}\n"
            f"-6 addr add {net6}:1/64 dev {name} nodad\n"
            f"link set {name} up\n")
        ns.ip(
            "link set lo up\n"
            f"addr add {net4}.2/24 dev wg0\n"
            f"-6 addr add {net6}:2/64 dev wg0 nodad\n"
            f"link set wg0 up\n"
            f"route add default via {net4}.1\n"
            f"-6 route add default via {net6}:1\n")

    def route_what_is_behind(self):
        """Gives the internet routes to the relay's and its neighbour's inside addresses."""
        self.internet.ip("".join(f"route add {address[version]} via {PROXY[version]}\n"
                                 for address in (RELAY, OTHER) for version in ip_versions()))

    def _public(self):
        self.internet.ip(
            "link add to_public type veth peer name eth0 netns public\n"
            "addr add 192.0.2.1/25 dev to_public\n"
            "-6 addr add 2001:db8:3::1/64 dev to_public nodad\n"
            "link set to_public up\n")
        self.public.ip(
            "link set lo up\n"
            "addr add 192.0.2.10/25 dev eth0\n"
            "-6 addr add 2001:db8:3::10/64 dev eth0 nodad\n"
            "link set eth0 up\n"
            "route add default via 192.0.2.1\n"
            "-6 route add default via 2001:db8:3::1\n")

    def add_far(self, mtu=1500):
        """A client one hop further away, where only so much fits into a packet to it."""
        far, = net.create("far")
        _quick(far)
        self.internet.ip(
            "link add to_far type veth peer name eth0 netns far\n"
            "addr add 198.51.100.129/25 dev to_far\n"
            "-6 addr add 2001:db8:5::1/64 dev to_far nodad\n"
            "link set to_far up\n"
            # Not the interface's MTU: that would also drop what comes from there.
            f"route add 198.51.100.130/32 dev to_far mtu lock {mtu}\n"
            f"-6 route add 2001:db8:5::2/128 dev to_far mtu lock {mtu}\n")
        far.ip(
            "link set lo up\n"
            "addr add 198.51.100.130/25 dev eth0\n"
            "-6 addr add 2001:db8:5::2/64 dev eth0 nodad\n"
            "link set eth0 up\n"
            "route add default via 198.51.100.129\n"
            "-6 route add default via 2001:db8:5::1\n")
        self._settle([far])
        return far

    def settle_wan(self, address=None):
        """Waits until the internet reaches the proxy."""
        for version in ip_versions():
            _reach(self.internet, (address or PROXY)[version])

    @staticmethod
    def _settle(spaces):
        """Waits until each namespace reaches the proxy."""
        for ns in spaces:
            for version in ip_versions():
                _reach(ns, {"relay": TUNNEL, "other": TUNNEL2}.get(ns.name, PROXY)[version])


def _reach(ns, address):
    """Waits until a port where nobody listens says so."""
    last = []

    def refused():
        last[:] = [traffic.tcp(ns, address, 1, timeout=1)]
        return last[0] == "refused"
    if not wait.until(refused, 10):
        raise RuntimeError(f"{ns.name} does not reach {address}: {last[0]}")


@contextlib.contextmanager
def second_address():
    """PROXY2, also where there is one local address only. Nobody takes it who does not ask for it."""
    missing = 2 not in OWN
    if missing:
        HOME.ip(f"addr add {PROXY2['ipv4']}/24 dev eth0\n"
                f"-6 addr add {PROXY2['ipv6']}/64 dev eth0 nodad preferred_lft 0\n")
    try:
        yield
    finally:
        if missing:
            HOME.ip(f"addr del {PROXY2['ipv4']}/24 dev eth0\n-6 addr del {PROXY2['ipv6']}/64 dev eth0\n")


@contextlib.contextmanager
def flow_table():
    """One of somebody else: it forwards the packets of established TCP connections, which other hooks do not see then."""
    HOME.nft("table inet others { flowtable f { hook ingress priority 0; devices = { eth0, wg0 }; }\n"
             "chain c { type filter hook forward priority 0; meta l4proto tcp flow add @f\n}\n}\n")
    try:
        yield
    finally:
        HOME.nft("delete table inet others")


def local_addresses(version):
    """The proxy's local addresses, the first one first."""
    return [(PROXY, PROXY2, PROXY3)[n - 1][version] for n in OWN]


def settings(relay=None, **changes):
    """The settings most tests want, relay by relay."""
    relay = relay or RELAY
    chosen = {"wan": "eth0"}
    chosen.update({SETTING[version]: relay[version] for version in ip_versions()})
    chosen.update(changes)
    return chosen


def named(**changes):
    """The same for one local address by name: the others are the host's alone, whatever the engine."""
    return settings(**{SETTING[version]: f"{RELAY[version]}@{PROXY[version]}" for version in ip_versions()}, **changes)
