"""What changes around the connections: each mutator draws from a random stream of its own what it does next."""

import contextlib
import errno
import os

from lib import conntrack, module, net
from lib.topo import HOME, OTHER, PROXY, PROXY2, PUBLIC, RELAY, SETTING

from . import places
from .journal import Entry
from .places import NET4, NET6, THEIR_PORT, THEIRS, VERSIONS
from .worker import Worker, now

# Where the relay's rules of policy routing are from.
INSIDE = {"ipv4": "10.9.0.0/24", "ipv6": "fd00:9::/64"}
# Another's hand on the module's files keeps it from going for a moment.
BUSY = 10


class Mutator(Worker):
    """Does one of its actions after the other, and keeps a journal of them."""

    pause = 0.3
    # How many times less, where each action takes long.
    hurry = 1
    # (how often, method)
    actions = ()
    # Errors that are no finding, since others change the same host at the same time.
    excused = (RuntimeError, OSError)

    def __init__(self, seed, topology=None):
        super().__init__(seed)
        self.t = topology
        self.entries, self.failures = [], []

    def work(self, phase):
        self.entries, self.failures = [], []
        weights = [often for often, _ in self.actions]
        while not self.stopped(self.random.random() * self.pause / self.hurry):
            action = self.random.choices(self.actions, weights)[0][1]
            begin, what = now(), action.__name__.strip("_")
            try:
                what, result = action(self) or what, "done"
            except self.excused as error:
                result = str(error).splitlines()[0]
            self.entries.append(Entry(begin, now(), self.name, what, result))
        return self.report()

    def report(self):
        return self.entries, self.failures, []

    def some(self, *choices):
        return self.random.choice(choices)

    def chance(self, probability):
        return self.random.random() < probability


class Operator(Mutator):
    """Settings, one by one and as a whole, right and wrong ones, and the module itself. Nobody else writes who is called."""

    name = "operator"
    excused = ()

    def __init__(self, seed, topology=None):
        super().__init__(seed, topology)
        self.changes, self.settings = [], None

    def report(self):
        changes, self.changes = self.changes, []
        return self.entries, self.failures, changes

    def relay(self, version):
        one, two = self.random.sample(places.RELAYS, 2)
        text = self.some("{one}", "{one}", "{one}", "{one}@{own}", "{one}@{own}", "{one}@{own},{two}@{own2}",
                         "{one}@{own},{two}", "{one}@{own2},{one}@{own}", "")
        return text.format(one=one[version], two=two[version], own=PROXY[version], own2=PROXY2[version])

    def value(self, name):
        if name in ("v4", "v6"):
            return self.relay({setting: version for version, setting in SETTING.items()}[name])
        if name == "ports":
            every = ("25", "imap", "imaps", "2000-2010", "ssh", "turn", "5349/udp", "50000-50010/udp")
            return self.some("chatmail,turn", "chatmail,turn,5349/udp,2005",
                             ",".join(self.random.sample(every, self.random.randint(1, len(every)))))
        return self.some(*{
            "wan": ("eth0", "eth0", "eth0,eth1", "eth+", "eth0,wan+", "eth0,wan7,eth1", "eth1", "", "eth0,gone0,wan5"),
            "scope": ("local", "local", "any"),
            "masquerade": ("wan", "wan", "all", "off"),
            "guard": ("off", "forward", "full"),
            "allow": ("ssh", "", "ssh,http,51820/udp", "1-21,23-65535"),
            "mss": ("auto", "auto", "off", "536", "1000"),
            "via": ("", "", "", "wg0", "wg1", "tun1", "gone0"),
            "stale": ("flush", "flush", "keep"),
            "enabled": ("1", "1", "1", "1", "0"),
            "hairpin": ("0", "1"),
            "log": ("off", "off", "drops"),
            "engine": ("tracked", "auto", "auto", "stateless"),
            "fast": ("auto", "on", "on", "off"),
        }[name])

    def whole(self):
        chosen = {name: self.value(name) for name in module.SETTINGS if name in ("v4", "v6", "wan") or self.chance(0.6)}
        if chosen.get("engine") == "stateless" and self.chance(0.7):
            chosen.update({"scope": "local", "masquerade": "wan", "ports": "chatmail,turn"})
            chosen.update({SETTING[version]: f"{self.some(RELAY, OTHER)[version]}@{PROXY[version]}" for version in VERSIONS})
        return chosen

    def write(self, name, value, settings):
        """One write; settings is what then holds."""
        begin = now()
        try:
            module.set(name, value)
        except OSError as error:
            # It is refused where the host or the settings are not for it.
            if error.errno != errno.EINVAL or settings.get("engine") != "stateless":
                self.failures.append(f"{name}={value}: {error}: {module.last_error()}")
            return f"{name}={value}: refused, {module.last_error()}"
        self.changes.append((begin, now(), settings))
        self.settings = settings
        return f"{name}={value}"

    def _config(self):
        chosen = self.whole()
        chosen.setdefault("engine", "tracked")
        return self.write("config", module.line(chosen), chosen) if self._loaded() else self._load()

    def _setting(self):
        name = self.random.choice(module.SETTINGS)
        value = self.value(name)
        return self.write(name, value, {**self.settings, name: value}) if self._loaded() else self._load()

    def _wrong(self):
        """A write of what cannot be changes nothing, not even when half of it is right."""
        if not self._loaded():
            return self._load()
        name, value = self.some(("v4", "10.9.0.4,10.9.1.3"), ("config", "wan=eth0 v4=10.9.0.4 v6=fd00:9::4 ports=0"),
                                ("config", "v4=10.9.0.4 v4=10.9.0.4"), ("v6", "fe80::1"), ("ports", "25,70000"))
        try:
            module.set(name, value)
        except OSError:
            return f"{name}={value} (wrong)"
        self.failures.append(f"{name}={value} is taken")
        return f"{name}={value} (wrong, but taken)"

    @staticmethod
    def _loaded():
        return module.loaded()

    def _load(self):
        chosen = self.whole()
        chosen.setdefault("engine", "tracked")
        begin = now()
        try:
            module.load(**chosen)
        except OSError as error:
            if error.errno != errno.EINVAL or chosen["engine"] != "stateless":
                self.failures.append(f"load {chosen}: {error}")
            return f"load {chosen}: {error}"
        self.changes.append((begin, now(), chosen))
        self.settings = chosen
        return f"load {chosen}"

    def _unload(self):
        if not self._loaded():
            return self._load()
        begin = now()
        if not module.unload_when_idle(BUSY):
            self.failures.append("the module stays busy")
            return "unload: busy"
        self.changes.append((begin, now(), None))
        self.settings = None
        if self.chance(0.5):
            return "unload"
        return f"unload, {self._load()}"

    def calm(self, settings):
        """Loads it, or writes all settings: between two phases, by the process that runs the test."""
        begin = now()
        if module.loaded():
            module.set("config", module.line(settings))
        else:
            module.load(**settings)
        self.settings = settings
        return begin, now(), settings

    def work(self, phase):
        self.settings = phase
        return super().work(phase)

    actions = ((10, _config), (10, _setting), (1, _wrong), (2, _unload))


