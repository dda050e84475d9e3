#!/usr/bin/python3
# vm: --timeout 1200
# peer: tests/two/peer.py
"""
docs/two-proxies.md, its last section: a service address moves between two proxies while sessions are open.

    internet ──┬── eth0 [ A ] eth1 ──┬── relay     A is this machine, B the second one (peer.py)
    (clients)  └── eth0 [ B ] eth1 ──┘

The namespace "switch" has the two segments as bridges. Their ports to B are VLANs on the cable.
"""

import contextlib
import json
import os
import re
import sys

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.realpath(__file__))
sys.path[:0] = [HERE, f"{HERE}/../docs"]
# pylint: disable=wrong-import-position
import guide
import peer
import proxy
import sessions
from lib import case, module, net, tap, topo, traffic, wait
from lib.topo import EVERY_RELAY, HOME, INTERNET, PROXY, RELAY, TUNNEL

COUNT = 200
CONF = "/etc/keepalived/keepalived.conf"
SECTION = "One address that moves"
SERVICE = (*PROXY.values(), *TUNNEL.values())
OWN = {"A": {"eth0": ("203.0.113.11/24", "2001:db8:1::11/64"), "eth1": ("10.9.0.11/24", "fd00:9::11/64")},
       "B": {"eth0": ("203.0.113.12/24", "2001:db8:1::12/64"), "eth1": ("10.9.0.12/24", "fd00:9::12/64")}}
ENDS = [(source, PROXY[version]) for number in (10, 11)
        for version, source in (("ipv4", f"198.51.100.{number}"), ("ipv6", f"2001:db8:2::{number}"))]

# What a proxy must not send to the WAN segment: segments of the service with another address than its own, or that the other proxy
# gets with another address than the client's, and anything from an inside address.
WATCH = """
table netdev watch {{
	set alien_ip {{ type ipv4_addr . inet_service . ipv4_addr . inet_service; flags dynamic; size 4096; }}
	set alien_ip6 {{ type ipv6_addr . inet_service . ipv6_addr . inet_service; flags dynamic; size 4096; }}
	set inside_ip {{ type ipv4_addr . ipv4_addr . inet_proto; flags dynamic; size 4096; }}
	set inside_ip6 {{ type ipv6_addr . ipv6_addr . inet_proto; flags dynamic; size 4096; }}
	counter vrrp {{ }}
	chain from_proxies {{
		type filter hook ingress devices = {{ to_a10, cable.10 }} priority 0;
		ip saddr {a} ip protocol 112 counter name vrrp
		tcp sport 993 ip saddr != {own4} update @alien_ip {{ ip saddr . tcp sport . ip daddr . tcp dport counter }}
		tcp sport 993 ip6 saddr != {own6} update @alien_ip6 {{ ip6 saddr . tcp sport . ip6 daddr . tcp dport counter }}
		tcp dport 993 ip saddr != 198.51.100.0/24 update @alien_ip {{ ip saddr . tcp sport . ip daddr . tcp dport counter }}
		tcp dport 993 ip6 saddr != 2001:db8:2::/64 update @alien_ip6 {{ ip6 saddr . tcp sport . ip6 daddr . tcp dport counter }}
		ip saddr 10.9.0.0/24 update @inside_ip {{ ip saddr . ip daddr . ip protocol counter }}
		ip6 saddr fd00:9::/64 update @inside_ip6 {{ ip6 saddr . ip6 daddr . meta l4proto counter }}
	}}
}}
"""


switch = clients = relay = a = b = None


def segment(vlan, interface, namespace, addresses):
    """A bridge that joins A, B by the cable, and a host's eth0."""
    HOME.ip(f"link add link cable name cable.{vlan} type vlan id {vlan}\n"
            f"link set cable.{vlan} netns switch\n"
            f"link add {interface} type veth peer name to_a{vlan} netns switch\n")
    switch.ip(f"link add lan{vlan} type bridge forward_delay 0 mcast_snooping 0\n"
              f"link add to_host{vlan} type veth peer name eth0 netns {namespace.name}\n" +
              "".join(f"link set {port} master lan{vlan} up\n"
                      for port in (f"to_a{vlan}", f"to_host{vlan}", f"cable.{vlan}")) +
              f"link set lan{vlan} up\n")
    namespace.ip("link set lo up\nlink set eth0 up\n" + "".join(f"addr add {address} dev eth0\n" for address in addresses))


def setup():
    global switch, clients, relay, a, b
    a, b = peer.here, peer.Peer()
    switch, clients, inside = net.create("switch", "internet", "relay")
    for ns in (switch, clients, inside):
        ns.sysctl(ipv6__conf__default__accept_dad=0, ipv6__conf__all__accept_dad=0)
    segment(10, "eth0", clients, (f"{INTERNET['ipv4']}/24", f"{INTERNET['ipv6']}/64"))
    segment(20, "eth1", inside, (f"{RELAY['ipv4']}/24", f"{RELAY['ipv6']}/64"))
    clients.ip("".join(f"addr add {source} dev lo\n" for source, _ in ENDS))
    inside.ip("".join(f"route add default via {TUNNEL[version]}\n" for version in topo.IP_VERSIONS))
    relay = traffic.Host("relay", inside).tcp(993)
    b(proxy.by_the_cable)
    a(proxy.prepare, OWN["A"], INTERNET)
    b(proxy.prepare, OWN["B"], INTERNET)


