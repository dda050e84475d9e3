#!/usr/bin/python3
"""The commands that chatdnatctl prints are pasted into a shell, and what they are printed for is gone."""
# vm: --timeout 600

import json
import os
import pathlib
import re
import socket
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
# pylint: disable=wrong-import-position
import ctl
from checks import checks, finds, nft
from fake import CONFIG, Fake
from lib import case, module, tap, topo, traffic, wait
from lib.topo import CLIENT, EVERY_RELAY, HOME, PROXY, PUBLIC, RELAY, settings

OPTIONS = pathlib.Path("/etc/modprobe.d/chatdnat.conf")
AUTOLOAD = pathlib.Path("/etc/modules-load.d/chatdnat.conf")
SYSCTLS = pathlib.Path("/etc/sysctl.d/chatdnat.conf")

# Findings whose commands no test pastes, and why.
SHOWS = "its commands show something"
WORDS = "its commands have words in capitals to be replaced"
ELSEWHERE = "its commands are for another machine"
PASTED_ELSEWHERE = {
    "dropped-nat": SHOWS, "egress-blocked": SHOWS, "flowtable": SHOWS, "named-address-absent": SHOWS, "not-translated": SHOWS,
    "no-ptr": SHOWS, "ptr-not-confirmed": SHOWS, "probe-silent": SHOWS, "via-no-carrier": SHOWS, "wan-no-carrier": SHOWS,
    "dropped-source": WORDS, "half-configured": WORDS, "last-error": WORDS, "no-relay": WORDS, "relay-leaks": WORDS, "relay-local": WORDS,
    "shadowed": WORDS, "via-no-address": WORDS, "wan-no-address": WORDS,
    "not-answered": ELSEWHERE, "probe-failed": ELSEWHERE,
    "not-sent": "its commands are those of firewall-drops",
    "not-built": "tests/boot/update.t", "unit-failed": "tests/boot/update.t", "still-closed": "tests/boot/update.t",
    "versions-differ": "tests/boot/update.t has an older module; saved.t has the order",
    "not-indexed": "the machine's modules are read-only; check.t has the command",
    "no-modules": "tests/docs/nftables.t", "unsigned": "needs Secure Boot", "key-not-known": "needs Secure Boot",
    "bridge-hairpin-off": "bridge.t pastes it", "firewall-drops-answers": "its commands are those of firewall-drops",
    "firewall-drops-untracked": "firewall.t pastes it", "firewall-passed-by": WORDS,
    "translated-elsewhere": "it lists a chain, of which a rule is to be deleted",
}

t = None


def setup():
    global t
    t = topo.Topology(relays=("relay", "public"))
    traffic.Host("relay", t.relay).tcp(993)
    forget()


def forget():
    for path in (OPTIONS, AUTOLOAD, SYSCTLS):
        path.unlink(missing_ok=True)


def paste(command):
    """As into a root shell."""
    path = f"{os.path.dirname(ctl.TOOL)}:{os.environ['PATH']}"
    return subprocess.run(["sh", "-ec", command], env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False)


def mended(name, finding, outcome, *, first=False):
    """All commands, or the first where the others are alternatives. With a warning its notes may stay."""
    found = [each for each in checks(ctl.run("check", "--json")) if each["id"] == finding]
    if not tap.equal({each["result"] for each in found}, {outcome}, f"{name}: {finding}"):
        tap.diag([each["id"] for each in checks(ctl.run("check", "--json")) if each["result"] not in ("ok", "skipped")])
        return
    commands = [command for each in found for command in each["fix"]]
    tap.ok(commands, f"{name}: has a command")
    for command in commands[:1] if first else commands:
        done = paste(command)
        if not tap.equal(done.returncode, 0, f"{name}: {command}"):
            tap.diag(done.stderr)
    ranks = [each["severity"] for each in found]
    left = [each for each in checks(ctl.run("check", "--json")) if each["id"] == finding and each["severity"] in ranks]
    if not tap.equal(left, [], f"{name}: gone"):
        tap.diag(commands)