class Meddler(Mutator):
    """Reads all that there is, and writes what has no say in who is called, whatever the operator does with the module."""

    name = "meddler"
    pause = 0.5

    def _read(self):
        module.state()
        for version in VERSIONS:
            module.stats(version)

    def _look(self):
        module.engines()
        module.last_error()

    def _write(self):
        name, value = self.some(("mss", "1000"), ("mss", "auto"), ("log", "drops"), ("log", "off"), ("allow", "ssh,http"))
        module.set(name, value)
        return f"{name}={value}"

    actions = ((2, _read), (2, _look), (1, _write))


class Interfaces(Mutator):
    """They come and go, are renamed, and go down and up."""

    name = "interfaces"
    pause = 0.5

    @staticmethod
    def _second_name():
        return next((name for name in ("eth1", "wan7") if net.exists(name)), None)

    @staticmethod
    def _tunnel_name():
        return next((name for name in ("wg1", "tun1") if net.exists(name)), None)

    def _second_comes_or_goes(self):
        name = self._second_name()
        if name:
            HOME.ip(f"link del {name}\n")
        else:
            second_wan(self.t)
        return f"{name or 'eth1'} {'goes' if name else 'comes'}"

    def _second_is_renamed(self):
        name = self._second_name()
        if name:
            other = "wan7" if name == "eth1" else "eth1"
            HOME.ip(f"link set {name} down\nlink set {name} name {other}\n")
            self.t.address_wan(other, NET4, NET6, False)
        return f"rename {name}"

    def _second_flaps(self):
        name = self._second_name()
        if name:
            HOME.ip(f"link set {name} down\n")
            self.t.address_wan(name, NET4, NET6, False)
        return f"flap {name}"

    def _tunnel_is_renamed(self):
        name = self._tunnel_name()
        if name:
            other = "tun1" if name == "wg1" else "wg1"
            HOME.ip(f"link set {name} down\nlink set {name} name {other}\n{places.tunnel(other)}")
        return f"rename {name}"

    def _tunnel_comes_anew(self):
        name = self._tunnel_name()
        if name:
            HOME.ip(f"link del {name}\n")
        second_tunnel(self.t)
        return f"{name} comes anew"

    def _flap(self):
        name = self.some("eth0", "wg0", "wg0")
        HOME.ip(f"link set {name} down\n" + (places.first_wan() if name == "eth0" else places.tunnel(name)))
        return f"flap {name}"

    def _mtu(self):
        name, mtu = self.some("wg0", "eth0"), self.some(1280, 1400, 1500)
        HOME.ip(f"link set {name} mtu {mtu}\n")
        return f"{name} mtu {mtu}"

    def _one_more(self):
        """Named by wan, with an address, under two names, and gone again."""
        HOME.ip("link add eth5 type dummy\naddr add 198.18.5.1/32 dev eth5\n-6 addr add 2001:db8:55::1/128 dev eth5 nodad\n"
                "link set eth5 up\n")
        HOME.ip("link set eth5 down\nlink set eth5 name wan5\nlink set wan5 up\n")
        HOME.ip("link del wan5\n")

    def _namespace(self):
        """An interface goes with the namespace that it leads to."""
        HOME.ip("netns add passing\nlink add eth8 type veth peer name eth0 netns passing\n"
                "addr add 198.18.8.1/24 dev eth8\n-6 addr add 2001:db8:88::1/64 dev eth8 nodad\nlink set eth8 up\n")
        HOME.ip("netns del passing\n")

    actions = ((3, _second_comes_or_goes), (2, _second_is_renamed), (1, _second_flaps), (2, _tunnel_is_renamed),
               (1, _tunnel_comes_anew), (1, _flap), (1, _mtu), (1, _one_more), (1, _namespace))


