#!/usr/bin/python3
"""What chatdnatctl status sees and says: on the real module under traffic, and on made-up modules of other versions."""

import fcntl
import os
import pathlib
import pty
import socket
import struct
import subprocess
import sys
import termios

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
# pylint: disable=wrong-import-position
import ctl
from checks import kernel_has
from fake import CONFIG, Fake, Older, changed
from lib import case, module, tap, topo, traffic
from lib.topo import CLIENT, EVERY_RELAY, HOME, PROXY, RELAY, settings

OPTIONS = "/etc/modprobe.d/chatdnat.conf"
AUTOLOAD = "/etc/modules-load.d/chatdnat.conf"
UFW = pathlib.Path("/etc/ufw/ufw.conf")

t = None


def setup():
    global t
    t = topo.Topology(relays=("relay",))
    traffic.Host("relay", t.relay).tcp(993).udp(3478)
    # Another place than the module's own directory for the configuration that `save` would write.
    if os.path.exists(OPTIONS):
        os.unlink(OPTIONS)


def narrow(result, name):
    prose = [line for line in result.out.splitlines() if not line.startswith("           ")]
    wide = [line for line in prose if len(line) > 80]
    tap.equal(wide, [], f"{name}: fits 80 columns")


def finds(result, name, finding, severity, *commands):
    """It is found, with the command that fixes it, in JSON; text says the same."""
    everything = result.json()["findings"]
    found = [each for each in everything if each["id"] == finding]
    if not tap.ok(found, f"{name}: found"):
        tap.diag([each["id"] for each in everything])
        return
    tap.equal({each["severity"] for each in found}, {severity}, f"{name}: a {severity}")
    fixes = [command for each in found for command in each["fix"]]
    tap.ok(all(each["fix"] for each in found), f"{name}: each with a command that fixes it")
    for command in commands:
        if not tap.ok(command in fixes, f"{name}: {command}"):
            tap.diag(fixes)


def misses(result, name, finding):
    tap.ok(finding not in result.findings(), f"{name}: not found any more")


def diagnosis(name, finding, severity, *commands, **how):
    with Fake(**how) as fake:
        finds(fake.run("--json"), name, finding, severity, *commands)
        result = fake.run()
        tap.equal(result.status, 0, f"{name}: exit status 0")
        for command in commands:
            tap.ok(f"           {command}\n" in result.out, f"{name}: the command stands alone on its line")
        narrow(result, name)
    with Fake() as fake:
        misses(fake.run("--json"), f"{name}, healthy", finding)


@case.case
def healthy():
    with Fake() as fake:
        result = fake.run("--json")
        bad = [finding for finding in result.json()["findings"] if finding["severity"] != "note"]
        tap.equal(bad, [], "healthy: nothing is wrong")
        tap.ok("No problems found" in fake.run().out, "healthy: says so")
        narrow(fake.run(), "healthy")


@case.case
def configuration():
    diagnosis("no wan", "idle", "problem", "chatdnatctl set wan=eth0", config=changed(wan=""))
    diagnosis("no relay", "no-relay", "problem", "chatdnatctl set v4=ADDRESS v6=ADDRESS", config=changed(v4="", v6=""))
    diagnosis("IPv6 half configured", "half-configured", "warning", "chatdnatctl set v6=ADDRESS", config=changed(v6=""))
    diagnosis("IPv4 half configured", "half-configured", "warning", "chatdnatctl set v4=ADDRESS", config=changed(v4=""))
    diagnosis("draining", "draining", "warning", "chatdnatctl set enabled=1", config=changed(enabled=0))
    diagnosis("masquerade=all", "masquerade-all", "warning", "chatdnatctl set masquerade=wan",
              config=changed(masquerade="all"))
    diagnosis("last error", "last-error", "warning", "chatdnatctl set NAME=VALUE", last_error="v4: 'x': expected")
    diagnosis("older module", "versions-differ", "note", version="0.0.1")
    diagnosis("wan missing", "wan-missing", "problem", "chatdnatctl set wan=eth0", config=changed(wan="eth9"))
    diagnosis("wildcard without interface", "wan-missing", "warning", config=changed(wan="eth0,ppp+"))


