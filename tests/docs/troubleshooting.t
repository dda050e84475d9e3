#!/usr/bin/python3
# vm: --timeout 600
"""docs/troubleshooting.md: each firewall's drops show at the counter that it names, and its rules mend them"""

import itertools
import os
import re
import socket
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
# pylint: disable=wrong-import-position
import guide
from lib import case, conntrack, module, tap, topo, traffic, wait, wire
from lib.topo import CLIENT, CLIENT2, EVERY_RELAY, HOME, INTERNET, PROXY, settings
from lib.traffic import Seen

CLIENT3 = {"ipv4": "198.51.100.12", "ipv6": "2001:db8:2::12"}
FLOOD = 400
FAMILY_TOOL = {"ipv4": "iptables", "ipv6": "ip6tables"}

t = play = None


def setup():
    global t, play
    t = topo.Topology(relays=("relay",))
    play = guide.Play(proxy=HOME)
    traffic.Host("relay", t.relay).tcp(993)
    traffic.Host("internet", t.internet).tcp(25)


def row(firewall):
    """The commands of a row of the table of firewalls, cell by cell."""
    text = (guide.DOCS / "troubleshooting.md").read_text(encoding="utf-8")
    found = re.search(rf"^\| {firewall} \| (.*) \| (.*) \|$", text, re.M)
    return [re.findall(r"`([^`]+)`", cell) for cell in found.groups()]


def both_ways(what, firewall, tools):
    inward, outward = row(firewall)
    counters = module.Counters()
    for version in topo.IP_VERSIONS:
        tap.equal(traffic.tcp(t.internet, PROXY[version], 993, CLIENT[version], timeout=1), "silence",
                  f"{what}: {version} a policy drops what is for the relay")
        gained = counters.gained(version)
        tap.ok(gained.get("translated") and not gained.get("sent"), f"{what}: {version} the counter is sent")
    mend(inward, tools)
    for version in topo.IP_VERSIONS:
        tap.equal(traffic.tcp(t.internet, PROXY[version], 993, CLIENT[version]), Seen("relay", CLIENT[version], 993),
                  f"{what}: {version} fixed")
        tap.equal(traffic.tcp(t.relay, INTERNET[version], 25, timeout=1), "silence",
                  f"{what}: {version} the policy drops the relay's mail")
    mend(outward, tools)
    for version in topo.IP_VERSIONS:
        tap.equal(traffic.tcp(t.relay, INTERNET[version], 25), Seen("internet", PROXY[version], 25),
                  f"{what}: {version} fixed")


def mend(commands, tools):
    for command in commands:
        for tool in tools:
            play.command("troubleshooting.md", play["proxy"], re.sub("^iptables", tool, command))


@case.case
def commands():
    module.load(**settings())
    play.guide("troubleshooting.md")
    HOME.nft("delete table netdev chatdnat_bans")


@case.case
def nftables():
    module.load(**settings())
    HOME.nft("table inet filter { chain forward { type filter hook forward priority 0; policy drop; }; }")
    both_ways("nftables", "nftables", ("",))
    HOME.nft("delete table inet filter")
    conntrack.flush()


@case.case
def docker():
    module.load(**settings())
    for tool in FAMILY_TOOL.values():
        for words in ("-P FORWARD DROP", "-N DOCKER-USER", "-A FORWARD -j DOCKER-USER", "-N DOCKER-FORWARD",
                      "-A FORWARD -j DOCKER-FORWARD",
                      "-A DOCKER-FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT"):
            HOME.run(tool, "-w", *words.split())
    both_ways("Docker", "Docker", FAMILY_TOOL.values())
    for tool in FAMILY_TOOL.values():
        HOME.run(tool, "-w", "-P", "FORWARD", "ACCEPT")
        HOME.run(tool, "-w", "-F")
    conntrack.flush()


def ban(engine):
    """The guide's table: CLIENT2 is banned, and nobody else."""
    module.load(**settings(engine=engine))
    for version in topo.IP_VERSIONS:
        tap.equal(traffic.tcp(t.internet, PROXY[version], 993, CLIENT2[version]), Seen("relay", CLIENT2[version], 993),
                  f"{engine}: {version} before the ban")
    play.guide("troubleshooting.md", "Floods and bans")
    for version in topo.IP_VERSIONS:
        for port in (993, 22):
            tap.equal(traffic.tcp(t.internet, PROXY[version], port, CLIENT2[version], timeout=1), "silence",
                      f"{engine}: {version} {port} is silent for who is banned")
        tap.equal(traffic.tcp(t.internet, PROXY[version], 993, CLIENT[version]), Seen("relay", CLIENT[version], 993),
                  f"{engine}: {version} others are served")
    flood(engine)
    HOME.nft("delete table netdev chatdnat_bans")
    conntrack.flush()


def flood(engine):
    """Beginnings of connections: of many that come at once some are dropped, and only those of this client."""
    ports = itertools.count(1024)
    for version in topo.IP_VERSIONS:
        def let_in(version=version):
            counters = module.Counters()
            with wire.Link(t.internet, "to_eth0", "eth0") as link:
                link.send(*(wire.ip(CLIENT3[version], PROXY[version], socket.IPPROTO_TCP,
                                    wire.tcp(CLIENT3[version], PROXY[version], next(ports), 993)) for _ in range(FLOOD)))
            return counters.gained(version).get("seen", 0)
        seen = let_in()
        # A machine that was stopped meanwhile sends no flood.
        tap.ok(seen >= 100 and (seen < FLOOD or wait.until(lambda flood=let_in: flood() < FLOOD, 60)),
               f"{engine}: {version} of {FLOOD} connections at once not all were let in, but {seen}")
        tap.equal(traffic.tcp(t.internet, PROXY[version], 993, CLIENT[version]), Seen("relay", CLIENT[version], 993),
                  f"{engine}: {version} the flood of another address does not count for this one")


@case.case
def bans():
    traffic.Host("box", HOME).tcp(22)
    for engine in ("tracked", "stateless"):
        ban(engine)
        module.unload()


case.run(setup, EVERY_RELAY)