class Addresses(Mutator):
    """Local addresses and routes change, and how the host judges sources."""

    name = "addresses"
    pause = 0.5

    def _own(self):
        n, what = self.some(2, 3), self.some("del", "replace")
        HOME.ip(f"addr {what} 203.0.113.{n}/24 dev eth0\n")
        HOME.ip(f"-6 addr {what} 2001:db8:1::{n}/64 dev eth0{' nodad' if what == 'replace' else ''}\n")
        return f"{what} local address {n}"

    def _first(self):
        """The local address that all clients know is removed, and added again."""
        HOME.ip("addr del 203.0.113.1/24 dev eth0\n-6 addr del 2001:db8:1::1/64 dev eth0\n")
        HOME.ip(places.first_wan())

    def _hole(self):
        """The way to a relay is lost for a moment."""
        relay = self.some(RELAY, OTHER, PUBLIC)
        kind = self.some("blackhole", "unreachable", "prohibit")
        HOME.ip(f"route add {kind} {relay['ipv4']}/32\n-6 route add {kind} {relay['ipv6']}/128\n")
        HOME.ip(f"route del {kind} {relay['ipv4']}/32\n-6 route del {kind} {relay['ipv6']}/128\n")
        return f"{kind} {relay['ipv4']}"

    def _default(self):
        HOME.ip("route del default\n-6 route del default\n")
        HOME.ip(places.first_wan())

    def _rule(self):
        what = self.some("add", "del")
        for version, inside in INSIDE.items():
            HOME.ip_of(version, "rule", what, "from", inside, "lookup", "main", "priority", "100")
        return f"rule {what}"

    def _filter(self):
        value = self.some(0, 1, 2)
        HOME.sysctl(ipv4__conf__all__rp_filter=value)
        return f"rp_filter={value}"

    def _forwarding(self):
        HOME.sysctl(ipv4__conf__wg0__forwarding=0, ipv6__conf__all__forwarding=0)
        HOME.sysctl(ipv4__conf__wg0__forwarding=1, ipv6__conf__all__forwarding=1)
        HOME.ip(places.first_wan())

    actions = ((4, _own), (1, _first), (2, _hole), (1, _default), (2, _rule), (1, _filter), (1, _forwarding))


# For ports of their own, and for connections from nowhere else: else they would also count what the module forwards.
THEIR_NAT = """
table {family} theirs {{
    chain pre {{ type nat hook prerouting priority {priority}; tcp dport {port} dnat to {to};
        udp dport {port} dnat to {to}; }};
    chain post {{ type nat hook postrouting priority 100; oifname "{out}" tcp dport {port} masquerade;
        oifname "{out}" udp dport {port} masquerade; }};
}}
"""
FILTERS = (
    "table inet filter2 { chain f { type filter hook forward priority 0; ct state invalid drop; }; }\n",
    "table netdev bans { chain i { type filter hook ingress device eth0 priority 0; ip saddr 198.51.100.99 drop; }; }\n",
    "table netdev bans2 { chain i { type filter hook ingress device wg0 priority 0; meta mark 7 drop; }; }\n",
    "table inet fast2 { flowtable f { hook ingress priority 0; devices = { eth0, wg0 }; }; "
    "chain f { type filter hook forward priority 0; ip protocol tcp flow add @f; }; }\n",
    "table inet raw2 { chain p { type filter hook prerouting priority -300; ip saddr 198.51.100.99 notrack; }; }\n",
)