@case.case
def saved():
    with Fake() as fake:
        finds(fake.run("--json"), "not saved", "not-saved", "note", "chatdnatctl save")
        for text, names in (("options chatdnat wan=eth0 v4=10.9.0.2 v6=FD00:9:0::2 ports=imaps,smtp\n", None),
                            ("options chatdnat wan=eth0 v4=10.9.0.2 \\\n v6=fd00:9::2 ports=993,25\n", None),
                            (f'options chatdnat config="{CONFIG}"\n', None),
                            ("options chatdnat wan=eth0 v4=10.9.0.9 v6=fd00:9::2 ports=25,993\n", "v4"),
                            ("options chatdnat wan=eth0 v4=10.9.0.2\n", "v6, ports"),
                            ("# nothing\n", "wan, v4, v6, ports")):
            pathlib.Path(OPTIONS).write_text(text, encoding="ascii")
            found = fake.run("--json").findings().get("saved-differs")
            tap.equal(found and found["text"].rpartition(": ")[2], names and names + ".", f"saved as {text.split()[-1]}: {names}")
        pathlib.Path(OPTIONS).write_text(f'options chatdnat config="{CONFIG}"\n', encoding="ascii")
        for engine, names in (("tracked", None), ("auto", "engine")):
            with Fake(config=f"{CONFIG} engine={engine}") as newer:
                found = newer.run("--json").findings().get("saved-differs")
                tap.equal(found and found["text"].rpartition(": ")[2], names and names + ".", f"saved without engine, {engine}: {names}")
        for text, same in (("ssh,vrrp", True), ("112/ip,22", True), ("vrrp/ip,ssh", True), ("ssh,ospf", False), ("ssh", False)):
            pathlib.Path(OPTIONS).write_text(f"options chatdnat {CONFIG} allow={text}\n", encoding="ascii")
            with Fake(config=f"{CONFIG} allow=22,112/ip") as newer:
                tap.equal("saved-differs" not in newer.run("--json").findings(), same, f"saved allow={text}: the same: {same}")
        os.unlink(OPTIONS)


@case.case
def saved_unreadable():
    try:
        os.symlink(OPTIONS, OPTIONS)
        with Fake() as fake:
            result = fake.run("--json")
            finds(result, "unreadable", "saved-unreadable", "warning", "chatdnatctl save")
            tap.ok("Too many levels of symbolic links" in result.findings()["saved-unreadable"]["text"], "unreadable: says why")
            result = fake.run("save")
            tap.equal((result.status, os.path.islink(OPTIONS)), (0, False), "unreadable: the command fixes it")
            misses(fake.run("--json"), "unreadable", "saved-unreadable")
        os.chmod(OPTIONS, 0)
        with Fake() as fake:
            # Its own mount namespace takes root, which is given up only then.
            result = fake.run("--json", before=ctl.NOBODY)
            finds(result, "unreadable for others", "saved-unreadable", "warning")
            tap.ok("Permission denied" in result.findings()["saved-unreadable"]["text"], "unreadable for others: says why")
        os.unlink(OPTIONS)
        os.mkdir(OPTIONS)
        with Fake() as fake:
            finds(fake.run("--json"), "a directory", "saved-unreadable", "warning")
            result = fake.run("save")
            tap.ok(result.status == 1 and OPTIONS in result.err, "a directory: save fails and names it")
            tap.equal(os.listdir("/etc/modprobe.d").count("chatdnat.conf"), 1, "a directory: it is left")
    finally:
        if os.path.isdir(OPTIONS):
            os.rmdir(OPTIONS)
        elif os.path.lexists(OPTIONS):
            os.unlink(OPTIONS)
        if os.path.exists(AUTOLOAD):
            os.unlink(AUTOLOAD)


