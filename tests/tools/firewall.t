#!/usr/bin/python3
"""What chatdnatctl says of other tools' rules, compared with what traffic meets; and that its commands mend it."""
# vm: --timeout 600

import os
import pathlib
import shutil
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
# pylint: disable=wrong-import-position
import ctl
from checks import checks, finds, nft, passes, skips
from fake import Fake
from lib import case, conntrack, module, tap, topo, traffic
from lib.topo import CLIENT, EVERY_RELAY, HOME, INTERNET, PROXY, RELAY, settings

t = None


def setup():
    global t
    t = topo.Topology(relays=("relay",))
    traffic.Host("relay", t.relay).tcp(25, 993)
    traffic.Host("internet", t.internet).tcp(25)


# Chains as Docker lays them out, and what the tool can be sure of: it does not look into ipsets.
DOCKER = (
    ("Docker to 26", "fail", ":DOCKER :DOCKER-USER :DOCKER-ISOLATION-STAGE-1 :DOCKER-ISOLATION-STAGE-2", """
        -A FORWARD -j DOCKER-USER
        -A FORWARD -j DOCKER-ISOLATION-STAGE-1
        -A FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
        -A FORWARD -o docker0 -j DOCKER
        -A FORWARD -i docker0 ! -o docker0 -j ACCEPT
        -A FORWARD -i docker0 -o docker0 -j ACCEPT
        -A DOCKER ! -i docker0 -o docker0 -p tcp -m tcp --dport 80 -j ACCEPT
        -A DOCKER-ISOLATION-STAGE-1 -i docker0 ! -o docker0 -j DOCKER-ISOLATION-STAGE-2
        -A DOCKER-ISOLATION-STAGE-1 -j RETURN
        -A DOCKER-ISOLATION-STAGE-2 -o docker0 -j DROP
        -A DOCKER-ISOLATION-STAGE-2 -j RETURN
        -A DOCKER-USER -j RETURN"""),
    ("Docker 27", "warn", ":DOCKER :DOCKER-USER :DOCKER-ISOLATION-STAGE-1 :DOCKER-ISOLATION-STAGE-2", """
        -A FORWARD -j DOCKER-USER
        -A FORWARD -m set --match-set docker-ext-bridges dst -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
        -A FORWARD -j DOCKER-ISOLATION-STAGE-1
        -A FORWARD -m set --match-set docker-ext-bridges dst -j DOCKER
        -A FORWARD -i docker0 -j ACCEPT
        -A DOCKER ! -i docker0 -o docker0 -j DROP
        -A DOCKER-ISOLATION-STAGE-1 -i docker0 ! -o docker0 -j DOCKER-ISOLATION-STAGE-2
        -A DOCKER-ISOLATION-STAGE-2 -o docker0 -j DROP"""),
    ("Docker from 28", "fail", ":DOCKER :DOCKER-USER :DOCKER-FORWARD :DOCKER-BRIDGE :DOCKER-CT :DOCKER-INTERNAL", """
        -A FORWARD -j DOCKER-USER
        -A FORWARD -j DOCKER-FORWARD
        -A DOCKER ! -i docker0 -o docker0 -j DROP
        -A DOCKER-BRIDGE -o docker0 -j DOCKER
        -A DOCKER-CT -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
        -A DOCKER-FORWARD -j DOCKER-CT
        -A DOCKER-FORWARD -j DOCKER-INTERNAL
        -A DOCKER-FORWARD -j DOCKER-BRIDGE
        -A DOCKER-FORWARD -i docker0 -j ACCEPT"""),
)