@case.case
def every_finding_has_one():
    """A finding with a command is pasted by a test, or says why it is not."""
    has = set()
    for path in (ctl.ROOT / "tools" / "checks").glob("*.c"):
        for call in re.findall(r"(?s)\bfinding\((.*?)\);\n", path.read_text(encoding="utf-8")):
            strings = re.findall(r'"((?:[^"\\]|\\.)*)"', call)
            has |= {each for each in strings if re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+|idle|draining|flowtable|shadowed|unsigned", each)}
    has |= set(re.findall(r'"(dropped-[a-z]+)"', (ctl.ROOT / "tools/checks/checks_counters.c").read_text(encoding="utf-8")))
    has |= set(re.findall(r'"((?:firewall-drops|translated)[a-z-]*)"', (ctl.ROOT / "tools/checks/checks_firewall.c").read_text(encoding="utf-8")))
    pasted = set()
    for path in (ctl.ROOT / "tests" / "tools").glob("*.t"):
        for line in path.read_text(encoding="utf-8").splitlines():
            if re.search(r"\b(mends|mended|mend)\(", line):
                pasted |= set(re.findall(r'"([a-z0-9]+(?:-[a-z0-9]+)*)"', line))
    tap.ok(len(has) > 50, "the findings are found")
    tap.equal(sorted(has - pasted - set(PASTED_ELSEWHERE)), [], "each finding's commands are pasted somewhere")
    tap.equal(sorted(set(PASTED_ELSEWHERE) - has), [], "none is excused that is no finding")


@case.case
def the_fast_path():
    module.load(**settings())
    HOME.nft("table ip others { chain c { type filter hook forward priority 5; }\n}\n")
    tap.ok(wait.until(lambda: "priority 5" in module.read("fastpath")), "the module has seen the chain")
    found = finds(ctl.run("check", "--json"), "another chain at forward", "fast-path-off", "warn")
    tap.ok(found and "IPv4" in found["text"] and "the chain ip others c" in found["text"], "another chain at forward: its name")
    mended("another chain at forward", "fast-path-off", "warn")
    HOME.nft("delete table ip others")


@case.case
def settings_of_the_module():
    module.load(**settings(wan=""))
    mended("no wan", "idle", "fail")
    tap.equal(module.get("wan"), "eth0", "no wan: that of the default route")
    for name, how, finding in (("draining", {"enabled": "0"}, "draining"), ("masquerade", {"masquerade": "all"}, "masquerade-all")):
        module.configure(**settings(**how))
        (mended(name, "draining", "warn") if finding == "draining" else mended(name, "masquerade-all", "warn"))
    module.configure(**settings(wan="eht0", guard="full"))
    found = finds(ctl.run("check", "--json"), "wan=eht0", "wan-missing", "fail", "chatdnatctl set wan=eth0")
    tap.ok(found and "default route is by eth0 now" in found["text"] and "guard=full does not guard it" in found["text"],
           "wan=eht0: that it is neither served nor guarded")
    mended("wan=eht0", "wan-missing", "fail")
    module.configure(**settings(wan="lo"))
    tap.ok("ip address add" not in ctl.run("check").out, "wan=lo: no address is proposed for it")
    mended("wan=lo", "wan-loopback", "fail")
    tap.equal(module.get("wan"), "eth0", "wan=lo: eth0 in its place")
    module.configure(**settings(wan="eth0,wan7"))
    finds(ctl.run("check", "--json"), "one of two is missing", "wan-missing", "fail", "chatdnatctl set wan=eth0,INTERFACE")
    module.configure(**settings(via="gw0"))
    mended("via of another name", "via-missing", "fail")
    tap.equal(module.get("via"), "wg0", "via of another name: that by which the relay is reached")
    module.configure(**settings(wan="eht0", via="wg7", v4=PUBLIC["ipv4"], v6=""))
    result = ctl.run("check", "--json")
    found = finds(result, "a missing via, and no tunnel", "via-missing", "fail")
    tap.ok(found and not any("eth0" in command for command in found["fix"]), "a missing via, and no tunnel: the internet is not proposed")
    tap.ok("relay-not-via" not in [each["id"] for each in checks(result)], "a missing via: no route to it is proposed")
    pathlib.Path("/etc/wireguard").mkdir(exist_ok=True)
    pathlib.Path("/etc/wireguard/wg7.conf").write_text("", encoding="ascii")
    module.configure(**settings(via="wg7"))
    finds(ctl.run("check", "--json"), "via has a file", "via-missing", "fail", "wg-quick up wg7")
    pathlib.Path("/etc/wireguard/wg7.conf").unlink()
    module.unload()
    public = {topo.SETTING[version]: f"{PUBLIC[version]}@{PROXY[version]}" for version in topo.ip_versions()}
    module.load(**settings(masquerade="off", engine="stateless", **public))
    mended("stateless, refused", "stateless-refused", "warn")
    module.configure(**settings(masquerade="off", **public))
    mended("by the WAN, not masqueraded", "relay-by-wan", "warn")


@case.case
def a_renamed_wan():
    module.load(**settings(guard="full"))
    HOME.ip("link set eth0 down\nlink set eth0 name ens7\nlink set ens7 up\nroute add default via 203.0.113.254\n")
    try:
        found = finds(ctl.run("check", "--json"), "renamed", "wan-missing", "fail", "chatdnatctl set wan=ens7")
        tap.ok(found and "default route is by ens7 now" in found["text"] and "guard=full" in found["text"], "renamed: the new name, and that nothing guards it")
    finally:
        HOME.ip("link set ens7 down\nlink set ens7 name eth0\n")
        topo.Topology.address_wan()


@case.case
def routes_and_sysctls():
    module.load(**settings())
    HOME.ip(f"route add {RELAY['ipv4']} via 203.0.113.254\n")
    module.set("via", "wg0")
    mended("another route", "relay-not-via", "fail")
    HOME.ip(f"route del {RELAY['ipv4']}\n")
    HOME.ip("route add unreachable 100.64.0.0/10\n")
    module.configure(**settings(v4="100.64.0.1", via="wg0"))
    mended("no route", "relay-no-route", "fail")
    HOME.ip("route del unreachable 100.64.0.0/10\nroute del 100.64.0.1\n")
    HOME.ip("link add wan9 type dummy\naddr add 192.168.9.1/24 dev wan9\n")
    module.configure(**settings(via="wan9"))
    mended("via is down", "via-down", "fail")
    HOME.ip("link del wan9\n")
    module.configure(**settings(v4=PUBLIC["ipv4"], v6=PUBLIC["ipv6"]))
    HOME.sysctl(ipv4__conf__all__send_redirects=1)
    mended("redirects", "send-redirects", "warn")
    tap.ok("send_redirects=0" in SYSCTLS.read_text(encoding="ascii"), "redirects: after a reboot, too")
    module.configure(**settings())
    found = [each["result"] for each in checks(ctl.run("check", "--json")) if each["check"] == "redirects"]
    tap.equal(found, ["ok"], "redirects: a relay in a tunnel")
    if "ipv6" in topo.ip_versions():
        HOME.ip("-6 route replace default via 2001:db8:1::fe proto ra\n")
        HOME.sysctl(ipv6__conf__eth0__accept_ra=1)
        mended("router advertisements", "router-advertisements", "warn")
        tap.ok("net.ipv6.conf.eth0.accept_ra=2" in SYSCTLS.read_text(encoding="ascii"), "router advertisements: after a reboot, too")
        HOME.sysctl(ipv6__conf__eth0__accept_ra=0)
        HOME.ip("-6 route del default via 2001:db8:1::fe proto ra\n-6 route replace default via 2001:db8:1::fe\n")
    with traffic.Connection(t.internet, PROXY["ipv4"], 993, CLIENT["ipv4"]):
        limit = pathlib.Path("/proc/sys/net/netfilter/nf_conntrack_max")
        before = limit.read_text(encoding="ascii")
        limit.write_text(str(ctl.run("--json").json()["conntrack"]["count"]), encoding="ascii")
        mended("a full table", "conntrack-full", "fail")
        limit.write_text(before, encoding="ascii")
    forget()


@case.case
def files():
    module.load(**settings())
    mended("not saved", "not-saved", "warn")
    module.set("mss", "1300")
    mended("saved differs", "saved-differs", "warn", first=True)
    OPTIONS.unlink()
    OPTIONS.symlink_to(OPTIONS)
    mended("a loop of links", "saved-unreadable", "warn")
    AUTOLOAD.unlink(missing_ok=True)
    mended("not at boot", "not-at-boot", "warn")
    module.unload()
    mended("not loaded", "not-loaded", "fail")
    forget()


@case.case
def who_sets_the_interface_up():
    """accept_ra is written by others, whose files say what it is."""
    index = int(pathlib.Path("/sys/class/net/eth0/ifindex").read_text(encoding="ascii"))
    networkd, manager = pathlib.Path(f"/run/systemd/netif/links/{index}"), pathlib.Path(f"/run/NetworkManager/devices/{index}")
    interfaces = pathlib.Path("/etc/network/interfaces")
    module.load(**settings())
    HOME.ip("-6 route del default via 2001:db8:1::fe\n")
    for path, text, commands in (
            (networkd, "ADMIN_STATE=configured\nNETWORK_FILE=/run/systemd/network/20-wan.network\n", (
                "mkdir -p /etc/systemd/network/20-wan.network.d",
                "printf '[Network]\\nIPv6AcceptRA=yes\\n' >/etc/systemd/network/20-wan.network.d/chatdnat.conf",
                "networkctl reload", "networkctl reconfigure eth0")),
            (manager, "[device]\nmanaged=true\n", ("nmcli device reapply eth0",)),
            (interfaces, "auto eth0\niface eth0 inet dhcp\niface eth0 inet6 auto\n", (
                "sysctl -w net.ipv6.conf.eth0.accept_ra=2",
                '"${EDITOR:-vi}" /etc/network/interfaces    # accept_ra 2, below iface eth0 inet6')),
            (None, "", ("sysctl -w net.ipv6.conf.eth0.accept_ra=2", "echo net.ipv6.conf.eth0.accept_ra=2 >>/etc/sysctl.d/chatdnat.conf"))):
        before = path.read_text(encoding="ascii") if path and path.exists() else None
        if path:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="ascii")
        found = finds(ctl.run("check", "--json"), f"by {path}", "no-default-route", "fail", *commands)
        tap.ok(found and (path is None or "writes accept_ra itself" in found["text"]), f"by {path}: who it is")
        if path is networkd:
            for command in commands[:2]:
                tap.equal(paste(command).returncode, 0, f"{command}: works")
            tap.equal(pathlib.Path("/etc/systemd/network/20-wan.network.d/chatdnat.conf").read_text(encoding="ascii"),
                      "[Network]\nIPv6AcceptRA=yes\n", "networkd's file")
        if path:
            path.unlink()
            if before is not None:
                path.write_text(before, encoding="ascii")
    HOME.ip("-6 route add default via 2001:db8:1::fe\n")