@case.case
def without_ctnetlink():
    """A kernel that cannot list connections: the rest is told all the same."""
    forbidden = pathlib.Path("/etc/modprobe.d/chatdnat-test.conf")
    module.load(**settings())
    try:
        forbidden.write_text("install nf_conntrack_netlink /bin/false\n", encoding="ascii")
        subprocess.run(["rmmod", "nf_conntrack_netlink"], check=True)
        with traffic.Connection(t.internet, PROXY["ipv4"], 993, CLIENT["ipv4"]):
            result = ctl.run()
            tap.equal((result.status, result.err), (0, ""), "no ctnetlink: exit status 0")
            tap.ok("unknown: this kernel does not list them" in result.out, "no ctnetlink: says what is missing")
            result = ctl.run("--json")
            tap.equal(result.json()["connections"], {"ipv4": None, "ipv6": None}, "no ctnetlink: unknown in JSON")
            tap.equal([relay["connections"] for relay in result.json()["relays"]], [None] * len(result.json()["relays"]),
                      "no ctnetlink: of each relay, too")
            tap.equal((result.json()["stats"]["ipv4"]["answered"], result.json()["conntrack"]["count"] > 0), (1, True),
                      "no ctnetlink: the counters and conntrack's use are there")
            bad = [finding for finding in result.json()["findings"] if finding["severity"] != "note"]
            tap.equal(bad, [], "no ctnetlink: nothing is wrong")
        tap.equal(ctl.run("set", "stale=keep").status, 0, "no ctnetlink: set")
    finally:
        forbidden.unlink()
        subprocess.run(["modprobe", "nf_conntrack_netlink"], check=True)


@case.case
def paths():
    HOME.ip("route add unreachable 100.64.0.0/10\n")
    diagnosis("no route", "relay-no-route", "problem", "ip route add 100.64.0.1 dev TUNNEL", config=changed(v4="100.64.0.1"))
    diagnosis("relay is a local address", "relay-local", "problem", "chatdnatctl set v4=ADDRESS", config=changed(v4="203.0.113.1"))
    diagnosis("relay by wan", "relay-by-wan", "note", config=changed(v4="192.0.2.10"))
    diagnosis("relay by wan, not masqueraded", "relay-by-wan", "warning", "chatdnatctl set masquerade=wan",
              config=changed(v4="192.0.2.10", masquerade="off"))
    HOME.ip("route del unreachable 100.64.0.0/10\n")


@case.case
def counters():
    diagnosis("seen, not translated", "not-translated", "problem", stats={"translated": 0, "sent": 0, "answered": 0})
    diagnosis("many not translated", "not-translated", "warning", stats={"translated": 80, "sent": 80, "answered": 80})
    diagnosis("translated, not sent", "not-sent", "problem", "nft insert rule inet filter forward ct status dnat accept",
              stats={"sent": 0, "answered": 0})
    diagnosis("sent, never answered", "not-answered", "problem", "ip rule add from 10.9.0.2 table 100    # on the relay",
              stats={"answered": 0})
    diagnosis("the first one, not answered", "not-answered", "problem", "ip rule add from 10.9.0.2 table 100    # on the relay",
              stats={"seen": 1, "translated": 1, "sent": 1, "answered": 0})
    # Addresses of the loopback device cannot be reached from the internet.
    diagnosis("no source address", "dropped-source", "warning", config=changed(wan="eth0,lo"), stats={"dropped_source": 1})
    with Fake(stats={"translated": 99, "sent": 99, "answered": 97}) as fake:
        bad = [finding for finding in fake.run("--json").json()["findings"] if finding["severity"] != "note"]
        tap.equal(bad, [], "a few under way: nothing is wrong")
    # A tunnel that checks addresses has one more thing to be told.
    HOME.ip("link add wg9 type wireguard\naddr add 10.9.9.1/24 dev wg9\nlink set wg9 up\n")
    diagnosis("never answered, WireGuard", "not-answered", "problem",
              "wg set WG peer THIS-HOSTS-KEY allowed-ips 0.0.0.0/0,::/0    # on the relay",
              config=changed(v4="10.9.9.2"), stats={"answered": 0})
    HOME.ip("link del wg9\nlink add docker0 type dummy\n")
    diagnosis("not sent, Docker", "not-sent", "problem", "iptables -I DOCKER-USER -m conntrack --ctstate DNAT -j ACCEPT",
              stats={"sent": 0, "answered": 0})
    HOME.ip("link del docker0\n")


@case.case
def guard():
    if kernel_has("raw_diag"):
        with socket.socket(socket.AF_INET, socket.SOCK_RAW, 112):
            diagnosis("VRRP, guard=full", "protocol-locked-out", "problem", "chatdnatctl set allow=22,vrrp",
                      config=f"{CONFIG} guard=full allow=22")
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as inside:
        inside.bind(("", 53))
        inside.listen()
        diagnosis("DNS, guard=strict", "inside-locked-out", "warning", config=f"{CONFIG} guard=strict allow=22")
    diagnosis("a standby", "named-address-absent", "note", config=changed(v4="10.9.0.2@203.0.113.77"))


