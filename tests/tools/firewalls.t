#!/usr/bin/python3
"""ufw and firewalld themselves beside the module: what they drop is named, and what chatdnatctl prints fixes it for good."""
# vm: --timeout 1500

import contextlib
import os
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
# pylint: disable=wrong-import-position
import ctl
from checks import checks, finds, passes
from lib import case, conntrack, module, tap, topo, traffic, wait
from lib.topo import CLIENT, EVERY_RELAY, HOME, INTERNET, IP_VERSIONS, PROXY, settings
from lib.traffic import Connection, Seen

FAMILY = {"ipv4": "IPv4", "ipv6": "IPv6"}
MENDERS = ("ufw", "firewall-cmd")
GUIDE = (ctl.ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")

t = None


def setup():
    global t
    t = topo.Topology(relays=("relay",))
    traffic.Host("relay", t.relay).tcp(25, 993).udp(3478)
    traffic.Host("internet", t.internet).tcp(25)
    # In WireGuard's place.
    traffic.Host("proxy", HOME).udp(51820)
    # An image has no /run of its own.
    os.makedirs("/run/dbus", exist_ok=True)
    HOME.run("dbus-daemon", "--system", "--fork")


def inward(what, passing=True):
    for version in IP_VERSIONS:
        for protocol, port in (("tcp", 993), ("udp", 3478)):
            seen = traffic.ask(protocol, t.internet, PROXY[version], port, CLIENT[version], timeout=5 if passing else 1)
            tap.equal(seen if passing else isinstance(seen, Seen), passing and Seen("relay", CLIENT[version], port),
                      f"{what}: {version} {protocol} to the relay {'passes' if passing else 'is dropped'}")


def outward(what, passing=True):
    for version in IP_VERSIONS:
        seen = traffic.tcp(t.relay, INTERNET[version], 25, timeout=5 if passing else 1)
        tap.equal(seen if passing else isinstance(seen, Seen), passing and Seen("internet", PROXY[version], 25),
                  f"{what}: {version} the relay's mail {'passes' if passing else 'is dropped'}")


def tunnel(what, passing=True):
    for version in IP_VERSIONS:
        seen = traffic.udp(t.internet, PROXY[version], 51820, CLIENT[version], timeout=5 if passing else 1)
        tap.equal(isinstance(seen, Seen), passing, f"{what}: {version} the tunnel's port is {'open' if passing else 'closed'}")


def names(result, what, finding, outcome, chains):
    """The finding is there for both families, with its table and chain."""
    finds(result, what, finding, outcome)
    for version in IP_VERSIONS:
        texts = [each["text"] for each in checks(result) if each["id"] == finding and each["text"].startswith(FAMILY[version])]
        if not tap.ok(len(texts) == 1 and chains[version] in texts[0] and "apparently" not in texts[0],
                      f"{what}: {version}: {chains[version]}"):
            tap.diag(texts)


def fixes(found):
    return list(dict.fromkeys(command for each in found for command in each["fix"] if command.split()[0] in MENDERS))


def run(command):
    """firewall-cmd waits 25 seconds for an answer, which is short for an emulated machine: the daemon gets there."""
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    if command.startswith("firewall-cmd") and "Did not receive a reply" in done.stderr:
        tap.diag(f"{command}: took longer than its patience")
        return subprocess.CompletedProcess(command, 0 if wait.until(running, 120, 0.5) else 1, "", "")
    return done


def mend(what, *findings):
    """Runs what is printed for them, as it is, each command once."""
    commands = fixes(each for each in checks(ctl.run("check", "--json")) if each["id"] in findings)
    if not tap.ok(commands, f"{what}: there is something to run"):
        return
    for command in commands:
        done = run(command)
        if not tap.equal(done.returncode, 0, f"{what}: {command}"):
            tap.diag(done.stdout + done.stderr)
        tap.ok(f"`{command}`" in GUIDE, f"{what}: and so does the guide")


def guide(*commands):
    for command in commands:
        tap.ok(f"`{command}`" in GUIDE, f"the guide has {command}")
        tap.equal(run(command).returncode, 0, f"{command}: done")


def content(what):
    result = ctl.run("check", "--json")
    passes(result, what, "firewall")
    bad = [each["text"] for each in checks(result) if each["result"] == "fail"]
    tap.equal(bad, [], f"{what}: nothing fails")
    bad = [(each["id"], each["text"]) for each in ctl.run("--json").json()["findings"] if each["severity"] != "note"]
    tap.equal(bad, [], f"{what}: chatdnatctl has nothing to complain of")


@contextlib.contextmanager
def live(what):
    """Connections to the relay that have to continue."""
    connections = [Connection(t.internet, PROXY[version], 993, CLIENT[version]) for version in IP_VERSIONS]
    yield
    for version, connection in zip(IP_VERSIONS, connections):
        tap.ok(connection.goes_on(), f"{what}: {version} a live connection continues")
        connection.close()


def clean():
    HOME.nft("flush ruleset")
    conntrack.flush()


@contextlib.contextmanager
def wireguard():
    """A tunnel of its own, without peers."""
    HOME.ip("link add wg9 type wireguard\n")
    HOME.run("wg", "set", "wg9", "listen-port", "11820")
    HOME.ip("link set wg9 up\n")
    yield
    HOME.ip("link del wg9\n")


def tunnel_is_mended(what):
    """Its port is closed; the commands that are printed open it in both families."""
    with wireguard():
        found = finds(ctl.run("check", "--json"), f"{what}, a tunnel", "tunnel-port-closed", "fail")
        for command in found["fix"] if found else ():
            tap.equal(run(command).returncode, 0, f"{what}, a tunnel: {command}")
        passes(ctl.run("check", "--json"), f"{what}, a tunnel, fixed", "input")


UFW = {"ipv4": "the table ip filter, chain FORWARD,", "ipv6": "the table ip6 filter, chain FORWARD,"}


@case.case
def ufw():
    module.load(**settings(ports="993,turn,50000-50010/udp"))
    with live("ufw enable"):
        HOME.run("ufw", "--force", "enable")
    inward("ufw", False)
    outward("ufw", False)
    tunnel("ufw", False)
    names(ctl.run("check", "--json"), "ufw", "firewall-drops", "fail", UFW)
    names(ctl.run("check", "--json"), "ufw, outward", "firewall-drops-outbound", "warn", UFW)
    status = ctl.run("--json").findings()
    tap.ok("not-sent" in status and "filter, chain FORWARD" in status["not-sent"]["text"], "ufw: status names the table and the chain")
    tap.equal(status["not-sent"]["fix"], ["ufw route allow in on eth0 out on wg0"], "ufw: status names the command")

    tunnel_is_mended("ufw")
    mend("ufw", "firewall-drops")
    inward("ufw, fixed")
    outward("ufw, fixed one way", False)
    mend("ufw, outward", "firewall-drops-outbound")
    outward("ufw, fixed")
    guide("ufw allow 51820/udp")
    tunnel("ufw, fixed")
    content("ufw, fixed")

    module.configure(**settings(ports="993,turn,50000-50010/udp", guard="full", allow="ssh,51820/udp"))
    inward("ufw and guard=full")
    outward("ufw and guard=full")
    tunnel("ufw and guard=full")
    content("ufw and guard=full")

    with live("ufw reload"):
        HOME.run("ufw", "reload")
    inward("ufw reload")
    outward("ufw reload")
    content("ufw reload")
    with live("ufw disable"):
        HOME.run("ufw", "disable")
    inward("ufw disable")
    content("ufw disable")
    clean()


FIREWALLD = dict.fromkeys(IP_VERSIONS, "the table inet firewalld, chain filter_FORWARD (in chain filter_FWD_{}),")


def in_zone(zone):
    return {version: text.format(zone) for version, text in FIREWALLD.items()}


def running():
    return subprocess.run(["firewall-cmd", "--state"], capture_output=True, check=False).returncode == 0


@case.case
def firewalld():
    module.load(**settings(ports="993,turn,50000-50010/udp"))
    with live("firewalld starts"):
        with subprocess.Popen(["firewalld", "--nofork", "--nopid"]) as daemon:
            try:
                if not tap.ok(wait.until(running, 120, 0.5), "firewalld runs"):
                    return
                firewalld_runs()
            finally:
                daemon.terminate()
    inward("firewalld ends")
    outward("firewalld ends")
    content("firewalld ends")
    clean()


def firewalld_runs():
    # Neither interface in a zone: both in the default one.
    inward("firewalld")
    outward("firewalld", False)
    tunnel("firewalld", False)
    result = ctl.run("check", "--json")
    names(result, "firewalld", "firewall-drops-outbound", "warn", in_zone("public"))
    tap.ok("firewall-drops" not in [each["id"] for each in checks(result)], "firewalld: connections to the relay are not in question")

    tunnel_is_mended("firewalld")

    # Each in its own.
    run("firewall-cmd --permanent --zone=public --change-interface=eth0")
    run("firewall-cmd --permanent --zone=internal --change-interface=wg0")
    guide("firewall-cmd --permanent --add-port=51820/udp")
    with live("firewall-cmd --reload"):
        guide("firewall-cmd --reload")
    inward("firewalld, two zones")
    outward("firewalld, two zones", False)
    tunnel("firewalld, fixed")
    names(ctl.run("check", "--json"), "firewalld, two zones", "firewall-drops-outbound", "warn", in_zone("internal"))

    mend("firewalld", "firewall-drops-outbound")
    inward("firewalld, fixed")
    outward("firewalld, fixed")
    content("firewalld, fixed")
    run("firewall-cmd --zone=dmz --change-interface=wg0")
    outward("firewalld, fixed, the tunnel in a third zone")
    content("firewalld, fixed, the tunnel in a third zone")
    with live("firewall-cmd --reload"):
        run("firewall-cmd --reload")
    inward("firewalld, fixed and reloaded")
    outward("firewalld, fixed and reloaded")


case.run(setup, EVERY_RELAY, 700)