class Rules(Mutator):
    """Other tables' NAT, filters and ingress chains come and go."""

    name = "rules"
    pause = 0.5

    def _nat(self):
        priority, out = self.some(-100, -150, -90), self.some("wg1", "eth0")
        HOME.nft("table ip theirs {}\ntable ip6 theirs {}\ndelete table ip theirs\ndelete table ip6 theirs\n" +
                 "".join(THEIR_NAT.format(family=family, priority=priority, port=THEIR_PORT, to=THEIRS[version], out=out)
                         for family, version in (("ip", "ipv4"), ("ip6", "ipv6"))))
        return f"nat at {priority}"

    def _none(self):
        HOME.nft("delete table ip theirs\ndelete table ip6 theirs\n")

    def _filter(self):
        text = self.random.choice(FILTERS)
        HOME.nft(text)
        return text.split(" {")[0]

    def _all_go(self):
        HOME.nft("flush ruleset\n")

    actions = ((3, _nat), (1, _none), (3, _filter), (1, _all_go))


class Tracking(Mutator):
    """Connection tracking is emptied, read, and told how strict to be."""

    name = "conntrack"
    pause = 1.5

    def _flush(self):
        conntrack.flush()

    def _read(self):
        return f"{len(conntrack.entries())} entries"

    def _loose(self):
        value = self.some(0, 1, 1)
        HOME.sysctl(netfilter__nf_conntrack_tcp_loose=value)
        return f"tcp_loose={value}"

    actions = ((3, _flush), (1, _read), (1, _loose))


def second_wan(t):
    """The second link to the internet, which leads nowhere by default."""
    t.add_wan("eth1", NET4, NET6, default=False)
    t.internet.run("ethtool", "-K", "to_eth1", "tx", "off")


def second_tunnel(t):
    """The tunnel to other, once more."""
    HOME.ip("link add wg1 type veth peer name wg0 netns other\n")
    t.other.ip("link set wg0 up\naddr replace 10.9.1.2/24 dev wg0\n-6 addr replace fd00:9:1::2/64 dev wg0 nodad\n"
               "route replace default via 10.9.1.1\n-6 route replace default via fd00:9:1::1\n")
    places.settle_in(t.other)
    HOME.ip(places.tunnel("wg1"))


DEBRIS = "".join(f"route del {kind} {relay['ipv4']}/32\n-6 route del {kind} {relay['ipv6']}/128\n"
                 for relay in (RELAY, OTHER, PUBLIC) for kind in ("blackhole", "unreachable", "prohibit"))


def heal(t):
    """The host as it was, whatever was being done to it when the mutators stopped."""
    for name, right in (("wan7", "eth1"), ("tun1", "wg1")):
        if net.exists(name):
            HOME.ip(f"link set {name} down\nlink set {name} name {right}\n")
    for name in ("eth5", "wan5", "eth8"):
        if net.exists(name):
            HOME.ip(f"link del {name}\n")
    if os.path.exists("/run/netns/passing"):
        HOME.ip("netns del passing\n")
    HOME.nft("flush ruleset\n")
    # Most of it is not there.
    HOME.ip(DEBRIS, force=True)
    for version, inside in INSIDE.items():
        with contextlib.suppress(RuntimeError):
            HOME.ip_of(version, "rule", "del", "from", inside, "priority", "100")
    HOME.sysctl(ipv4__conf__all__rp_filter=0, netfilter__nf_conntrack_tcp_loose=1, ipv4__ip_forward=1,
                ipv6__conf__all__forwarding=1, ipv4__conf__wg0__forwarding=1)
    if not net.exists("eth1"):
        second_wan(t)
    if not net.exists("wg1"):
        second_tunnel(t)
    HOME.ip("link set wg0 mtu 1500\nlink set eth0 mtu 1500\n" + places.first_wan() + places.tunnel("wg0") +
            places.tunnel("wg1"))
    t.address_wan("eth1", NET4, NET6, False)


EVERY = (Meddler, Interfaces, Addresses, Rules, Tracking)