@case.case
def ufw():
    allow = "ufw route allow in on eth0 out on wg0"
    unsent = {"sent": 0, "answered": 0}
    before = UFW.read_text(encoding="ascii")
    try:
        UFW.write_text("LOGLEVEL=low\nENABLED=yes\n", encoding="ascii")
        diagnosis("not sent, ufw", "not-sent", "problem", allow, stats=unsent)
        UFW.write_text("ENABLED=no\n", encoding="ascii")
        with Fake(stats=unsent) as fake:
            tap.ok(allow not in fake.run("--json").findings()["not-sent"]["fix"], "not sent, ufw off: nothing about it")
    finally:
        UFW.write_text(before, encoding="ascii")


@case.case
def host():
    def provoked(name, finding, severity, *commands):
        with Fake() as fake:
            finds(fake.run("--json"), name, finding, severity, *commands)

    HOME.sysctl(ipv4__ip_forward=0)
    provoked("IPv4 forwarding off", "forwarding-off", "problem", "sysctl -w net.ipv4.ip_forward=1")
    HOME.sysctl(ipv4__ip_forward=1)
    HOME.sysctl(ipv6__conf__all__forwarding=0)
    provoked("IPv6 forwarding off", "forwarding-off", "problem", "sysctl -w net.ipv6.conf.all.forwarding=1")
    HOME.sysctl(ipv6__conf__all__forwarding=1)
    HOME.sysctl(ipv4__conf__eth0__forwarding=0)
    provoked("IPv4 forwarding off for one", "forwarding-off", "problem", "sysctl -w net.ipv4.conf.eth0.forwarding=1")
    HOME.sysctl(ipv4__conf__eth0__forwarding=1)

    HOME.ip("-6 route replace default via 2001:db8:1::fe proto ra\n")
    HOME.sysctl(ipv6__conf__eth0__accept_ra=1)
    provoked("router advertisements", "router-advertisements", "warning", "sysctl -w net.ipv6.conf.eth0.accept_ra=2")
    HOME.sysctl(ipv6__conf__eth0__accept_ra=2)
    with Fake() as fake:
        misses(fake.run("--json"), "accept_ra=2", "router-advertisements")
    HOME.ip("-6 route del default via 2001:db8:1::fe proto ra\n-6 route replace default via 2001:db8:1::fe\n")

    HOME.ip("link add wan9 type dummy\n")
    with Fake(config=changed(wan="eth0,wan9")) as fake:
        finds(fake.run("--json"), "wan down", "wan-down", "problem", "ip link set dev wan9 up")
    HOME.ip("link set wan9 up\n")
    with Fake(config=changed(wan="wan9")) as fake:
        finds(fake.run("--json"), "no address", "wan-no-address", "warning", "ip address add ADDRESS/PREFIX dev wan9")
    HOME.ip("link del wan9\nlink add wan9 type veth peer name wan8\nlink set wan9 up\n")
    with Fake(config=changed(wan="eth0,wan9")) as fake:
        finds(fake.run("--json"), "no carrier", "wan-no-carrier", "warning", "ip link show dev wan9")
    HOME.ip("link del wan9\n")


@case.case
def table_full():
    module.load(**settings())
    with traffic.Connection(t.internet, PROXY["ipv4"], 993, CLIENT["ipv4"]):
        limit = pathlib.Path("/proc/sys/net/netfilter/nf_conntrack_max")
        before = limit.read_text(encoding="ascii")
        used = ctl.run("--json").json()["conntrack"]["count"]
        tap.ok(used >= 1, "conntrack's use is read")
        try:
            limit.write_text(f"{used}\n", encoding="ascii")
            finds(ctl.run("--json"), "table full", "conntrack-full", "problem",
                  f"sysctl -w net.netfilter.nf_conntrack_max={2 * used}")
        finally:
            limit.write_text(before, encoding="ascii")
        misses(ctl.run("--json"), "room again", "conntrack-full")


