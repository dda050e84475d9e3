#!/usr/bin/python3
"""WAN interfaces go by their names: absent, late, renamed, gone and back, by wildcard, several."""

import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
# pylint: disable=wrong-import-position
from lib import case, module, net, tap, topo, traffic
from lib.topo import CLIENT, HOME, INTERNET, PROXY, RELAY, settings
from lib.traffic import Seen

SECOND = {"ipv4": "203.0.114.1", "ipv6": "2001:db8:6::1"}
SECOND_INTERNET = {"ipv4": "203.0.114.254", "ipv6": "2001:db8:6::fe"}
SECOND_NETS = ("203.0.114", "2001:db8:6:")

t = None


def setup():
    global t
    t = topo.Topology(relays=("relay",))
    for name, ns in (("relay", t.relay), ("proxy", HOME)):
        traffic.Host(name, ns).tcp(993).udp(3478)
    traffic.Host("internet", t.internet).tcp(25).udp(53)


def sent_to(server, what, address=None):
    for version in topo.ip_versions():
        for protocol, port in (("tcp", 993), ("udp", 3478)):
            tap.equal(traffic.ask(protocol, t.internet, (address or PROXY)[version], port, CLIENT[version]),
                      Seen(server, CLIENT[version], port), f"{what}: {version} {protocol} reaches the {server}")


def rename(old, new):
    """The interface is set down first, as older kernels require; that removes its addresses and routes."""
    HOME.ip(f"link set {old} down\nlink set {old} name {new}\n")
    t.address_wan(new)
    t.settle_wan()


def remove(name="eth0"):
    HOME.ip(f"link del {name}\n")


def add(name="eth0"):
    t.add_wan(name)
    t.settle_wan()


@case.case
def idle_without_a_wan():
    module.load(**settings(wan="", ports="chatmail,turn"))
    counters = module.Counters()
    sent_to("proxy", "wan empty at load")
    for version in topo.ip_versions():
        tap.equal(counters.gained(version), {}, f"{version}: nothing is counted")
    module.set("wan", "eth0")
    sent_to("relay", "wan set at run time")
    module.set("wan", "")
    sent_to("proxy", "wan emptied")


@case.case
def absent_at_load():
    remove()
    module.load(**settings(ports="chatmail,turn"))
    tap.equal(module.get("wan"), "eth0", "an interface that does not exist is taken")
    add()
    sent_to("relay", "created after the load")


@case.case
def absent_when_set():
    module.load(**settings(wan="eth5", ports="chatmail,turn"))
    sent_to("proxy", "another name")
    module.set("wan", "eth6,eth0")
    sent_to("relay", "one of two exists")


@case.case
def renamed_away_and_back():
    module.load(**settings(ports="chatmail,turn"))
    sent_to("relay", "before")
    rename("eth0", "lan7")
    sent_to("proxy", "renamed away")
    rename("lan7", "eth00")
    sent_to("proxy", "renamed to what only begins like it")
    rename("eth00", "eth0")
    sent_to("relay", "renamed back")


@case.tracked("without state a relay's answers are known by their way out, which is no WAN interface here")
def another_takes_the_name():
    module.load(**settings(ports="chatmail,turn"))
    rename("eth0", "old0")
    t.add_wan("eth0", *SECOND_NETS, default=False, far="to_new")
    t.settle_wan(SECOND)
    try:
        sent_to("proxy", "the old interface under a new name")
        sent_to("relay", "a new interface under the old name", SECOND)
    finally:
        remove()
        rename("old0", "eth0")


@case.case
def removed_and_created_again():
    module.load(**settings(ports="chatmail,turn"))
    for turn in range(3):
        remove()
        add()
        sent_to("relay", f"created again, {turn + 1}")


@case.case
def wildcards():
    module.load(**settings(wan="ppp+", ports="chatmail,turn"))
    try:
        sent_to("proxy", "ppp+ is not eth0")
        names = (("ppp0", "relay"), ("ppp", "relay"), ("pppoe-wan", "relay"), ("pp", "proxy"),
                 ("xppp0", "proxy"), ("PPP0", "proxy"))
        before = "eth0"
        for name, server in names:
            rename(before, name)
            before = name
            sent_to(server, f"ppp+ and {name}")
        # Every interface is a WAN then, the tunnel too.
        module.set("masquerade", "off")
        module.set("wan", "+")
        sent_to("relay", f"+ and {before}")
        module.set("wan", "ppp+,PPP0")
        sent_to("relay", f"a list with {before}")
    finally:
        rename(before, "eth0")


@case.case
def a_plus_elsewhere_is_a_letter():
    module.load(**settings(wan="e+h0", ports="chatmail,turn"))
    sent_to("proxy", "e+h0 is not eth0")


@case.tracked("without state a relay's answers are known by their way out, which is no WAN interface here")
def several():
    t.add_wan("eth1", *SECOND_NETS, default=False)
    t.settle_wan(SECOND)
    try:
        module.load(**settings(wan="eth0", ports="chatmail,turn"))
        sent_to("proxy", "the second link while only the first is a WAN", SECOND)
        module.set("wan", "eth1,eth0")
        sent_to("relay", "the first of two")
        sent_to("relay", "the second of two", SECOND)
        for version in topo.ip_versions():
            for protocol, port in (("tcp", 25), ("udp", 53)):
                for name, internet, own in (("eth0", INTERNET, PROXY), ("eth1", SECOND_INTERNET, SECOND)):
                    tap.equal(traffic.ask(protocol, t.relay, internet[version], port),
                              Seen("internet", own[version], port),
                              f"traffic leaving {name} takes its address: {version} {protocol}")
        module.set("wan", "eth1")
        sent_to("proxy", "the first is no WAN any more")
        sent_to("relay", "the second still is", SECOND)
    finally:
        remove("eth1")


@case.case
def another_namespace_is_left_alone():
    # A namespace of its own with the same names inside, forwarding to where it would hurt.
    inner, = net.create("inner")
    inner.ip("link set lo up\n")
    module.load(**settings(wan="+", ports="chatmail,turn", scope="any"))
    host = traffic.Host("inner", inner).tcp(993).udp(3478)
    try:
        for address in ("127.0.0.1",) + (("::1",) if net.have_ipv6() else ()):
            for protocol, port in (("tcp", 993), ("udp", 3478)):
                tap.equal(traffic.ask(protocol, inner, address, port), Seen("inner", address, port),
                          f"{protocol} to {address} in another namespace")
        tap.equal(traffic.ask("tcp", t.relay, RELAY["ipv4"], 993), Seen("relay", RELAY["ipv4"], 993),
                  "the relay's own namespace as well")
        for version in topo.ip_versions():
            tap.equal(module.stats(version)["seen"], 0, f"{version}: not counted")
    finally:
        host.close()


@case.case
def loopback_is_not_taken_by_a_wildcard():
    module.load(**settings(wan="+", ports="chatmail,turn"))
    for version in topo.ip_versions():
        for protocol, port in (("tcp", 993), ("udp", 3478)):
            seen = traffic.ask(protocol, HOME, PROXY[version], port)
            tap.equal(seen[:1], ("proxy",), f"{version} {protocol}: the proxy asks itself")


case.run(setup, topo.EVERY_RELAY)