@case.case
def ports_of_this_host():
    """Chains at input that close the tunnel's port, or what allow names."""
    HOME.ip("link add wg9 type wireguard\n")
    HOME.run("wg", "set", "wg9", "listen-port", "11820")
    HOME.ip("link set wg9 up\n")
    sock = HOME.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.bind(("", 22))
    sock.listen()
    try:
        closed_ports()
    finally:
        sock.close()
        HOME.ip("link del wg9\n")


# Not such that nft's own language can name.
ODD_NAMES = (("a b", "it's; \"\\n"), ("icmp", "dnat"))


def odd(hook, table, chain):
    """A chain that drops, but for replies."""
    family = {"family": "inet", "table": table}
    base = {**family, "name": chain, "type": "filter", "hook": hook, "prio": 0, "policy": "drop"}
    replies = {"match": {"op": "in", "left": {"ct": {"key": "state"}}, "right": "established"}}
    rules = [{"table": {"family": "inet", "name": table}}, {"chain": base}, {"rule": {**family, "chain": chain, "expr": [replies, {"accept": None}]}}]
    subprocess.run(["nft", "-j", "-f", "-"], input=json.dumps({"nftables": [{"add": rule} for rule in rules]}), text=True, check=True)


@case.case
def firewalls_with_odd_names():
    module.load(**settings())
    for table, chain in ODD_NAMES:
        odd("forward", table, chain)
        mended(f"{table} {chain}", "firewall-drops", "fail")
        mended(f"{table} {chain}, what the relay opens", "firewall-drops-outbound", "warn")
        HOME.nft("flush ruleset")


