#!/usr/bin/python3
"""A relay on a bridge that shows its packets to netfilter: under hairpin=1 its port has to be in hairpin mode."""
# vm: --timeout 600

import os
import pathlib
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
# pylint: disable=wrong-import-position
import ctl
from checks import checks, finds, passes
from lib import case, module, net, tap, topo, traffic
from lib.topo import HOME, PROXY, settings
from lib.traffic import Seen

PORT = 993
BOX = {"ipv4": "10.9.6.1", "ipv6": "fd00:9:6::1"}
RELAY = {"ipv4": "10.9.6.2", "ipv6": "fd00:9:6::2"}
NEIGHBOUR = {"ipv4": "10.9.6.3", "ipv6": "fd00:9:6::3"}
CALL = {"ipv4": "iptables", "ipv6": "ip6tables"}

t = relay = neighbour = None


def setup():
    global t, relay, neighbour
    subprocess.run(["modprobe", "-a", "bridge", "br_netfilter"], check=True)
    t = topo.Topology(relays=())
    relay, neighbour = net.create("lanrelay", "lanhost")
    HOME.ip("link add br0 type bridge forward_delay 0\naddr add 10.9.6.1/24 dev br0\n"
            "-6 addr add fd00:9:6::1/64 dev br0 nodad\nlink set br0 up\n")
    for ns, number in ((relay, 2), (neighbour, 3)):
        ns.sysctl(ipv6__conf__default__accept_dad=0, ipv6__conf__all__accept_dad=0)
        HOME.ip(f"link add p{number} type veth peer name eth0 netns {ns.name}\nlink set p{number} master br0\nlink set p{number} up\n")
        ns.ip(f"link set lo up\naddr add 10.9.6.{number}/24 dev eth0\n-6 addr add fd00:9:6::{number}/64 dev eth0 nodad\n"
              "link set eth0 up\nroute add default via 10.9.6.1\n-6 route add default via fd00:9:6::1\n")
    traffic.Host("relay", relay).tcp(PORT)


def call(version, value):
    pathlib.Path(f"/proc/sys/net/bridge/bridge-nf-call-{CALL[version]}").write_text(str(value), encoding="ascii")


def hairpin(port, value):
    HOME.run("bridge", "link", "set", "dev", port, "hairpin", value)


def meets(version, ns, timeout=5):
    return traffic.tcp(ns, PROXY[version], PORT, timeout=timeout)


def check():
    return ctl.run("check", "--json")


def command(port, unsure=False):
    return f"bridge link set dev {port} hairpin on" + ("    # if this is the relay's port" if unsure else "")


@case.case
def the_command_mends_it():
    module.load(**settings(RELAY, hairpin="1"))
    for version in topo.ip_versions():
        for each in topo.ip_versions():
            call(each, int(each == version))
        want = Seen("relay", BOX[version], PORT)
        tap.equal(meets(version, relay, 1), "silence", f"{version}: the relay does not reach itself")
        tap.equal(meets(version, neighbour), want, f"{version}: a neighbour reaches it")
        found = finds(check(), f"{version}", "bridge-hairpin-off", "warn", command("p2"))
        tap.ok(found and f"{RELAY[version]} is behind the port p2 of the bridge br0" in found["text"], f"{version}: which relay, which port")
        tap.equal(found and found["fix"], [command("p2")], f"{version}: the port alone")
        HOME.run("sh", "-ec", command("p2"))
        tap.equal(meets(version, relay), want, f"{version}: it does by the command")
        passes(check(), f"{version}: by the command", "hairpin")
        hairpin("p2", "off")
        tap.equal(meets(version, relay, 1), "silence", f"{version}: and not without it")
        call(version, 0)
        tap.equal(meets(version, relay), want, f"{version}: it does without br_netfilter")
        passes(check(), f"{version}: without br_netfilter", "hairpin")
        # The bridge's own switch does the same.
        HOME.ip(f"link set br0 type bridge nf_call_{CALL[version]} 1\n")
        tap.equal(meets(version, relay, 1), "silence", f"{version}: the bridge's own switch")
        finds(check(), f"{version}: the bridge's own switch", "bridge-hairpin-off", "warn", command("p2"))
        HOME.ip(f"link set br0 type bridge nf_call_{CALL[version]} 0\n")


@case.case
def which_port():
    module.load(**settings(RELAY, hairpin="1"))
    for version in topo.ip_versions():
        call(version, 1)
        meets(version, neighbour)
    found = [each for each in checks(check()) if each["id"] == "bridge-hairpin-off"]
    tap.equal([each["fix"] for each in found], [[command("p2")]], "both families: told once")
    HOME.ip("neigh flush dev br0\nlink set p2 down\nlink set p2 up\n")
    HOME.run("ip", "neigh", "flush", "dev", "br0")
    found = finds(check(), "not known which", "bridge-hairpin-off", "warn", command("p2", unsure=True), command("p3", unsure=True))
    tap.ok(found and "one of the ports of the bridge br0" in found["text"], "not known which: says so")
    hairpin("p3", "on")
    found = finds(check(), "not known which, one done", "bridge-hairpin-off", "warn", command("p2", unsure=True))
    tap.equal(found and len(found["fix"]), 1, "not known which, one done: the other")
    hairpin("p2", "on")
    passes(check(), "not known which, all done", "hairpin")
    for port in ("p2", "p3"):
        hairpin(port, "off")
    # By a router in the LAN: the port is that one's.
    with_router = {"ipv4": "10.9.66.2", "ipv6": "fd00:9:66::2"}
    HOME.ip("route add 10.9.66.0/24 via 10.9.6.3\n-6 route add fd00:9:66::/64 via fd00:9:6::3\n")
    module.set("v4", with_router["ipv4"])
    for version in topo.ip_versions():
        HOME.run("ping", "-c", "1", NEIGHBOUR[version])
    finds(check(), "a router in the LAN", "bridge-hairpin-off", "warn", command("p3"))
    HOME.ip("route del 10.9.66.0/24 via 10.9.6.3\n-6 route del fd00:9:66::/64 via fd00:9:6::3\n")
    module.set("v4", RELAY["ipv4"])
    module.set("hairpin", "0")
    passes(check(), "hairpin=0", "hairpin")


case.run(setup, topo.EVERY_RELAY | set(RELAY.values()))