@case.case
def live():
    module.load(**settings(ports="993,3478/udp,50000-50009/udp"))
    versions = topo.ip_versions()
    opened = [traffic.Connection(t.internet, PROXY[version], 993, CLIENT[version]) for version in versions for _ in range(3)]
    flows = [traffic.Flow(t.internet, PROXY[version], 3478, CLIENT[version]) for version in versions]
    for flow in flows:
        flow.ask()
    result = ctl.run("--json")
    tap.equal(result.json()["connections"], {version: 4 for version in versions}, "live connections are counted")
    tap.equal([relay["connections"] for relay in result.json()["relays"]], [4] * len(versions), "of each relay")
    tap.equal([relay["route"]["dev"] for relay in result.json()["relays"]], ["wg0"] * len(versions), "with the route to it")
    tap.equal(result.json()["stats"], {family: module.stats(family) for family in module.FAMILIES}, "and the counters")
    addresses = {address.partition("/")[0] for address in result.json()["wan"][0]["interfaces"][0]["addresses"]}
    tap.ok({PROXY[version] for version in versions} <= addresses, "and the addresses of the WAN interface")
    bad = [finding for finding in result.json()["findings"] if finding["severity"] != "note"]
    tap.equal(bad, [], "nothing is wrong")
    text = ctl.run().out
    tap.ok("4 IPv4, 4 IPv6" in text and RELAY["ipv4"] in text and "3478/udp turn" in text, "as text, too")
    for each in opened + flows:
        each.close()


def engines(result):
    return [relay["engine"] for relay in result.json()["relays"]]


@case.case
def which_engine():
    why = "several local addresses for it"
    versions = topo.ip_versions()
    named = {topo.SETTING[version]: f"{RELAY[version]}@{PROXY[version]}" for version in versions[:1]}
    module.load(**settings(ports="993", engine="auto", **named))
    expected = [{"name": "stateless", "own": PROXY[versions[0]], "reason": None}] + \
        [{"name": "tracked", "own": None, "reason": why}] * (len(versions) - 1)
    tap.equal(engines(ctl.run("--json")), expected, "auto: each relay's, and why")
    with traffic.Connection(t.internet, PROXY[versions[0]], 993, CLIENT[versions[0]]):
        text = " ".join(ctl.run().out.split())
        tap.ok("dev wg0, stateless " in text, "auto: without state, as text")
        tap.equal(f"dev wg0, tracked: {why}" in text, len(versions) > 1, "auto: why not, as text")
        tap.ok("0 IPv4, 0 IPv6; stateless ones are not counted" in text, "auto: what is not counted")
        narrow(ctl.run(), "auto")
    ctl.run("set", "engine=tracked")
    tap.equal(engines(ctl.run("--json")), [{"name": "tracked", "own": None, "reason": None}] * len(versions), "tracked")
    text = ctl.run().out
    tap.ok("dev wg0, tracked\n" in text and "stateless ones" not in text, "tracked, as text")
    with Fake() as fake:
        tap.equal(engines(fake.run("--json")), [None, None], "a module that does not say: null")
        tap.ok("dev wg0\n" in fake.run().out, "a module that does not say: nothing")
        fake.write("engines", "10.9.0.2@203.0.113.1 stateless\nfd00:9::2 novel: because\nnonsense\n\nx@y@z w: v: u")
        tap.equal(engines(fake.run("--json")), [{"name": "stateless", "own": "203.0.113.1", "reason": None},
                                                {"name": "novel", "own": None, "reason": "because"}], "a newer module")
        text = " ".join(fake.run().out.split())
        tap.ok("10.9.0.2, dev wg0, stateless for 203.0.113.1" in text and "novel: because" in text, "a newer module, as text")
        fake.write("engines", b"10.9.0.2@\x1b[2J stateless\nfd00:9::2 tracked: \x1b[2J\xff")
        tap.ok("\x1b" not in fake.run().out + fake.run("--json").out, "hostile text is escaped")


def fast_path(result):
    return result.json()["fastpath"]


@case.case
def the_fast_path():
    module.load(**settings(v6=""))
    tap.equal(fast_path(ctl.run("--json")), {"ipv4": {"on": True, "directions": 0, "reason": None},
                                             "ipv6": {"on": False, "directions": None, "reason": "no relay or no WAN interface"}},
              "of each family")
    tap.ok("IPv4 on, 0 connections; IPv6 off: no relay" in " ".join(ctl.run().out.split()), "as text")
    with Fake() as fake:
        tap.equal(fast_path(fake.run("--json")), {"ipv4": None, "ipv6": None}, "a module that does not say: null")
        tap.ok("fast path" not in fake.run().out, "a module that does not say: nothing")
        fake.write("fastpath", "ipv4 on: 7\nipv4 off: again\nipv6 on: many\nipv5 on: 1\nnonsense\n\nipv6 slow: 1\nipv6  on: 2")
        tap.equal(fast_path(fake.run("--json")), {"ipv4": {"on": True, "directions": 7, "reason": None}, "ipv6": None}, "a newer module")
        fake.write("fastpath", b"ipv4 off: \x1b[2J\nipv6 off: a chain at \xff, priority 1")
        tap.ok("\x1b" not in fake.run().out + fake.run("--json").out, "hostile text is escaped")