# Rules of others, and what becomes of a connection to port 993 by their letter.
BASE = "type filter hook forward priority 0;"
RULESETS = (
    ("drop", True, f"table inet x {{ chain f {{ {BASE} policy drop; }} }}"),
    ("accept", False, f"table inet x {{ chain f {{ {BASE} policy accept; }} }}"),
    ("state alone", True, f"table inet x {{ chain f {{ {BASE} policy drop; ct state established,related accept; }} }}"),
    ("status dnat", False, f"table inet x {{ chain f {{ {BASE} policy drop; ct status dnat accept; }} }}"),
    ("state map", False, f"""table inet x {{ chain f {{ {BASE} policy drop;
        ct state vmap {{ established : accept, related : accept, invalid : drop }}; ct state new tcp dport 993 accept; }} }}"""),
    ("state map drops", True, f"""table inet x {{ chain f {{ {BASE}
        ct state vmap {{ established : accept, new : drop }}; }} }}"""),
    ("answers only", True, f"table inet x {{ chain f {{ {BASE} policy drop; ct state new accept; }} }}"),
    ("port set", True, f"table inet x {{ chain f {{ {BASE} tcp dport {{ 25, 993 }} drop; }} }}"),
    ("other port set", False, f"table inet x {{ chain f {{ {BASE} tcp dport {{ 80, 994 }} drop; }} }}"),
    ("port range", True, f"table inet x {{ chain f {{ {BASE} tcp dport 900-1000 reject; }} }}"),
    ("other port range", False, f"table inet x {{ chain f {{ {BASE} tcp dport 900-990 reject; }} }}"),
    ("port interval set", True, f"table inet x {{ chain f {{ {BASE} tcp dport {{ 20-30, 900-1000 }} drop; }} }}"),
    ("not the port", True, f"table inet x {{ chain f {{ {BASE} tcp dport != 993 drop; }} }}"),
    ("interfaces", False, f"""table inet x {{ chain f {{ {BASE} policy drop;
        iifname "eth0" oifname "wg0" accept; iifname "wg*" oif "eth0" accept; }} }}"""),
    ("another interface", True, f"table inet x {{ chain f {{ {BASE} policy drop; iifname \"eth1\" accept; iifname wg0 accept; }} }}"),
    ("interface map", False, f"""table inet x {{ chain wan {{ oifname "wg0" accept; }} chain f {{ {BASE} policy drop;
        iifname vmap {{ "eth0" : jump wan, "wg0" : accept }}; }} }}"""),
    ("jump and return", True, f"""table inet x {{ chain a {{ tcp dport 993 return; accept; }} chain f {{ {BASE} policy drop;
        ct state established accept; jump a; }} }}"""),
    ("goto", True, f"table inet x {{ chain a {{ tcp dport 80 accept; }} chain f {{ {BASE} policy drop; goto a; accept; }} }}"),
    ("named set", True, f"""table inet x {{ set relays {{ type ipv4_addr; flags interval; elements = {{ 10.9.0.0/24 }}; }}
        chain f {{ {BASE} ip daddr @relays drop; }} }}"""),
    ("concatenation", True, f"table inet x {{ chain f {{ {BASE} ip daddr . tcp dport {{ 10.9.0.2 . 993 }} drop; }} }}"),
    ("another concatenation", False, f"table inet x {{ chain f {{ {BASE} ip daddr . tcp dport {{ 10.9.0.2 . 994 }} drop; }} }}"),
    ("limit", False, f"table inet x {{ chain f {{ {BASE} policy drop; limit rate 100/second accept; }} }}"),
    ("limit over", False, f"table inet x {{ chain f {{ {BASE} limit rate over 100/second drop; }} }}"),
    ("another family", False, f"table ip6 x {{ chain f {{ {BASE} policy drop; }} }}"),
    ("own family", True, f"table ip x {{ chain f {{ {BASE} policy drop; }} }}"),
    ("dormant", False, f"table inet x {{ flags dormant; chain f {{ {BASE} policy drop; }} }}"),
    ("reply direction", True, f"table inet x {{ chain f {{ {BASE} ct direction reply drop; }} }}"),
    ("flags", True, f"table inet x {{ chain f {{ {BASE} tcp flags & (syn | ack) == syn drop; }} }}"),
    ("mark", False, f"table inet x {{ chain f {{ {BASE} meta mark 7 drop; ct mark & 0xff == 3 drop; }} }}"),
    ("before routing", True, "table inet x { chain p { type filter hook prerouting priority 0; tcp dport 993 drop; } }"),
    ("raw, local address", True, "table ip x { chain p { type filter hook prerouting priority raw; ip daddr 203.0.113.1 drop; } }"),
    ("raw, relay's address", False, "table ip x { chain p { type filter hook prerouting priority raw; ip daddr 10.9.0.2 drop; } }"),
    ("address type", True, "table inet x { chain p { type filter hook prerouting priority -150; fib daddr type local drop; } }"),
    ("reverse path", False, "table inet x { chain p { type filter hook prerouting priority raw; fib saddr . iif oif missing drop; } }"),
    ("after routing", True, "table inet x { chain p { type filter hook postrouting priority 0; oifname wg0 drop; } }"),
    ("ingress", True, 'table netdev x { chain i { type filter hook ingress device "eth0" priority 0; tcp dport 993 drop; } }'),
    ("ingress of another", False, 'table netdev x { chain i { type filter hook ingress device "wg0" priority 0; tcp dport 993 drop; } }'),
    ("input", False, "table inet x { chain i { type filter hook input priority 0; policy drop; } }"),
    ("clamping and dropping", True, f"""table inet x {{ chain f {{ {BASE} policy drop;
        tcp flags syn tcp option maxseg size set rt mtu; ct state established accept; }} }}"""),
    ("firewalld", False, """table inet firewalld { chain filter_FORWARD { type filter hook forward priority filter + 10; policy accept;
        ct state { established, related } accept; ct status dnat accept; iifname "lo" accept; ct state invalid drop;
        jump policies; reject with icmpx admin-prohibited; } chain policies { iifname "eth0" oifname "eth0" accept; } }"""),
)