def closed_ports():
    module.load(**settings(guard="full", allow="ssh,11820/udp"))
    base = "type filter hook input priority 0; policy drop; ct state established accept;"
    for name, table in (("nftables", [f"table inet x {{ chain i {{ {base} }} }}"]),
                        ("nftables, two tables", [f"table {family} x {{ chain i {{ {base} }} }}" for family in ("ip", "ip6")])):
        for each in table:
            nft(each)
        mended(f"{name}, the tunnel", "tunnel-port-closed", "fail")
        mended(f"{name}, SSH", "allow-closed", "warn")
        HOME.nft("flush ruleset")
    for table, chain in ODD_NAMES:
        odd("input", table, chain)
        mended(f"{table} {chain}, the tunnel", "tunnel-port-closed", "fail")
        mended(f"{table} {chain}, SSH", "allow-closed", "warn")
        HOME.nft("flush ruleset")
    for tool in ("iptables", "ip6tables"):
        HOME.run(tool, "-w", "-P", "INPUT", "DROP")
    mended("iptables, the tunnel", "tunnel-port-closed", "fail")
    mended("iptables, SSH", "allow-closed", "warn")
    for tool in ("iptables", "ip6tables"):
        HOME.run(tool, "-w", "-P", "INPUT", "ACCEPT")
        HOME.run(tool, "-w", "-F")
    nft(f"table ip x {{ chain i {{ {base} }} }}")
    found = [each["result"] for each in checks(ctl.run("check", "--json")) if each["check"] == "input"]
    tap.equal(found, ["ok"], "one of two families gets through")
    HOME.nft("flush ruleset")
    nft(f"table inet x {{ chain i {{ {base} udp dport 11820 accept; tcp dport 22 accept; }} }}")
    found = [each["result"] for each in checks(ctl.run("check", "--json")) if each["check"] == "input"]
    tap.equal(found, ["ok"], "both ports are open")
    HOME.nft("flush ruleset")