@case.case
def dropped_by_a_firewall():
    module.load(**settings())
    HOME.nft("add table inet filter\nadd chain inet filter forward { type filter hook forward priority 0; policy drop; }\n")
    for _ in range(2):
        traffic.tcp(t.internet, PROXY["ipv4"], 993, CLIENT["ipv4"], timeout=1)
    result = ctl.run("--json")
    finds(result, "a firewall drops", "not-sent", "problem", "nft insert rule inet filter forward ct status dnat accept")
    for command in result.findings()["not-sent"]["fix"]:
        if command.startswith("nft "):
            subprocess.run(command.split(), check=True)
    HOME.nft("insert rule inet filter forward ct state established accept")
    tap.equal(str(traffic.tcp(t.internet, PROXY["ipv4"], 993, CLIENT["ipv4"])).startswith("Seen"), True,
              "a firewall drops: the command fixes it")
    HOME.nft("delete table inet filter")


@case.case
def other_versions():
    with Fake(config=CONFIG + " guard=off novelty=", stats={"novel": 7, "dropped_novel": 3}) as newer:
        result = newer.run()
        tap.equal(result.status, 0, "newer module: exit status 0")
        tap.ok("guard=off" in result.out and "novelty=" in result.out, "newer module: unknown settings are shown")
        tap.ok("novel " in result.out and "dropped_novel" in result.out, "newer module: unknown counters are shown")
        tap.ok("novelty=" in newer.run("save", "--dry-run").out, "newer module: an empty value without known default is kept")
        tap.equal(newer.run("set", "novelty=1").status, 0, "newer module: set")
        tap.equal((newer.dir / "parameters/config").read_text(), CONFIG + " guard=off novelty=1\n", "newer module: one line is written")
    with Older() as older:
        tap.equal(older.run().status, 0, "older module: status")
        finds(older.run("--json"), "older module", "versions-differ", "note")
        tap.equal(older.run("show").out.split(), CONFIG.split(), "older module: show")
        tap.equal(older.run("show", "config").out, CONFIG + "\n", "older module: show config")
        tap.equal(older.run("show", "last_error").status, 1, "older module: show last_error")
        tap.equal(older.run("show", "stats").out, "", "older module: no counters")
        tap.equal(older.run("set", "v4=10.9.0.3").status, 0, "older module: one setting is set")
        tap.equal((older.dir / "parameters/v4").read_text(), "10.9.0.3\n", "older module: by its own file")
        result = older.run("set", "v4=10.9.0.4", "v6=fd00::4")
        tap.ok(result.status == 1 and "at once" in result.err, "older module: several settings are refused")
        tap.equal((older.dir / "parameters/v4").read_text(), "10.9.0.3\n", "older module: nothing changed then")
        for name in ("nonsense", "../../x", "../version"):
            result = older.run("set", f"{name}=1")
            tap.ok(result.status == 1 and "no such setting" in result.err, f"older module: {name} is no setting")


@case.case
def untrusted_text():
    evil = b"\x1b[2J\x07\xc2\x9b31m\xe2\x80\xae\xff\tx"
    with Fake() as fake:
        fake.write("last_error", evil)
        fake.write("version", evil)
        fake.write("parameters/config", b"wan=" + evil.replace(b"\t", b"") + b" v4=" + evil + b" bare ports=99999999999999999999,x-y,1-")
        fake.write("stats/ipv4/seen", b"99999999999999999999999999")
        fake.write("stats/ipv6/seen", b"-1 nonsense")
        (fake.dir / "stats/ipv4" / os.fsdecode(b"odd\x1bname")).write_bytes(b"5\n")
        for args in ([], ["show"], ["show", "stats"], ["show", "config"], ["save", "--dry-run"], ["show", "last_error"]):
            result = fake.run(*args)
            tap.equal(result.status, 0, f"hostile text: {' '.join(args) or 'status'}")
            raw = [c for c in result.out + result.err if ord(c) < 32 and c != "\n" or 0x7f <= ord(c) < 0xa0 or c == "\u202e"
                   or 0xdc80 <= ord(c) < 0xe000]
            tap.equal(raw, [], f"hostile text: {' '.join(args) or 'status'} prints nothing raw")
        tap.ok(fake.run("--json").json()["loaded"], "hostile text: JSON parses")
        fake.write("parameters/config", b"wan=" + b"a," * 40000)
        tap.equal(fake.run().status, 0, "a very long list")