# The same of a relay that is served without state: what is said of rules that nobody's traffic meets.
UNTRACKED, PASSED_BY = "firewall-drops-untracked", "firewall-passed-by"
WITHOUT_STATE = (
    ("policy", UNTRACKED, f"table inet x {{ chain f {{ {BASE} policy drop; }} }}"),
    ("accept", None, f"table inet x {{ chain f {{ {BASE} policy accept; }} }}"),
    ("status dnat", UNTRACKED, f"table inet x {{ chain f {{ {BASE} policy drop; ct status dnat accept; }} }}"),
    ("state", UNTRACKED, f"table ip x {{ chain f {{ {BASE} policy drop; ct state established,related,new accept; }} }}"),
    ("direction", UNTRACKED, f"table ip x {{ chain f {{ {BASE} policy drop; ct direction original accept; }} }}"),
    ("untracked", None, f"table inet x {{ chain f {{ {BASE} policy drop; ct state untracked accept; }} }}"),
    ("reject", UNTRACKED, f"table inet x {{ chain f {{ {BASE} tcp dport 993 reject; }} }}"),
    ("another port", None, f"table inet x {{ chain f {{ {BASE} tcp dport 22 drop; }} }}"),
    ("interfaces", None, f'table inet x {{ chain f {{ {BASE} policy drop; iifname {{ "eth0", "wg0" }} accept; }} }}'),
    ("interfaces one way", UNTRACKED, f'table inet x {{ chain f {{ {BASE} policy drop; iifname "eth0" accept; }} }}'),
    ("a client", PASSED_BY, f"table inet x {{ chain f {{ {BASE} ip saddr 198.51.100.10 drop; }} }}"),
    ("a client's new ones", PASSED_BY, f"table inet x {{ chain f {{ {BASE} ct state new ip saddr 198.51.100.10 drop; }} }}"),
    ("a client of another port", None, f"table inet x {{ chain f {{ {BASE} tcp dport 22 ip saddr 198.51.100.10 drop; }} }}"),
    ("a set", PASSED_BY, """table inet x { set bad { type ipv4_addr; elements = { 198.51.100.10 }; }
        chain p { type filter hook prerouting priority -300; ip saddr @bad drop; } }"""),
    ("a jump", PASSED_BY, f"""table inet x {{ chain bans {{ ip saddr 198.51.100.0/24 reject; }}
        chain f {{ {BASE} jump bans; accept; }} }}"""),
    ("a jump in doubt", PASSED_BY, f"""table inet x {{ chain friends {{ tcp dport 993 accept; }}
        chain f {{ {BASE} ct state untracked ip saddr 192.0.2.7 jump friends; ip saddr 198.51.100.10 drop; accept; }} }}"""),
    ("a limit", PASSED_BY, f"table inet x {{ chain f {{ {BASE} limit rate over 100/second drop; }} }}"),
    ("accepted before", None, f"table inet x {{ chain f {{ {BASE} tcp dport 993 accept; tcp sport 993 accept; ip saddr 198.51.100.10 drop; }} }}"),
    ("answers", PASSED_BY, f"table inet x {{ chain f {{ {BASE} ip daddr 198.51.100.10 tcp sport 993 drop; }} }}"),
    ("another family's", None, f"table ip6 x {{ chain f {{ {BASE} policy drop; }} }}"),
    ("invalid ones", None, f"table inet x {{ chain f {{ {BASE} ct state invalid drop; }} }}"),
    ("postrouting", UNTRACKED, "table inet x { chain p { type filter hook postrouting priority 0; oifname wg0 drop; } }"),
    ("ingress", "firewall-drops", 'table netdev x { chain i { type filter hook ingress device "eth0" priority 0; tcp dport 993 drop; } }'),
)


