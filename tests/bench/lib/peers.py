"""What is measured: everything that can forward, each with the commands that set it up."""

import dataclasses
import os
import pathlib
import re

from .box import FAMILIES, own, relay_of, run


RECIPE = pathlib.Path(__file__).resolve().parents[2] / "docs/recipe.nft"
MODULE = RECIPE.parents[2] / "build" / os.uname().release / "chatdnat.ko"
PORTS = ("25", "80", "143", "443", "465", "587", "993")


@dataclasses.dataclass
class Load:
    """What a set-up has to cope with."""
    ports: tuple = PORTS
    relays: int = 1


def recipe(load, flowtable=False):
    """The documented recipe, with its ports and relays put in."""
    text = RECIPE.read_text(encoding="utf-8")
    if load.ports != PORTS:
        text = re.sub(r"(?m)^define ports = .*", f"define ports = {{ {', '.join(load.ports)} }}", text)
    if load.relays > 1:
        for family, ip in (("ipv4", "ip"), ("ipv6", "ip6")):
            relays = [relay_of(family, n) for n in range(load.relays)]
            pairs = ", ".join(f"{own(family, n)} : {relay}" for n, relay in enumerate(relays))
            text = text.replace(f"dnat to ${family}_address", f"dnat to {ip} daddr map {{ {pairs} }}")
            text = text.replace(f"daddr ${family}_address", f"daddr {{ {', '.join(relays)} }}")
            text = re.sub(rf"(?m)^define {family}_address.*\n", "", text)
    if flowtable:
        text = text.replace("table inet filter {\n", """table inet filter {
	flowtable fast {
		hook ingress priority filter; devices = { eth0, wg0 };
	}
""")
        text = text.replace("hook forward priority filter; policy drop;\n",
                            "hook forward priority filter; policy drop;\n\t\tct state established flow add @fast\n")
    return text


def nft(text):
    run("nft", "-f", "-", stdin=text)


def plain(_load):
    pass


def conntrack(_load):
    # Who asks for the state has conntrack run.
    nft("""table inet t {
        chain c {
            type filter hook postrouting priority srcnat;
            ct state invalid
        }
    }""")


def nftables(load):
    nft(recipe(load))


def flowtable(load):
    nft(recipe(load, flowtable=True))


def iptables(variant):
    def setup(load):
        for family, command in (("ipv4", f"iptables-{variant}"), ("ipv6", f"ip6tables-{variant}")):
            icmp = ("icmp", "--icmp-type") if family == "ipv4" else ("icmpv6", "--icmpv6-type")
            for rule in (
                    f"-t nat -A PREROUTING -i eth0 -p tcp -m multiport --dports {','.join(load.ports)}"
                    f" -j DNAT --to-destination {relay_of(family)}",
                    "-t nat -A POSTROUTING -o eth0 -j MASQUERADE",
                    "-P INPUT DROP",
                    f"-A INPUT -p {icmp[0]} {icmp[1]} echo-request -j ACCEPT",
                    "-A INPUT -p tcp --dport 22 -j ACCEPT",
                    "-A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT",
                    "-P FORWARD DROP",
                    "-A FORWARD -m conntrack --ctstate ESTABLISHED -j ACCEPT",
                    f"-A FORWARD -d {relay_of(family)} -j ACCEPT"):
                run(command, *rule.split())
    return setup


def ipvs(load):
    for family in FAMILIES:
        address = "{}" if family == "ipv4" else "[{}]"
        for port in load.ports:
            service = f"{address.format(own(family))}:{port}"
            run("ipvsadm", "-A", "-t", service, "-s", "rr")
            run("ipvsadm", "-a", "-t", service, "-r", f"{address.format(relay_of(family))}:{port}", "-m")


def fwd(_load):
    nft("""table netdev t {
        chain wan { type filter hook ingress device eth0 priority filter; fwd to wg0; }
        chain tunnel { type filter hook ingress device wg0 priority filter; fwd to eth0; }
    }""")


def chatdnat(*settings):
    def setup(load):
        line = ["wan=eth0"]
        for family, name in (("ipv4", "v4"), ("ipv6", "v6")):
            pairs = [(own(family, n), relay_of(family, n)) for n in range(load.relays)]
            # By its own address, as the proxy of some measurements has several.
            line.append(f"{name}=" + ",".join(f"{relay}@{address}" for address, relay in pairs))
        if load.ports != PORTS:
            line.append(f"ports={','.join(load.ports)}")
        # The guest's index of modules knows the module by a stand-in only.
        needs = run("modinfo", "-F", "depends", str(MODULE)).strip().split(",")
        run("modprobe", "-a", *needs)
        run("modprobe", "chatdnat", *line, *settings)
    return setup


def clear():
    """Takes away what a set-up of nftables or of the module left."""
    nft("flush ruleset")
    if pathlib.Path("/sys/module/chatdnat").exists():
        run("rmmod", "chatdnat")


@dataclasses.dataclass
class Row:
    """translates: addresses become others; forwards: like a router, which takes one from the hop limit."""
    title: str
    setup: callable
    translates: bool = True
    forwards: bool = True
    tracks: bool = True


ROWS = {
    "routing": Row("plain routing, no conntrack, no NAT", plain, translates=False, tracks=False),
    "conntrack": Row("conntrack alone, no NAT", conntrack, translates=False),
    "recipe": Row("the nftables recipe", nftables),
    "flowtable": Row("the recipe and a flowtable", flowtable),
    "iptables-nft": Row("the recipe in iptables-nft", iptables("nft")),
    "iptables-legacy": Row("the recipe in iptables-legacy", iptables("legacy")),
    "ipvs": Row("IPVS NAT", ipvs, tracks=False),
    "fwd": Row("nftables `fwd` at ingress, no routing, no NAT", fwd, translates=False, forwards=False, tracks=False),
    "chatdnat": Row("chatdnat, `guard=off`", chatdnat()),
    "chatdnat-guard": Row("chatdnat, `guard=full`", chatdnat("guard=full")),
    "chatdnat-unclamped": Row("chatdnat, `guard=full mss=off`", chatdnat("guard=full", "mss=off")),
    "chatdnat-bare": Row("chatdnat, `guard=off mss=off`", chatdnat("mss=off")),
    "chatdnat-stateless": Row("chatdnat, `engine=stateless`", chatdnat("engine=stateless"), tracks=False),
}


# What is looked at more closely.
CLOSER = ("recipe", "chatdnat", "chatdnat-stateless")


def names(of=tuple(ROWS)):
    return [name for name in of]
