"""The units of the guides under systemd: the machine also is the relay of docs/home-relay.md and docs/two-proxies.md."""

import re
import shutil
import sys

from debian import ROOT, host, tap

sys.path.insert(0, str(ROOT / "tests/docs"))
# pylint: disable=wrong-import-position
import guide

SECTIONS = {"home-relay.md": ("The tunnel",), "two-proxies.md": ("The tunnel", "Outgoing traffic")}
# What can be done before the machine boots.
BEFORE = ("(umask", "wg pubkey", "systemctl enable")
RULES = {"-4": {0, 100, 101, 200, 201, 300, 390, 400, 32766, 32767}, "-6": {0, 200, 201, 300, 390, 400, 32766}}
SETUP = "chatdnatctl setup --relay relay.example,10.7.0.2 --tunnel wg7 --port 51877 --address 203.0.113.7 --wan wan0"


def prepare(root):
    """Writes the files of the guides, and enables the units."""
    shutil.copytree(ROOT / "tests/boot/guides", root.dir, dirs_exist_ok=True)
    root.works("the guides' programs are installed", "apt-get", "install", "-q", "-y", "--no-install-recommends", "iputils-ping", "netbase")
    keys = {}
    for name, word in (("a", "PROXY_PUBLIC_KEY"), ("b", "PROXY_B_PUBLIC_KEY")):
        root.run("sh", "-c", f"wg genkey >/etc/wireguard/{name}.key")
        keys[word] = root.run("sh", "-c", f"wg pubkey </etc/wireguard/{name}.key").text.strip()
    for name, sections in SECTIONS.items():
        for block in guide.blocks(name):
            if "relay" in block.hosts and block.section in sections:
                follow(root, name, block, keys)
    proxies = root / "usr/local/sbin/proxies"
    proxies.write_text(proxies.read_text(encoding="ascii").replace("RELAY_PUBLIC_KEY", (root / "etc/wireguard/public.key").read_text(
        encoding="ascii").strip()), encoding="ascii")
    root.works("the proxies are enabled", "systemctl", "enable", "-q", "proxies")


def follow(root, name, block, keys):
    if not block.path:
        for command in block.commands():
            if command.startswith(BEFORE):
                # There is no systemd to start units yet.
                root.works(f"{name}: {command}", "sh", "-ec", command.replace(" --now", ""))
        return
    text = re.sub("|".join(sorted(keys, key=len, reverse=True)), lambda found: keys[found[0]], block.text)
    path = root / block.path[1:]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="ascii")


def relay(machine):
    """After the network was configured, and configured anew."""
    machine.gives("systemctl is-active relay-routes wg-quick@wg0 wg-quick@wg1 way-out.timer", r"\A(active\n){3}active\Z",
                  "the relay's units are active", 0)
    tunnels = [machine.stamp(f"wg-quick@{name}.service") for name in ("wg0", "wg1")]
    order = [machine.stamp("relay-routes.service"), machine.stamp("network-pre.target"), machine.networkd(), min(tunnels)]
    tap.ok(all(order) and order == sorted(order), "the order of the boot: the relay's rules, network-pre.target, networkd, its tunnels")
    tap.diag(order)
    machine.gives("systemctl show -P After network-pre.target", r"\brelay-routes\.service\b", "the units say so")
    for family, rules in RULES.items():
        text = machine.sh(f"ip {family} rule")[1]
        tap.equal({int(priority) for priority in re.findall(r"^(\d+):", text, re.M)}, rules, f"networkd has left the rules: ip {family} rule")
    machine.gives("for i in $(seq 600); do [ $(systemctl show -P ExecMainExitTimestampMonotonic way-out) -gt 0 ] && break; sleep 1; done; "
                  "systemctl show -P Result way-out", "^success$", "the timer has run way-out")
    leaves_by(machine, "wg0", "while proxy A answers, all leaves by its tunnel")
    machine.gives("ip -n a link set wg0 down", "", "A fails", 0)
    leaves_by(machine, "wg1", "while it does not, by that of B")
    machine.gives("ip -n a link set wg0 up", "", "A is back", 0)
    leaves_by(machine, "wg0", "by A again")


def without_tunnels(machine):
    machine.gives("systemctl stop way-out.timer way-out wg-quick@wg0 wg-quick@wg1; ip route get 9.9.9.9; ip -6 route get 2620:fe::fe",
                  r"\A(RTNETLINK answers: .*(nreachable|No route).*\n?){2}\Z", "without tunnels nothing leaves")


def leaves_by(machine, tunnel, name):
    """way-out runs until it has heard the proxy: on a busy host it answers late."""
    machine.gives(f"leaves() {{ [ $( (ip route get 9.9.9.9; ip -6 route get 2620:fe::fe) 2>&1 | grep -c ' dev {tunnel} ') = 2 ]; }}; "
                  "for i in $(seq 20); do leaves && break; systemctl start way-out || break; done; leaves", "", name, 0)


def setup(machine):
    """What it enables, and that the command it prints has systemd start the tunnel, whatever the state of the unit is."""
    for when in ("the first time", "while the unit is active"):
        said = machine.gives(f"{SETUP} --replace --yes", "^  ip link delete wg7; ", f"setup, {when}: tells how systemd starts the tunnel", 0)
        machine.gives("systemctl is-enabled wg-quick@wg7 chatdnat", r"\Aenabled\nenabled\Z", f"setup, {when}: tunnel and module start at boot", 0)
        command, = re.findall("^  (ip link delete wg7; .*)", said, re.M) or ["false"]
        machine.gives(f"{command} && systemctl is-active wg-quick@wg7 && wg show wg7 listen-port", r"^active\n51877$", f"setup, {when}: {command}", 0)
        machine.gives("chatdnatctl setup --undo && ip link delete wg7", "", f"setup, {when}: --undo", 0)
    machine.gives("systemctl is-enabled wg-quick@wg7; chatdnatctl load", "^disabled\n", "setup: the former settings are in force again", 0)