def table_gone(script):
    HOME.nft(f"delete {script.partition('{')[0]}")


@case.case
def firewall_as_traffic_meets_it():
    module.load(**settings(ports="993"))
    for name, drops, script in RULESETS:
        nft(script)
        try:
            seen = traffic.tcp(t.internet, PROXY["ipv4"], 993, CLIENT["ipv4"], timeout=0.5 if drops else 5)
            tap.equal(isinstance(seen, traffic.Seen), not drops, f"{name}: traffic {'is dropped' if drops else 'passes'}")
            result = ctl.run("check", "--json")
            blamed = [each for each in checks(result) if each["id"] in ("firewall-drops", "firewall-drops-answers")
                      and each["text"].startswith("IPv4")]
            if not tap.equal([each["result"] for each in blamed], ["fail"] * drops, f"{name}: seen so"):
                tap.diag([each["text"] for each in checks(result) if each["check"] == "firewall"])
        finally:
            table_gone(script)
            conntrack.flush()
    for check in ("firewall", "shortcuts", "iptables-legacy"):
        passes(ctl.run("check", "--json"), "no rules", check)


def mends(name, finding, outcome, *commands, wait=True):
    """What is found can be fixed by the commands, and traffic then passes."""
    found = finds(ctl.run("check", "--json"), name, finding, outcome, *commands)
    for command in found["fix"] if found else ():
        if command.split()[0] in ("nft", "iptables", "ip6tables"):
            subprocess.run(["sh", "-c", command], check=True, stdout=subprocess.DEVNULL)
    conntrack.flush()
    if wait:
        tap.ok(isinstance(traffic.tcp(t.internet, PROXY["ipv4"], 993, CLIENT["ipv4"]), traffic.Seen), f"{name}: fixed")
    return found


@case.case
def firewall_is_named_and_mended():
    module.load(**settings(ports="993"))
    nft(f"table inet filter {{ chain forward {{ {BASE} policy drop; }} }}")
    found = mends("nftables", "firewall-drops", "fail", "nft insert rule inet filter forward ct status dnat accept")
    tap.ok(found and "table inet filter, chain forward" in found["text"], "nftables: named")
    passes_inward = [each for each in checks(ctl.run("check", "--json")) if each["id"] == "firewall-drops"]
    tap.equal(passes_inward, [], "nftables: seen as fixed")
    mends("nftables, outward", "firewall-drops-outbound", "warn",
          "nft insert rule inet filter forward iifname wg0 oifname eth0 accept")
    tap.ok(isinstance(traffic.tcp(t.relay, INTERNET["ipv4"], 25), traffic.Seen), "nftables, outward: fixed")
    passes(ctl.run("check", "--json"), "nftables, all fixed", "firewall")
    HOME.nft("delete table inet filter")

    # The table of a closed host, which a unit has left, or still keeps.
    subprocess.run(["nft", "-f", ctl.ROOT / "systemd/closed.nft"], check=True)
    closed = pathlib.Path("/run/chatdnat-closed")
    closed.mkdir()
    for finding in ("still-closed", "firewall-drops"):
        found = finds(ctl.run("check", "--json"), "closed", finding, "fail")
        tap.equal(found and found["fix"], ["systemctl stop chatdnat-closed"], f"closed: {finding}: the command")
    closed.rmdir()
    found = mends("left closed", "firewall-drops", "fail")
    tap.equal(found and found["fix"], ["nft delete table inet chatdnat_closed"], "left closed: the command")

    # Names that a shell would act upon, and that nft takes only as strings.
    HOME.ip("link set wg0 down\nlink set wg0 name 'wg;x'\nlink set 'wg;x' up\n".replace("'", ""))
    nft(f"table inet filter {{ chain forward {{ {BASE} policy drop; ct status dnat accept; }} }}")
    odd = "nft insert rule inet filter forward iifname '\"wg;x\"' oifname eth0 accept"
    finds(ctl.run("check", "--json"), "odd interface name", "firewall-drops-outbound", "warn", odd)
    HOME.run("sh", "-c", odd)
    HOME.nft("delete table inet filter")
    HOME.ip("link set wg;x down\nlink set wg;x name wg0\nlink set wg0 up\n"
            "-6 addr replace fd00:9::1/64 dev wg0 nodad\n")

    nft("table ip x { chain p { type nat hook prerouting priority -150; tcp dport 993 dnat to 10.9.0.77; } }")
    found = finds(ctl.run("check", "--json"), "another DNAT first", "translated-elsewhere", "fail")
    tap.ok(found and "table ip x, chain p" in found["text"], "another DNAT first: named")
    HOME.nft("delete table ip x")
    nft("table ip x { chain p { type nat hook prerouting priority -100; tcp dport 993 dnat to 10.9.0.77; } }")
    passes(ctl.run("check", "--json"), "another DNAT after ours", "firewall")
    HOME.nft("delete table ip x")
    nft("table inet x { flowtable ft { hook ingress priority 0; devices = { eth0 }; } }")
    finds(ctl.run("check", "--json"), "flowtable", "flowtable", "warn", "nft list flowtables")
    HOME.nft("delete table inet x")
    nft("table netdev x { chain i { type filter hook ingress device eth0 priority 0; } }")
    text = [each["text"] for each in checks(ctl.run("check", "--json")) if each["check"] == "shortcuts"]
    tap.ok(text and "netdev x i" in text[0], "ingress chain: noted")
    HOME.nft("delete table netdev x")