def written(path):
    """A file as the guide has it."""
    return next(block.text for block in guide.blocks("two-proxies.md") if block.section == SECTION and block.path == path)


def load(**changes):
    """Both proxies load the module as the guide says, but for these settings."""
    settings = dict(word.split("=", 1) for word in written("/etc/modprobe.d/chatdnat.conf").split()[2:])
    for where in (a, b):
        where(module.load, **{**settings, **changes})


def held():
    """How many of the service's addresses are A's, and B's."""
    return a(proxy.holds, SERVICE), b(proxy.holds, SERVICE)


def becomes(want, what):
    """Waits until A and B hold so many of them."""
    if not tap.ok(wait.until(lambda: held() == want, 60, 0.1), what):
        tap.diag(f"A and B have {held()} of {len(SERVICE)} addresses")
        for name, where in (("A", a), ("B", b)):
            for line in where(proxy.said):
                tap.diag(f"{name}: {line}")


@contextlib.contextmanager
def pair(conf, **changes):
    """Both proxies run the module and keepalived, and A is the master."""
    load(**changes)
    try:
        a(proxy.start, conf)
        becomes((sum(f"\t{address}/" in conf for address in SERVICE), 0), "A is the master")
        b(proxy.start, conf.replace("priority 150", "priority 100"))
        tap.ok(wait.until(lambda: b(proxy.is_backup), 30, 0.1), "B is the backup")
        yield
    finally:
        for where in (b, a):
            where(proxy.stop)
            where(proxy.drop, SERVICE)
        b(proxy.unload)


@contextlib.contextmanager
def watched(what):
    """Meanwhile neither proxy sends a wrong address to the WAN segment."""
    switch.nft(WATCH.format(own4=PROXY["ipv4"], own6=PROXY["ipv6"], a=OWN["A"]["eth0"][0].split("/")[0]))
    try:
        yield
        listing = json.loads(switch.run("nft", "-j", "list", "table", "netdev", "watch"))
        wrong = [element["elem"] for entry in listing["nftables"] for element in entry.get("set", {}).get("elem", ())]
        tap.ok(not wrong, f"{what}: the WAN segment sees no other address than the service's and the clients'")
        for element in wrong[:5]:
            tap.diag(f"{len(wrong)} kinds: {element['val']['concat']}: {element['counter']['packets']} packets")
    finally:
        switch.nft("delete table netdev watch\n")


def adverts():
    """How many VRRP packets of A's the WAN segment has seen."""
    listing = json.loads(switch.run("nft", "-j", "list", "counter", "netdev", "watch", "vrrp"))
    return listing["nftables"][-1]["counter"]["packets"]


def stopped():
    a(proxy.stop)
    becomes((0, len(SERVICE)), "B takes over")


def started():
    a(proxy.start, written(CONF))
    becomes((len(SERVICE), 0), "A is the master again")


def cut_off():
    a(proxy.kill)
    switch.ip("link set to_a10 down\nlink set to_a20 down\n")
    becomes((len(SERVICE), len(SERVICE)), "B takes over")


def restored():
    """A is back, as after a boot."""
    a(proxy.drop, SERVICE)
    switch.ip("link set to_a10 up\nlink set to_a20 up\n")


def all_survive(step, what):
    living = sessions.Sessions(clients, relay, 993, COUNT, ENDS)
    try:
        tap.equal(len(living.used()), COUNT, f"{what}: the sessions are open")
        living.longest()
        step()
        tap.equal(len(living.used()), COUNT, f"{what}: all sessions go on")
        tap.diag(f"{what}: the longest wait for a line {living.longest():.1f} s; {living.fates()}")
    finally:
        living.close()
        relay.served.clear()


def moves(engine):
    with watched(engine), pair(written(CONF), engine=engine):
        for name, where in (("A", a), ("B", b)):
            tap.equal({text.split(":")[0] for text in where(module.engines).values()}, {engine},
                      f"{name} serves both families by engine={engine}")
        try:
            all_survive(stopped, f"{engine}: the master is stopped")
            all_survive(started, f"{engine}: it is started again")
            all_survive(cut_off, f"{engine}: it is cut off")
        finally:
            restored()


@case.case
def stateless():
    moves("stateless")


@case.case
def tracked():
    moves("tracked")


def wan_alone():
    """The configuration without the second instance, which hears the master whatever the guard drops."""
    return re.search(r"^vrrp_instance wan \{.*?^\}\n", written(CONF), re.S | re.M)[0]


@case.case
def a_backup_that_hears_the_master():
    with watched("allow=ssh,vrrp"), pair(wan_alone()):
        before, begin = held(), adverts()
        # It waits for three and a half.
        tap.ok(wait.until(lambda: adverts() >= begin + 8, 60, 0.1), "the master sends VRRP")
        tap.equal(held(), before, "allow=ssh,vrrp: B stays the backup")


@case.case
def a_backup_that_does_not():
    with pair(wan_alone(), allow="ssh"):
        before, _ = held()
        becomes((before, before), "allow=ssh: B becomes a second master")


case.run(setup, EVERY_RELAY, 400)
