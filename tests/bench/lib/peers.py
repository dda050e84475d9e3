"""What is measured: everything that can forward, each with the commands that set it up."""

import dataclasses
import os
import pathlib
import re

from .box import FAMILIES, SCENARIOS, TUNNEL, Scenario, own, run
from .frame import UDP


RECIPE = pathlib.Path(__file__).resolve().parents[2] / "docs/recipe.nft"
MODULE = RECIPE.parents[2] / "build" / os.uname().release / "chatdnat.ko"
BPF = RECIPE.parents[2] / "build/bench"
PORTS = ("25", "80", "143", "443", "465", "587", "993")


@dataclasses.dataclass
class Load:
    """What a set-up has to cope with."""
    ports: tuple = PORTS
    relays: int = 1
    scenario: Scenario = SCENARIOS[TUNNEL]

    def relay(self, family, n=0):
        return self.scenario.relay(family, n)


def recipe(load, flowtable=False):
    """The documented recipe, with its ports and relays put in."""
    text = RECIPE.read_text(encoding="utf-8")
    if load.ports != PORTS:
        text = re.sub(r"(?m)^define ports = .*", f"define ports = {{ {', '.join(load.ports)} }}", text)
    if load.relays > 1:
        for family, ip in (("ipv4", "ip"), ("ipv6", "ip6")):
            relays = [load.relay(family, n) for n in range(load.relays)]
            pairs = ", ".join(f"{own(family, n)} : {relay}" for n, relay in enumerate(relays))
            text = text.replace(f"dnat to ${family}_address", f"dnat to {ip} daddr map {{ {pairs} }}")
            text = text.replace(f"daddr ${family}_address", f"daddr {{ {', '.join(relays)} }}")
            text = re.sub(rf"(?m)^define {family}_address.*\n", "", text)
    if load.scenario.public:
        text = text.replace("= 10.9.0.2\n", f"= {load.relay('ipv4')}\n").replace("= [fd00:9::2]\n", f"= [{load.relay('ipv6')}]\n")
    if load.scenario.proto == UDP:
        text = text.replace("tcp dport $ports dnat", f"udp dport {load.scenario.port} dnat")
    if flowtable:
        text = text.replace("table inet filter {\n", f"""table inet filter {{
	flowtable fast {{
		hook ingress priority filter; devices = {{ {', '.join(sorted({"eth0", load.scenario.inner}))} }};
	}}
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
                    f" -j DNAT --to-destination {load.relay(family)}",
                    "-t nat -A POSTROUTING -o eth0 -j MASQUERADE",
                    "-P INPUT DROP",
                    f"-A INPUT -p {icmp[0]} {icmp[1]} echo-request -j ACCEPT",
                    "-A INPUT -p tcp --dport 22 -j ACCEPT",
                    "-A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT",
                    "-P FORWARD DROP",
                    "-A FORWARD -m conntrack --ctstate ESTABLISHED -j ACCEPT",
                    f"-A FORWARD -d {load.relay(family)} -j ACCEPT"):
                run(command, *rule.split())
    return setup


def ipvs(load):
    for family in FAMILIES:
        address = "{}" if family == "ipv4" else "[{}]"
        for port in load.ports:
            service = f"{address.format(own(family))}:{port}"
            run("ipvsadm", "-A", "-t", service, "-s", "rr")
            run("ipvsadm", "-a", "-t", service, "-r", f"{address.format(load.relay(family))}:{port}", "-m")


def fwd(_load):
    nft("""table netdev t {
        chain wan { type filter hook ingress device eth0 priority filter; fwd to wg0; }
        chain tunnel { type filter hook ingress device wg0 priority filter; fwd to eth0; }
    }""")


def bpf(program):
    def setup(_load):
        # The programs know devices by their index.
        run("tc", "qdisc", "add", "dev", "eth0", "clsact")
        run("tc", "qdisc", "add", "dev", "wg0", "clsact")
        for device in ("eth0", "wg0"):
            run("tc", "filter", "add", "dev", device, "ingress", "bpf", "direct-action",
                "object-file", str(BPF / f"{program}.o"), "section", "tc")
    return setup


def chatdnat(*settings):
    def setup(load):
        line = ["wan=eth0"]
        for family, name in (("ipv4", "v4"), ("ipv6", "v6")):
            pairs = [(own(family, n), load.relay(family, n)) for n in range(load.relays)]
            # By its own address, as the proxy of some measurements has several.
            line.append(f"{name}=" + ",".join(f"{relay}@{address}" for address, relay in pairs))
        if load.scenario.proto == UDP:
            line.append(f"ports=chatmail,{load.scenario.port}/udp")
        elif load.ports != PORTS:
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
    """
    translates: addresses become others; forwards: like a router, which takes one from the hop limit; offloads: whether
    established connections of a family take another path than their first packets; scenarios: where else it serves.
    """
    title: str
    setup: callable
    translates: bool = True
    forwards: bool = True
    tracks: bool = True
    offloads: callable = None
    scenarios: tuple = ()


def offload_listed(family):
    return "OFFLOAD" in run("conntrack", "-f", family, "-L")


def fastpath_used(family):
    return re.search(rf"(?m)^{family} on: [1-9]", pathlib.Path("/sys/module/chatdnat/fastpath").read_text(encoding="ascii"))


OTHERS = tuple(name for name in SCENARIOS if name != TUNNEL)
ROWS = {
    "routing": Row("plain routing, no conntrack, no NAT", plain, translates=False, tracks=False),
    "conntrack": Row("conntrack alone, no NAT", conntrack, translates=False),
    "recipe": Row("the nftables recipe", nftables, scenarios=OTHERS),
    "flowtable": Row("the recipe and a flowtable", flowtable, offloads=offload_listed, scenarios=OTHERS),
    "iptables-nft": Row("the recipe in iptables-nft", iptables("nft")),
    "iptables-legacy": Row("the recipe in iptables-legacy", iptables("legacy")),
    "ipvs": Row("IPVS NAT", ipvs, tracks=False),
    "fwd": Row("nftables `fwd` at ingress, no routing, no NAT", fwd, translates=False, forwards=False, tracks=False,
               scenarios=("tunnel-udp",)),
    "bpf-lookup": Row("tc-BPF, `fib_lookup`, checksum helpers", bpf("lookup"), tracks=False),
    "bpf-constant": Row("tc-BPF, constant next hops, own checksums", bpf("constant"), tracks=False),
    "chatdnat": Row("chatdnat, `guard=off`", chatdnat(), offloads=fastpath_used, scenarios=OTHERS),
    "chatdnat-guard": Row("chatdnat, `guard=full`", chatdnat("guard=full"), offloads=fastpath_used),
    "chatdnat-unclamped": Row("chatdnat, `guard=full mss=off`", chatdnat("guard=full", "mss=off"), offloads=fastpath_used),
    "chatdnat-bare": Row("chatdnat, `guard=off mss=off`", chatdnat("mss=off"), offloads=fastpath_used),
    "chatdnat-slow": Row("chatdnat, `fast=off`", chatdnat("fast=off"), scenarios=OTHERS),
    "chatdnat-stateless": Row("chatdnat, `engine=stateless`", chatdnat("engine=stateless"), tracks=False),
}


# What is looked at more closely.
CLOSER = ("recipe", "flowtable", "chatdnat", "chatdnat-stateless")
# Of which the lines of memory are counted.
WATCHED = ("recipe", "flowtable", "fwd", "chatdnat", "chatdnat-stateless")


def names(of=tuple(ROWS)):
    return [name for name in of]