@case.case
def firewall_without_state():
    module.load(**settings(ports="993,3478/udp", v4=f"{RELAY['ipv4']}@{PROXY['ipv4']}", engine="auto"))
    served = traffic.Seen("relay", CLIENT["ipv4"], 993)
    # A neighbour is asked for its address on the path through the stack.
    tap.equal(traffic.tcp(t.internet, PROXY["ipv4"], 993, CLIENT["ipv4"]), served, "no rules: served")
    for name, finding, script in WITHOUT_STATE:
        nft(script)
        try:
            dropped = finding == "firewall-drops"
            tap.equal(traffic.tcp(t.internet, PROXY["ipv4"], 993, CLIENT["ipv4"], timeout=0.5 if dropped else 5) == served,
                      not dropped, f"{name}: traffic {'is dropped' if dropped else 'passes by'}")
            found = [each for each in checks(ctl.run("check", "--json"))
                     if each["id"] in ("firewall-drops", "firewall-drops-answers", UNTRACKED, PASSED_BY)
                     and "993/tcp" in each["text"] and each["text"].startswith("IPv4")]
            if not tap.equal([each["id"] for each in found], [finding] if finding else [], f"{name}: what is said"):
                tap.diag([each["text"] for each in found])
        finally:
            table_gone(script)
    nft(f"table inet x {{ chain f {{ {BASE} policy drop; ct status dnat accept; iifname wg0 accept; }} }}")
    ban = "nft add chain netdev ban in { type filter hook ingress device eth0 priority 0 \\; }    # and the rules there"
    found = finds(ctl.run("check", "--json"), "untracked", UNTRACKED, "warn", "nft insert rule inet x f ct state untracked accept",
                  "nft add table netdev ban", ban, "chatdnatctl set engine=tracked    # or this")
    tap.ok(found and "table inet x, chain f" in found["text"], "untracked: named")
    for command in found["fix"] if found else ():
        if command.startswith("nft "):
            HOME.run("sh", "-c", command)
    passes(ctl.run("check", "--json"), "untracked: fixed", "firewall")
    HOME.nft(f"add rule netdev ban in ip saddr {CLIENT['ipv4']} drop")
    tap.equal(traffic.tcp(t.internet, PROXY["ipv4"], 993, CLIENT["ipv4"], timeout=0.5), "silence", "a ban where it is said holds")
    HOME.nft("delete table netdev ban")
    HOME.nft("delete table inet x")
    nft(f"table inet x {{ chain f {{ {BASE} ip saddr 198.51.100.10 drop; }} }}")
    finds(ctl.run("check", "--json"), "a ban", PASSED_BY, "warn", "nft add table netdev ban", ban)
    ctl.run("set", "engine=tracked")
    passes(ctl.run("check", "--json"), "a ban, tracked", "firewall")
    HOME.nft("delete table inet x")
    ctl.run("set", "engine=auto")
    # Relays of both engines: each has its own.
    ctl.run("set", f"v4=10.9.0.3@{topo.PROXY2['ipv4']},10.9.0.3@{topo.PROXY3['ipv4']},{RELAY['ipv4']}@{PROXY['ipv4']}")
    nft(f"table inet x {{ chain f {{ {BASE} policy drop; }} }}")
    found = {each["id"]: each["text"] for each in checks(ctl.run("check", "--json")) if each["check"] == "firewall"
             and each["text"].startswith("IPv4")}
    tap.equal(sorted(found), ["firewall-drops", "firewall-drops-outbound", UNTRACKED], "both engines: what is said")
    tap.ok("(993/tcp and 1 more)" in found.get("firewall-drops", "") and "(25/tcp)" in found.get("firewall-drops-outbound", "") and
           "(993/tcp)" in found.get(UNTRACKED, ""), "both engines: each port once")
    HOME.nft("delete table inet x")
    ctl.run("set", f"v4={RELAY['ipv4']}@{PROXY['ipv4']}")
    for chain, command in (("FORWARD", "iptables -I FORWARD -m conntrack --ctstate UNTRACKED -j ACCEPT"),
                           ("DOCKER-USER", "iptables -I DOCKER-USER -m conntrack --ctstate UNTRACKED -j ACCEPT")):
        HOME.run("iptables-nft", "-w", "-P", "FORWARD", "DROP")
        HOME.run("iptables-nft", "-w", "-A", "FORWARD", "-m", "conntrack", "--ctstate", "DNAT", "-j", "ACCEPT")
        if chain != "FORWARD":
            HOME.run("iptables-nft", "-w", "-N", chain)
            HOME.run("iptables-nft", "-w", "-I", "FORWARD", "-j", chain)
        found = finds(ctl.run("check", "--json"), chain, UNTRACKED, "warn", command)
        HOME.run("sh", "-c", command)
        left = [each["text"] for each in checks(ctl.run("check", "--json")) if each["id"] in (UNTRACKED, PASSED_BY)]
        tap.equal(left, [], f"{chain}: fixed")
        HOME.nft("delete table ip filter")