@case.case
def after_an_outage():
    """Connections that were never answered are of the past where the relay answers now."""
    module.load(**settings(ports="993", v6=""))
    # Lost while the relay was away.
    nft("table inet x { chain i { type filter hook input priority 0; tcp dport 993 drop; } }", t.relay)
    for _ in range(3):
        traffic.tcp(t.internet, PROXY["ipv4"], 993, CLIENT["ipv4"], timeout=0.3)
    found = finds(ctl.run("check", "--json"), "an outage", "not-answered", "fail")
    tap.ok(found and found["fix"], "an outage: with commands")
    t.relay.nft("delete table inet x")
    with traffic.Connection(t.internet, PROXY["ipv4"], 993, CLIENT["ipv4"]):
        found = finds(ctl.run("check", "--json"), "after an outage", "not-answered", "warn")
        tap.equal(found and (found["severity"], found["fix"]), ("note", []), "after an outage: a note without commands")
        problem = ctl.run("--json").findings()["not-answered"]
        tap.equal(problem["severity"], "note", "after an outage: the same in status")
        lines = [line for line in ctl.run("check").out.splitlines() if " were never answered" in line]
        tap.equal([line.split()[0] for line in lines], ["note"], "after an outage: the same word in check")


@case.case
def a_dead_tunnel():
    """A tunnel without a handshake is why nothing is answered."""
    HOME.ip("link add wg9 type wireguard\naddr add 10.77.0.1/24 dev wg9\n")
    peer = HOME.run("sh", "-ec", "wg genkey | wg pubkey").strip()
    HOME.run("wg", "set", "wg9", "listen-port", "11820", "peer", peer, "allowed-ips", "10.77.0.2/32")
    HOME.ip("link set wg9 up\n")
    config = CONFIG.replace("v4=10.9.0.2", "v4=10.77.0.2").replace("v6=fd00:9::2", "v6=")
    with Fake(config=config, stats={"answered": 0}) as fake:
        result = fake.run("check", "--json")
        finds(result, "dead, nothing answered", "tunnel-never-up", "fail")
        tap.ok(not [each for each in checks(result) if each["id"] == "not-answered" and each["text"].startswith("IPv4")],
               "dead, nothing answered: the tunnel takes its place")
    with Fake(config=config) as fake:
        finds(fake.run("check", "--json"), "dead, all answered before", "tunnel-never-up", "warn")
    HOME.ip("link del wg9\n")


case.run(setup, known_relays=EVERY_RELAY)