def on_a_terminal(fake, *words, columns=80, **env):
    """What it prints on a pseudo terminal."""
    parent, child = pty.openpty()
    fcntl.ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    environment = {"PATH": os.environ["PATH"], "TERM": "xterm", **env}
    with subprocess.Popen([*ctl.overlaid({"/sys/module": fake.top}), ctl.TOOL, *words], stdout=child, stdin=subprocess.DEVNULL, env=environment):
        os.close(child)
        out = ctl.rest_of(parent)
    os.close(parent)
    return out


@case.case
def width():
    """Prose follows the width of the terminal; commands stay whole."""
    with Fake(config=changed(wan="", masquerade="all", v6="", ports="25,80,143,443,465,587,993")) as fake:
        for words in ((), ("check",)):
            longest = {}
            for columns in (20, 60, 80, 200):
                lines = on_a_terminal(fake, *words, columns=columns, NO_COLOR="1").decode().replace("\r", "").splitlines()
                longest[columns] = max(len(line) for line in lines if "chatdnatctl" not in line and "sysctl" not in line and " dev " not in line)
            name = " ".join(words) or "status"
            tap.ok(longest[60] <= 60 and 60 < longest[80] <= 80 and 80 < longest[200] <= 120, f"{name}: {longest}")
        lines = on_a_terminal(fake, columns=60, NO_COLOR="1").decode().replace("\r", "").splitlines()
        tap.equal([line for line in lines if line != line.rstrip()], [], "status: no line ends with blanks")
        if not tap.ok(any(line.endswith(" 443 https,") for line in lines), "status: a list is broken between its items"):
            tap.diag("\n".join(lines))


@case.case
def width_of_commands():
    """They stay whole; a comment that does not fit is on the line above."""
    pathlib.Path(OPTIONS).write_text("options chatdnat mss=1300\n", encoding="ascii")
    with Fake() as fake:
        for words in ((), ("check",)):
            shown = {columns: on_a_terminal(fake, *words, columns=columns).decode().replace("\r", "") for columns in (60, 80)}
            name = " ".join(words) or "status"
            tap.ok("\n           # or this, to apply the saved one\n           chatdnatctl load\n" in shown[60], f"{name}: 60 columns")
            tap.ok("\n           chatdnatctl load    # or this, to apply the saved one\n" in shown[80], f"{name}: 80 columns")
    os.unlink(OPTIONS)


@case.case
def width_of_help():
    with Fake() as fake:
        for words in ((), *((name,) for name in ("status", "check", "show", "set", "try", "confirm", "save", "load", "setup"))):
            texts = {columns: on_a_terminal(fake, "help", *words, columns=columns).decode().replace("\r", "") for columns in (60, 80, 200)}
            name = " ".join(("help", *words))
            for columns, limit in ((60, 60), (80, 80), (200, 80)):
                tap.equal([line for line in texts[columns].splitlines() if len(line) > limit], [], f"{name}: fits {columns} columns")
            tap.equal(texts[60].split(), texts[80].split(), f"{name}: no word is cut")
        tap.ok("\n           mail servers at the addresses" in on_a_terminal(fake, "help", "check").decode().replace("\r", ""),
               "help check: the text of an option stays in its column")


@case.case
def colours():
    with Fake(config=changed(wan="")) as fake:
        tap.ok(b"\x1b[" in on_a_terminal(fake), "a terminal: colours")
        tap.ok(b"\x1b" not in on_a_terminal(fake, NO_COLOR="1"), "NO_COLOR: none")
        tap.ok(b"\x1b[" in on_a_terminal(fake, NO_COLOR=""), "NO_COLOR empty: colours")
        tap.ok(b"\x1b" not in on_a_terminal(fake, TERM="dumb"), "TERM=dumb: none")
        tap.ok("\x1b" not in fake.run().out, "a pipe: none")


case.run(setup, known_relays=EVERY_RELAY)