@case.case
def firewall_of_ufw_and_firewalld():
    module.load(**settings(ports="993"))

    def iptables(*lines):
        for line in lines:
            HOME.run("iptables-nft", "-w", *line.split())

    def clean():
        iptables("-P FORWARD ACCEPT", "-F", "-X")
        HOME.nft("delete table ip filter")
    iptables("-P FORWARD DROP", "-N ufw-before-forward", "-N ufw-user-forward", "-A FORWARD -j ufw-before-forward",
             "-A ufw-before-forward -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
             "-A ufw-before-forward -p icmp --icmp-type echo-request -j ACCEPT",
             "-A ufw-before-forward -j ufw-user-forward")
    found = finds(ctl.run("check", "--json"), "ufw", "firewall-drops", "fail", "ufw route allow in on eth0 out on wg0")
    tap.ok(found and "table ip filter, chain FORWARD" in found["text"], "ufw: named")
    # What ufw makes of that command.
    iptables("-A ufw-user-forward -i eth0 -o wg0 -j ACCEPT", "-A ufw-user-forward -i wg0 -o eth0 -j ACCEPT")
    tap.ok(isinstance(traffic.tcp(t.internet, PROXY["ipv4"], 993, CLIENT["ipv4"]), traffic.Seen), "ufw: fixed")
    passes(ctl.run("check", "--json"), "ufw, allowed", "firewall")
    iptables("-F ufw-user-forward", "-A ufw-user-forward -i eth0 -o wg0 -p tcp -m multiport --dports 25,993 -j ACCEPT",
             "-A ufw-user-forward -i wg0 -o eth0 -p tcp -m tcp --dport 25 -m comment --comment x -j ACCEPT")
    passes(ctl.run("check", "--json"), "ufw, by port", "firewall")
    clean()

    nft([script for name, _, script in RULESETS if name == "firewalld"][0])
    finds(ctl.run("check", "--json"), "firewalld", "firewall-drops-outbound", "warn",
          "firewall-cmd --permanent --policy=chatdnat-out --add-rich-rule='rule family=ipv4 source address=10.9.0.2 accept'")
    tap.ok(not isinstance(traffic.tcp(t.relay, INTERNET["ipv4"], 25, timeout=1), traffic.Seen), "firewalld: and so it is")
    HOME.nft("delete table inet firewalld")

    nft(f"table inet shop {{ chain way {{ {BASE} policy drop; }} }}")
    for _ in range(2):
        traffic.tcp(t.internet, PROXY["ipv4"], 993, CLIENT["ipv4"], timeout=0.5)
    result = ctl.run("--json")
    found = result.findings().get("not-sent")
    tap.ok(found and "table inet shop, chain way" in found["text"], "status names the table and the chain")
    tap.equal(found and found["fix"], ["nft insert rule inet shop way ct status dnat accept"], "status: with the rule that fixes it")
    tap.ok("table inet shop, chain way" in " ".join(ctl.run().out.split()), "status: as text, too")
    HOME.nft("delete table inet shop")


def iptables_restore(tool, text):
    subprocess.run([f"{tool}-nft-restore", "-w"], input=text, text=True, check=True)


@case.case
def firewall_of_docker():
    for tool, version, family, inet in (("iptables", "ipv4", "ip", "inet"), ("ip6tables", "ipv6", "ip6", "inet6")):
        module.load(**settings(ports="993"))
        HOME.run("ipset", "create", "docker-ext-bridges", "hash:net", "family", inet)
        for layout, outcome, chains, rules in DOCKER:
            what = f"{layout}, {version}"
            lines = [f"{chain} - [0:0]" for chain in chains.split()] + [rule.strip() for rule in rules.strip().splitlines()]
            iptables_restore(tool, "\n".join(["*filter", ":FORWARD DROP [0:0]", *lines, "COMMIT", ""]))
            tap.ok(not isinstance(traffic.tcp(t.internet, PROXY[version], 993, CLIENT[version], timeout=0.5), traffic.Seen),
                   f"{what}: drops what is for the relay")
            found = finds(ctl.run("check", "--json"), what, "firewall-drops", outcome)
            tap.ok(found and f"table {family} filter, chain FORWARD" in found["text"], f"{what}: named")
            run_fixes(found, what, [f"{tool} -I DOCKER-USER -m conntrack --ctstate DNAT -j ACCEPT"])
            tap.equal(traffic.tcp(t.internet, PROXY[version], 993, CLIENT[version]),
                      traffic.Seen("relay", CLIENT[version], 993), f"{what}: fixed")
            tap.ok(not isinstance(traffic.tcp(t.relay, INTERNET[version], 25, timeout=0.5), traffic.Seen),
                   f"{what}: drops the relay's mail")
            found = finds(ctl.run("check", "--json"), f"{what}, outward", "firewall-drops-outbound", "warn")
            run_fixes(found, what, [f"{tool} -I DOCKER-USER -i wg0 -o eth0 -j ACCEPT",
                                    f"{tool} -I DOCKER-USER -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT"])
            tap.equal(traffic.tcp(t.relay, INTERNET[version], 25), traffic.Seen("internet", PROXY[version], 25),
                      f"{what}: outward fixed")
            passes(ctl.run("check", "--json"), f"{what}: all fixed", "firewall")
            HOME.nft(f"delete table {family} filter")
            conntrack.flush()
        HOME.run("ipset", "destroy", "docker-ext-bridges")
        module.unload()


def run_fixes(found, what, expected):
    """What is printed is what was expected, and runs."""
    if tap.equal(found and found["fix"], expected, f"{what}: the commands"):
        for command in found["fix"]:
            HOME.run("sh", "-c", command)


@case.case
def firewall_legacy():
    if not shutil.which("iptables-legacy", path="/usr/sbin:/sbin"):
        tap.skip("iptables-legacy", "not installed")
        return
    HOME.run("iptables-legacy", "-w", "-P", "FORWARD", "ACCEPT")
    with Fake() as fake:
        skips(fake.run("check", "--json"), "iptables-legacy", "iptables-legacy", "not checked")
    subprocess.run(["modprobe", "-r", "iptable_filter"], check=False)


case.run(setup, known_relays=EVERY_RELAY)
